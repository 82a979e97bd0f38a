import { getAsset } from 'node:sea';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { buildCatalog } from '../../shared/catalog/build-catalog.ts';

/** In the place of `plugin/input/built-in-catalog.ts`: the catalog as it was compiled when this was built. */
export async function builtInCatalog(): Promise<Catalog> {
  return buildCatalog(JSON.parse(getAsset('catalog.json', 'utf8')));
}
