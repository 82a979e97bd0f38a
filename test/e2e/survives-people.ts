import anyTest, { type TestFn } from 'ava';
import { type AnyObject, type ObjectId, waitFor } from '../helpers/cluster.ts';
import { writesOf } from '../helpers/controller-process.ts';
import {
  annotate,
  decisionsOf,
  drift,
  exclusions,
  hyperConverged,
  isDrifted,
  oneView,
  psi,
  type Survivor,
  service,
  survivors,
  swap,
  untilHealed,
} from './_survives.ts';

// What people do to the cluster and its objects under a controller that runs as its ServiceAccount.
const test = anyTest as TestFn<Survivor>;
const { cluster, scenario } = survivors(test);
const ruleSets = { apiVersion: 'ifo.kubevirt.io/v1alpha1', kind: 'OperationRuleSet' };

scenario('annotations of every bad kind, while it runs', async (t, { start }) => {
  const controller = await start();
  await controller.converged();
  const bad: Record<string, string>[] = [
    { patch: 'not JSON' },
    { patch: '{"spec": {}}' },
    { patch: '[{"op":"replace","path":"/metadata/name","value":"other"}]' },
    { patch: '[{"op":"add","path":"/__proto__/polluted","value":1}]' },
    { patch: `[${'{"op":"add","path":"/a","value":1},'.repeat(300)}{"op":"remove","path":"/a"}]` },
    { patch: `"${'x'.repeat(70_000)}"` },
    { 'ignore-fields': 'spec.type' },
    { 'ignore-fields': '/metadata' },
    { 'ignore-fields': '/metadata/name,,/' },
    { mode: 'unmanged' },
    { mode: '' },
    { pacth: '[]' },
  ];
  const from = Date.now();
  let before: string[] = [];
  for (const annotations of bad) {
    const removed = Object.fromEntries(before.map((name) => [name, null]));
    const at = Date.now();
    await annotate(cluster, service, { ...removed, ...annotations });
    await controller.planWhere(
      (plan) => plannedSince(plan, at) && decisionsOf(plan)['metrics-service'] === 'override-invalid',
      `it to be held for ${JSON.stringify(annotations).slice(0, 60)}`,
    );
    if (before.length === 0) {
      await cluster.patch(service, { spec: { selector: { app: 'theirs' } } }, { manager: 'person' });
    }
    before = Object.keys(annotations);
  }
  t.is((await cluster.get(service))?.spec.selector.app, 'theirs', 'as the person left it');
  t.deepEqual(await writesOf(cluster, { from }), []);
  await annotate(cluster, service, Object.fromEntries(before.map((name) => [name, null])));
  await controller.converged();

  for (const value of ['- {kind: UIPlugin', 'a: &a [*a]', '- {kind: UIPlugin, nmae: x}', '7', '__proto__: {}']) {
    const at = Date.now();
    await annotate(cluster, hyperConverged, { 'disabled-resources': value, unknown: 'x', openshift: 'perhaps' });
    await controller.planWhere(
      (plan) => plannedSince(plan, at) && decisionsOf(plan)['swap-enable'] === 'exclusions-invalid',
      `it to fail closed for ${value}`,
    );
    if (!(await isDrifted(cluster, swap))) await drift(cluster, swap);
  }
  t.true(await isDrifted(cluster, swap));
  await annotate(cluster, hyperConverged, { 'disabled-resources': exclusions, unknown: null, openshift: null });
  await untilHealed(cluster, swap);
  await controller.converged();
  await oneView(t, cluster, controller);
  return controller;
});

function plannedSince({ controller }: AnyObject, at: number): boolean {
  return controller.lastPass !== null && Date.parse(controller.lastPass) >= at;
}

