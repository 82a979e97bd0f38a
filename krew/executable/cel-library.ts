/** In the place of `shared/catalog/cel-library.ts`: here a module that is required runs when it is first required. */
export function cel(): typeof import('@bufbuild/cel') {
  return require('@bufbuild/cel');
}

declare function require(name: '@bufbuild/cel'): typeof import('@bufbuild/cel');
