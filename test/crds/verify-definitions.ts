import { readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  definitionIn,
  digestOf,
  type Entry,
  originOf,
  read,
  readIndex,
  readTable,
  type Source,
  targetOf,
} from './source.ts';

export type Verified = {
  /** What isn't as it should be, a line each. */
  readonly mistakes: readonly string[];
  /** Definitions of the table that were never fetched. */
  readonly missing: readonly string[];
  /** Definitions that are there. */
  readonly count: number;
};

/**
 * Whether the table is well-formed, what was fetched is what table and index say, and ours say the same of names,
 * scope and versions as upstream's; without any network.
 */
export async function verifyDefinitions(folder: string): Promise<Verified> {
  const sources = await readTable(folder);
  const table = new Map(sources.map((source) => [source.name, source]));
  const mistakes = sources.flatMap((source, index) => mistakesInRow(source, sources.slice(0, index)));
  const target = targetOf(folder);
  const index = await readIndex(folder);
  for (const entry of index) {
    const source = table.get(entry.name);
    const text = await read(path.join(target, entry.file));
    const found = source === undefined ? "isn't in the table any more" : mistakeInFile(entry, source, text);
    if (found !== undefined) mistakes.push(`${entry.file} ${found}`);
    else mistakes.push(...mistakesInOurs(entry.name, text ?? '', await read(path.join(folder, oursOf(entry.name)))));
  }
  for (const { name } of sources)
    if ((await read(path.join(folder, oursOf(name)))) === undefined)
      mistakes.push(`upstream.json: ${name} stands in for nothing: there is no ${oursOf(name)}`);
  const known = new Set(['index.json', ...index.map(({ file }) => file)]);
  for (const file of await readdir(target).catch(() => []))
    if (!known.has(file)) mistakes.push(`${file} isn't in the index`);
  const fetched = new Set(index.map(({ name }) => name));
  return { mistakes, missing: [...table.keys()].filter((name) => !fetched.has(name)), count: index.length };
}

function mistakesInRow(source: Source, before: readonly Source[]): string[] {
  const { name, version } = source;
  const isModule = 'module' in source;
  const isFixed = (isModule ? /^v\d+\.\d+\.\d+(-[\w.-]+)?(\+incompatible)?$/ : /^[0-9a-f]{40}$/).test(version);
  return [
    ...(before.some((other) => other.name === name) ? ['it stands there twice'] : []),
    ...(isFixed ? [] : [`${version} isn't ${isModule ? 'a version of a module' : 'a commit'}`]),
    ...(isModule && source.sum !== null && !/^h1:[\w+/]{43}=$/.test(source.sum)
      ? ['its sum is no line of go.sum']
      : []),
  ].map((mistake) => `upstream.json: ${name}: ${mistake}`);
}

function mistakeInFile(entry: Entry, source: Source, text: string | undefined): string | undefined {
  if (text === undefined) return 'is in the index, but not there';
  if (digestOf(text) !== entry.sha256) return "isn't what was fetched";
  if (source.sha256 !== null && source.sha256 !== entry.sha256) return "isn't what the table pins";
  if (originOf(source) !== originOf(entry) || source.path !== entry.path)
    return 'is of another version than the table says';
  return undefined;
}

/** Ours say less of each field, but nothing else of what a kind is. */
function mistakesInOurs(name: string, upstream: string, ours: string | undefined): string[] {
  const [theirs, own] = [definitionIn(upstream)?.spec, definitionIn(ours ?? '')?.spec];
  if (own === undefined) return [];
  const served = (spec: typeof own): string[] => spec.versions.map((version: { name: string }) => version.name);
  const extra = served(own).filter((version) => !served(theirs).includes(version));
  return [
    ...(own.scope === theirs.scope ? [] : [`scope ${own.scope}, not ${theirs.scope}`]),
    ...(own.names.kind === theirs.names.kind ? [] : [`kind ${own.names.kind}, not ${theirs.names.kind}`]),
    ...extra.map((version) => `version ${version}, which upstream has not`),
  ].map((mistake) => `${oursOf(name)} has ${mistake}`);
}

function oursOf(name: string): string {
  return `${name.split('.', 1)[0]}.yaml`;
}
