import { hash } from 'node:crypto';
import { isMap } from '../catalog/json.ts';

export { deepEqual as equalJson, isMap } from '../catalog/json.ts';

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
