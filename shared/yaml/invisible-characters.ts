/**
 * Characters that print nothing, or change how the text around them is shown, as the inside of a character class for a
 * regular expression with the flag `u`: C1 controls, soft hyphen, bidirectional controls, zero-width and invisible
 * formatting, line and paragraph separators, the byte order mark, tags and lone surrogates.
 */
export const invisibleCharacters =
  '\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}\\ud800-\\udfff';
