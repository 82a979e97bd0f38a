import { celEnvironment } from './cel-environment.ts';
import type { CompiledExpression, Expr } from './cel-expression.ts';
import { compileExpression } from './cel-expression.ts';
import { cel } from './cel-library.ts';
import { contextNames, type Declared, mistakeInPath } from './context-names.ts';
import { compareCodeUnits } from './json.ts';
import { ownFunctions } from './own-functions.ts';

/** What an expression may name: the render context, or the live object alone. */
export type ConditionScope =
  | { readonly variables: 'context'; readonly declared: Declared }
  | { readonly variables: 'object' };

/** A checked CEL expression as plain JSON. */
export type CompiledCondition = {
  readonly expression: string;
  /** What it reads, sorted by `use`. */
  readonly uses: readonly CompiledUse[];
  /** Static paths in full, as they stand in it. */
  readonly paths: readonly (readonly string[])[];
  readonly parsed: CompiledExpression;
};

/** A static path, or a call of one of our functions. */
export type CompiledUse =
  /** Dotted, in `use`. */
  | { readonly use: string; readonly path: readonly string[] }
  | { readonly use: string; readonly call: string; readonly argument: string };

/**
 * Parses and checks a CEL expression. What can be told without a cluster, a syntax error, a name or a function that
 * doesn't exist, is told at once; the rest is the `error` result of an evaluation.
 */
export function compileCondition(
  expression: string,
  scope: ConditionScope,
): { readonly compiled: CompiledCondition } | { readonly mistakes: readonly string[] } {
  let root: Expr;
  try {
    root = cel().parse(expression).expr as unknown as Expr;
  } catch (error) {
    return { mistakes: [`The expression can't be parsed: ${(error as Error).message.split('\n', 1)[0]}`] };
  }
  const analysis = new Analysis(scope);
  analysis.visit(root, new Set());
  if (analysis.mistakes.length > 0) return { mistakes: [...new Set(analysis.mistakes)] };
  const uses = [...analysis.uses.values()].sort((a, b) => compareCodeUnits(a.use, b.use));
  return { compiled: { expression, uses, paths: analysis.paths, parsed: compileExpression(root) } };
}

class Analysis {
  readonly uses = new Map<string, CompiledUse>();
  readonly paths: (readonly string[])[] = [];
  readonly mistakes: string[] = [];
  readonly #scope: ConditionScope;
  readonly #known: ReadonlySet<string>;

  constructor(scope: ConditionScope) {
    this.#scope = scope;
    this.#known = scope.variables === 'object' ? new Set(['object']) : contextNames.context;
  }

  visit(expr: Expr | undefined, bound: ReadonlySet<string>): void {
    if (expr === undefined) return;
    const path = staticPath(expr);
    if (path !== undefined) {
      this.#path(path, bound);
      return;
    }
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'selectExpr':
        this.visit(exprKind.value.operand, bound);
        return;
      case 'callExpr':
        this.#call(exprKind.value, bound);
        return;
      case 'listExpr':
        for (const element of exprKind.value.elements) this.visit(element, bound);
        return;
      case 'structExpr':
        if (exprKind.value.messageName !== '')
          this.mistakes.push(`There is no message type ${exprKind.value.messageName}`);
        for (const { keyKind, value } of exprKind.value.entries) {
          if (keyKind.case === 'mapKey') this.visit(keyKind.value as Expr, bound);
          this.visit(value, bound);
        }
        return;
      case 'comprehensionExpr': {
        const { iterVar, iterVar2, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
        this.visit(iterRange, bound);
        this.visit(accuInit, bound);
        const inner = new Set([...bound, iterVar, accuVar, ...(iterVar2 ? [iterVar2] : [])]);
        for (const part of [loopCondition, loopStep, result]) this.visit(part, inner);
        return;
      }
      default:
        return;
    }
  }

