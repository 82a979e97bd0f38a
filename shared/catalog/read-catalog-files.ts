import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CatalogError, type Mistake } from './catalog-error.ts';
import { compareCodeUnits } from './json.ts';

/** A file of a catalog: its path below the catalog's folder, with `/` between its parts. */
export type CatalogFile = { readonly path: string; readonly content: Uint8Array };

export type ReadCatalogOptions = {
  /** Largest file. Default 1 MiB. */
  maxFileBytes?: number;
  /** All files together. Default 32 MiB. */
  maxTotalBytes?: number;
  /** Default 2 000. */
  maxFiles?: number;
};

/**
 * Reads a catalog's folder, sorted by path. Names that begin with a dot are left out. Symbolic links are refused, as is
 * whatever isn't an ordinary file, so that nothing outside of the folder is ever read.
 *
 * @throws CatalogError for files that can't be part of a catalog; what the file system says otherwise
 */
export async function readCatalogFiles(
  folder: string,
  { maxFileBytes = 1024 * 1024, maxTotalBytes = 32 * 1024 * 1024, maxFiles = 2000 }: ReadCatalogOptions = {},
): Promise<CatalogFile[]> {
  const files: CatalogFile[] = [];
  const mistakes: Mistake[] = [];
  let total = 0;

  async function readFolder(path: string): Promise<void> {
    const entries = await readdir(join(folder, path), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => compareCodeUnits(a.name, b.name))) {
      if (entry.name.startsWith('.')) continue;
      const child = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) await readFolder(child);
      else if (entry.isFile()) await readOne(child);
      else mistakes.push({ file: child, line: 1, message: "It isn't an ordinary file; links aren't followed" });
    }
  }

  async function readOne(path: string): Promise<void> {
    const { size } = await lstat(join(folder, path));
    total += size;
    if (size > maxFileBytes) mistakes.push({ file: path, line: 1, message: `It is larger than ${maxFileBytes} bytes` });
    else if (total > maxTotalBytes || files.length >= maxFiles) {
      throw new CatalogError([
        { file: path, line: 1, message: `The catalog is larger than ${maxTotalBytes} bytes or ${maxFiles} files` },
      ]);
    } else files.push({ path, content: await readFile(join(folder, path)) });
  }

  await readFolder('');
  if (mistakes.length > 0) throw new CatalogError(mistakes);
  return files.sort((a, b) => compareCodeUnits(a.path, b.path));
}
