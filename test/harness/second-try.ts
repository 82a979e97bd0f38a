import path from 'node:path';

/**
 * The files to try once more, alone: those of tests that failed against a real cluster, where a machine that was busy
 * for a moment can be all that was wrong. Undefined where that can't be it: a unit test failed, too many did, or
 * something failed that is no test.
 *
 * @param titles of all tests that failed, as ava prints them
 * @param failed how many failures ava counted
 * @param files paths of the test files, from the project's root
 */
export function filesToTryAgain(
  titles: readonly string[],
  failed: number,
  files: readonly string[],
): readonly string[] | undefined {
  if (titles.length === 0 || titles.length !== failed) return undefined;
  const found = titles.map((title) => files.find((file) => isOf(title, file)));
  const again = new Set(found);
  const canBeLoad = (file: string | undefined) => file !== undefined && /^test\/(integration|e2e)\//.test(file);
  if (again.size > 4 || ![...again].every(canBeLoad)) return undefined;
  return [...again] as string[];
}

/** ava names a test by its file's path, less the folders that all files of a run have in common. */
function isOf(title: string, file: string): boolean {
  const segments = path.posix.normalize(file).replace(/\.ts$/, '').split('/');
  return segments.some((_, index) => title.startsWith(`${segments.slice(index).join(' › ')} › `));
}
