import test from 'ava';
import { EventRecorder } from '../../controller/events.ts';
import { Metrics } from '../../controller/metrics.ts';
import { systemClock } from '../../shared/kube/clock.ts';
import { type AnyObject, useCluster, waitFor } from '../helpers/cluster.ts';
import { runController } from '../helpers/controller.ts';
import { catalogOf, openClient } from '../helpers/engine.ts';

const cluster = useCluster(test);
const key = (name: string) => `platform.kubevirt.io/${name}`;
const id = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'tests', name: 'one' };
const catalog = catalogOf({
  'one.yaml.hbs':
    'format: 1\ntarget: {apiVersion: v1, kind: ConfigMap, namespace: tests, name: one}\n---\ndata: {a: "1"}',
  'two.yaml.hbs':
    'format: 1\ntarget: {apiVersion: v1, kind: ConfigMap, namespace: tests, name: two}\n---\ndata: {a: "1"}',
});

test.serial('past its date an override stays, is told once, and time alone asks for nothing', async (t) => {
  await cluster.apply(
    ['openshift-cnv', 'tests'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  );
  const rule = '- {kind: ConfigMap, name: two, reason: not here, until: 2030-06-01}\n';
  const [hyperConverged] = await cluster.apply({
    apiVersion: 'hco.kubevirt.io/v1',
    kind: 'HyperConverged',
    metadata: {
      name: 'kubevirt-hyperconverged',
      namespace: 'openshift-cnv',
      annotations: { [key('autopilot')]: 'true', [key('disabled-resources')]: rule },
    },
    spec: {},
  });
  const patch = JSON.stringify([{ op: 'add', path: '/data/a', value: '9' }]);
  const annotations = {
    [key('patch')]: patch,
    [key('patch-reason')]: 'slow disks',
    [key('patch-until')]: '2030-06-02',
  };
  const { apiVersion, kind, namespace, name } = id;
  await cluster.apply({ apiVersion, kind, metadata: { namespace, name, annotations } }, { manager: 'person' });

  let date = Date.parse('2030-06-01T12:00:00Z');
  const clock = { ...systemClock, date: () => date };
  const client = openClient(cluster.kubeconfig);
  const regarding = { apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged', namespace: 'openshift-cnv' };
  const uid = String(hyperConverged?.metadata.uid);
  const events = new EventRecorder(client, {
    reportingInstance: 'pod-1',
    clock,
    onError: (error) => t.log(error),
    hyperConverged: () => ({ ...regarding, name: 'kubevirt-hyperconverged', uid }),
  });
  const metrics = new Metrics({ version: 'v1', catalog, date: clock.date, ofProcess: false });
  const running = runController(cluster.kubeconfig, catalog, {
    clock,
    resyncPeriodMs: 100,
    listeners: [events.listener, metrics.listener],
  });
  t.teardown(async () => {
    await running.stop();
    client.close();
  });
  await running.settled();
  const told = async (): Promise<AnyObject[]> =>
    (await cluster.list({ apiVersion: 'events.k8s.io/v1', kind: 'Event', namespace: 'openshift-cnv' })).filter(
      ({ reason }) => reason === 'OverrideExpired',
    );
  const passes = () => running.happenings.filter(({ happening }) => happening === 'planned').length;
  const somePasses = async () => {
    const before = passes();
    await waitFor(() => passes() >= before + 3, { what: 'it has planned again' });
  };
  await somePasses();
  t.deepEqual(await told(), []);
  t.regex(
    await metrics.text(),
    /override_until_timestamp_seconds\{kind="ConfigMap",name="one",.*type="patch"\} 1906675200\n/,
  );
  t.regex(
    await metrics.text(),
    /override_until_timestamp_seconds\{kind="ConfigMap",name="two",.*type="excluded"\} 1906588800\n/,
  );

  const requests = running.requests();
  date = Date.parse('2030-06-03T00:00:00Z');
  await waitFor(async () => (await told()).length === 2, { what: 'both are told' });
  await somePasses();
  t.is(running.requests(), requests, 'the controller itself has asked for nothing');
  t.deepEqual((await told()).map(({ type, note }) => `${type} ${note}`).sort(), [
    'Warning ConfigMap/tests/one was to be patched until 2030-06-02 (slow disks), and still is: prolong it, or take it away',
    'Warning ConfigMap/tests/two was to be excluded until 2030-06-01 (not here), and still is: prolong it, or take it away',
  ]);
  t.is((await cluster.get(id))?.data.a, '9');
  t.is(await cluster.get({ ...id, name: 'two' }), undefined);
});
