import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';

/** One line of upstream.json: where a definition comes from. */
export type Source = {
  /** The definition's own name: plural.group. */
  readonly name: string;
  /** On GitHub. */
  readonly repository: string;
  /** A commit, or a tag that doesn't move. */
  readonly version: string;
  readonly path: string;
  /** Of the file as it is fetched; null until it was fetched, and looked at, once. */
  readonly sha256: string | null;
};

export type Options = {
  /** Holds upstream.json; definitions and their index go to testdata/upstream below it. */
  readonly folder: string;
  /** Where files of repositories are: REPOSITORY/VERSION/PATH below it. */
  readonly server?: string;
  /** Writes the checksums of what is fetched for the first time into upstream.json. */
  readonly pin?: boolean;
  /** Time allowed for each file, in milliseconds. Default 30 000. */
  readonly timeoutMs?: number;
};

/** What was wrong, a line each; nothing was changed. */
export class UpdateError extends Error {
  override readonly name = 'UpdateError';
}

type Entry = Source & { readonly sha256: string; readonly file: string; readonly versions: readonly string[] };

/**
 * Fetches every definition of the table, checks all of them, and only then writes them with an index of versions and
 * sources.
 *
 * @throws UpdateError when one can't be fetched, isn't what the table says, or has no checksum yet (unless `pin`)
 */
export async function updateDefinitions({
  folder,
  server = 'https://raw.githubusercontent.com',
  pin = false,
  timeoutMs = 30_000,
}: Options): Promise<readonly Entry[]> {
  const table = await tableOf(folder);
  const fetched = await Promise.all(table.map((source) => fetchOne(source, server, timeoutMs)));
  const unreachable = fetched.filter((one) => 'unreachable' in one);
  if (unreachable.length === table.length && table.length > 0) {
    throw new UpdateError(`${server} can't be reached (${unreachable[0]?.unreachable}): nothing was changed`);
  }
  const mistakes = fetched.flatMap((one) => {
    if ('unreachable' in one) return [`${one.source.name}: ${one.unreachable}`];
    return mistakesIn(one.source, one.text, one.sha256, pin);
  });
  if (mistakes.length > 0) throw new UpdateError([...mistakes, 'nothing was changed'].join('\n'));

  const target = targetOf(folder);
  await mkdir(target, { recursive: true });
  const entries: Entry[] = [];
  for (const one of fetched) {
    if ('unreachable' in one) continue;
    const { source, text, sha256 } = one;
    const file = `${source.name}.yaml`;
    await replace(path.join(target, file), text);
    const versions = definitionIn(text)?.spec.versions.map(({ name }: { name: string }) => name) ?? [];
    entries.push({ ...source, sha256, file, versions });
  }
  await replace(path.join(target, 'index.json'), `${JSON.stringify(entries, null, 2)}\n`);
  if (pin) {
    const pinned = entries.map(({ file: _file, versions: _versions, ...source }) => source);
    await replace(path.join(folder, 'upstream.json'), `${JSON.stringify(pinned, null, 2)}\n`);
  }
  return entries;
}

/**
 * Whether what is there is what the table and the index say; without any network.
 *
 * @returns what isn't, a line each, and which definitions of the table were never fetched
 */
export async function verifyDefinitions(
  folder: string,
): Promise<{ readonly mistakes: readonly string[]; readonly missing: readonly string[]; readonly count: number }> {
  const table = new Map((await tableOf(folder)).map((source) => [source.name, source]));
  const target = targetOf(folder);
  const index = JSON.parse((await read(path.join(target, 'index.json'))) ?? '[]') as Entry[];
  const mistakes: string[] = [];
  for (const { file, ...entry } of index) {
    const source = table.get(entry.name);
    const text = await read(path.join(target, file));
    if (source === undefined) mistakes.push(`${file} isn't in the table any more`);
    else if (text === undefined) mistakes.push(`${file} is in the index, but not there`);
    else if (digestOf(text) !== entry.sha256) mistakes.push(`${file} isn't what was fetched`);
    else if (source.sha256 !== null && source.sha256 !== entry.sha256) mistakes.push(`${file} isn't what the table pins`);
    else if (['repository', 'version', 'path'].some((key) => source[key as 'path'] !== entry[key as 'path']))
      mistakes.push(`${file} is of another version than the table says`);
  }
  const known = new Set(['index.json', ...index.map(({ file }) => file)]);
  for (const file of await readdir(target).catch(() => []))
    if (!known.has(file)) mistakes.push(`${file} isn't in the index`);
  const fetched = new Set(index.map(({ name }) => name));
  return { mistakes, missing: [...table.keys()].filter((name) => !fetched.has(name)), count: index.length };
}

type Fetched =
  | { readonly source: Source; readonly unreachable: string }
  | { readonly source: Source; readonly text: string; readonly sha256: string };

async function fetchOne(source: Source, server: string, timeoutMs: number): Promise<Fetched> {
  const url = `${server}/${source.repository}/${source.version}/${source.path}`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!answer.ok) return { source, unreachable: `${url} answers ${answer.status}` };
    const text = await answer.text();
    return { source, text, sha256: digestOf(text) };
  } catch (error) {
    const { cause, message } = error as Error;
    return { source, unreachable: cause instanceof Error ? cause.message || message : message };
  }
}

function mistakesIn(source: Source, text: string, sha256: string, pin: boolean): string[] {
  const found = definitionIn(text)?.metadata.name;
  if (found !== source.name) return [`${source.name}: the file holds ${found ?? 'no definition'}`];
  if (source.sha256 === null)
    return pin ? [] : [`${source.name}: it has no checksum yet (sha256 ${sha256}); look at it, then use --pin`];
  return source.sha256 === sha256 ? [] : [`${source.name}: its sha256 is ${sha256}, not ${source.sha256}`];
}

// biome-ignore lint/suspicious/noExplicitAny: a definition of any shape.
function definitionIn(text: string): any {
  try {
    const documents = parseAllDocuments(text).map((document) => document.toJS());
    return documents.find((document) => document?.kind === 'CustomResourceDefinition');
  } catch {
    return undefined;
  }
}

async function tableOf(folder: string): Promise<readonly Source[]> {
  return JSON.parse(await readFile(path.join(folder, 'upstream.json'), 'utf8'));
}

function targetOf(folder: string): string {
  return path.join(folder, 'testdata', 'upstream');
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Never half a file. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
