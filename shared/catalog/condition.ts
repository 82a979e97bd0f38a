import {
  type CelInput,
  type CelMap,
  CelScalar,
  celEnv,
  celFunc,
  celList,
  celMap,
  isCelError,
  isCelMap,
  parse,
  plan,
} from '@bufbuild/cel';
import { keyPrefix } from '../api/names.ts';
import type { Condition, ConditionResult } from './asset.ts';
import { contextNames, type Declared, mistakeInPath } from './context-names.ts';
import { isList, isMap, type JsonMap } from './json.ts';

/** What an expression may name: the render context, or the live object alone. */
export type ConditionScope =
  | { readonly variables: 'context'; readonly declared: Declared }
  | { readonly variables: 'object' };

/**
 * Compiles a CEL expression. What can be told without a cluster, a syntax error, a name or a function that doesn't
 * exist, is told at once; the rest is the `error` result of an evaluation.
 */
export function compileCondition(
  expression: string,
  scope: ConditionScope,
): { readonly condition: Condition } | { readonly mistakes: readonly string[] } {
  let root: Expr;
  try {
    const parsed = parse(expression);
    root = parsed.expr as unknown as Expr;
  } catch (error) {
    return { mistakes: [`The expression can't be parsed: ${(error as Error).message.split('\n', 1)[0]}`] };
  }
  const analysis = new Analysis(scope);
  analysis.visit(root, new Set());
  if (analysis.mistakes.length > 0) return { mistakes: [...new Set(analysis.mistakes)] };

  // Planned when first needed: most conditions of a catalog are never evaluated by a short-lived command.
  let evaluate: ((variables: Record<string, CelInput>) => unknown) | undefined;
  const uses = [...analysis.uses.keys()].sort();
  return {
    condition: {
      expression,
      uses,
      evaluate(variables): ConditionResult {
        const saw = Object.fromEntries(uses.flatMap((use) => seen(use, analysis.uses.get(use)?.(variables))));
        try {
          evaluate ??= plan(environment, root as never) as unknown as typeof evaluate;
          const value = evaluate?.(toCel(variables));
          if (typeof value === 'boolean') return { saw, result: value ? 'met' : 'unmet' };
          const message = isCelError(value) ? value.message : `it yields ${nameOf(value)}, not true or false`;
          return { saw, result: 'error', message: explain(message, analysis.paths, variables) };
        } catch (error) {
          // A stack that ends in values nested without end, for one.
          return { saw, result: 'error', message: oneLine(String((error as Error).message ?? error)) };
        }
      },
    },
  };
}

/** Dotted path or call, and how its value is looked up. */
type Uses = Map<string, (variables: JsonMap) => unknown>;

// The parts of cel.expr.Expr (a protobuf message) that are looked at.
type Expr = { readonly id: bigint; readonly exprKind: ExprKind };
type ExprKind =
  | { case: 'constExpr'; value: { constantKind: { case: string; value: unknown } } }
  | { case: 'identExpr'; value: { name: string } }
  | { case: 'selectExpr'; value: { operand?: Expr; field: string; testOnly: boolean } }
  | { case: 'callExpr'; value: { target?: Expr; function: string; args: Expr[] } }
  | { case: 'listExpr'; value: { elements: Expr[] } }
  | {
      case: 'structExpr';
      value: { messageName: string; entries: { keyKind: { case: string; value: unknown }; value?: Expr }[] };
    }
  | {
      case: 'comprehensionExpr';
      value: {
        iterVar: string;
        iterVar2?: string;
        accuVar: string;
        iterRange?: Expr;
        accuInit?: Expr;
        loopCondition?: Expr;
        loopStep?: Expr;
        result?: Expr;
      };
    }
  | { case: undefined };

