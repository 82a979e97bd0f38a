import test from 'ava';
import { EventWords, type EventWordsOptions } from '../../../controller/event-words.ts';
import type { Happening } from '../../../controller/happening.ts';
import type { PlanItem } from '../../../shared/engine/plan-item.ts';
import type { Outcome } from '../../../shared/kube/perform.ts';
import type { Trouble } from '../../../shared/kube/trouble.ts';
import { drifted, item, live, objectOf, planOf } from './_plans.ts';

function teller(options: EventWordsOptions = {}) {
  const words = new EventWords(options);
  let now = 0;
  const tell = (happening: Happening) => words.of(happening, now);
  const reasons = (happening: Happening) => tell(happening).map(({ reason }) => reason);
  return {
    tell,
    planned: (...items: PlanItem[]) =>
      reasons({ happening: 'planned', plan: planOf(items), previous: undefined, durationMs: 1 }),
    performed: (performed: PlanItem, outcome: Outcome) =>
      reasons({ happening: 'performed', item: performed, outcome, durationMs: 1 }),
    notes: (happening: Happening) => tell(happening).map(({ note }) => note),
    pass: (ms: number) => {
      now += ms;
    },
  };
}

const inSync = (asset: string, more = {}) => item(asset, 'in-sync', { live, ...more });
const drift = [drifted('/data/x')];
const update = (more = {}) => item('a', 'update', { live, drift, ...more });
const configured = (of: PlanItem, managedFields = {}): Outcome => ({
  result: 'configured',
  object: objectOf(of, managedFields),
  drift,
  before: '7',
  warnings: [],
});
const failed: Outcome = { result: 'failed', error: new Error('no') as unknown as Trouble };

test('a heal is DriftDetected and DriftCorrected, with who did it, and nothing else', (t) => {
  const { planned, performed, notes } = teller();
  t.deepEqual(planned(inSync('a')), ['ReconcileSucceeded']);
  t.deepEqual(planned(update()), []);
  t.deepEqual(performed(update(), configured(update())), ['DriftDetected', 'DriftCorrected']);
  t.deepEqual(planned(inSync('a')), []);
  t.deepEqual(notes({ happening: 'performed', item: update(), outcome: configured(update()), durationMs: 1 }), [
    'ConfigMap/x/a has drifted: /data/x (set by kubectl-edit)',
    'ConfigMap/x/a was put right: /data/x',
  ]);
});

test('who only looks tells drift when it begins', (t) => {
  const { planned } = teller({ observe: true });
  t.deepEqual(planned(update()), ['DriftDetected']);
  t.deepEqual(planned(update()), []);
});

test('creating is AssetApplied, and so is adopting, with what was lost to whom', (t) => {
  const { performed, tell } = teller();
  const create = item('a', 'create');
  t.deepEqual(performed(create, { result: 'created', object: objectOf(create), warnings: [] }), ['AssetApplied']);
  const adopt = item('b', 'adopt', { live, drift });
  const [event] = tell({ happening: 'performed', item: adopt, outcome: configured(adopt), durationMs: 1 });
  t.like(event, {
    reason: 'AssetApplied',
    action: 'Adopt',
    note: 'ConfigMap/x/b existed before and was adopted; these values gave way: /data/x (set by kubectl-edit)',
    related: { kind: 'ConfigMap', name: 'b', uid: 'uid-b' },
  });
});

test('a changed baseline is no drift', (t) => {
  const { planned, performed } = teller();
  planned(inSync('a', { desired: { data: { x: 1 } } }));
  const changed = update({ desired: { data: { x: 2 } } });
  t.deepEqual(performed(changed, configured(changed)), ['AssetApplied']);
  t.deepEqual(performed(changed, configured(changed)), ['DriftDetected', 'DriftCorrected'], 'until it is healed');
});

test('what an earlier version set and nobody changed since is no drift either', (t) => {
  const { performed } = teller();
  const own = [drifted('/data/x', 'virt-platform-autopilot'), { ...drifted('/data/new', null), live: undefined }];
  const outcome = (fields: typeof own): Outcome => ({
    result: 'configured',
    object: objectOf(update()),
    drift: fields,
    before: '7',
    warnings: [],
  });
  t.deepEqual(performed(update({ drift: own }), outcome(own)), ['AssetApplied']);
  const mixed = [...own, ...drift];
  t.deepEqual(performed(item('b', 'update', { live, drift: mixed }), outcome(mixed)), [
    'DriftDetected',
    'DriftCorrected',
  ]);
});

