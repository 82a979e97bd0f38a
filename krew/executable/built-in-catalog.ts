import { getAsset } from 'node:sea';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { loadCatalog } from '../../shared/catalog/load-catalog.ts';

/** In the place of `plugin/input/built-in-catalog.ts`: the catalog's files as they were when this was built. */
export async function builtInCatalog(): Promise<Catalog> {
  const files: readonly { path: string; content: string }[] = JSON.parse(getAsset('catalog.json', 'utf8'));
  return loadCatalog(files.map(({ path, content }) => ({ path, content: Buffer.from(content, 'base64') })));
}
