import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The commit that is checked out, in full. */
export async function headCommit(): Promise<string> {
  return git(['rev-parse', 'HEAD'], 'This is no checkout of git: say which commit the sources are of with --commit');
}

/**
 * When a commit was made, in UTC: `2026-11-21T12:17:03Z`.
 *
 * @throws where this checkout doesn't have it
 */
export async function commitDate(commit: string): Promise<string> {
  if (!/^[0-9a-f]{40}$/.test(commit)) throw new Error(`"${commit}" is no commit: expected all of its 40 digits`);
  const seconds = await git(
    ['show', '--no-patch', '--format=%ct', commit, '--'],
    `This checkout has no commit ${commit}: fetch it, or name one that it has`,
  );
  return new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z');
}

async function git(args: readonly string[], failure: string): Promise<string> {
  try {
    return (await run('git', args, { cwd: root })).stdout.trim();
  } catch (error) {
    throw new Error(failure, { cause: error });
  }
}
