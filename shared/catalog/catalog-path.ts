import { posix } from 'node:path';

/** The path inside of the catalog of a file that an asset names, or undefined where it leads out. */
export function resolveShippedFile(assetFile: string, path: string): string | undefined {
  if (path.startsWith('/') || path.includes('\\')) return undefined;
  const resolved = posix.join(posix.dirname(assetFile), path);
  return resolved === '..' || resolved.startsWith('../') ? undefined : resolved;
}
