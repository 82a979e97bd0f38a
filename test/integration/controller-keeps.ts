import { setImmediate } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import { leaderPresets } from '../../controller/leader-election.ts';
import { type AnyObject, useCluster, waitFor } from '../helpers/cluster.ts';
import { type Running, runController } from '../helpers/controller.ts';
import { builtInCatalog, catalogOf } from '../helpers/engine.ts';

const test = anyTest as TestFn<{ running: Running[] }>;
const cluster = useCluster(test);

const key = (name: string) => `platform.kubevirt.io/${name}`;
const hyperConverged = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};

async function steer(annotations: Record<string, string>): Promise<void> {
  const { apiVersion, kind, namespace, name } = hyperConverged;
  const keyed = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [key(name), value]));
  await cluster.apply(
    { apiVersion, kind, metadata: { namespace, name, annotations: keyed }, spec: {} },
    { manager: 'person' },
  );
}

test.serial.before(async () => {
  for (const name of ['openshift-cnv', 'openshift-monitoring', 'openshift-kube-descheduler-operator', 'tests']) {
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  await steer({ autopilot: 'true' });
});

test.beforeEach((t) => {
  t.context.running = [];
});
test.afterEach.always(async (t) => {
  for (const running of t.context.running) await running.stop();
});

function configMaps(...names: string[]) {
  const asset = (name: string) =>
    `format: 1\ntarget: {apiVersion: v1, kind: ConfigMap, namespace: tests, name: ${name}}\n---\ndata: {a: "1"}`;
  return catalogOf(Object.fromEntries(names.map((name) => [`${name}.yaml.hbs`, asset(name)])));
}

const id = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'tests', name });
const dataOf = async (name: string) => (await cluster.get(id(name)))?.data?.a;

function start(t: { context: { running: Running[] } }, ...args: Parameters<typeof runController>): Running {
  const running = runController(...args);
  t.context.running.push(running);
  return running;
}

test.serial('it keeps the built-in catalog: creates, heals at once, and then is quiet', async (t) => {
  const running = start(t, cluster.kubeconfig, await builtInCatalog());
  await running.settled();
  const plugin = { apiVersion: 'observability.openshift.io/v1alpha1', kind: 'UIPlugin', name: 'monitoring' };
  t.is((await cluster.get(plugin))?.spec.type, 'Monitoring');

  const before = running.requests();
  await cluster.patch(plugin, { spec: { monitoring: { perses: { enabled: false } } } }, { manager: 'rival' });
  await waitFor(async () => (await cluster.get(plugin))?.spec.monitoring.perses.enabled === true, {
    what: 'it is healed',
  });
  await running.settled();
  t.is(running.requests() - before, 2, 'a dry run and an apply');
  t.is(running.happenings.filter(({ happening }) => happening === 'trouble').length, 0);
});

test.serial('it is not ready before it watches what its plans look at', async (t) => {
  const { controller, settled } = start(t, cluster.kubeconfig, configMaps('early'));
  const seen: { readonly hasPlanned: boolean; readonly kinds: readonly string[] }[] = [];
  const settling = settled();
  while (seen.at(-1)?.hasPlanned !== true) {
    const { hasPlanned, watches } = controller.state;
    seen.push({ hasPlanned, kinds: watches.map(({ target }) => target.kind) });
    await setImmediate();
  }
  await settling;
  t.true(seen.some(({ hasPlanned }) => !hasPlanned));
  t.true(seen.every(({ hasPlanned, kinds }) => !hasPlanned || kinds.includes('HyperConverged')));
});

test.serial('what is deleted comes back, and what is not ours stays as it is', async (t) => {
  const running = start(t, cluster.kubeconfig, configMaps('back'));
  await running.settled();
  await cluster.delete(id('back'));
  await waitFor(() => dataOf('back').then((value) => value === '1'), { what: 'it is back' });
  await cluster.patch(id('back'), { data: { theirs: 'x' } }, { manager: 'somebody' });
  await cluster.patch(id('back'), { data: { a: '2' } }, { manager: 'somebody' });
  await waitFor(() => dataOf('back').then((value) => value === '1'), { what: 'it is healed' });
  t.is((await cluster.get(id('back')))?.data.theirs, 'x');
});

