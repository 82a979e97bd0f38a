import type { Json, JsonObject } from '../api/kubernetes-object.ts';
import { invisibleCharacters } from './invisible-characters.ts';
import { isPlainString } from './plain-string.ts';
import { printFlowYaml, printNumber, printQuoted } from './print-flow-yaml.ts';

/**
 * A JSON value as a YAML document for readers of every kind: YAML 1.1, 1.2, and Go's. What one of them takes for
 * something else than a string is quoted, as a key too. Keys keep their order; `undefined` values are left out, as in
 * JSON; there are no aliases, no folded lines, and equal values give equal text.
 */
export function printYaml(value: Json): string {
  if (isMap(value)) return isEmpty(value) ? '{}\n' : printMap(value, '');
  if (isList(value)) return value.length === 0 ? '[]\n' : printList(value, '');
  return `${printScalar(value, '  ')}\n`;
}

function printMap(map: JsonObject, indent: string): string {
  let text = '';
  for (const [key, value] of Object.entries(map)) {
    if (value !== undefined) text += `${indent}${printKey(key, indent)}:${printMapValue(value, indent)}`;
  }
  return text;
}

/** Lists under a key stand at the key's own column, as kubectl prints them. */
function printMapValue(value: Json, indent: string): string {
  if (isMap(value) && !isEmpty(value)) return `\n${printMap(value, `${indent}  `)}`;
  if (isList(value) && value.length > 0) return `\n${printList(value, indent)}`;
  return ` ${printScalar(value, `${indent}  `)}\n`;
}

function printList(list: readonly Json[], indent: string): string {
  let text = '';
  for (const item of list) {
    const inner = `${indent}  `;
    // The first line of a nested collection follows the dash.
    if (isMap(item) && !isEmpty(item)) text += `${indent}- ${printMap(item, inner).slice(inner.length)}`;
    else if (isList(item) && item.length > 0) text += `${indent}- ${printList(item, inner).slice(inner.length)}`;
    else text += `${indent}- ${printScalar(item ?? null, inner)}\n`;
  }
  return text;
}

/** YAML allows a key without the `?` indicator only on one line and up to 1024 characters. */
function printKey(key: string, indent: string): string {
  const text = isPlainString(key) ? key : printQuoted(key);
  return text.length <= 1000 ? text : `? ${text}\n${indent}`;
}

function printScalar(value: Json, indent: string): string {
  if (typeof value === 'number') return printNumber(value);
  if (typeof value !== 'string') return printFlowYaml(value);
  if (isPlainString(value)) return value;
  return isBlockLiteral(value) ? printBlockLiteral(value, indent) : printQuoted(value);
}

// Several printable lines, the first not indented, at most one line feed at the end.
const blockLiteral =
  /^[\x21-\x7e\u00a1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd][\t\n\x20-\x7e\u00a1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/;

const invisible = new RegExp(`[${invisibleCharacters}]`, 'u');

function isBlockLiteral(text: string): boolean {
  // A line of nothing but spaces, or with spaces at its end, is what editors and people break.
  return text.includes('\n') && blockLiteral.test(text) && !invisible.test(text) && !/\n\n$|[ \t]\n|[ \t]$/.test(text);
}

function printBlockLiteral(text: string, indent: string): string {
  const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
  const body = lines.map((line) => (line === '' ? '' : indent + line)).join('\n');
  return `${text.endsWith('\n') ? '|' : '|-'}\n${body}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isMap(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(map: JsonObject): boolean {
  return Object.values(map).every((value) => value === undefined);
}
