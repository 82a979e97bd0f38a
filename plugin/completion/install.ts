import { lstatSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Environment } from '../environment.ts';
import { UserError } from '../user-error.ts';

/** What is to be written, where, and what is there now. */
export type Installation = {
  readonly file: string;
  readonly content: string;
  readonly now: 'absent' | 'older' | 'same';
  /** Whether kubectl looks there. */
  readonly isInPath: boolean;
};

/**
 * What kubectl needs to complete words of the plugin: a program of its own, in the folder of PATH where kubectl finds the
 * plugin (beside krew's link, not where that leads to), or in `folder`.
 *
 * @throws UserError where there is no such folder, or something that isn't ours under that name
 */
export function planInstallation(
  environment: Environment,
  { folder }: { readonly folder?: string | undefined } = {},
): Installation {
  const { platform, cwd, programName } = environment;
  const known = foldersOfPath(environment);
  const program = platform === 'win32' ? 'kubectl-virt_platform.exe' : 'kubectl-virt_platform';
  const where = folder === undefined ? known.find((one) => isFile(join(one, program))) : resolve(cwd, folder);
  if (where === undefined) {
    throw new UserError(
      `${program} is in no folder of PATH, so kubectl doesn't find it: move it to one, or name one with "${programName} completion install --dir FOLDER"`,
    );
  }
  if (!statSync(where, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError(`${folder} is no folder: --dir names one of those in PATH`);
  }
  const content = completer(platform);
  const file = join(where, platform === 'win32' ? `${completerName}.cmd` : completerName);
  const now = whatIs(file, content);
  if (now === 'foreign') {
    throw new UserError(`${file} is there, and wasn't written by this command: see what it is, and move it away first`);
  }
  return { file, content, now, isInPath: known.includes(where) };
}

/**
 * Writes it, whole or not at all.
 *
 * @throws UserError where that isn't possible, with what is
 */
export function install({ file, content }: Installation, { programName }: Environment): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, content, { mode: 0o755, flag: 'wx' });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    const { code = '', message } = error as NodeJS.ErrnoException;
    const why = { EACCES: 'permission denied', EPERM: 'permission denied', EROFS: 'read-only' }[code] ?? message;
    throw new UserError(
      `could not write ${file} (${why}): call it as somebody who may, or name another folder of PATH with "${programName} completion install --dir FOLDER"`,
      { cause: error },
    );
  }
}

const completerName = 'kubectl_complete-virt_platform';

/** It calls the plugin by name, as kubectl does: so it is always the one that kubectl would run. */
function completer(platform: string): string {
  return platform === 'win32'
    ? `@rem ${mark}\r\n@kubectl-virt_platform __complete %*\r\n`
    : `#!/bin/sh\n# ${mark}\nexec kubectl-virt_platform __complete "$@"\n`;
}

const mark =
  'kubectl asks this for what may follow "kubectl virt-platform". Made by: kubectl virt-platform completion install';
const anybodyMayRun = 0o111;

function whatIs(file: string, content: string): Installation['now'] | 'foreign' {
  const entry = lstatSync(file, { throwIfNoEntry: false });
  if (entry === undefined) return 'absent';
  // A link leads to what somebody else looks after.
  if (!entry.isFile() || entry.size > 10_000) return 'foreign';
  const there = readFileSync(file, 'utf8');
  if (there === content && (entry.mode & anybodyMayRun) !== 0) return 'same';
  return there.includes(mark) ? 'older' : 'foreign';
}

function foldersOfPath({ variables, platform, cwd }: Environment): readonly string[] {
  const path = platform === 'win32' ? (variables.Path ?? variables.PATH) : variables.PATH;
  return (path ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => resolve(cwd, folder));
}

/** Follows links: krew's is one. */
function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}