class Analysis {
  readonly uses: Uses = new Map();
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
    this.uses.set(dotted.join('.'), (variables) => valueAt(variables, dotted));
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
        this.uses.set(`${name}('${literal}')`, (variables) => own.look(valueAt(variables, [own.variable]), literal));
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

type OwnFunction = {
  readonly variable: string;
  readonly look: (value: unknown, argument: string) => unknown;
  readonly yields: typeof CelScalar.BOOL | typeof CelScalar.STRING | typeof CelScalar.DYN;
};

const { STRING, DYN, BOOL } = CelScalar;

const ownFunctions: ReadonlyMap<string, OwnFunction> = new Map([
  [
    'enabled',
    {
      variable: 'annotations',
      yields: BOOL,
      look: (annotations, name) => textAt(annotations, `${keyPrefix}enable-${name}`) === 'true',
    },
  ],
  [
    'annotation',
    { variable: 'annotations', yields: STRING, look: (annotations, name) => textAt(annotations, keyPrefix + name) },
  ],
  ['configured', { variable: 'hyperConverged', yields: BOOL, look: isConfigured }],
  ['setting', { variable: 'hyperConverged', yields: DYN, look: settingAt }],
] satisfies [string, OwnFunction][]);

const environment = celEnv({
  funcs: [...ownFunctions].map(([name, { look, yields }]) =>
    celFunc(name, [STRING, DYN], yields, (argument, value) => look(value, argument) as never),
  ),
});

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
  const overloads = environment.funcs.find(name);
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

/**
 * JSON as CEL sees it, wrapped as it is walked: an object may be large and only a field of it wanted. Whole numbers
 * are ints, as in the API server's own CEL.
 */
function toCel(variables: JsonMap): Record<string, CelInput> {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, wrap(value)]));
}

function wrap(value: unknown): CelInput {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (isList(value)) return celList(value.map(wrap));
  if (isMap(value)) return celMap(new LazyMap(value));
  return value === undefined ? null : (value as CelInput);
}

class LazyMap implements ReadonlyMap<string, CelInput> {
  readonly #map: JsonMap;

  constructor(map: JsonMap) {
    this.#map = map;
  }

  get size(): number {
    return Object.keys(this.#map).length;
  }

  get(key: unknown): CelInput | undefined {
    return this.has(key) ? wrap(this.#map[key as string]) : undefined;
  }

  has(key: unknown): boolean {
    return typeof key === 'string' && Object.hasOwn(this.#map, key) && this.#map[key] !== undefined;
  }

  keys(): MapIterator<string> {
    return Object.keys(this.#map).values();
  }

  *entries(): MapIterator<[string, CelInput]> {
    for (const [key, value] of Object.entries(this.#map)) yield [key, wrap(value)];
  }

  *values(): MapIterator<CelInput> {
    for (const value of Object.values(this.#map)) yield wrap(value);
  }

  forEach(callback: (value: CelInput, key: string, map: ReadonlyMap<string, CelInput>) => void): void {
    for (const [key, value] of this.entries()) callback(value, key, this);
  }

  [Symbol.iterator](): MapIterator<[string, CelInput]> {
    return this.entries();
  }
}

/** The library says only the last name: say which path, when one of the expression's isn't there. */
function explain(message: string, paths: readonly (readonly string[])[], variables: JsonMap): string {
  const missing = paths.find((path) => valueAt(variables, path) === undefined);
  if (missing === undefined || !/field not found|unresolved attribute|no such key/.test(message))
    return oneLine(message);
  const length = missing.findIndex((_, index) => valueAt(variables, missing.slice(0, index + 1)) === undefined) + 1;
  return `${missing.slice(0, length).join('.')} isn't set: ask with has(${missing.join('.')}) first`;
}

/** Small values as they are; of large ones only how large, since a plan keeps what was seen. */
function seen(use: string, value: unknown): [string, unknown][] {
  if (value === undefined) return [];
  if (typeof value === 'string' && value.length > 200) return [[use, `${value.slice(0, 200)}…`]];
  if (isList(value) && value.length > 0) return [[use, `a list of ${value.length}`]];
  if (isMap(value) && Object.keys(value).length > 0) return [[use, `a map of ${Object.keys(value).length}`]];
  return [[use, value]];
}

function valueAt(variables: unknown, path: readonly string[]): unknown {
  let value = variables;
  for (const key of path) {
    if (!isMap(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** Of plain JSON, and of CEL's maps. */
function childOf(value: unknown, key: string): unknown {
  if (isCelMap(value)) return (value as CelMap).get(key);
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function textAt(annotations: unknown, key: string): string {
  const value = childOf(annotations, key);
  return typeof value === 'string' ? value : '';
}

/** Null where it isn't set. */
function settingAt(hyperConverged: unknown, path: string): unknown {
  return path.split('.').reduce(childOf, hyperConverged) ?? null;
}

function isConfigured(hyperConverged: unknown, path: string): boolean {
  const value = settingAt(hyperConverged, path);
  if (value === null) return false;
  if (isCelMap(value)) return value.size > 0;
  return !isMap(value) || Object.keys(value).length > 0;
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint' || typeof value === 'number') return 'a number';
  return typeof value === 'string' ? 'text' : isCelMap(value) ? 'a map' : 'a list or another value';
}

function oneLine(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}