scenario('switched off in the middle it stops at once, and goes on when it is switched on', async (t, { start }) => {
  const controller = await start();
  await controller.converged();
  await annotate(cluster, hyperConverged, { 'enable-in-flight-operations': 'true' });
  const made = async () => (await cluster.list(ruleSets)).length;
  await waitFor(async () => (await made()) >= 3, { what: 'some rule sets', timeoutMs: 60_000, intervalMs: 1 });
  await annotate(cluster, hyperConverged, { autopilot: 'false' });
  await controller.planWhere(({ activation }) => activation.state === 'inactive', 'it to be inactive');
  const count = await made();
  t.log(`${count} of 38 were made before it was off`);
  t.true(count < 30);
  const from = Date.now();
  await drift(cluster, psi);
  const { metadata } = await annotate(cluster, swap, { patch: '[]' });
  await oneView(t, cluster, controller);
  t.is(await made(), count);
  t.deepEqual(await writesOf(cluster, { from }), []);
  t.is((await cluster.get(swap))?.metadata.resourceVersion, metadata.resourceVersion);
  await annotate(cluster, swap, { patch: null });
  await annotate(cluster, hyperConverged, { autopilot: 'true' });
  await untilHealed(cluster, psi);
  await controller.converged();
  t.true((await made()) > 30);
  return controller;
});

scenario('HyperConverged is deleted and made again', async (t, { start }) => {
  const controller = await start();
  await controller.converged();
  const before = await cluster.get(hyperConverged);
  await cluster.delete(hyperConverged);
  await controller.planWhere(({ activation }) => activation.state === 'absent', 'it to be absent');
  await waitFor(async () => (await controller.unready()) === '', {
    what: 'ready: nothing is wrong',
    timeoutMs: 60_000,
  });
  const from = Date.now();
  await cluster.patch(service, { spec: { selector: { other: 'x' } } }, { manager: 'rival' });
  const { stderr } = await cluster.kubectl(['virt-platform', 'status', '-o', 'json']);
  t.true(stderr.includes((await controller.plan())?.activation.why), stderr);
  t.deepEqual(await writesOf(cluster, { from }), []);
  const { annotations } = before?.metadata ?? {};
  await cluster.create({
    apiVersion: hyperConverged.apiVersion,
    kind: hyperConverged.kind,
    metadata: { name: hyperConverged.name, namespace: hyperConverged.namespace, annotations },
    spec: before?.spec,
  });
  await waitFor(async () => (await cluster.get(service))?.spec.selector.other === undefined, {
    what: 'the service to be healed',
    timeoutMs: 90_000,
  });
  return controller;
});

scenario('CRDs are removed and brought back while objects exist', async (t, { start }) => {
  const controller = await start();
  await annotate(cluster, hyperConverged, { 'enable-in-flight-operations': 'true' });
  await waitFor(async () => (await cluster.list(ruleSets)).length > 30, { what: 'the rule sets', timeoutMs: 90_000 });
  await controller.converged();
  const names = ['operationrulesets.ifo.kubevirt.io', 'servicemonitors.monitoring.coreos.com'];
  const crds = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
  for (const name of names) await cluster.delete({ ...crds, name });
  const gone = (plan: AnyObject) =>
    ['ifo-aaq-rules', 'metrics-servicemonitor'].every((asset) => decisionsOf(plan)[asset] === 'missing-crd');
  await controller.planWhere(gone, 'missing CRDs', 120_000);
  // The API server deletes the objects first, and looks every five seconds whether they are gone.
  for (const name of names) {
    await waitFor(async () => (await cluster.get({ ...crds, name })) === undefined, {
      what: `${name} to be gone`,
      timeoutMs: 90_000,
    });
  }
  t.is(await controller.unready(), '', 'a missing CRD is no failure');
  await oneView(t, cluster, controller);
  await cluster.installCrds('own', { only: names });
  await waitFor(async () => (await cluster.list(ruleSets)).length > 30, {
    what: 'the rule sets again',
    timeoutMs: 120_000,
  });
  return controller;
});

