import { invisibleCharacters } from '../yaml/invisible-characters.ts';

/**
 * Text from a cluster or a file, safe to print on a terminal in one line: control characters (ANSI escapes, line
 * breaks), bidirectional controls, invisible characters and lone surrogates are shown as escapes (CVE-2021-25743).
 */
export function escapeText(text: string): string {
  return text.replace(unsafe, (character) => short[character] ?? codeEscape(character));
}

/** The same for JSON that is printed already: there such characters stand only inside strings, where `\uXXXX` fits. */
export function escapeJson(json: string): string {
  return json.replace(unsafeInJson, codeEscape);
}

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const unsafe = new RegExp(`[\\u0000-\\u001f${invisibleCharacters}]`, 'gu');
const unsafeInJson = new RegExp(`[${invisibleCharacters}]`, 'gu');

function codeEscape(character: string): string {
  return Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');
}
