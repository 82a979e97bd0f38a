import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';

/** One line of upstream.json: where a definition comes from. */
export type Source = {
  /** The definition's own name: plural.group. */
  readonly name: string;
  /** Of the file, in the repository or in the module. */
  readonly path: string;
  /** Of the file as it is fetched; null until it was fetched, and looked at, once. */
  readonly sha256: string | null;
} & (
  | {
      /** On GitHub. */
      readonly repository: string;
      /** A commit. */
      readonly version: string;
    }
  | {
      /** A Go module, which Go's own client fetches. */
      readonly module: string;
      readonly version: string;
      /** Of the whole module, as in go.sum (`h1:…`); null until it was fetched once. */
      readonly sum: string | null;
    }
);

/** What stands of a definition in the index of what was fetched. */
export type Entry = Source & {
  readonly sha256: string;
  readonly file: string;
  readonly versions: readonly string[];
};

/** What upstream.json in `folder` says. */
export async function readTable(folder: string): Promise<readonly Source[]> {
  return JSON.parse(await readFile(path.join(folder, 'upstream.json'), 'utf8'));
}

/** Where definitions go, with their index. */
export function targetOf(folder: string): string {
  return path.join(folder, 'testdata', 'upstream');
}

/** What was fetched so far. */
export async function readIndex(folder: string): Promise<readonly Entry[]> {
  return JSON.parse((await read(path.join(targetOf(folder), 'index.json'))) ?? '[]');
}

// biome-ignore lint/suspicious/noExplicitAny: a definition of any shape.
export function definitionIn(text: string): any {
  try {
    const documents = parseAllDocuments(text).map((document) => document.toJS());
    return documents.find((document) => document?.kind === 'CustomResourceDefinition');
  } catch {
    return undefined;
  }
}

/** Where it comes from, in one word with its version. */
export function originOf(source: Source): string {
  return `${'module' in source ? source.module : source.repository}@${source.version}`;
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The text of a file, or undefined where there is none. */
export async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Never half a file. */
export async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