test.serial('an override counts as soon as it is written, and taken back as soon as it is removed', async (t) => {
  const running = start(t, cluster.kubeconfig, configMaps('overridden'));
  await running.settled();
  const patch = JSON.stringify([{ op: 'replace', path: '/data/a', value: '9' }]);
  await cluster.patch(id('overridden'), { metadata: { annotations: { [key('patch')]: patch } } });
  await waitFor(() => dataOf('overridden').then((value) => value === '9'), { what: 'the patch is in effect' });
  await cluster.patch(id('overridden'), { metadata: { annotations: { [key('patch')]: null } } });
  await waitFor(() => dataOf('overridden').then((value) => value === '1'), { what: 'the baseline is back' });
  await cluster.patch(id('overridden'), {
    metadata: { annotations: { [key('mode')]: 'unmanaged' } },
    data: { a: '3' },
  });
  await waitFor(() => running.controller.state.plan?.items.some(({ decision }) => decision === 'unmanaged') === true, {
    what: 'it is unmanaged',
  });
  t.is(await dataOf('overridden'), '3');
});

test.serial('an edit war ends in a pause that names the rival and the field; removing it resumes', async (t) => {
  const running = start(t, cluster.kubeconfig, configMaps('fought-over'));
  await running.settled();
  let edits = 0;
  await waitFor(
    async () => {
      const object = await cluster.get(id('fought-over'));
      if (object?.metadata.annotations?.[key('reconcile-paused')] === 'true') return true;
      // A rival that answers every healing.
      if (object?.data.a === '1')
        await cluster.patch(id('fought-over'), { data: { a: `${++edits + 1}` } }, { manager: 'rival' });
      else if (running.happenings.some(({ happening }) => happening === 'throttled')) {
        await cluster.patch(id('fought-over'), { data: { a: `${++edits + 1}` } }, { manager: 'rival' });
      }
      return false;
    },
    { what: 'the war is over', timeoutMs: 20_000 },
  );
  const war = running.happenings.find(({ happening }) => happening === 'war');
  t.like(war, { because: 'fast', rival: 'rival', fields: ['/data/a'], written: true });
  t.is(running.happenings.filter(({ happening }) => happening === 'war').length, 1);
  const paused = await cluster.get(id('fought-over'));
  t.like(JSON.parse(paused?.metadata.annotations[key('paused-by')]), { manager: 'rival', fields: ['/data/a'] });
  t.is(running.happenings.filter((it) => it.happening === 'performed' && it.outcome.result === 'configured').length, 5);

  await cluster.patch(id('fought-over'), { metadata: { annotations: { [key('reconcile-paused')]: null } } });
  await waitFor(() => dataOf('fought-over').then((value) => value === '1'), { what: 'it is healed again' });
  t.true(running.happenings.some(({ happening }) => happening === 'resumed'));
});

test.serial('every so often everything is planned anew, from nothing that was worked out before', async (t) => {
  const running = start(t, cluster.kubeconfig, configMaps('anew'), { resyncPeriodMs: 300 });
  await running.settled();
  const plans = () => running.happenings.flatMap((it) => (it.happening === 'planned' ? [it.plan] : []));
  const before = plans().length;
  await waitFor(() => plans().length >= before + 2, { what: 'another two plans' });
  const [one, other] = plans().slice(-2);
  t.not(one?.items[0], other?.items[0]);
  t.deepEqual(one, other);
});

test.serial('in observe mode it plans and tells, and writes nothing', async (t) => {
  const running = start(t, cluster.kubeconfig, configMaps('observed'), { observe: true });
  await waitFor(() => running.controller.state.plan?.items[0]?.decision === 'create', { what: 'a plan' });
  t.is(await cluster.get(id('observed')), undefined);
});

