import test from 'ava';
import { leftOutNotes, manifestOf } from '../../../../plugin/output/rendered.ts';
import { item, live } from '../_plan.ts';

const desired = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };

test('what is wanted and may be written is printed', (t) => {
  t.is(manifestOf(item('a', { decision: 'in-sync', live }, { desired })), desired);
  t.is(manifestOf(item('a', { decision: 'waiting', for: ['b'] }, { desired })), desired);
  t.is(manifestOf(item('a', { decision: 'rejected', message: 'no' }, { desired })), desired);
});

test('fields that the autopilot would give up first are printed with their live values', (t) => {
  const retained = { ...desired, data: { ignored: 'live' } };
  t.is(manifestOf(item('a', { decision: 'in-sync', live }, { desired, retained })), retained);
});

test('the baseline is printed whatever the overrides on the object say, but not what is excluded', (t) => {
  const baseline = { ...desired, data: { a: 'baseline' } };
  t.is(manifestOf(item('a', { decision: 'in-sync', live }, { desired, baseline }), { baseline: true }), baseline);
  t.is(manifestOf(item('a', { decision: 'override-invalid' }, { baseline }), { baseline: true }), baseline);
  t.is(
    manifestOf(item('a', { decision: 'excluded', rule: { kind: 'ConfigMap', name: 'a' } }, { baseline }), {
      baseline: true,
    }),
    undefined,
  );
});

test('what is paused, excluded or held is not printed, nor is a tombstone', (t) => {
  t.is(manifestOf(item('a', { decision: 'paused' }, { desired })), undefined);
  t.is(manifestOf(item('a', { decision: 'override-invalid' }, { desired })), undefined);
  t.is(manifestOf(item('a', { decision: 'excluded', rule: { kind: 'ConfigMap', name: 'a' } }, { desired })), undefined);
  t.is(manifestOf(item('a', { decision: 'unverified', locally: 'unknown', drift: [] })), undefined);
  t.is(
    manifestOf(item('a', { decision: 'unverified', locally: 'unknown', drift: [] }, { desired, type: 'tombstone' })),
    undefined,
  );
});

test('what somebody has to look at is a note of its own; the rest is counted', (t) => {
  const leftOut = [
    item('a', { decision: 'override-invalid' }, { why: 'a typo' }),
    item('b', { decision: 'condition-unmet' }),
    item('c', { decision: 'condition-unmet' }),
    item('d', { decision: 'missing-crd', crds: ['x'] }),
  ];
  t.deepEqual(leftOutNotes(leftOut, leftOut, { all: false }), [
    'left out a (override-invalid): a typo',
    'left out 3: 2 condition-unmet, 1 missing-crd (--show-excluded says why)',
  ]);
  t.is(leftOutNotes(leftOut, leftOut, { all: true }).length, 4);
});

test('what the server refuses is printed, with a note', (t) => {
  const items = [item('a', { decision: 'rejected', message: 'no' }, { desired, why: 'no such field' })];
  t.deepEqual(leftOutNotes(items, [], { all: false }), ['a is printed, but the API server refuses it: no such field']);
});