test('a new patch is PatchApplied with its author, once it is on the object', (t) => {
  const { planned, tell } = teller();
  planned(inSync('a'));
  const overrides = [{ type: 'patch', operations: 1, pointers: ['/data/x'] }];
  const patched = update({ overrides, desired: { data: { x: 5 } } });
  t.deepEqual(planned(patched), []);
  const managedFields = [
    {
      manager: 'alice',
      operation: 'Update' as const,
      apiVersion: 'v1',
      fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:platform.kubevirt.io/patch': {} } } },
    },
  ];
  const outcome = configured(patched, {
    managedFields,
    annotations: { 'platform.kubevirt.io/patch': '[]' },
  });
  t.like(tell({ happening: 'performed', item: patched, outcome, durationMs: 1 }), [
    { reason: 'PatchApplied', note: 'ConfigMap/x/a has a patch, set by alice, in effect: /data/x' },
  ]);
  t.deepEqual(planned(inSync('a', { overrides, desired: { data: { x: 5 } } })), []);
});

test('a failure is news once; then it only counts, and its end is told', (t) => {
  const { planned, performed, tell } = teller();
  planned(inSync('a'));
  t.deepEqual(performed(update(), failed), ['ApplyFailed']);
  t.like(tell({ happening: 'performed', item: update(), outcome: failed, durationMs: 1 }), [{ isRepetition: true }]);
  t.deepEqual(planned(inSync('a')), ['ReconciliationResumed']);
  t.deepEqual(performed(update(), failed), ['ApplyFailed']);
});

test('an edit war is told once, names the rival and the fields, and its pause is no second event', (t) => {
  const { planned, tell } = teller();
  planned(inSync('a'));
  const war = {
    happening: 'war',
    item: update(),
    because: 'fast',
    rival: 'argocd',
    fields: ['/data/x'],
    written: true,
  } as const;
  const [event, ...more] = tell(war);
  t.is(more.length, 0);
  t.is(event?.reason, 'ThrashingDetected');
  t.regex(event?.note ?? '', /by argocd: \/data\/x\. .*reconcile-paused is removed$/);
  t.deepEqual(tell(war), []);
  t.deepEqual(planned(item('a', 'paused')), []);
  t.like(tell({ happening: 'resumed', item: update() }), [{ reason: 'ReconciliationResumed' }]);
  t.deepEqual(planned(inSync('a')), ['ReconcileSucceeded']);
});

test('a pause that is not ours is told with who set it', (t) => {
  const { tell } = teller();
  const paused = item('a', 'paused', { overrides: [{ type: 'paused', setBy: 'bob' }], why: 'paused' });
  t.like(tell({ happening: 'planned', plan: planOf([paused]), previous: undefined, durationMs: 1 }), [
    {
      type: 'Warning',
      reason: 'AssetSkipped',
      note: 'ConfigMap/x/a was found paused, by bob, and its drift stays: paused',
    },
  ]);
});

test('a CRD is discovered by those that still ask for it', (t) => {
  const { planned } = teller();
  const missing = item('a', 'missing-crd', { crds: ['a.b'] });
  t.deepEqual(planned(missing), ['CRDMissing', 'ReconcileSucceeded']);
  t.deepEqual(planned(inSync('a', { steps: [{ step: 'crds', passed: true, detail: '' }] })), ['CRDDiscovered']);
  t.deepEqual(planned(missing), ['CRDMissing']);
  t.deepEqual(planned(item('a', 'condition-unmet')), []);
});

test('waiting is told only when it takes too long, and so is its end', (t) => {
  const { planned, pass } = teller({ readyTimeoutMs: (asset) => (asset === 'b' ? 60_000 : undefined) });
  const waiting = item('a', 'waiting', { for: ['b'] });
  t.deepEqual(planned(waiting), []);
  pass(59_000);
  t.deepEqual(planned(waiting), []);
  pass(1000);
  t.deepEqual(planned(waiting), ['NotReady']);
  pass(60_000);
  t.deepEqual(planned(waiting), []);
  t.deepEqual(planned(inSync('a')), ['ReconciliationResumed', 'ReconcileSucceeded']);
});

