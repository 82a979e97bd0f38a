/**
 * In the place of `node:crypto`, for what only hashes: loading it costs more than most commands take, and few of them
 * come to a hash.
 */
export function hash(algorithm: string, data: string): string {
  return require('node:crypto').hash(algorithm, data);
}

export function createHash(algorithm: string): import('node:crypto').Hash {
  return require('node:crypto').createHash(algorithm);
}

declare function require(name: 'node:crypto'): typeof import('node:crypto');
