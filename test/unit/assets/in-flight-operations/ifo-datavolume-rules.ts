import test from 'ava';
import { bodyOf } from '../_assets.ts';
import { inFlight } from './_rules.ts';

const name = 'ifo-datavolume-rules';
const phases = [
  'ImportScheduled',
  'ImportInProgress',
  'CloneScheduled',
  'CloneInProgress',
  'SnapshotForSmartCloneInProgress',
  'CloneFromSnapshotSourceInProgress',
  'SmartClonePVCInProgress',
  'CSICloneInProgress',
  'UploadScheduled',
  'UploadReady',
  'Pending',
  'WaitForFirstConsumer',
  'PVCBound',
  'PendingPopulation',
  'PrepClaimInProgress',
  'ExpansionInProgress',
  'NamespaceTransferInProgress',
  'RebindInProgress',
];

test('it watches the data volumes of CDI', (t) => {
  const { component, target, labels } = bodyOf(name).spec;
  t.deepEqual(
    { component, target, labels },
    {
      component: 'cdi',
      target: { group: 'cdi.kubevirt.io', version: 'v1beta1', resource: 'datavolumes' },
      labels: undefined,
    },
  );
});

test('every phase on the way is an operation of its own, in this order', (t) => {
  t.deepEqual(
    bodyOf(name).spec.rules.map(({ operation }: { operation: string }) => operation),
    phases,
  );
  for (const phase of phases) t.deepEqual(inFlight(name, { status: { phase } }), [phase]);
});

test('a data volume that is done, or has failed, is in no operation', (t) => {
  for (const phase of ['Succeeded', 'Failed', 'Unknown', 'Paused', ''])
    t.deepEqual(inFlight(name, { status: { phase } }), []);
});
