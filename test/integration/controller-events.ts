import anyTest, { type TestFn } from 'ava';
import { EventRecorder, type EventRecorderOptions } from '../../controller/events.ts';
import type { Happening } from '../../controller/happening.ts';
import type { Plan, PlanItem } from '../../shared/engine/plan-item.ts';
import { ApiError } from '../../shared/kube/api-error.ts';
import type { Cluster as Client } from '../../shared/kube/client.ts';
import { systemClock } from '../../shared/kube/clock.ts';
import { type AnyObject, useCluster, waitFor } from '../helpers/cluster.ts';
import { openClient } from '../helpers/engine.ts';

const test = anyTest as TestFn<{ client: Client }>;
const cluster = useCluster(test);

test.serial.before('somebody may write events, and nothing else', async (t) => {
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' } });
  await cluster.allow('controller', 'events', [
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
  ]);
  t.context.client = openClient(await cluster.user('controller'));
  await t.context.client.discover();
});
test.after.always((t) => t.context.client?.close());

/** A HyperConverged in a namespace of its own, and a recorder of events on it. */
async function recorder(client: Client, namespace: string, options: Partial<EventRecorderOptions> = {}) {
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const [hyperConverged] = await cluster.apply({
    apiVersion: 'hco.kubevirt.io/v1',
    kind: 'HyperConverged',
    metadata: { name: 'kubevirt-hyperconverged', namespace },
    spec: {},
  });
  const errors: unknown[] = [];
  const regarding = {
    apiVersion: 'hco.kubevirt.io/v1',
    kind: 'HyperConverged',
    namespace,
    name: 'kubevirt-hyperconverged',
    uid: String(hyperConverged?.metadata.uid),
  };
  const events = new EventRecorder(client, {
    reportingInstance: 'pod-1',
    clock: systemClock,
    onError: (error) => errors.push(error),
    hyperConverged: () => regarding,
    ...options,
    limits: { seriesIntervalMs: 50, ...options.limits },
  });
  const written = async (): Promise<AnyObject[]> =>
    await cluster.list({ apiVersion: 'events.k8s.io/v1', kind: 'Event', namespace });
  return { events, tell: events.listener, errors, written };
}

function item(asset: string, decision: PlanItem['decision'], more: Record<string, unknown> = {}): PlanItem {
  const target = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'x', name: asset };
  const common = { type: 'asset', asset, target, overrides: [], why: 'a reason', steps: [], notes: [] };
  return { ...common, decision, ...more } as unknown as PlanItem;
}

function planned(items: readonly PlanItem[], more: Partial<Plan> = {}): Happening {
  const plan: Plan = { activation: { state: 'active' }, unknown: [], warnings: [], items, ...more };
  return { happening: 'planned', plan, previous: undefined, durationMs: 1 };
}

const live = { uid: 'uid', resourceVersion: '7' };
const drift = [{ pointer: '/data/x', live: '1', desired: '2', manager: 'kubectl-edit', time: null }];
const update = item('a', 'update', { live, drift });

