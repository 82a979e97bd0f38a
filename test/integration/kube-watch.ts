import { readdir } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { type Cluster, openCluster } from '../../shared/kube/client.ts';
import { loadKubeconfig } from '../../shared/kube/kubeconfig.ts';
import { type Watch, type WatchOptions, type WatchTarget, watchObjects } from '../../shared/kube/watch.ts';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { useCluster, waitFor } from '../helpers/cluster.ts';

const control = useCluster(test, { crds: 'none' });
const configMaps = { apiVersion: 'v1', kind: 'ConfigMap' } as const;

test('one object is followed by its name, before it exists and after it is gone', async (t) => {
  const { one, told } = await watched(t, { ...configMaps, namespace: 'default', name: 'followed' });
  t.is(one.items.size, 0);
  await control.apply(configMap('followed', '1'));
  await control.apply(configMap('beside', '1'));
  await control.apply(configMap('followed', '2'));
  await control.delete({ ...configMaps, namespace: 'default', name: 'followed' });
  await seen(told, 'deleted default/followed');
  t.deepEqual(told, ['added default/followed', 'updated default/followed', 'deleted default/followed']);
});

test('a kind is followed in all namespaces or in one', async (t) => {
  await control.apply('{apiVersion: v1, kind: Namespace, metadata: {name: elsewhere}}');
  await control.apply([configMap('kind-before', '1'), configMap('kind-before', '1', 'elsewhere')]);
  const all = await watched(t, configMaps);
  const one = await watched(t, { ...configMaps, namespace: 'elsewhere' });
  await control.apply([configMap('kind-after', '1'), configMap('kind-after', '1', 'elsewhere')]);
  for (const { told } of [all, one]) await seen(told, 'added elsewhere/kind-after');
  await seen(all.told, 'added default/kind-after');
  t.true(all.told.includes('added default/kind-before'));
  t.deepEqual(one.told, ['added elsewhere/kind-before', 'added elsewhere/kind-after']);
});

test('core kinds that are cluster-scoped are followed, reduced to what is used', async (t) => {
  const { one, told } = await watched(
    t,
    { apiVersion: 'v1', kind: 'Node' },
    {
      project: ({ apiVersion, kind, metadata: { name, labels = {} } }) => ({
        apiVersion,
        kind,
        metadata: { name, labels },
      }),
    },
  );
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker' } };
  await control.create(node);
  await control.patch({ ...node, name: 'worker' }, { status: { phase: 'Running' } }, { subresource: 'status' });
  await control.patch({ ...node, name: 'worker' }, { metadata: { labels: { a: 'b' } } });
  await seen(told, 'updated /worker');
  t.deepEqual(told, ['added /worker', 'updated /worker']);
  t.deepEqual(one.items.get('/worker'), { ...node, metadata: { name: 'worker', labels: { a: 'b' } } });
});

test('every write is told once, in order, and the last state is the server’s', async (t) => {
  const { one, changes } = await watched(t, { ...configMaps, namespace: 'default', name: 'busy' });
  for (let i = 0; i < 30; i++) await control.apply(configMap('busy', String(i)));
  await waitFor(() => changes.length === 30);
  t.deepEqual(
    changes.map((change) => change.change !== 'deleted' && (change.object.data as { value: string }).value),
    Array.from({ length: 30 }, (_, i) => String(i)),
  );
  t.deepEqual(
    one.items.get('default/busy') as unknown,
    await control.get({ ...configMaps, namespace: 'default', name: 'busy' }),
  );
});

test('a kind that comes, goes and comes back with its CRD is followed without a restart', async (t) => {
  const cluster = open(t);
  const { one, told, phases, errors } = await watched(
    t,
    { apiVersion: 'example.com/v1', kind: 'Gadget' },
    {},
    { cluster, phase: 'absent' },
  );
  t.regex(one.state.why ?? '', /serves no Gadget in example.com\/v1/);
  for (const round of ['first', 'second']) {
    await control.apply(gadgets);
    await waitFor(async () => {
      await cluster.discover();
      one.retryNow();
      return one.isSynced;
    });
    await control.create({ apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: round } });
    await seen(told, `added /${round}`);
    await control.delete({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      name: 'gadgets.example.com',
    });
    await waitFor(() => one.state.phase === 'absent', { what: 'the kind to be absent', timeoutMs: 30_000 });
  }
  t.deepEqual(
    phases.filter((phase) => phase !== 'failing'),
    ['absent', 'synced', 'absent', 'synced', 'absent'],
  );
  t.deepEqual(errors, []);
});