test.serial('of several that observe, only the one that leads reports; when it ends, another does', async (t) => {
  const replica = (identity: string) =>
    start(t, cluster.kubeconfig, configMaps('reported'), {
      observe: true,
      leaderElection: { identity, namespace: 'tests', times: leaderPresets.default },
    });
  const one = replica('one');
  await waitFor(() => one.controller.state.plan !== undefined, { what: 'a plan of the leader' });
  const other = replica('other');
  await waitFor(() => other.controller.state.holder === 'one' && other.controller.state.isSynced, {
    what: 'the other to follow',
  });
  t.is(other.controller.state.plan, undefined);
  await one.stop();
  await waitFor(() => other.controller.state.plan?.items[0]?.decision === 'create', { what: 'a plan of the other' });
  t.is(await cluster.get(id('reported')), undefined);
});

test.serial('a CRD that appears is used at once, and one that goes is no failure', async (t) => {
  const catalog = catalogOf({
    'gadget.yaml.hbs': 'format: 1\ntarget: {apiVersion: example.com/v1, kind: Gadget, name: one}\n---\nspec: {a: 1}',
  });
  const running = start(t, cluster.kubeconfig, catalog);
  await waitFor(() => running.controller.state.plan?.items[0]?.decision === 'missing-crd', { what: 'a missing CRD' });
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'gadgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Cluster',
      names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget', listKind: 'GadgetList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  } as AnyObject;
  await cluster.apply(crd);
  const gadget = { apiVersion: 'example.com/v1', kind: 'Gadget', name: 'one' };
  await waitFor(
    () =>
      cluster.get(gadget).then(
        (object) => object?.spec.a === 1,
        () => false,
      ),
    { what: 'the gadget', timeoutMs: 60_000 },
  );
  const crdId = { apiVersion: crd.apiVersion, kind: crd.kind, name: crd.metadata.name };
  await cluster.delete(crdId);
  await waitFor(() => running.controller.state.plan?.items[0]?.decision === 'missing-crd', {
    what: 'a missing CRD again',
    timeoutMs: 60_000,
  });
  // The API server looks every five seconds whether the objects of a CRD that goes are gone.
  await waitFor(() => cluster.get(crdId).then((object) => object === undefined), {
    what: 'the CRD is gone',
    timeoutMs: 60_000,
  });
  await cluster.apply(crd);
  await waitFor(
    () =>
      cluster.get(gadget).then(
        (object) => object?.spec.a === 1,
        () => false,
      ),
    { what: 'the gadget again', timeoutMs: 60_000 },
  );
  t.false(running.happenings.some((it) => it.happening === 'performed' && it.outcome.result === 'failed'));
});

test.serial('switched off in the middle it stops; switched on again it goes on', async (t) => {
  const running = start(t, cluster.kubeconfig, configMaps('switched'));
  await running.settled();
  await steer({ autopilot: 'false' });
  await waitFor(() => running.controller.state.plan?.activation.state === 'inactive', { what: 'it is inactive' });
  await cluster.patch(id('switched'), { data: { a: '2' } });
  await cluster.delete(hyperConverged);
  await waitFor(() => running.controller.state.plan?.activation.state === 'absent', { what: 'HyperConverged is gone' });
  t.is(await dataOf('switched'), '2');
  await steer({ autopilot: 'true' });
  await waitFor(() => dataOf('switched').then((value) => value === '1'), { what: 'it is healed' });
});

test.serial('while the API server is away nothing is forgotten, and afterwards it goes on', async (t) => {
  const running = start(t, cluster.kubeconfig, configMaps('survivor'));
  await running.settled();
  await cluster.controlPlane.stopApiServer();
  await cluster.controlPlane.startApiServer();
  await cluster.patch(id('survivor'), { data: { a: '2' } }, { manager: 'rival' });
  await waitFor(() => dataOf('survivor').then((value) => value === '1'), { what: 'it is healed', timeoutMs: 45_000 });
  t.is(running.controller.state.plan?.items[0]?.asset, 'survivor');
});
