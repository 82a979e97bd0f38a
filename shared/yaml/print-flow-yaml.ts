import type { Json } from '../api/kubernetes-object.ts';

/**
 * A JSON value on one line, in YAML's flow style with every string in double quotes: whatever the value is, it can't
 * end the scalar or the line that it stands on.
 *
 * @example `{"a": ["x", 1]}`
 */
export function printFlowYaml(value: Json): string {
  if (typeof value === 'string') return printQuoted(value);
  if (typeof value === 'number') return printNumber(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (isArray(value)) return `[${value.map(printFlowYaml).join(', ')}]`;
  const entries = Object.entries(value).map(([key, item]) => `${printQuoted(key)}: ${printFlowYaml(item)}`);
  return `{${entries.join(', ')}}`;
}

/** A double-quoted scalar: JSON's, with what YAML 1.1 takes for a line break or refuses to read escaped as well. */
export function printQuoted(text: string): string {
  return escapeUnsafe(JSON.stringify(text));
}

/** What JSON leaves as it is between double quotes, and YAML doesn't. */
export function escapeUnsafe(quoted: string): string {
  return quoted.replace(unsafe, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const unsafe = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** A number that YAML 1.1 and 1.2 both take for that number: an exponent needs a fraction before it in 1.1. */
export function printNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`${value} isn't a JSON number`);
  const text = JSON.stringify(value);
  return text.includes('.') ? text : text.replace('e', '.0e');
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