test('list and watch of one name are permission enough', async (t) => {
  await control.apply(
    [
      '{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: one-name}, rules: [{apiGroups: [""], resources: [configmaps], resourceNames: [allowed], verbs: [list, watch]}]}',
      '{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: one-name}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: one-name}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: author}]}',
    ].join('\n---\n'),
  );
  const cluster = open(t, await control.user('author'));
  const { told } = await watched(t, { ...configMaps, namespace: 'default', name: 'allowed' }, {}, { cluster });
  await control.apply(configMap('allowed', '1'));
  await seen(told, 'added default/allowed');
  const { one } = await watched(
    t,
    { ...configMaps, namespace: 'default', name: 'other' },
    {},
    { cluster, phase: 'forbidden' },
  );
  t.like(one.state.permission, { verb: 'watch', group: '', resource: 'configmaps', namespace: 'default' });
});

test('a permission that is given later is taken up when told', async (t) => {
  const cluster = open(t, await control.user('late'));
  const { one } = await watched(t, { apiVersion: 'v1', kind: 'Namespace' }, {}, { cluster, phase: 'forbidden' });
  t.deepEqual(one.state.permission, { verb: 'watch', group: '', resource: 'namespaces' });
  await control.apply(
    [
      '{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: late}, rules: [{apiGroups: [""], resources: [namespaces], verbs: [watch]}]}',
      '{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: late}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: late}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: late}]}',
    ].join('\n---\n'),
  );
  await waitFor(() => {
    one.retryNow();
    return one.isSynced;
  });
  t.true(one.items.has('/default'));
});

test('idle watches make no requests', async (t) => {
  const cluster = open(t);
  const watches = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      watched(t, { ...configMaps, namespace: 'default', name: `idle-${i}` }, {}, { cluster }),
    ),
  );
  // Two for discovery, and one for each watch.
  t.is(cluster.requests, 62);
  await control.apply(configMap('idle-7', '1'));
  await seen(watches[7]?.told ?? [], 'added default/idle-7');
  t.is(cluster.requests, 62);
  t.is(watches.filter(({ told }) => told.length > 0).length, 1);
});

test('a server that ends watches early is followed without a gap', async (t) => {
  const { one, changes, errors, phases } = await watched(
    t,
    { ...configMaps, namespace: 'default', name: 'short' },
    { timeouts: { closeAfterMs: 500 } },
  );
  for (let i = 0; i < 20; i++) {
    await control.apply(configMap('short', String(i)));
    await waitFor(() => (one.items.get('default/short')?.data as { value?: string } | undefined)?.value === String(i));
  }
  t.is(changes.length, 20);
  t.deepEqual([phases, errors], [['synced'], []]);
});

test.serial('a server without streamed lists gives pages', async (t) => {
  const controlPlane = await startControlPlane({ apiServerArgs: ['--feature-gates=WatchList=false'] });
  t.teardown(() => controlPlane.stop());
  const client = controlPlane.client;
  await client.apply(Array.from({ length: 25 }, (_, i) => configMap(`page-${i}`, '1')));
  const cluster = open(t, controlPlane.kubeconfig);
  const { one, told, errors } = await watched(
    t,
    { ...configMaps, namespace: 'default' },
    { pageSize: 10 },
    { cluster },
  );
  t.is(one.items.size, 25);
  await client.apply(configMap('page-25', '1'));
  await seen(told, 'added default/page-25');
  t.deepEqual(errors, []);
});