test('mistakes are told by the annotation that they are in', (t) => {
  const { planned } = teller();
  const wrong = (key: string) =>
    item('a', 'override-invalid', {
      overrides: [{ type: 'invalid', annotation: `platform.kubevirt.io/${key}`, message: 'wrong' }],
    });
  t.deepEqual(planned(wrong('patch')), ['InvalidPatch']);
  t.deepEqual(planned(wrong('ignore-fields')), ['InvalidIgnoreFields']);
  t.deepEqual(planned(wrong('pacth')), ['AssetSkipped']);
  t.deepEqual(planned(item('a', 'exclusions-invalid')), ['InvalidExclusions']);
  t.deepEqual(planned(inSync('a')), ['ReconciliationResumed', 'ReconcileSucceeded']);
});

test('an override past its date is told once, with what was said about it; it stays, so nothing ends', (t) => {
  const { tell, planned } = teller();
  const unmanaged = (until: string, expired: boolean) =>
    item('a', 'unmanaged', { overrides: [{ type: 'unmanaged', how: 'mode', reason: 'slow disks', until, expired }] });
  planned(unmanaged('2026-01-01', false));
  const plan = planOf([unmanaged('2026-01-01', true)]);
  const [event, ...more] = tell({ happening: 'planned', plan, previous: undefined, durationMs: 1 });
  t.deepEqual(more, []);
  t.like(event, {
    type: 'Warning',
    reason: 'OverrideExpired',
    action: 'ReviewOverride',
    note: 'ConfigMap/x/a was to be unmanaged until 2026-01-01 (slow disks), and still is: prolong it, or take it away',
    related: { kind: 'ConfigMap', name: 'a' },
  });
  t.deepEqual(planned(unmanaged('2026-01-01', true)), []);
  t.deepEqual(planned(unmanaged('2027-01-01', false)), []);
});

test('a note that can’t be read holds nothing, and its end is no news', (t) => {
  const { planned } = teller();
  const mistake = {
    type: 'invalid',
    annotation: 'platform.kubevirt.io/patch-until',
    message: 'patch-until "x" is no date',
  };
  planned(inSync('a'));
  t.deepEqual(planned(inSync('a', { overrides: [mistake] })), ['InvalidOverrideNote']);
  t.deepEqual(planned(inSync('a')), []);
});

test('tombstones are told as deleted, skipped or failed', (t) => {
  const { planned, performed } = teller();
  const tombstone = (decision: PlanItem['decision']) => item('old', decision, { type: 'tombstone', live });
  t.deepEqual(planned(tombstone('not-ours')), ['TombstoneSkipped', 'ReconcileSucceeded']);
  t.deepEqual(planned(tombstone('unreadable')), ['TombstoneFailed']);
  t.deepEqual(performed(tombstone('delete'), failed), ['TombstoneFailed']);
  t.deepEqual(performed(tombstone('delete'), { result: 'deleted' }), ['TombstoneDeleted']);
});

test('a deviation of what protects people is a warning, ignored fields included', (t) => {
  const { tell } = teller({ protects: (asset) => asset === 'alerts' });
  const overrides = [{ type: 'ignore', pointers: ['/spec/groups'], yielded: [], kept: [] }];
  const told = (...items: PlanItem[]) =>
    tell({ happening: 'planned', plan: planOf(items), previous: undefined, durationMs: 1 })
      .filter(({ reason }) => reason !== 'ReconcileSucceeded')
      .map(({ type, reason }) => `${type} ${reason}`);
  t.deepEqual(told(inSync('alerts', { overrides }), inSync('other', { overrides })), ['Warning UnmanagedMode']);
  t.deepEqual(told(item('alerts', 'unmanaged'), item('other', 'unmanaged')), [
    'Warning UnmanagedMode',
    'Normal UnmanagedMode',
  ]);
  t.deepEqual(told(item('alerts', 'excluded'), item('other', 'excluded')), [
    'Warning AssetSkipped',
    'Normal AssetSkipped',
  ]);
});
