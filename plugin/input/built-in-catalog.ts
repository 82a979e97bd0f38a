import { fileURLToPath } from 'node:url';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { loadCatalog } from '../../shared/catalog/load-catalog.ts';
import { readCatalogFiles } from '../../shared/catalog/read-catalog-files.ts';

/**
 * The catalog that comes with the plugin. In a checkout its files are read and checked at each start; a package has
 * `krew/executable/built-in-catalog.ts` in the place of this module.
 *
 * @throws CatalogError with every mistake in it
 */
export async function builtInCatalog(): Promise<Catalog> {
  return loadCatalog(await readCatalogFiles(fileURLToPath(new URL('../../assets', import.meta.url))));
}
