import Handlebars from 'handlebars';
import type { Mistake } from './catalog-error.ts';
import type { Expression, TemplateNode } from './template-syntax.ts';

/**
 * Parses a Handlebars template into our own, smaller syntax. What is left out (partials, decorators, unescaped output)
 * is a mistake with a clear word; helpers aren't known here.
 *
 * @param firstLine number of the template's first line in its file
 */
export function parseTemplate(
  source: string,
  { file, firstLine = 1 }: { file: string; firstLine?: number },
): { nodes: readonly TemplateNode[]; mistakes: readonly Mistake[] } {
  const mistakes: Mistake[] = [];
  try {
    const program = Handlebars.parse(source);
    const parser = new Parser(file, firstLine - 1, mistakes);
    return { nodes: parser.program(program, []), mistakes };
  } catch (error) {
    return { nodes: [], mistakes: [syntaxMistake(error, file, firstLine)] };
  }
}

function syntaxMistake(error: unknown, file: string, firstLine: number): Mistake {
  // "Parse error on line 3:\n…x}}\n--^\nExpecting 'ID', …", or "a doesn't match b - 3:5"
  const { message, lineNumber } = error as { message: string; lineNumber?: number };
  const [head = '', , , expectation] = message.split('\n');
  const line = Number(
    /^Parse error on line (\d+)/.exec(head)?.[1] ?? lineNumber ?? /- (\d+):\d+$/.exec(head)?.[1] ?? 1,
  );
  const found = /got '([A-Z_]+)'/.exec(expectation ?? '')?.[1];
  const text =
    found === undefined ? head : `The template can't be parsed near here: unexpected ${tokens[found] ?? found}`;
  return { file, line: line - 1 + firstLine, message: text };
}

const tokens: Readonly<Record<string, string>> = {
  EOF: "end of the template (a block or {{ isn't closed)",
  INVALID: 'character',
  NUMBER: 'number (an item of a list is written list.[0])',
  CLOSE: '}}',
  CLOSE_UNESCAPED: '}}} (a space is needed before a } that belongs to YAML)',
  CLOSE_SEXPR: 'closing parenthesis',
  INVERSE: '{{else}}',
  OPEN_ENDBLOCK: 'end of a block',
};

/** Per enclosing block that has a `this` of its own: the names that it gives with `as |…|`. */
type Scope = readonly (readonly string[])[];

class Parser {
  readonly #file: string;
  readonly #lineOffset: number;
  readonly #mistakes: Mistake[];

  constructor(file: string, lineOffset: number, mistakes: Mistake[]) {
    this.#file = file;
    this.#lineOffset = lineOffset;
    this.#mistakes = mistakes;
  }

  program(program: hbs.AST.Program | undefined, scope: Scope): TemplateNode[] {
    return (program?.body ?? []).flatMap((statement) => this.#statement(statement, scope));
  }

  #statement(statement: hbs.AST.Statement, scope: Scope): TemplateNode[] {
    switch (statement.type) {
      case 'ContentStatement':
        return this.#text(statement as hbs.AST.ContentStatement);
      case 'CommentStatement':
        return [];
      case 'MustacheStatement':
        return this.#print(statement as hbs.AST.MustacheStatement, scope);
      case 'BlockStatement':
        return this.#block(statement as hbs.AST.BlockStatement, scope);
      case 'PartialStatement':
      case 'PartialBlockStatement':
        return this.#mistake(statement, "Partials ({{> …}}) aren't supported: write it out, or use the file helper");
      default:
        return this.#mistake(statement, "Decorators and inline blocks ({{* …}}) aren't supported");
    }
  }

  #text(statement: hbs.AST.ContentStatement): TemplateNode[] {
    // The types have `original` wrong: it is the text before white space control.
    const { value, original, loc } = statement as unknown as {
      value: string;
      original: string;
      loc: hbs.AST.SourceLocation;
    };
    if (value === '') return [];
    // White space control takes lines away at the front.
    const start = Math.max(0, original.indexOf(value));
    return [{ node: 'text', text: value, line: this.#line(loc) + newlines(original.slice(0, start)) }];
  }

  #print(statement: hbs.AST.MustacheStatement, scope: Scope): TemplateNode[] {
    const line = this.#line(statement.loc);
    // The types promise `escaped`; {{{x}}} and {{&x}} have it false.
    if (!statement.escaped) {
      return this.#mistake(statement, "Unescaped output ({{{…}}}, {{&…}}) isn't supported: use {{…}} or {{yaml …}}");
    }
    const name = helperName(statement.path);
    if (name === 'yaml' && statement.params.length > 0) {
      if (statement.params.length !== 1 || statement.hash !== undefined) {
        return this.#mistake(statement, 'yaml takes one value: {{yaml value}}');
      }
      const value = this.#expression(statement.params[0] as hbs.AST.Expression, scope);
      return [{ node: 'print', as: 'yaml', value, line }];
    }
    const isCall = statement.params.length > 0 || statement.hash !== undefined;
    const value = isCall ? this.#call(statement, scope) : this.#expression(statement.path, scope);
    return [{ node: 'print', as: 'scalar', value, line }];
  }

