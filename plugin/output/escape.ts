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

/** Whether `text` holds anything that {@link escapeText} would change. */
export function isUnsafe(text: string): boolean {
  return text.search(unsafe) !== -1;
}

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

// C0, DEL, C1; soft hyphen; bidi and invisible formatting; line and paragraph separators; byte order mark; tags; lone surrogates.
const formatting =
  '\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}\\ud800-\\udfff';
const unsafe = new RegExp(`[\\u0000-\\u001f${formatting}]`, 'gu');
const unsafeInJson = new RegExp(`[${formatting}]`, 'gu');

function codeEscape(character: string): string {
  return Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');
}
