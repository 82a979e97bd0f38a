import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { CatalogError, formatMistake } from '../../shared/catalog/catalog-error.ts';
import type { Arguments } from '../arguments.ts';
import type { Option } from '../command.ts';
import type { Environment } from '../environment.ts';
import { UserError } from '../user-error.ts';
import { builtInCatalog } from './built-in-catalog.ts';

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
  const shownAs = given ?? 'the built-in catalog';
  try {
    const catalog = given === undefined ? await builtInCatalog() : await catalogIn(resolve(cwd, given), given);
    if (catalog.assets.length > 0) return catalog;
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    const mistakes = error.mistakes.map((mistake) =>
      formatMistake({ ...mistake, file: join(given ?? '', mistake.file) }),
    );
    const [first, ...others] = mistakes;
    throw others.length === 0
      ? new UserError(`${shownAs} can't be used: ${first}`, { cause: error })
      : new UserError(`${shownAs} can't be used, it has ${mistakes.length} mistakes:`, {
          details: mistakes,
          cause: error,
        });
  }
  throw new UserError(`${shownAs} holds no asset: expected files named NAME.yaml.hbs, in folders by area`);
}

// What reads and checks a catalog is loaded only for one that is given: a package has its own one compiled.
async function catalogIn(folder: string, given: string): Promise<Catalog> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError(`${given} is no folder: --catalog names the folder of a catalog`);
  }
  const [{ loadCatalog }, { readCatalogFiles }] = await Promise.all([
    import('../../shared/catalog/load-catalog.ts'),
    import('../../shared/catalog/read-catalog-files.ts'),
  ]);
  return loadCatalog(await readCatalogFiles(folder));
}