test.serial('a server that was killed is followed again, and what went in between is reported', async (t) => {
  const controlPlane = await startControlPlane();
  t.teardown(() => controlPlane.stop());
  await controlPlane.client.apply([configMap('stays', '1'), configMap('goes', '1')]);
  const cluster = open(t, controlPlane.kubeconfig);
  const { one, told, phases } = await watched(t, { ...configMaps, namespace: 'default' }, {}, { cluster });
  const { one: unchanged } = await watched(t, { ...configMaps, namespace: 'default', name: 'stays' }, {}, { cluster });

  await controlPlane.stopApiServer();
  await waitFor(() => one.state.phase === 'failing' && unchanged.state.phase === 'failing');
  t.is(one.items.size, 2);
  await etcd(controlPlane, 'deleterange', { key: base64('/registry/configmaps/default/goes') });
  await controlPlane.startApiServer();
  await waitFor(
    () => {
      one.retryNow();
      unchanged.retryNow();
      return one.isSynced && unchanged.isSynced && one.items.size === 1;
    },
    { timeoutMs: 30_000 },
  );
  t.deepEqual(told.toSorted(), ['added default/goes', 'added default/stays', 'deleted default/goes']);
  t.is(phases.at(-1), 'synced');

  await controlPlane.client.apply(configMap('comes', '1'));
  await seen(told, 'added default/comes');
});

test.serial('a version that etcd has compacted leads to a new list', async (t) => {
  // Without its cache the server passes watches on to etcd, which answers for itself.
  const controlPlane = await startControlPlane({ apiServerArgs: ['--watch-cache=false'] });
  t.teardown(() => controlPlane.stop());
  await controlPlane.client.apply([configMap('stays', '1'), configMap('goes', '1')]);
  const cluster = open(t, controlPlane.kubeconfig);
  const { one, told, phases } = await watched(t, { ...configMaps, namespace: 'default' }, {}, { cluster });

  await controlPlane.stopApiServer();
  await etcd(controlPlane, 'deleterange', { key: base64('/registry/configmaps/default/goes') });
  for (const value of ['1', '2', '3']) await etcd(controlPlane, 'put', { key: base64('/x'), value: base64(value) });
  const { header } = await etcd(controlPlane, 'range', { key: base64('/x') });
  await etcd(controlPlane, 'compaction', { revision: header.revision, physical: true });
  await controlPlane.startApiServer();
  const isBack = () => {
    one.retryNow();
    return one.isSynced && one.items.size === 1;
  };
  await waitFor(isBack, { what: 'a new list', timeoutMs: 30_000 });
  t.true(phases.includes('connecting'));
  t.deepEqual(told.toSorted(), ['added default/goes', 'added default/stays', 'deleted default/goes']);
});

function open(t: ExecutionContext, kubeconfig = control.kubeconfig): Cluster {
  const cluster = openCluster(loadKubeconfig({ env: {}, kubeconfig }), { userAgent: 'test/1' });
  t.teardown(() => cluster.close());
  return cluster;
}

/** A watch that has come to rest, and everything it told. */
async function watched(
  t: ExecutionContext,
  target: WatchTarget,
  options: WatchOptions = {},
  { cluster = open(t), phase = 'synced' }: { cluster?: Cluster; phase?: string } = {},
) {
  const changes: Parameters<NonNullable<WatchOptions['onChange']>>[0][] = [];
  const told: string[] = [];
  const phases: string[] = [];
  const errors: unknown[] = [];
  const one: Watch = watchObjects(cluster, target, {
    onChange: (change) => {
      changes.push(change);
      told.push(`${change.change} ${change.key}`);
    },
    onState: ({ phase }) => void (phases.at(-1) === phase || phases.push(phase)),
    onError: (error) => void errors.push(error),
    ...options,
  });
  t.teardown(() => one.stop());
  await waitFor(() => one.state.phase === phase, { what: `the watch to be ${phase}` });
  return { one, changes, told, phases, errors };
}

async function seen(told: readonly string[], what: string): Promise<void> {
  await waitFor(() => told.includes(what), { what });
}

function configMap(name: string, value: string, namespace = 'default') {
  return { ...configMaps, metadata: { name, namespace }, data: { value } };
}

function base64(key: string): string {
  return Buffer.from(key).toString('base64');
}

/** Behind the API server's back, as others write while it is down. */
async function etcd({ directory }: ControlPlane, method: string, body: unknown) {
  const [port] = (await readdir(directory)).flatMap((name) => /^etcd-(\d+)$/.exec(name)?.[1] ?? []);
  const answer = await fetch(`http://127.0.0.1:${port}/v3/kv/${method}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`etcd answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as { header: { revision: string } };
}

const gadgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  names: {kind: Gadget, plural: gadgets, singular: gadget, listKind: GadgetList}
  scope: Cluster
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`;
