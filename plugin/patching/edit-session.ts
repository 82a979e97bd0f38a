import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { YamlError } from '../../shared/yaml/parse-yaml.ts';
import type { Environment } from '../environment.ts';
import { mebibyte, readText } from '../input/read-bytes.ts';
import { escapeText } from '../output/escape.ts';
import { messagesTo } from '../output/messages.ts';
import { UserError } from '../user-error.ts';
import { editorWords } from './editor-words.ts';

export type EditOptions<Result> = {
  /** Names the file; its ending tells editors what it is. */
  readonly name: string;
  /** Comment lines above the text, without `#`. */
  readonly header: readonly string[];
  readonly environment: Environment;
  /** What becomes of the edited text; a UserError or YamlError is a mistake that the person can put right. */
  readonly check: (edited: string) => Promise<Result>;
};

/** How an edit ended. The file is there until it is discarded. */
export type Edit<Result> =
  | { readonly end: 'edited'; readonly result: Result; readonly file: EditedFile }
  | { readonly end: 'cancelled'; readonly why: string };

export type EditedFile = { readonly path: string; readonly discard: () => void };

/**
 * Lets a person edit a text in their editor until it is right, as `kubectl edit` does: after a mistake the file is opened
 * again, with what is wrong on top. Saved as it was, or empty, it is cancelled.
 *
 * @throws UserError where the editor fails, or the person gives up on a mistake; then their text is kept, and named.
 */
export async function editSession<Result>(
  text: string,
  { name, header, environment, check }: EditOptions<Result>,
): Promise<Edit<Result>> {
  const { temporaryFolder, signal, stderr } = environment;
  const folder = mkdtempSync(join(temporaryFolder, 'kubectl-virt-platform-edit-'));
  const path = join(folder, name);
  const discard = () => {
    signal.removeEventListener('abort', onAbort);
    rmSync(folder, { recursive: true, force: true });
  };
  /** Where the changes are, if there are any; whatever can't be read back may be some. */
  const kept = (): string | undefined => {
    signal.removeEventListener('abort', onAbort);
    if (isKept(path, text)) return `a copy of your changes is in ${path}`;
    discard();
    return undefined;
  };
  const note = (before = '') => {
    const copy = kept();
    if (copy === undefined) return;
    stderr.write(before);
    messagesTo(stderr).note(copy);
  };
  // Below the ^C that the terminal has shown.
  const onAbort = () => note('\n');
  const fail = (message: string, cause?: unknown): never => {
    throw new UserError([message, kept() ?? []].flat().join('; '), { cause });
  };
  let body = text;
  let mistakes: readonly string[] = [];
  writeFileSync(path, commented(header) + body, { mode: 0o600 });
  signal.addEventListener('abort', onAbort);
  for (;;) {
    const problem = await runEditor(path, environment);
    if (problem !== undefined) return fail(`${problem}; nothing was written`);
    if (!existsSync(path)) return fail('the editor removed the file; nothing was written');
    const next = bodyOf(
      await readText(path, environment, reading).catch((error) => {
        if (error instanceof UserError) return fail(`${error.message}; nothing was written`, error);
        throw error;
      }),
    );
    if (withoutComments(next) === '') {
      discard();
      return { end: 'cancelled', why: 'Edit cancelled, saved file was empty.' };
    }
    if (withoutComments(next) === withoutComments(body)) {
      if (mistakes.length > 0) return fail('Edit cancelled, no valid changes were saved');
      discard();
      return { end: 'cancelled', why: 'Edit cancelled, no changes made.' };
    }
    body = next;
    try {
      const result = await check(body);
      const file = { path, discard };
      return { end: 'edited', result, file };
    } catch (error) {
      if (!(error instanceof UserError || error instanceof YamlError)) {
        if (!signal.aborted) note();
        throw error;
      }
      mistakes = linesOf(error, header.length);
      writeFileSync(path, commented([...header, ...mistakes]) + body);
    }
  }
}

/** More than any object is. */
const reading = {
  option: '--edit',
  expected: 'the object as YAML',
  ifTooLarge: 'an object has at most 3 MiB',
  maxBytes: 3 * mebibyte,
};

function isKept(path: string, text: string): boolean {
  try {
    return bodyOf(readFileSync(path, 'utf8')).trim() !== text.trim();
  } catch {
    return existsSync(path);
  }
}

/** A line each; places as they are in the file with these lines on top. */
function linesOf(error: UserError | YamlError, above: number): readonly string[] {
  if (error instanceof UserError) return ['', `error: ${error.message}`, ...error.details.map((line) => `  ${line}`)];
  const { mistakes } = error;
  const shift = above + 1 + mistakes.length;
  return [
    '',
    ...mistakes.map(({ line, column, message }) => `error: line ${line + shift}, column ${column ?? 1}: ${message}`),
  ];
}

function commented(lines: readonly string[]): string {
  return lines
    .map((line) => `# ${escapeText(line)}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('');
}

/** The text below the comments on top. */
function bodyOf(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(/^(?:#[^\n]*(?:\n|$))+/, '');
}

function withoutComments(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .trim();
}

/** @returns what went wrong, or undefined. */
async function runEditor(path: string, environment: Environment): Promise<string | undefined> {
  const { variables, platform, isStdinTerminal, runProgram } = environment;
  const [program = '', ...words] = editorWords(variables, platform);
  const named = `the editor "${[program, ...words].join(' ')}"`;
  if (!isStdinTerminal && !variables.KUBE_EDITOR && !variables.EDITOR) {
    return 'there is no terminal to edit on: set KUBE_EDITOR to a program that needs none, or use --set or -p';
  }
  try {
    const code = await runProgram(program, [...words, path], { reads: true });
    return code === 0 ? undefined : `${named} ended with exit code ${code}`;
  } catch (error) {
    return `${named} can't be started (${error instanceof Error ? error.message : String(error)}): set KUBE_EDITOR`;
  }
}
