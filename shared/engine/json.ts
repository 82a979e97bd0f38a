import { hash } from 'node:crypto';

/** A JSON object, as opposed to a list, a scalar or null. */
export function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deep equality of JSON values: the order of keys doesn't count, that of lists does. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equalJson(item, b[index]));
  }
  if (isMap(a) && isMap(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equalJson(a[key], b[key]))
    );
  }
  return false;
}

/** The same text for equal JSON values: keys are sorted by code units at every level. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (isMap(inner) ? sortKeys(inner) : inner)) ?? 'null';
}

/** `sha256:` and the hexadecimal digest of the canonical text. */
export function digestOf(value: unknown): string {
  return `sha256:${hash('sha256', canonicalJson(value))}`;
}

function sortKeys(map: { readonly [key: string]: unknown }): { [key: string]: unknown } {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
