import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Fetched, fetchSources } from './fetch-sources.ts';
import { definitionIn, type Entry, originOf, readIndex, readTable, replace, type Source, targetOf } from './source.ts';

export type Options = {
  /** Holds upstream.json; definitions and their index go to testdata/upstream below it. */
  readonly folder: string;
  /** Where files of repositories are: REPOSITORY/VERSION/PATH below it. */
  readonly server?: string;
  /** Only what Go modules bring; what was fetched of the rest stays. */
  readonly onlyModules?: boolean;
  /** Writes the checksums of what is fetched for the first time into upstream.json. */
  readonly pin?: boolean;
  /** Time allowed for each file or module, in milliseconds. Default 60 000. */
  readonly timeoutMs?: number;
  /** What Go's client is told besides. */
  readonly env?: Readonly<Record<string, string>>;
};

/** What was wrong, a line each; nothing was changed. */
export class UpdateError extends Error {
  override readonly name = 'UpdateError';
}

/**
 * Fetches every definition of the table, checks all of them, and only then writes them with an index of versions and
 * sources.
 *
 * @returns what was fetched
 * @throws UpdateError when one can't be fetched, isn't what the table says, or has no checksum yet (unless `pin`)
 */
export async function updateDefinitions({
  folder,
  server = 'https://raw.githubusercontent.com',
  onlyModules = false,
  pin = false,
  timeoutMs = 60_000,
  env = {},
}: Options): Promise<readonly Entry[]> {
  const table = await readTable(folder);
  const wanted = table.filter((source) => !onlyModules || 'module' in source);
  const fetched = await fetchSources(wanted, { server, timeoutMs, env });
  const mistakes = fetched.flatMap((one) => ('unreachable' in one ? [one.unreachable] : mistakesIn(one, pin)));
  if (mistakes.length > 0) throw new UpdateError([...new Set(mistakes), 'nothing was changed'].join('\n'));

  const before = (await readIndex(folder)).filter(
    (entry) => !wanted.some(({ name }) => name === entry.name) && table.some(({ name }) => name === entry.name),
  );
  const target = targetOf(folder);
  await mkdir(target, { recursive: true });
  const entries: Entry[] = [];
  for (const one of fetched) {
    if ('unreachable' in one) continue;
    const file = `${one.source.name}.yaml`;
    await replace(path.join(target, file), one.text);
    const versions = definitionIn(one.text)?.spec.versions.map(({ name }: { name: string }) => name) ?? [];
    entries.push({ ...pinned(one), file, versions });
  }
  const index = [...before, ...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  await replace(path.join(target, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
  if (pin) {
    const sources = new Map(fetched.map((one) => [one.source.name, 'unreachable' in one ? one.source : pinned(one)]));
    const rows = table.map((source) => sources.get(source.name) ?? source);
    await replace(path.join(folder, 'upstream.json'), `${JSON.stringify(rows, null, 2)}\n`);
  }
  return entries;
}

type Got = Extract<Fetched, { text: string }>;

function pinned({ source, sha256, sum = '' }: Got): Source & { sha256: string } {
  return 'module' in source ? { ...source, sum, sha256 } : { ...source, sha256 };
}

function mistakesIn({ source, text, sha256, sum }: Got, pin: boolean): string[] {
  const { name } = source;
  const found = definitionIn(text)?.metadata.name;
  if (found !== name) return [`${name}: the file holds ${found ?? 'no definition'}`];
  if ('module' in source && source.sum !== null && source.sum !== sum)
    return [`${name}: the checksum of ${originOf(source)} is ${sum}, not ${source.sum}`];
  if (source.sha256 === null || ('module' in source && source.sum === null))
    return pin ? [] : [`${name}: it has no checksum yet (sha256 ${sha256}); look at it, then use --pin`];
  return source.sha256 === sha256 ? [] : [`${name}: its sha256 is ${sha256}, not ${source.sha256}`];
}