scenario('a namespace is deleted and comes back', async (t, { start }) => {
  const controller = await start();
  const name = 'openshift-kube-descheduler-operator';
  const inside = { apiVersion: 'operator.openshift.io/v1', kind: 'KubeDescheduler', namespace: name, name: 'cluster' };
  await controller.converged();
  const namespace = { apiVersion: 'v1', kind: 'Namespace', name };
  await cluster.delete(namespace);
  await cluster.delete(inside);
  await controller.planWhere(
    (plan) => decisionsOf(plan)['descheduler-loadaware'] === 'missing-namespace',
    'a namespace on its way out',
  );
  // What a namespace controller does at the end.
  const { body } = await cluster.request('GET', `/api/v1/namespaces/${name}`);
  body.spec.finalizers = [];
  await cluster.request('PUT', `/api/v1/namespaces/${name}/finalize`, { body });
  await waitFor(async () => (await cluster.get(namespace)) === undefined, { what: 'the namespace to be gone' });
  await controller.converged();
  await oneView(t, cluster, controller);
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await waitFor(async () => (await cluster.get(inside)) !== undefined, { what: 'what was in it', timeoutMs: 90_000 });
  return controller;
});

scenario('permissions are taken away and given back', async (t, { start }) => {
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', name: 'virt-platform-autopilot' };
  const kept = [
    { ...rbac, kind: 'ClusterRole' },
    { ...rbac, kind: 'Role', namespace: 'openshift-cnv' },
  ];
  const rules = await Promise.all(kept.map(async (id) => (await cluster.get(id))?.rules));
  const giveBack = () => Promise.all(kept.map((id, i) => cluster.patch(id, { rules: rules[i] })));
  t.teardown(giveBack);
  const controller = await start();
  await controller.converged();

  // Writing: what drifted stays, and its failure is told.
  const [clusterRules = []] = rules;
  await cluster.patch(kept[0] as ObjectId, {
    rules: clusterRules.map((rule: AnyObject) =>
      rule.resources?.includes('machineconfigs')
        ? { ...rule, verbs: rule.verbs.filter((verb: string) => verb !== 'patch') }
        : rule,
    ),
  });
  await drift(cluster, swap);
  await controller.planWhere((plan) => decisionsOf(plan)['swap-enable'] === 'unverified', 'what may not be dry-run');
  t.true(await isDrifted(cluster, swap));
  await giveBack();
  await untilHealed(cluster, swap);
  await controller.converged();

  // Everything, for a process that starts: it is not ready, and recovers by itself.
  await Promise.all(kept.map((id) => cluster.patch(id, { rules: [] })));
  // The API server goes by the roles that it has seen: a process that starts at once may still read all it needs.
  await waitFor(async () => !(await mayReadHyperConverged()), { what: 'the permissions to be gone' });
  const late = await start({ name: 'late' });
  t.regex(await late.unready(), /not known yet|not up to date/);
  await controller.end();
  await waitFor(async () => (await late.unready()).includes('[-]lease failed'), {
    what: 'it to tell of the Lease',
    timeoutMs: 60_000,
  });
  await giveBack();
  await late.leading();
  await late.converged(180_000);

  // Events: they are dropped, and nothing else is.
  const [, ofNamespace = []] = rules;
  await cluster.patch(kept[1] as ObjectId, {
    rules: ofNamespace.filter(({ apiGroups }: AnyObject) => !apiGroups.includes('events.k8s.io')),
  });
  await drift(cluster, swap);
  await untilHealed(cluster, swap);
  return late;
});

async function mayReadHyperConverged(): Promise<boolean> {
  const review = await cluster.create({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    metadata: {},
    spec: {
      user: 'system:serviceaccount:openshift-cnv:virt-platform-autopilot',
      resourceAttributes: { verb: 'list', group: 'hco.kubevirt.io', resource: 'hyperconvergeds' },
    },
  } as unknown as AnyObject);
  return review.status.allowed;
}