  #block(block: hbs.AST.BlockStatement, scope: Scope): TemplateNode[] {
    const line = this.#line(block.loc);
    const name = helperName(block.path);
    const [argument, ...rest] = block.params;
    // {{^x}}…{{/x}} has no program of its own.
    if (name === undefined || !blocks.has(name) || block.program === undefined) {
      return this.#mistake(block, `There is no block {{#${name ?? '…'}}}; there are ${[...blocks].join(', ')}`);
    }
    if (argument === undefined || rest.length > 0 || block.hash !== undefined) {
      return this.#mistake(block, `{{#${name}}} takes one value`);
    }
    const value = this.#expression(argument, scope);
    const otherwise = this.program(block.inverse, scope);
    const names = block.program.blockParams ?? [];
    if (name === 'if' || name === 'unless') {
      if (names.length > 0) return this.#mistake(block, `{{#${name}}} gives no names (as |…|)`);
      const then = this.program(block.program, scope);
      return [{ node: 'if', condition: value, negated: name === 'unless', then, otherwise, line }];
    }
    if (names.length > (name === 'each' ? 2 : 1))
      return this.#mistake(block, `{{#${name}}} doesn't give that many names`);
    const body = this.program(block.program, [...scope, names]);
    return [{ node: name === 'each' ? 'each' : 'with', over: value, names, body, otherwise, line }];
  }

  #call(
    call: { path: unknown; params: hbs.AST.Expression[]; hash?: hbs.AST.Hash; loc: hbs.AST.SourceLocation },
    scope: Scope,
  ): Expression {
    const line = this.#line(call.loc);
    const helper = helperName(call.path);
    if (helper === undefined) {
      this.#mistake(call, 'A helper is called by its name: {{name argument}}');
      return { literal: null, line };
    }
    if (helper === 'yaml') this.#mistake(call, 'yaml only prints: {{yaml value}}; as text it is (toYaml value)');
    const args = call.params.map((param) => this.#expression(param, scope));
    const named = (call.hash?.pairs ?? []).map(({ key, value }) => [key, this.#expression(value, scope)] as const);
    return { helper, args, named, line };
  }

  #expression(expression: hbs.AST.Expression, scope: Scope): Expression {
    const line = this.#line(expression.loc);
    switch (expression.type) {
      case 'StringLiteral':
      case 'NumberLiteral':
      case 'BooleanLiteral':
        return { literal: (expression as hbs.AST.StringLiteral).value, line };
      case 'NullLiteral':
        return { literal: null, line };
      case 'SubExpression':
        return this.#call(expression as hbs.AST.SubExpression, scope);
      case 'PathExpression':
        return this.#path(expression as hbs.AST.PathExpression, scope);
      default:
        this.#mistake(expression, `${expression.type === 'UndefinedLiteral' ? 'undefined' : 'This'} isn't a value`);
        return { literal: null, line };
    }
  }

  #path({ data, depth, parts, original, loc }: hbs.AST.PathExpression, scope: Scope): Expression {
    const line = this.#line(loc);
    const path = parts.map(String);
    if (data) {
      const [name = '', ...rest] = path;
      if (name === 'root') return { path: rest, from: 'this', up: -1, text: original, line };
      if (!dataNames.has(name) || rest.length > 0)
        this.#mistake(
          { loc },
          `There is no ${original}; there are @root, ${[...dataNames].map((known) => `@${known}`).join(', ')}`,
        );
      else if (depth >= scope.length) this.#mistake({ loc }, `${original} is known only inside {{#each}}`);
      return { path, from: 'data', up: depth, text: original, line };
    }
    if (depth > scope.length)
      this.#mistake({ loc }, `${original} goes out of the template: there are only ${scope.length} blocks around it`);
    // A bare name may be one that a block around gives; ./x and this.x are not.
    const isBare = depth === 0 && !/^(\.|this\b)/.test(original);
    if (isBare && path[0] !== undefined) {
      const owner = scope.findLastIndex((names) => names.includes(path[0] as string));
      if (owner !== -1) return { path, from: 'name', up: scope.length - 1 - owner, text: original, line };
    }
    return { path, from: 'this', up: Math.min(depth, scope.length), text: original, line };
  }

  #mistake({ loc }: { loc: hbs.AST.SourceLocation }, message: string): [] {
    this.#mistakes.push({ file: this.#file, line: this.#line(loc), message });
    return [];
  }

  #line(loc: hbs.AST.SourceLocation): number {
    return loc.start.line + this.#lineOffset;
  }
}

const blocks: ReadonlySet<string> = new Set(['if', 'unless', 'each', 'with']);
const dataNames: ReadonlySet<string> = new Set(['index', 'key', 'first', 'last']);

function helperName(path: unknown): string | undefined {
  const { type, parts, depth, data } = path as hbs.AST.PathExpression;
  return type === 'PathExpression' && parts.length === 1 && depth === 0 && !data ? String(parts[0]) : undefined;
}

function newlines(text: string): number {
  return text.split('\n').length - 1;
}