  #path(path: readonly string[], bound: ReadonlySet<string>): void {
    const [root = ''] = path;
    if (bound.has(root)) return;
    if (path.length === 1 && typeNames.has(root)) return;
    if (!this.#known.has(root)) {
      this.mistakes.push(`There is no ${root}; there are ${[...this.#known].sort().join(', ')}`);
      return;
    }
    const mistake = this.#scope.variables === 'context' ? mistakeInPath(path, this.#scope.declared) : undefined;
    if (mistake !== undefined) {
      this.mistakes.push(mistake);
      return;
    }
    this.paths.push(path);
    const end = path.findIndex((key) => !/^[A-Za-z_][\w-]*$/.test(key));
    const dotted = end === -1 ? path : path.slice(0, end);
    const use = dotted.join('.');
    this.uses.set(use, { use, path: dotted });
  }

  #call(call: { target?: Expr; function: string; args: Expr[] }, bound: ReadonlySet<string>): void {
    const { target, function: name, args } = call;
    const own = ownFunctions.get(name);
    if (own !== undefined && target === undefined) {
      const [argument] = args;
      const literal = argument === undefined ? undefined : stringLiteral(argument);
      if (this.#scope.variables === 'object') this.mistakes.push(`${name}() can't be used here: only object is known`);
      else if (args.length !== 1 || literal === undefined)
        this.mistakes.push(`${name}() takes one text, written out: ${name}('…')`);
      else {
        const use = `${name}('${literal}')`;
        this.uses.set(use, { use, call: name, argument: literal });
        // CEL's functions see only their arguments: hand over the variable that this one looks at.
        args.push({ id: 0n, exprKind: { case: 'identExpr', value: { name: own.variable } } });
      }
      return;
    }
    if (!operators.has(name) && !isCallable(name, target !== undefined, args.length)) {
      this.mistakes.push(
        `There is no ${target === undefined ? 'function' : 'method'} ${name} with ${args.length} argument${args.length === 1 ? '' : 's'}`,
      );
    }
    const pattern = args.at(-1);
    if (name === 'matches' && (pattern === undefined || stringLiteral(pattern) === undefined)) {
      this.mistakes.push('matches() takes a pattern that is written out: none comes from a cluster');
    }
    this.visit(target, bound);
    for (const arg of args) this.visit(arg, bound);
  }
}

// Planned by the library itself rather than looked up among its functions.
const operators: ReadonlySet<string> = new Set([
  '_&&_',
  '_||_',
  '_?_:_',
  '_[_]',
  '@not_strictly_false',
  '__not_strictly_false__',
]);
const typeNames: ReadonlySet<string> = new Set([
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
]);

function isCallable(name: string, isMethod: boolean, argumentCount: number): boolean {
  const overloads = celEnvironment().funcs.find(name);
  if (overloads === undefined) return false;
  for (const overload of overloads) {
    if ((overload.target !== undefined) === isMethod && overload.arguments.length === argumentCount) return true;
  }
  return false;
}

/** `a.b['c']` as its keys; undefined for anything that isn't a name followed by known keys. */
function staticPath({ exprKind }: Expr): readonly string[] | undefined {
  if (exprKind.case === 'identExpr') return [exprKind.value.name.replace(/^\./, '')];
  if (exprKind.case === 'selectExpr') {
    const base = exprKind.value.operand && staticPath(exprKind.value.operand);
    return base && [...base, exprKind.value.field];
  }
  if (exprKind.case === 'callExpr' && exprKind.value.function === '_[_]') {
    const [operand, index] = exprKind.value.args;
    const key = index && stringLiteral(index);
    const base = key === undefined ? undefined : operand && staticPath(operand);
    return base && [...base, key as string];
  }
  return undefined;
}

function stringLiteral({ exprKind }: Expr): string | undefined {
  if (exprKind.case !== 'constExpr') return undefined;
  const { constantKind } = exprKind.value;
  return constantKind.case === 'stringValue' ? (constantKind.value as string) : undefined;
}
