import test, { type ExecutionContext } from 'ava';
import type { JsonObject, KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { autopilotName } from '../../shared/api/names.ts';
import type { ObjectRef } from '../../shared/api/object-ref.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import { ApiError } from '../../shared/kube/api-error.ts';
import { type Cluster, openCluster } from '../../shared/kube/client.ts';
import { loadKubeconfig } from '../../shared/kube/kubeconfig.ts';
import { perform } from '../../shared/kube/perform.ts';
import { RefusedError } from '../../shared/kube/refused-error.ts';
import { useCluster, waitFor } from '../helpers/cluster.ts';

const control = useCluster(test);
const ours = { fieldManager: autopilotName, force: true };

test('an apply creates, changes and leaves alone', async (t) => {
  const cluster = open(t);
  const ref = configMap('applied');
  const created = await cluster.apply(manifest(ref, { a: '1' }), { ref, ...ours, live: 'none' });
  t.true(created.isCreated);
  t.like(created.object.metadata.managedFields, [{ operation: 'Apply', fieldsV1: { 'f:data': { 'f:a': {} } } }]);
  t.deepEqual(Object.keys(created.object.metadata.managedFields?.[0]?.fieldsV1 ?? {}), ['f:data']);
  const live = versionOf(created.object);
  const same = await cluster.apply(manifest(ref, { a: '1' }), { ref, ...ours, live });
  t.false(same.isCreated);
  t.is(same.object.metadata.resourceVersion, live.resourceVersion);
  const changed = await cluster.apply(manifest(ref, { a: '2' }), { ref, ...ours, live });
  t.deepEqual(changed.object.data, { a: '2' });
});

for (const kind of ['ConfigMap', 'MachineConfig', 'PodDisruptionBudget'] as const) {
  test(`an apply of a new ${kind} does nothing to one that appeared meanwhile, whatever it would change`, async (t) => {
    const cluster = open(t);
    const { ref, first, second } = {
      ConfigMap: { ref: configMap('appeared'), first: { data: { a: 'theirs' } }, second: { data: { a: 'ours' } } },
      MachineConfig: {
        ref: { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfig', name: 'appeared' },
        first: { spec: { kernelArguments: ['theirs'] } },
        second: { spec: { kernelArguments: ['ours'] } },
      },
      PodDisruptionBudget: {
        ref: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', namespace: 'default', name: 'appeared' },
        first: { spec: { maxUnavailable: 1 } },
        second: { spec: { maxUnavailable: 2 } },
      },
    }[kind];
    const before = await control.get(ref);
    t.is(before, undefined);
    const [theirs] = await control.apply({ ...identityOf(ref), ...first });
    for (const body of [first, second]) {
      const apply = cluster.apply({ ...identityOf(ref), ...body }, { ref, ...ours, live: 'none' });
      t.true((await t.throwsAsync(apply, { instanceOf: ApiError }))?.isConflict);
    }
    t.deepEqual(await control.get(ref), theirs);
  });
}

test('an apply from a stale view is a conflict, and nothing is written', async (t) => {
  const cluster = open(t);
  const ref = configMap('stale');
  const [seen] = await control.apply(manifest(ref, { a: '1' }));
  const [newer] = await control.apply(manifest(ref, { a: 'newer' }));
  for (const dryRun of [true, false]) {
    const apply = cluster.apply(manifest(ref, { a: 'ours' }), { ref, ...ours, dryRun, live: versionOf(seen) });
    const error = await t.throwsAsync(apply, { instanceOf: ApiError });
    t.true(error?.isConflict);
    t.false(error?.isFieldManagerConflict);
  }
  t.deepEqual(await control.get(ref), newer);
});

for (const kind of ['ConfigMap', 'MachineConfig'] as const) {
  test(`an apply to a ${kind} that has gone, or has come back as another, is a conflict`, async (t) => {
    const cluster = open(t);
    const ref =
      kind === 'ConfigMap'
        ? configMap('gone')
        : { apiVersion: 'machineconfiguration.openshift.io/v1', kind, name: 'gone' };
    const [seen] = await control.apply(identityOf(ref));
    await control.delete(ref);
    const apply = () => cluster.apply(identityOf(ref), { ref, ...ours, live: versionOf(seen) });
    t.true((await t.throwsAsync(apply(), { instanceOf: ApiError }))?.isConflict);
    t.is(await control.get(ref), undefined);
    const [other] = await control.apply(identityOf(ref));
    t.true((await t.throwsAsync(apply(), { instanceOf: ApiError }))?.isConflict);
    t.deepEqual(await control.get(ref), other);
  });
}

test("without force another manager's field is a conflict of another kind", async (t) => {
  const cluster = open(t);
  const ref = configMap('owned');
  await control.apply(manifest(ref, { a: 'theirs' }), { manager: 'rival' });
  const error = await t.throwsAsync(cluster.apply(manifest(ref, { a: 'ours' }), { ref, fieldManager: autopilotName }), {
    instanceOf: ApiError,
  });
  t.true(error?.isFieldManagerConflict);
  t.false(error?.isConflict);
});

test('a dry-run shows the result and writes nothing', async (t) => {
  const cluster = open(t);
  const ref = configMap('dry');
  const { object } = await cluster.apply(manifest(ref, { a: '1' }), { ref, ...ours, dryRun: true, live: 'none' });
  t.deepEqual(object.data, { a: '1' });
  t.is(await control.get(ref), undefined);
});

test('an unknown field is an error of its own, tried once', async (t) => {
  const cluster = open(t);
  const ref = configMap('unknown-field');
  await cluster.discover();
  const before = cluster.requests;
  const error = await t.throwsAsync(cluster.apply({ ...manifest(ref, {}), dta: {} }, { ref, ...ours }), {
    instanceOf: ApiError,
  });
  t.regex(error?.serverMessage ?? '', /dta/);
  t.false(error?.isTransient);
  t.is(cluster.requests - before, 1);
});

test('a merge patch with a version is for that version only', async (t) => {
  const cluster = open(t);
  const ref = configMap('merged');
  const [seen] = await control.apply(manifest(ref, { a: '1' }));
  const patch = { metadata: { resourceVersion: seen?.metadata.resourceVersion, annotations: { x: 'y' } } };
  const { object } = await cluster.mergePatch(ref, patch, { fieldManager: 'kubectl-virt-platform' });
  t.deepEqual(object.metadata.annotations, { x: 'y' });
  const again = await t.throwsAsync(cluster.mergePatch(ref, patch, { fieldManager: 'kubectl-virt-platform' }), {
    instanceOf: ApiError,
  });
  t.true(again?.isConflict);
});

test('a delete is for exactly the object that was seen', async (t) => {
  const cluster = open(t);
  const ref = configMap('deleted');
  const [seen] = await control.apply(manifest(ref, { a: '1' }));
  const live = versionOf(seen);
  t.true(
    (await t.throwsAsync(cluster.delete(ref, { ...live, resourceVersion: '1' }), { instanceOf: ApiError }))?.isConflict,
  );
  t.true(
    (await t.throwsAsync(cluster.delete(ref, { uid: crypto.randomUUID() }), { instanceOf: ApiError }))?.isConflict,
  );
  t.deepEqual(await cluster.delete(ref, { ...live, dryRun: true }), { answer: 'deleted' });
  t.deepEqual(await control.get(ref), seen);
  t.deepEqual(await cluster.delete(ref, live), { answer: 'deleted' });
  t.like(await cluster.delete(ref, live), { answer: 'absent', missing: 'object' });
});

test('what a plan item says is done: create, then update, then nothing to do', async (t) => {
  const cluster = open(t);
  const ref = configMap('performed');
  const desired = manifest(ref, { a: '1' });
  const created = await perform(cluster, item(ref, { decision: 'create', desired }));
  t.is(created.result, 'created');
  const [drifted] = await control.apply(manifest(ref, { a: 'drift' }), { manager: 'rival' });
  const drift = [{ pointer: '/data/a', live: 'drift', desired: '1', manager: 'rival', time: null }];
  const update = { decision: 'update', live: versionOf(drifted), drift, desired } as const;
  const configured = await perform(cluster, item(ref, update));
  t.like(configured, {
    result: 'configured',
    drift,
    before: drifted?.metadata.resourceVersion,
    object: { data: { a: '1' } },
  });
  const live = versionOf(await control.get(ref));
  t.deepEqual(await perform(cluster, item(ref, { ...update, live })), { result: 'unchanged' });
});

test('somebody who wrote meanwhile is not written over', async (t) => {
  const cluster = open(t);
  const ref = configMap('raced');
  const [seen] = await control.apply(manifest(ref, { a: '1' }));
  const [newer] = await control.apply(manifest(ref, { a: 'newer' }));
  const desired = manifest(ref, { a: 'ours' });
  const live = versionOf(seen);
  const release = {
    pointers: ['/data/a'],
    patch: [{ op: 'test', path: '/metadata/resourceVersion', value: live.resourceVersion }],
  };
  for (const one of [
    item(ref, { decision: 'create', desired }),
    item(ref, { decision: 'update', live, drift: [], desired }),
    item(ref, { decision: 'adopt', live, drift: [], desired }),
    item(ref, { decision: 'update', live, drift: [], desired, release }),
    item(ref, { decision: 'delete', live }),
  ]) {
    t.is((await perform(cluster, one)).result, 'conflict', one.decision);
  }
  t.deepEqual(await control.get(ref), newer);
});

test('a released field keeps its value, and anybody may set it without a conflict', async (t) => {
  const cluster = open(t);
  const ref = configMap('released');
  const [seen] = await control.apply(manifest(ref, { a: '1', b: '1' }), { manager: autopilotName });
  const entries = seen?.metadata.managedFields as JsonObject[];
  const patch: JsonObject[] = [
    { op: 'test', path: '/metadata/resourceVersion', value: seen?.metadata.resourceVersion },
    {
      op: 'remove',
      path: `/metadata/managedFields/${entries.findIndex(({ manager }) => manager === autopilotName)}/fieldsV1/f:data/f:a`,
    },
  ];
  const update = { decision: 'update', live: versionOf(seen), drift: [], desired: manifest(ref, { b: '2' }) } as const;
  const outcome = await perform(cluster, item(ref, { ...update, release: { pointers: ['/data/a'], patch } }));
  t.like(outcome, {
    result: 'configured',
    before: seen?.metadata.resourceVersion,
    object: { data: { a: '1', b: '2' } },
  });
  const [theirs] = await control.apply(manifest(ref, { a: 'theirs' }), { manager: 'rival', force: false });
  t.deepEqual(theirs?.data, { a: 'theirs', b: '2' });
});

test('what one object meets is its outcome', async (t) => {
  const ref = configMap('refused');
  const desired = manifest(ref, { a: '1' });
  const nobody = open(t, await control.user('nobody'));
  const forbidden = await perform(nobody, item(ref, { decision: 'create', desired }));
  t.like(forbidden, {
    result: 'failed',
    error: { permission: { verb: 'patch', resource: 'configmaps', name: 'refused' } },
  });
  const cluster = open(t);
  const wrong = await perform(cluster, item(ref, { decision: 'create', desired: manifest(configMap('other'), {}) }));
  t.true(wrong.result === 'failed' && wrong.error instanceof RefusedError);
  const nowhere = { ...ref, namespace: 'nowhere' };
  t.like(await perform(cluster, item(nowhere, { decision: 'create', desired: manifest(nowhere, {}) })), {
    result: 'failed',
    error: { code: 404 },
  });
  const unserved = { apiVersion: 'example.com/v1', kind: 'Nothing', name: 'x' };
  t.like(await perform(cluster, item(unserved, { decision: 'create', desired: identityOf(unserved) })), {
    result: 'failed',
    error: { code: 404 },
  });
  t.deepEqual(await perform(cluster, item(ref, { decision: 'excluded', rule: {} })), { result: 'nothing' });
  t.deepEqual(await perform(cluster, item(ref, { decision: 'delete', live: { uid: 'u', resourceVersion: '5' } })), {
    result: 'unchanged',
  });
});

test('expired credentials end everything', async (t) => {
  const ref = configMap('expired');
  const connection = loadKubeconfig({ env: {}, kubeconfig: control.kubeconfig, token: 'expired' });
  const cluster = openCluster(connection, { userAgent: 'test/1' });
  t.teardown(() => cluster.close());
  const performed = perform(cluster, item(ref, { decision: 'create', desired: manifest(ref, {}) }));
  t.true((await t.throwsAsync(performed, { instanceOf: ApiError }))?.isUnauthorized);
});

for (const [apiVersion, kind, namespace] of [
  ['v1', 'Namespace', undefined],
  ['v1', 'PersistentVolumeClaim', 'default'],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', undefined],
] as const) {
  test(`a ${kind} is never deleted`, async (t) => {
    const ref = { apiVersion, kind, name: 'kept', ...(namespace !== undefined && { namespace }) };
    const outcome = await perform(open(t), item(ref, { decision: 'delete', live: { uid: 'u', resourceVersion: '5' } }));
    t.true(outcome.result === 'failed' && outcome.error instanceof RefusedError);
  });
}

test('a tombstone takes away what was seen', async (t) => {
  const ref = configMap('tombstone');
  const [seen] = await control.apply(manifest(ref, {}));
  t.deepEqual(await perform(open(t), item(ref, { decision: 'delete', live: versionOf(seen) })), { result: 'deleted' });
  await waitFor(async () => (await control.get(ref)) === undefined, { what: 'the object to be gone' });
});

function open(t: ExecutionContext, kubeconfig = control.kubeconfig): Cluster {
  const cluster = openCluster(loadKubeconfig({ env: {}, kubeconfig }), { userAgent: 'test/1' });
  t.teardown(() => cluster.close());
  return cluster;
}

function configMap(name: string): ObjectRef {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name };
}

function identityOf({ apiVersion, kind, ...metadata }: ObjectRef): KubernetesObject {
  return { apiVersion, kind, metadata };
}

function manifest(ref: ObjectRef, data: Record<string, string>): KubernetesObject {
  return { ...identityOf(ref), data };
}

function versionOf(object: unknown): { uid: string; resourceVersion: string } {
  const { uid = '', resourceVersion = '' } = (object as KubernetesObject).metadata;
  return { uid, resourceVersion };
}

function item(target: ObjectRef, decided: Record<string, unknown> & { decision: PlanItem['decision'] }): PlanItem {
  return {
    type: 'asset',
    asset: target.name,
    features: [],
    target,
    overrides: [],
    why: '',
    steps: [],
    notes: [],
    ...decided,
  } as PlanItem;
}
