import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { clusterAnnotation } from '../../shared/api/annotations.ts';
import { managedByLabel } from '../../shared/api/names.ts';
import { formatObjectRef } from '../../shared/api/object-ref.ts';
import { type DescribedFeature, describeFeatures } from '../../shared/catalog/describe-features.ts';
import { plan } from '../../shared/engine/plan.ts';
import type { Plan } from '../../shared/engine/plan-item.ts';
import type { Cluster as Client } from '../../shared/kube/client.ts';
import { observe } from '../../shared/kube/observe.ts';
import { perform } from '../../shared/kube/perform.ts';
import { type AnyObject, useCluster } from '../helpers/cluster.ts';
import { openClient } from '../helpers/engine.ts';
import { catalog } from '../unit/assets/_assets.ts';

const root = path.resolve(import.meta.dirname, '../..');
const cluster = useCluster(test);
const images = { 'kubevirt-metrics-exporter': 'registry.example/kubevirt-metrics-exporter:v1' };
const hyperConverged = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};
const kinds = new Map(
  catalog.assets
    .filter(({ target }) => target.kind !== 'HyperConverged')
    .map(({ target: { apiVersions, kind } }) => [
      `${apiVersions[0]}/${kind}`,
      { apiVersion: apiVersions[0] ?? '', kind },
    ]),
);
let client: Client;

// A cluster on which every condition about hardware and topology holds.
test.before('a bare-metal cluster whose masters run workloads is at its baseline', async (t) => {
  t.timeout(120_000);
  const objects: AnyObject[] = [];
  for await (const file of glob('test/fixtures/clusters/openshift/*.yaml', { cwd: root }))
    for (const document of parseAllDocuments(await readFile(path.join(root, file), 'utf8')))
      objects.push(document.toJS() as AnyObject);
  objects.sort((a, b) => Number(b.kind === 'Namespace') - Number(a.kind === 'Namespace'));
  for (const object of objects.map(withEverything)) {
    await cluster.apply(object);
    const { apiVersion, kind, metadata, status } = object;
    const id = { apiVersion, kind, name: metadata.name, namespace: metadata.namespace };
    if (status !== undefined) await cluster.patch(id, { status }, { subresource: 'status' });
  }
  client = openClient(cluster.kubeconfig);
  await converge();
});

test.after.always('the client closes', () => client?.close());

for (const feature of describeFeatures(catalog).filter(({ optIn }) => optIn !== null)) {
  test.serial(`${feature.title}: on, off and on again`, async (t) => {
    t.timeout(120_000);
    const before = await everything();

    await switchFeature(feature, true);
    const wanted = await converge();
    const on = await everything();
    const own = wanted.items.filter(({ asset, decision }) => feature.assets.includes(asset) && decision === 'in-sync');
    const made = changesBetween(before, on);
    t.true(made.length > 0, `${feature.optIn} switches it on`);
    t.deepEqual(made, own.map(({ target }) => formatObjectRef(target)).sort(), 'only its own objects change');
    const refused = wanted.items.filter(
      ({ asset, decision }) => feature.assets.includes(asset) && !['in-sync', 'condition-unmet'].includes(decision),
    );
    t.deepEqual(
      refused.map(({ asset, decision, why }) => `${asset}: ${decision}, ${why}`),
      [],
    );
    const { snapshot } = await observe(client, catalog, plan, { images });
    t.deepEqual([...snapshot.verdicts.keys()], [], 'what is in sync is not put to the server');

    await switchFeature(feature, false);
    const left = await converge();
    t.deepEqual(changesBetween(on, await everything()), [], 'switching it off changes nothing');
    for (const { asset, decision } of left.items.filter(({ asset }) => own.some((item) => item.asset === asset)))
      t.is(decision, 'condition-unmet', `${asset} is left alone`);
    t.log(`stays behind: ${made.join(', ')}`);

    await switchFeature(feature, true);
    await converge();
    t.deepEqual(changesBetween(on, await everything()), [], 'switching it on again changes nothing');

    // As an admin would: what a feature left behind may be in the way of another.
    await switchFeature(feature, false);
    for (const { target } of own) {
      // Namespaces don't go away here, and the settings are an admin's: they are as if nobody had adopted them.
      if (target.kind === 'Namespace' || target.kind === 'ConfigMap')
        await cluster.patch(target, { metadata: { labels: { [managedByLabel]: null } } });
      else await cluster.delete(target);
    }
  });
}

