import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../environment.ts';
import { UserError } from '../user-error.ts';
import type { ComparedObject } from './compared-object.ts';

/**
 * Shows the objects with the program of KUBECTL_EXTERNAL_DIFF, called as `kubectl diff` calls it: with two folders that
 * hold a file an object, LIVE-… and MERGED-…, and after them those of its own words that are made of letters, digits,
 * `-` and `=`. There is no shell. The files are for this user alone, and gone afterwards, whatever happens.
 *
 * @returns the program's exit code: 0 no differences, 1 differences, above that it failed.
 */
export async function externalDiff(
  command: string,
  objects: readonly ComparedObject[],
  { temporaryFolder, runProgram, signal }: Environment,
): Promise<number> {
  const folders: string[] = [];
  const remove = () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  };
  signal.addEventListener('abort', remove);
  try {
    for (const [prefix, side] of [
      ['LIVE-', 'live'],
      ['MERGED-', 'merged'],
    ] as const) {
      const folder = mkdtempSync(join(temporaryFolder, prefix));
      folders.push(folder);
      for (const object of objects) {
        if (object[side] !== '') writeFileSync(join(folder, object.name), object[side], { mode: 0o600 });
      }
    }
    const [program = '', ...words] = command.split(' ');
    return await runProgram(program, [...folders, ...words.filter((word) => /^[a-zA-Z0-9=-]+$/.test(word))]);
  } catch (error) {
    throw new UserError(
      `could not run KUBECTL_EXTERNAL_DIFF="${command}": ${error instanceof Error ? error.message : String(error)}; unset it to see the differences as they are`,
      { cause: error },
    );
  } finally {
    signal.removeEventListener('abort', remove);
    remove();
  }
}
