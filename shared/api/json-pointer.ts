import { parseDottedPath } from './dotted-path.ts';

/**
 * RFC 6901, read strictly: `''` is the whole document, everything else begins with `/`, and `~` only escapes as `~0`
 * and `~1`. Names that JavaScript gives a meaning (`__proto__` and its kin) are refused before any library sees them.
 *
 * @throws PointerError, one line that says what is wrong and how it is written.
 */
export function parsePointer(pointer: string): string[] {
  if (pointer.length > maxPointerLength) {
    throw new PointerError(`the pointer is ${pointer.length} characters long; at most ${maxPointerLength} are taken`);
  }
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) {
    throw new PointerError(
      `${quote(pointer)} isn't a JSON pointer (RFC 6901): it begins with "/", as in ${quote(asPointer(pointer))}`,
    );
  }
  const tokens = pointer.slice(1).split('/');
  for (const token of tokens) {
    if (/~(?![01])/.test(token)) {
      throw new PointerError(`${quote(pointer)} isn't a JSON pointer (RFC 6901): "~" is written "~0", and "/" "~1"`);
    }
  }
  const names = tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  const forbidden = names.find(isForbiddenName);
  if (forbidden !== undefined)
    throw new PointerError(`${quote(pointer)} uses the name "${forbidden}", which is refused`);
  if (names.length > maxDepth) throw new PointerError(`${quote(pointer)} is deeper than ${maxDepth} levels`);
  return names;
}

/** The pointer of a path of names: `['a/b', 'c']` is `/a~1b/c`. */
export function formatPointer(names: readonly (string | number)[]): string {
  return names.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

export class PointerError extends Error {
  override readonly name = 'PointerError';
}

/** A key that would reach an object's prototype in JavaScript; refused in pointers, keys and values alike. */
export function isForbiddenName(name: string): boolean {
  return name === '__proto__' || name === 'constructor' || name === 'prototype';
}

/** Deepest nesting that a document of ours may have. */
export const maxDepth = 64;

const maxPointerLength = 1024;

/** A pointer that was written without its first slash (`spec/a`), or as a URI fragment (`#/spec/a`), as it is right. */
export function withFirstSlash(text: string): string {
  return text.replace(/^(?=[\w-]+\/)/, '/').replace(/^#(?=\/)/, '');
}

/** The pointer that somebody who wrote `spec.template.x`, `.spec.items[0]` or `spec/template` most likely meant. */
function asPointer(text: string): string {
  const pointer = withFirstSlash(text);
  return pointer.startsWith('/') ? pointer : formatPointer(parseDottedPath(text) ?? [text]);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