function configured(of: PlanItem): Happening {
  const metadata = { name: of.target.name, namespace: 'x', uid: 'uid', resourceVersion: '8' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
  const outcome = { result: 'configured', object, drift, before: '7', warnings: [] } as const;
  return { happening: 'performed', item: of, outcome, durationMs: 1 };
}

test('a heal is two requests, and kubectl shows both events on HyperConverged', async (t) => {
  // Of its own, so that only its requests count.
  const client = openClient(await cluster.user('controller'));
  t.teardown(() => client.close());
  await client.discover();
  const { tell, written, events, errors } = await recorder(client, 'heal');
  const before = client.requests;
  tell(configured(update));
  await events.flush(5000);
  t.deepEqual(errors, []);
  t.is(client.requests - before, 2);
  t.like(
    (await written()).sort((a, b) => (a.reason > b.reason ? -1 : 1)),
    [
      {
        type: 'Warning',
        reason: 'DriftDetected',
        note: 'ConfigMap/x/a has drifted: /data/x (set by kubectl-edit)',
        reportingController: 'virt-platform.kubevirt.io/autopilot',
        reportingInstance: 'pod-1',
        regarding: { kind: 'HyperConverged', name: 'kubevirt-hyperconverged' },
        related: { kind: 'ConfigMap', name: 'a', namespace: 'x' },
      },
      { type: 'Normal', reason: 'DriftCorrected' },
    ],
  );
  const { stdout } = await cluster.kubectl(['describe', 'hyperconverged', 'kubevirt-hyperconverged', '-n', 'heal']);
  t.regex(stdout, /Warning +DriftDetected .*ConfigMap\/x\/a has drifted/);
  t.regex(stdout, /Normal +DriftCorrected/);
});

test('every reason is accepted, about objects with and without a namespace', async (t) => {
  const { tell, written, events, errors } = await recorder(t.context.client, 'reasons');
  const inSync = item('a', 'in-sync', { live });
  const invalid = (key: string) => ({
    overrides: [{ type: 'invalid', annotation: `platform.kubevirt.io/${key}`, message: 'wrong' }],
  });
  const failed = { result: 'failed', error: new Error(`\u001b[31mno\n${'ä'.repeat(2000)}`) } as never;
  const tombstone = (asset: string, decision: PlanItem['decision']) =>
    item(asset, decision, { type: 'tombstone', live, target: { apiVersion: 'v1', kind: 'Namespace', name: asset } });
  tell(planned([inSync]));
  tell(
    planned(
      [
        inSync,
        item('crd', 'missing-crd', { crds: ['things.example.com'] }),
        item('excluded', 'excluded'),
        item('unmanaged', 'unmanaged'),
        item('render', 'render-failed'),
        item('condition', 'condition-error'),
        item('patch', 'override-invalid', invalid('patch')),
        item('ignore', 'override-invalid', invalid('ignore-fields')),
        item('exclusions', 'exclusions-invalid'),
        tombstone('kept', 'kept'),
        item('patched', 'in-sync', {
          live,
          desired: {},
          overrides: [{ type: 'patch', operations: 1, pointers: ['/data/x'] }],
        }),
      ],
      { unknown: [{ fact: 'hardware', why: 'no permission', assumed: false }] },
    ),
  );
  tell(planned([inSync, item('crd', 'in-sync', { live, steps: [{ step: 'crds', passed: true, detail: '' }] })]));
  tell(configured(update));
  tell(configured(item('b', 'adopt', { live, drift })));
  tell({ happening: 'performed', item: update, outcome: failed, durationMs: 1 });
  tell({ happening: 'performed', item: tombstone('old', 'delete'), outcome: { result: 'deleted' }, durationMs: 1 });
  tell({ happening: 'performed', item: tombstone('older', 'delete'), outcome: failed, durationMs: 1 });
  tell({ happening: 'throttled', item: update, retryAfterMs: 1000 });
  tell({ happening: 'war', item: update, because: 'fast', rival: 'x', fields: ['/data/x'], written: true });
  tell({ happening: 'resumed', item: update });
  await events.flush(10_000);
  t.deepEqual(errors, []);
  const reasons = new Set((await written()).map(({ reason }) => reason));
  t.deepEqual(
    [...reasons].sort(),
    [
      'AssetApplied',
      'AssetSkipped',
      'ApplyFailed',
      'DriftDetected',
      'DriftCorrected',
      'PatchApplied',
      'InvalidPatch',
      'InvalidIgnoreFields',
      'InvalidExclusions',
      'Throttled',
      'ThrashingDetected',
      'ReconciliationResumed',
      'CRDMissing',
      'CRDDiscovered',
      'UnmanagedMode',
      'RenderFailed',
      'ConditionFailed',
      'HardwareDetectionFailed',
      'TombstoneDeleted',
      'TombstoneSkipped',
      'TombstoneFailed',
      'ReconcileSucceeded',
    ].sort(),
  );
});

test('repetitions grow one event, and nothing is sent when nothing happens', async (t) => {
  const { tell, written, errors, events } = await recorder(t.context.client, 'series');
  const throttled: Happening = { happening: 'throttled', item: update, retryAfterMs: 1000 };
  tell(throttled);
  await waitFor(() => events.counts.created === 1, { what: 'the event' });
  for (let time = 0; time < 4; time++) tell(throttled);
  const [event] = await waitFor(
    async () => {
      const all = await written();
      return all[0]?.series?.count === 5 && all;
    },
    { what: 'the series' },
  );
  t.is((await written()).length, 1);
  t.regex(event?.series.lastObservedTime, /\.\d{6}Z$/);
  t.is(event?.note, 'ConfigMap/x/a changes too often; it is put right in 1 s');
  await events.flush(1000);
  t.deepEqual(errors, []);
  t.deepEqual(events.counts, { created: 1, repeated: 4, dropped: 0, failed: 0 });
});

test('an event that has expired begins anew', async (t) => {
  const { tell, written, events, errors } = await recorder(t.context.client, 'expired');
  const throttled: Happening = { happening: 'throttled', item: update, retryAfterMs: 1000 };
  tell(throttled);
  await waitFor(() => events.counts.created === 1, { what: 'the event' });
  const name = (await written())[0]?.metadata.name;
  await cluster.delete({ apiVersion: 'events.k8s.io/v1', kind: 'Event', namespace: 'expired', name });
  tell(throttled);
  await waitFor(() => events.counts.failed === 1, { what: 'the series to fail' });
  tell(throttled);
  await waitFor(async () => (await written()).length === 1, { what: 'another event' });
  t.is(errors.length, 1);
  await events.flush(1000);
});

test('who may not write events is told once, and works on', async (t) => {
  const nobody = openClient(await cluster.user('nobody'));
  t.teardown(() => nobody.close());
  await nobody.discover();
  const { tell, events, errors, written } = await recorder(nobody, 'forbidden');
  for (const name of ['a', 'b', 'c']) tell(configured(item(name, 'adopt', { live, drift })));
  await waitFor(() => events.counts.failed === 3, { what: 'all to be refused' });
  t.is(errors.length, 1);
  t.true(errors[0] instanceof ApiError && errors[0].permission?.resource === 'events');
  const before = nobody.requests;
  tell(configured(item('d', 'adopt', { live, drift })));
  await events.flush(1000);
  t.is(nobody.requests, before, 'not asked again for a while');
  t.deepEqual(await written(), []);
});
