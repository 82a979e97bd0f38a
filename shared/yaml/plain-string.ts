import { invisibleCharacters } from './invisible-characters.ts';

/**
 * Whether a string may be written without quotes, in block style, and reads back as that very string under YAML 1.1
 * and 1.2, and in Go's readers, which take from both. When in doubt it says no: quotes never hurt.
 *
 * @see https://yaml.org/type/ for what YAML 1.1 resolves
 */
export function isPlainString(text: string): boolean {
  return allowedCharacters.test(text) && !invisible.test(text) && !structural.test(text) && !isAmbiguous(text);
}

/** Whether unquoted text is something else than a string to some reader: a boolean, null, number, date or merge key. */
export function isAmbiguous(text: string): boolean {
  return words.has(text.toLowerCase()) || numbers.some((pattern) => pattern.test(text));
}

// Printable, one line, and not what any YAML version takes for a line break or a byte order mark.
const allowedCharacters = /^[\x20-\x7e\u00a1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{1fffd}]+$/u;
// Readers take them as they are, and people don't see them: they are printed as escapes, in quotes.
const invisible = new RegExp(`[${invisibleCharacters}]`, 'u');

// Leading indicators and spaces; a colon or a hash where it would end the scalar; document markers.
const structural = /^[ ?:,[\]{}#&*!|>'"%@`=]|^-(?!-?[A-Za-z])|^\.\.\.|: |:$| #| $/;

const words = new Set(['', '~', 'null', 'true', 'false', 'yes', 'no', 'on', 'off', 'y', 'n', '<<', '=']);

const numbers = [
  /^[-+]?(0b[01_]*|0o?[0-7_]*|0x[0-9a-f_]*)$/i,
  /^[-+]?[0-9][0-9_,]*$/,
  /^[-+]?([0-9][0-9_]*)?\.?[0-9_]*(e[-+]?[0-9_]*)?$/i,
  /^[-+]?0x[0-9a-f_]*\.?[0-9a-f_]*(p[-+]?[0-9]+)?$/i,
  /^[-+]?[0-9_]+(:[0-9_]+)+(\.[0-9_]*)?$/,
  /^[-+]?\.?(inf|infinity|nan)$/i,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?$/,
];
