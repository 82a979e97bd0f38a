import type { Catalog } from './asset.ts';
import { buildCatalog } from './build-catalog.ts';
import { compileCatalog } from './compile-catalog.ts';
import type { CatalogFile } from './read-catalog-files.ts';

/**
 * Checks and compiles a catalog: assets (`NAME.yaml.hbs` in any folder), `features.yaml`, `tombstones/*.yaml`, and the
 * files that assets ship. Pure: equal files give equal catalogs.
 *
 * @throws CatalogError with every mistake in every file
 */
export function loadCatalog(files: readonly CatalogFile[]): Catalog {
  return buildCatalog(compileCatalog(files));
}
