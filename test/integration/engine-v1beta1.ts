import { readFile } from 'node:fs/promises';
import anyTest, { type TestFn } from 'ava';
import { plan } from '../../shared/engine/plan.ts';
import { snapshotFromObjects } from '../../shared/engine/snapshot-from-objects.ts';
import type { Cluster as Client } from '../../shared/kube/client.ts';
import { type AnyObject, useCluster, waitFor } from '../helpers/cluster.ts';
import { catalogOf, converge, itemOf, openClient, planNow } from '../helpers/engine.ts';

const test = anyTest as TestFn<{ client: Client }>;
const cluster = useCluster(test, { crds: 'none' });

const key = (name: string) => `platform.kubevirt.io/${name}`;
const id = {
  apiVersion: 'hco.kubevirt.io/v1beta1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};

/** What an asset sees of HyperConverged, written into a ConfigMap. */
const facts = `format: 1
when: ["'withHostPassthroughCPU' in featureGates", "!('alignCPUs' in featureGates)"]
target: {apiVersion: v1, kind: ConfigMap, namespace: openshift-cnv, name: facts}
---
data:
  migrations: {{yaml (toJson (dig hyperConverged "spec" "virtualization" "liveMigrationConfig" "parallelMigrationsPerCluster" default=0))}}
  maxPods: {{yaml (toJson (dig hyperConverged "spec" "deployment" "nodePlacements" "infra" "maxPods" default=0))}}
`;
const golden = `format: 1
target:
  apiVersion: [hco.kubevirt.io/v1, hco.kubevirt.io/v1beta1]
  kind: HyperConverged
  namespace: "{{hyperConverged.namespace}}"
  name: kubevirt-hyperconverged
---
metadata: {annotations: {platform.kubevirt.io/managed-by: virt-platform-autopilot}}
`;
const catalog = catalogOf({ 'golden.yaml.hbs': golden, 'facts.yaml.hbs': facts });

async function crd(folder: string): Promise<string> {
  return readFile(new URL(`../crds/${folder}`, import.meta.url), 'utf8');
}

test.serial.before('HyperConverged is served as v1beta1 only', async (t) => {
  await cluster.apply(await crd('testdata/hyperconvergeds-v1beta1-only.yaml'));
  await cluster.apply('{apiVersion: v1, kind: Namespace, metadata: {name: openshift-cnv}}');
  await waitFor(
    async () => (await cluster.request('GET', '/apis/hco.kubevirt.io/v1beta1/hyperconvergeds')).status === 200,
    {
      what: 'HyperConverged to be served',
    },
  );
  await cluster.apply(
    {
      apiVersion: id.apiVersion,
      kind: id.kind,
      metadata: { namespace: id.namespace, name: id.name, annotations: { [key('autopilot')]: 'true' } },
      spec: {
        featureGates: { withHostPassthroughCPU: true, alignCPUs: false },
        liveMigrationConfig: { parallelMigrationsPerCluster: 9 },
        infra: { nodePlacement: { maxPods: 300 } },
      },
    },
    { manager: 'person' },
  );
  t.context.client = openClient(cluster.kubeconfig);
});

test.after.always((t) => t.context.client?.close());

test.serial('the version that is served is used for targets, facts and conditions', async (t) => {
  const { plan: decided } = await converge(t.context.client, catalog);
  t.is(decided.hyperConverged?.apiVersion, id.apiVersion);
  t.like(itemOf(decided, 'golden'), { decision: 'in-sync', target: id });
  const live = await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'openshift-cnv', name: 'facts' });
  t.deepEqual(live?.data, { migrations: '9', maxPods: '300' });
  const { metadata, spec } = (await cluster.get(id)) ?? {};
  t.is(metadata.labels[key('managed-by')], 'virt-platform-autopilot');
  t.is(spec.liveMigrationConfig.parallelMigrationsPerCluster, 9, "the golden asset touches nobody's settings");
});

test.serial('files of that cluster give the same plan, as far as files can tell', async (t) => {
  const objects = [
    await cluster.get(id),
    await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'openshift-cnv', name: 'facts' }),
  ];
  const { plan: decided } = plan(catalog, snapshotFromObjects(objects as never));
  t.like(itemOf(decided, 'facts'), { decision: 'in-sync' });
  t.is(decided.hyperConverged?.apiVersion, id.apiVersion);
});