for (const feature of describeFeatures(catalog).filter(({ optIn }) => optIn === null)) {
  test.serial(`${feature.title}, which is always on: off by rule, and on again`, async (t) => {
    t.timeout(120_000);
    const { items } = await converge();
    const own = items.filter(({ asset, decision }) => feature.assets.includes(asset) && decision === 'in-sync');
    t.true(own.length > 0);
    const before = await everything();

    const rules = own.map(({ target: { kind, name, namespace } }) => ({ kind, name, namespace }));
    await annotate(clusterAnnotation.disabledResources, JSON.stringify(rules));
    const left = await converge();
    t.deepEqual(changesBetween(before, await everything()), [], 'switching it off changes nothing');
    for (const { asset } of own) t.is(left.items.find((item) => item.asset === asset)?.decision, 'excluded', asset);

    for (const { target } of own) await cluster.delete(target);
    const gone = await everything();
    await converge();
    t.deepEqual(changesBetween(gone, await everything()), [], 'what is off does not come back');

    await annotate(clusterAnnotation.disabledResources, null);
    await converge();
    const made = own.map(({ target }) => formatObjectRef(target)).sort();
    t.deepEqual(changesBetween(gone, await everything()), made, 'only its own objects are made again');
  });
}

async function annotate(key: string, value: string | null): Promise<void> {
  await cluster.patch(hyperConverged, { metadata: { annotations: { [key]: value } } });
}

/** What its words in tables say, done. */
async function switchFeature({ optIn }: DescribedFeature, on: boolean): Promise<void> {
  for (const word of (optIn ?? '').split(', ')) {
    const [, key] = /^(platform\.kubevirt\.io\/[\w-]+)=true$/.exec(word) ?? [];
    const [, gate] = /^featureGate:(\w+)$/.exec(word) ?? [];
    if (key !== undefined) await annotate(key, on ? 'true' : null);
    if (gate !== undefined)
      await cluster.patch(hyperConverged, { spec: { featureGates: on ? [{ name: gate, state: 'Enabled' }] : [] } });
  }
}

async function converge(): Promise<Plan> {
  for (let round = 0; round < 8; round++) {
    const { plan: decided } = await observe(client, catalog, plan, { images });
    let writes = 0;
    for (const item of decided.items) {
      const outcome = await perform(client, item);
      if (outcome.result === 'failed') throw new Error(`${item.asset}: ${outcome.error.message}`);
      if (outcome.result !== 'nothing') writes++;
    }
    if (writes === 0) return decided;
  }
  throw new Error('It does not converge.');
}

/** Every object of the catalog's kinds, by name, in the version that it has. */
async function everything(): Promise<ReadonlyMap<string, string>> {
  const lists = await Promise.all(
    [...kinds.values()].map(async ({ apiVersion, kind }) =>
      (await cluster.list({ apiVersion, kind })).map(({ metadata }): [string, string] => [
        formatObjectRef({ kind, namespace: metadata.namespace, name: metadata.name }),
        metadata.resourceVersion,
      ]),
    ),
  );
  return new Map(lists.flat());
}

function changesBetween(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name)).sort();
}

function withEverything(object: AnyObject): AnyObject {
  if (object.kind === 'Scheduler') return { ...object, spec: { ...object.spec, mastersSchedulable: true } };
  if (object.kind !== 'Node') return object;
  const labels = { ...object.metadata.labels, 'feature.node.kubernetes.io/usb-ef_0bda.present': 'true' };
  return { ...object, metadata: { ...object.metadata, labels } };
}
