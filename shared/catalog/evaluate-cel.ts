import type { CelInput } from '@bufbuild/cel';
import { celEnvironment } from './cel-environment.ts';
import { type CompiledExpression, expressionOf } from './cel-expression.ts';
import { cel } from './cel-library.ts';
import { isList, isMap, type JsonMap } from './json.ts';

/** What an expression evaluates to, with variables in plain JSON: a value as CEL has it, or a CelError. */
export function celEvaluator(parsed: CompiledExpression): (variables: JsonMap) => unknown {
  const evaluate = cel().plan(celEnvironment(), expressionOf(parsed) as never);
  return (variables) => evaluate(toCel(variables) as never);
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
  if (isList(value)) return cel().celList(value.map(wrap));
  if (isMap(value)) return cel().celMap(new LazyMap(value));
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
