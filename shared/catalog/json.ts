/** JSON values while they are looked at: anything may be anything. */
export type JsonMap = Readonly<Record<string, unknown>>;

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

export function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Equal as JSON: maps in whatever order, lists in theirs. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, index) => deepEqual(item, b[index]));
  if (!isMap(a) || !isMap(b)) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && deepEqual(a[key], b[key]))
  );
}

/** A deep merge of maps: what `extra` has wins, lists and scalars are replaced, the inputs stay as they are. */
export function mergeDeep(base: JsonMap, extra: JsonMap): JsonMap {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(extra)) {
    const old = merged.get(key);
    merged.set(key, isMap(old) && isMap(value) ? mergeDeep(old, value) : value);
  }
  return Object.fromEntries(merged);
}

/** Order of names that doesn't depend on a language. */
export function compareCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
