import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ControlPlane } from './control-plane.ts';
import { installCrds } from './install-crds.ts';
import type { AnyObject } from './raw-client.ts';

const folder = path.resolve(import.meta.dirname, '../fixtures/clusters/openshift');

/** The cluster that the demo and the examples of the docs are about: our CRDs, and the fixture cluster with its status. */
export async function demoCluster({ client }: ControlPlane): Promise<void> {
  await installCrds(client, 'own');
  for (const file of globSync('*.yaml', { cwd: folder }).sort()) {
    for (const { status, ...object } of await objectsIn(path.join(folder, file))) {
      await client.apply(object, { manager: 'cluster-admin' });
      if (status === undefined) continue;
      const { apiVersion, kind, metadata } = object;
      const id = { apiVersion, kind, name: metadata.name };
      await client.patch(id, { status }, { subresource: 'status', manager: 'cluster-admin' });
    }
  }
}

async function objectsIn(file: string): Promise<AnyObject[]> {
  const documents = parseAllDocuments(await readFile(file, 'utf8'));
  return documents.map((document) => document.toJS() as AnyObject);
}
