import type { Json } from '../api/kubernetes-object.ts';
import { invisibleCharacters } from './invisible-characters.ts';

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

/** A double-quoted scalar: JSON's, with what YAML 1.1 doesn't read, and what people don't see, escaped as well. */
export function printQuoted(text: string): string {
  return escapeUnsafe(JSON.stringify(text).replace(invisible, escaped));
}

const invisible = new RegExp(`[${invisibleCharacters}]`, 'gu');

/** Beyond 16 bits with eight digits, since YAML doesn't join surrogates. */
function escaped(character: string): string {
  if (character.length === 1) return escapedUnit(character);
  return `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`;
}

function escapedUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** What JSON leaves as it is between double quotes, and YAML doesn't. */
export function escapeUnsafe(quoted: string): string {
  return quoted.replace(unsafe, escapedUnit);
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
