import test from 'ava';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { effectiveOf } from '../../../../shared/engine/effective-of.ts';
import { digestOf } from '../../../../shared/engine/json.ts';
import type { Decision, PlanItem } from '../../../../shared/engine/plan-item.ts';
import { questionKey, type Snapshot, type Verdict } from '../../../../shared/engine/snapshot.ts';

const target = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'ns', name: 'a' };
const version = { uid: 'u', resourceVersion: '1' };
const object = (more: object = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'ns', ...version },
  ...more,
});

const item = (decision: Decision, more: Partial<PlanItem> = {}): PlanItem =>
  ({
    type: 'asset',
    asset: 'a',
    target,
    overrides: [],
    why: '',
    steps: [],
    notes: [],
    ...more,
    ...decision,
  }) as PlanItem;

function snapshot(live?: KubernetesObject, dryRun?: { sent: KubernetesObject; verdict: Verdict }): Snapshot {
  const question = dryRun && {
    ask: 'dry-run' as const,
    ref: target,
    desired: dryRun.sent,
    digest: digestOf(dryRun.sent),
    ...(live !== undefined && { live: version }),
  };
  return {
    apis: { known: false },
    images: {},
    reads: new Map(live && [[questionKey({ ask: 'get', ref: target }), { answer: 'object', object: live }]]),
    verdicts: new Map(question && dryRun && [[questionKey(question), dryRun.verdict]]),
  };
}

test('what would be is what the server said of what an apply sends', (t) => {
  const live = object({ data: { x: '1' } });
  const sent = object({ data: { x: '2' } });
  const effective = object({ data: { x: '2', defaulted: 'y' } });
  const answers = snapshot(live, { sent, verdict: { verdict: 'accepted', object: effective } });
  const expected = { compared: true, live, effective, by: 'server' } as const;
  t.deepEqual(
    effectiveOf(item({ decision: 'update', live: version, drift: [] }, { desired: sent }), answers),
    expected,
  );
  // Before a release, what is to be released is sent along.
  const withRelease = item({ decision: 'update', live: version, drift: [] }, { desired: object(), retained: sent });
  t.deepEqual(effectiveOf(withRelease, answers), expected);
});

test('of what is created there is no live side, of what is deleted no other', (t) => {
  const sent = object();
  const created = snapshot(undefined, { sent, verdict: { verdict: 'accepted', object: sent } });
  t.deepEqual(effectiveOf(item({ decision: 'create' }, { desired: sent }), created), {
    compared: true,
    effective: sent,
    by: 'server',
  });
  t.deepEqual(effectiveOf(item({ decision: 'delete', live: version }), snapshot(sent)), {
    compared: true,
    live: sent,
    by: 'server',
  });
});

test('a release alone changes no value', (t) => {
  const live = object();
  const released = item({ decision: 'update', live: version, drift: [] }, { desired: object() });
  t.deepEqual(effectiveOf(released, snapshot(live)), { compared: true, live, effective: live, by: 'server' });
});

test('without the server the fields that differ are put in, added, and taken away', (t) => {
  const live = object({ data: { x: '1', gone: 'y' }, rules: [{ a: 1 }, { a: 2 }, { a: 3 }] });
  const field = (pointer: string, desired?: unknown) => ({ pointer, desired, manager: null, time: null });
  const decided = item({
    decision: 'unverified',
    locally: 'update',
    drift: [
      field('/data/x', '2'),
      field('/data/gone'),
      field('/data/a~1b', 'new'),
      field('/rules/0'),
      field('/rules/1'),
      field('/rules/3', { a: 4 }),
      field('/rules/4', { a: 5 }),
      field('/spec/deep/list/0', 'first'),
    ],
  });
  const result = effectiveOf(decided, snapshot(live));
  t.deepEqual(result.compared && result.effective, {
    ...live,
    data: { x: '2', 'a/b': 'new' },
    rules: [{ a: 3 }, { a: 4 }, { a: 5 }],
    spec: { deep: { list: ['first'] } },
  });
  t.is(result.compared && result.by, 'local');
  t.deepEqual(live.data, { x: '1', gone: 'y' }, 'what was passed in stays as it was');
});

test('what is left alone, or could not be told, is not compared', (t) => {
  const live = snapshot(object());
  for (const decision of [
    { decision: 'paused' },
    { decision: 'unmanaged' },
    { decision: 'rejected', message: 'no' },
    { decision: 'waiting', for: ['b'] },
    { decision: 'unverified', locally: 'unknown', drift: [] },
  ] as const) {
    t.deepEqual(effectiveOf(item(decision), live), { compared: false }, decision.decision);
  }
});
