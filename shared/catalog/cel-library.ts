import { createRequire } from 'node:module';

/**
 * The CEL library, loaded when it is first asked for: it takes longer to load than most commands have. A package has
 * `krew/executable/cel-library.ts` in the place of this module.
 */
export function cel(): typeof import('@bufbuild/cel') {
  return require('@bufbuild/cel');
}

const require = createRequire(import.meta.url);
