import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { CatalogError, formatMistake } from '../../shared/catalog/catalog-error.ts';
import { loadCatalog } from '../../shared/catalog/load-catalog.ts';
import type { Arguments } from '../arguments.ts';
import type { Option } from '../command.ts';
import type { Environment } from '../environment.ts';
import { UserError } from '../user-error.ts';

export const catalogOption: Option = {
  name: 'catalog',
  type: 'text',
  placeholder: 'DIR',
  description: 'Another catalog of assets than the built-in one',
};

/**
 * The catalog that was asked for.
 *
 * @throws UserError with every mistake in it, each with file and line.
 */
export async function catalogOf(args: Arguments, { cwd }: Environment): Promise<Catalog> {
  const given = args.text('catalog');
  const folder = given === undefined ? fileURLToPath(new URL('../../assets', import.meta.url)) : resolve(cwd, given);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError(`${given ?? folder} is no folder: --catalog names the folder of a catalog`);
  }
  try {
    return await loadCatalog(folder);
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    const [first, ...others] = error.mistakes;
    const shownAs = given ?? 'the built-in catalog';
    if (first === undefined || others.length > 0) {
      throw new UserError(
        `${shownAs} has ${error.mistakes.length} mistakes, and a catalog is used only when it has none:`,
        {
          details: error.mistakes.map(formatMistake),
          cause: error,
        },
      );
    }
    throw new UserError(`${shownAs} can't be used: ${formatMistake(first)}`, { cause: error });
  }
}