test.serial('overrides on HyperConverged count in v1beta1 too', async (t) => {
  const { client } = t.context;
  const annotate = (annotations: Record<string, string | null>) =>
    cluster.patch(
      id,
      { metadata: { annotations: Object.fromEntries(Object.entries(annotations).map(([k, v]) => [key(k), v])) } },
      { manager: 'person' },
    );
  const migrations = async () => (await cluster.get(id))?.spec.liveMigrationConfig.parallelMigrationsPerCluster;

  // In the shape of the version that is served.
  const spec = { liveMigrationConfig: { parallelMigrationsPerCluster: 5 } };
  await annotate({ patch: JSON.stringify([{ op: 'add', path: '/spec', value: spec }]) });
  const { plan: patched } = await converge(client, catalog);
  t.is(await migrations(), 5);
  t.is(Object(itemOf(patched, 'facts').desired).data.migrations, '5', 'and what is made of it is what assets see');

  await annotate({ 'ignore-fields': '/spec/liveMigrationConfig/parallelMigrationsPerCluster' });
  await converge(client, catalog);
  const set = (value: number) => ({ spec: { liveMigrationConfig: { parallelMigrationsPerCluster: value } } });
  const metadata = { namespace: id.namespace, name: id.name };
  const apply = (value: number) =>
    cluster.apply({ apiVersion: id.apiVersion, kind: id.kind, metadata, ...set(value) }, { manager: 'person2' });
  await t.notThrowsAsync(apply(4), 'no conflict: nobody has it any more');
  await converge(client, catalog);
  t.is(await migrations(), 4);

  await annotate({ patch: null, 'ignore-fields': null });
  for (const [name, value, decision] of [
    ['mode', 'unmanged', 'override-invalid'],
    ['mode', 'unmanaged', 'unmanaged'],
    ['reconcile-paused', 'true', 'paused'],
  ] as const) {
    await annotate({ [name]: value });
    t.is(itemOf(await planNow(client, catalog), 'golden').decision, decision);
    await annotate({ [name]: null });
  }
  t.is(itemOf((await converge(client, catalog)).plan, 'golden').decision, 'in-sync');
});

test.serial('once v1 is served too, it is used, and what was applied as v1beta1 is taken over', async (t) => {
  await cluster.apply(await crd('hyperconvergeds.yaml'));
  await waitFor(async () => (await cluster.request('GET', '/apis/hco.kubevirt.io/v1/hyperconvergeds')).status === 200, {
    what: 'HyperConverged to be served as v1',
  });
  // Settings as they stand were converted by the operator's own webhook; here somebody writes them anew.
  await cluster.patch(
    { ...id, apiVersion: 'hco.kubevirt.io/v1' },
    [
      {
        op: 'replace',
        path: '/spec',
        value: {
          featureGates: [{ name: 'withHostPassthroughCPU' }],
          virtualization: { liveMigrationConfig: { parallelMigrationsPerCluster: 4 } },
        },
      },
    ],
    { type: 'json', manager: 'person' },
  );
  const client = openClient(cluster.kubeconfig);
  t.teardown(() => client.close());
  const { plan: decided } = await converge(client, catalog);
  t.like(itemOf(decided, 'golden'), { decision: 'in-sync', target: { apiVersion: 'hco.kubevirt.io/v1' } });
  const live = (await cluster.get({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    namespace: 'openshift-cnv',
    name: 'facts',
  })) as AnyObject;
  t.deepEqual(live.data, { migrations: '4', maxPods: '0' });
});

test('a field that was applied in an older version, and that nobody wants any more, is given up', async (t) => {
  const version = (name: string, storage: boolean) => ({
    name,
    served: true,
    storage,
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: { spec: { type: 'object', additionalProperties: { type: 'string' } } },
      },
    },
  });
  await cluster.apply({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Cluster',
      names: { kind: 'Thing', plural: 'things' },
      versions: [version('v1', true), version('v1beta1', false)],
    },
  });
  await waitFor(async () => (await cluster.request('GET', '/apis/example.com/v1/things')).status === 200, {
    what: 'things to be served',
  });
  const client = openClient(cluster.kubeconfig);
  t.teardown(() => client.close());
  const thing = (version: string, spec: object) =>
    catalogOf({
      'thing.yaml.hbs': `format: 1\ntarget: {apiVersion: example.com/${version}, kind: Thing, name: one}\n---\n${JSON.stringify({ spec })}`,
    });
  await converge(client, thing('v1beta1', { a: '1', b: '2' }));
  const item = itemOf(await planNow(client, thing('v1', { a: '1' })), 'thing');
  t.like(item, { decision: 'update', drift: [{ pointer: '/spec/b', live: '2' }] });
  await converge(client, thing('v1', { a: '1' }));
  const live = await cluster.get({ apiVersion: 'example.com/v1', kind: 'Thing', name: 'one' });
  t.deepEqual(live?.spec, { a: '1' });
});
