import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { AnyObject, RawClient } from './raw-client.ts';
import { waitFor } from './wait-for.ts';

const root = path.resolve(import.meta.dirname, '../..');
const ownFolder = path.join(root, 'test/crds');
/** What test/crds/update.ts fetches. */
const fetchedFolder = path.join(ownFolder, 'testdata/upstream');
const realFolder = path.resolve(root, '../shared/crds');

/** `own`: the small ones in test/crds. `real`: the upstream ones, filled up with ours where there is none upstream. */
export type CrdSet = 'own' | 'real';

/** Whether the upstream definitions are on this machine. */
export function hasRealCrds(): boolean {
  return existsSync(realFolder);
}

/** Installs CRDs and waits until each is established and served; returns their names. `only` limits it by name. */
export async function installCrds(
  client: RawClient,
  set: CrdSet,
  { only }: { only?: readonly string[] } = {},
): Promise<string[]> {
  const all = await readCrds(set);
  const wanted = only === undefined ? all : all.filter((crd) => only.includes(crd.metadata.name));
  const unknown = (only ?? []).filter((name) => !all.some((crd) => crd.metadata.name === name));
  if (unknown.length > 0) throw new Error(`No such CRD in the ${set} set: ${unknown.join(', ')}`);

  await client.apply(wanted, { manager: 'crds' });
  await Promise.all([...versionsOf(wanted)].map(([apiVersion, kinds]) => waitUntilServed(client, apiVersion, kinds)));
  return wanted.map((crd) => crd.metadata.name);
}

/** Every CRD of a set, sorted by name. */
export async function readCrds(set: CrdSet): Promise<AnyObject[]> {
  if (set === 'real' && !hasRealCrds())
    throw new Error(`There are no upstream CRDs here: ${realFolder} does not exist.`);
  const byName = new Map<string, AnyObject>();
  for (const folder of set === 'real' ? [ownFolder, fetchedFolder, realFolder] : [ownFolder]) {
    for await (const file of glob('**/*.{yaml,yml}', { cwd: folder, exclude: (name) => name === 'testdata' })) {
      for (const document of parseAllDocuments(await readFile(path.join(folder, file), 'utf8'))) {
        const object = document.toJS() as AnyObject | null;
        if (object?.kind === 'CustomResourceDefinition')
          byName.set(object.metadata.name, withoutUpstreamLeftovers(object));
      }
    }
  }
  return [...byName.values()].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
}

/** Generators leave an empty status and a null creationTimestamp behind, which aren't ours to apply. */
function withoutUpstreamLeftovers({ status: _status, ...crd }: AnyObject): AnyObject {
  const { creationTimestamp: _time, ...metadata } = crd.metadata;
  return { ...crd, metadata };
}

function versionsOf(crds: readonly AnyObject[]): Map<string, string[]> {
  const kinds = new Map<string, string[]>();
  for (const { spec } of crds) {
    for (const version of spec.versions) {
      if (!version.served) continue;
      const apiVersion = `${spec.group}/${version.name}`;
      kinds.set(apiVersion, [...(kinds.get(apiVersion) ?? []), spec.names.kind]);
    }
  }
  return kinds;
}

/** A list succeeds only once the storage behind the kind is there; discovery alone can run ahead of it. */
async function waitUntilServed(client: RawClient, apiVersion: string, kinds: readonly string[]): Promise<void> {
  for (const kind of kinds) {
    await waitFor(() => client.isServed(apiVersion, kind), {
      what: `${kind} of ${apiVersion} to be served`,
      timeoutMs: 30_000,
    });
    await waitFor(
      async () => {
        await client.list({ apiVersion, kind }, { query: 'limit=1' });
        return true;
      },
      { what: `${kind} of ${apiVersion} to be listable`, timeoutMs: 30_000 },
    );
  }
}
