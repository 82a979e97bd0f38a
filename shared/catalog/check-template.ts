import { keyPrefix } from '../api/names.ts';
import { nearestName } from '../api/nearest-name.ts';
import type { Mistake } from './catalog-error.ts';
import { resolveShippedFile } from './catalog-path.ts';
import { type Declared, mistakeInPath } from './context-names.ts';
import { helpers } from './helpers.ts';
import type { Call, Expression, TemplateNode } from './template-syntax.ts';

export type TemplateFacts = {
  /** Static paths of the context that the template reads, sorted; calls that read HyperConverged as `enabled('mtv')`. */
  readonly uses: readonly string[];
  /** The same as lists of keys, for looking their values up. */
  readonly reads: readonly (readonly string[])[];
  /** Paths of the catalog's files that it puts in, relative to its own. */
  readonly files: readonly string[];
  readonly mistakes: readonly Mistake[];
};

/** What can be said of a template without values: what it reads, and what can't work whatever the values are. */
export function checkTemplate(
  nodes: readonly TemplateNode[],
  { file, declared, hasFile }: { file: string; declared: Declared; hasFile: (path: string) => boolean },
): TemplateFacts {
  const checker = new Checker(file, declared, hasFile);
  checker.nodes(nodes, []);
  return {
    uses: [...checker.uses.keys()].sort(),
    reads: [...new Map([...checker.uses.values()].map((path) => [JSON.stringify(path), path])).values()],
    files: [...checker.files],
    mistakes: checker.mistakes,
  };
}

/** The static path of what a block's `this` is, or undefined where it isn't one. */
type Place = { readonly base: readonly string[] | undefined; readonly names: readonly string[] };

class Checker {
  readonly uses = new Map<string, readonly string[]>();
  readonly files = new Set<string>();
  readonly mistakes: Mistake[] = [];
  readonly #file: string;
  readonly #declared: Declared;
  readonly #hasFile: (path: string) => boolean;

  constructor(file: string, declared: Declared, hasFile: (path: string) => boolean) {
    this.#file = file;
    this.#declared = declared;
    this.#hasFile = hasFile;
  }

  nodes(nodes: readonly TemplateNode[], places: readonly Place[]): void {
    for (const node of nodes) {
      switch (node.node) {
        case 'text':
          break;
        case 'print':
          this.#expression(node.value, places);
          break;
        case 'if':
          this.#expression(node.condition, places);
          this.nodes(node.then, places);
          this.nodes(node.otherwise, places);
          break;
        case 'each':
        case 'with': {
          this.#expression(node.over, places);
          const base = node.node === 'with' ? staticPath(node.over, places) : undefined;
          this.nodes(node.body, [...places, { base, names: node.names }]);
          this.nodes(node.otherwise, places);
          break;
        }
        default:
          node satisfies never;
      }
    }
  }

  #expression(expression: Expression, places: readonly Place[]): void {
    if ('literal' in expression) return;
    if ('helper' in expression) {
      this.#call(expression, places);
      return;
    }
    const path = staticPath(expression, places);
    if (path !== undefined) this.#use(path, expression.line);
  }

  #call({ helper: name, args, named, line }: Call, places: readonly Place[]): void {
    const helper = helpers.get(name);
    if (helper === undefined) {
      const nearest = nearestName(name, [...helpers.keys()]);
      if (name !== 'yaml')
        this.#mistake(line, `There is no helper ${name}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`);
    } else {
      const [min, max] = helper.arity;
      if (args.length < min || args.length > max) {
        const wanted =
          min === max ? `${min}` : max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;
        this.#mistake(line, `${name} takes ${wanted} argument${wanted === '1' ? '' : 's'}, not ${args.length}`);
      }
      const known = helper.named ?? [];
      for (const [key] of named) {
        if (!known.includes('*') && !known.includes(key)) this.#mistake(line, `${name} has no argument ${key}=`);
        if (key === '__proto__') this.#mistake(line, "__proto__ can't be a key");
      }
      for (const key of helper.required ?? []) {
        if (!named.some(([given]) => given === key)) this.#mistake(line, `${name} needs ${key}=`);
      }
      for (const index of helper.literal ?? []) this.#literal(name, args[index], line);
    }

    // What is dug out of a known place is all that is read of it.
    const dug = name === 'dig' || name === 'get' ? dugPath(args, places) : undefined;
    if (dug !== undefined) this.#use(dug, line);
    else for (const arg of args) this.#expression(arg, places);
    for (const [, value] of named) this.#expression(value, places);
  }

  #literal(name: string, argument: Expression | undefined, line: number): void {
    if (argument === undefined) return;
    if (!('literal' in argument) || typeof argument.literal !== 'string') {
      this.#mistake(line, `${name} needs its text written out in the template`);
      return;
    }
    const text = argument.literal;
    if (name === 'file') this.#checkFile(text, line);
    if (name === 'matches') this.#checkPattern(text, line);
    if (name === 'annotation') this.uses.set(`annotation('${text}')`, ['annotations', keyPrefix + text]);
    if (name === 'enabled') this.uses.set(`enabled('${text}')`, ['annotations', `${keyPrefix}enable-${text}`]);
    if (name === 'configured') this.uses.set(`configured('${text}')`, ['hyperConverged', ...text.split('.')]);
  }

  #checkFile(path: string, line: number): void {
    this.files.add(path);
    if (resolveShippedFile(this.#file, path) === undefined) this.#mistake(line, `${path} is outside of the catalog`);
    else if (!this.#hasFile(path)) this.#mistake(line, `There is no file ${path} beside ${this.#file}`);
  }

  #checkPattern(pattern: string, line: number): void {
    try {
      new RegExp(pattern, 'u');
    } catch (error) {
      this.#mistake(line, (error as Error).message);
    }
  }

  #use(path: readonly string[], line: number): void {
    const mistake = mistakeInPath(path, this.#declared);
    if (mistake !== undefined) this.#mistake(line, mistake);
    else {
      const plain = plainPath(path);
      this.uses.set(plain.join('.'), plain);
    }
  }

  #mistake(line: number, message: string): void {
    this.mistakes.push({ file: this.#file, line, message });
  }
}

function staticPath(expression: Expression, places: readonly Place[]): readonly string[] | undefined {
  if ('helper' in expression) {
    return expression.helper === 'dig' || expression.helper === 'get' ? dugPath(expression.args, places) : undefined;
  }
  if (!('path' in expression) || expression.from === 'data') return undefined;
  const { path, from, up } = expression;
  if (up === -1 || (from === 'this' && up === places.length)) return path;
  const place = places[places.length - 1 - up];
  if (place?.base === undefined) return undefined;
  return [...place.base, ...(from === 'name' ? path.slice(1) : path)];
}

function dugPath([from, ...keys]: readonly Expression[], places: readonly Place[]): readonly string[] | undefined {
  const base = from === undefined ? undefined : staticPath(from, places);
  const literals = keys.map((key) => ('literal' in key ? key.literal : undefined));
  if (base === undefined || !literals.every((key) => typeof key === 'string')) return undefined;
  return [...base, ...(literals as string[])];
}

/** Up to where a dotted path can say it: an index, or a key with a dot or a slash, ends it. */
function plainPath(path: readonly string[]): readonly string[] {
  const end = path.findIndex((key) => !/^[A-Za-z_][\w-]*$/.test(key));
  return end === -1 ? path : path.slice(0, end);
}
