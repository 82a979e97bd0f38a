import test from 'ava';
import type { Happening } from '../../../controller/happening.ts';
import { createLog } from '../../../controller/log.ts';
import { logHappenings } from '../../../controller/log-happenings.ts';
import type { Plan, PlanItem } from '../../../shared/engine/plan-item.ts';
import type { Outcome } from '../../../shared/kube/perform.ts';
import type { Trouble } from '../../../shared/kube/trouble.ts';
import { catalogOf } from '../../helpers/engine.ts';
import { drifted, item, live, objectOf, planOf } from './_plans.ts';

function logger() {
  const lines: string[] = [];
  const write = (line: string) => {
    const { level, message, time: _, ...fields } = JSON.parse(line);
    const { state, asset, error } = fields;
    lines.push([level, message, state, asset, error].filter((word) => word !== undefined).join(' | '));
  };
  const tell = logHappenings(createLog({ write, date: () => 0 }), catalogOf({}));
  return {
    told: (...happenings: Happening[]) => {
      for (const happening of happenings) tell(happening);
      return lines.splice(0);
    },
  };
}

const planned = (items: readonly PlanItem[], more: Partial<Plan> = {}): Happening => ({
  happening: 'planned',
  plan: planOf(items, more),
  previous: undefined,
  durationMs: 1,
});
const inSync = item('a', 'in-sync', { live });
const update = item('a', 'update', { live, drift: [drifted('/data/x')] });
const performed = (outcome: Outcome): Happening => ({ happening: 'performed', item: update, outcome, durationMs: 1 });

test('what fails is an error, what has changed meanwhile is not', (t) => {
  const { told } = logger();
  const error = new Error('could not apply it') as unknown as Trouble;
  t.deepEqual(told(performed({ result: 'failed', error })), [
    'error | object could not be written | a | could not apply it',
  ]);
  t.deepEqual(told(performed({ result: 'conflict', message: '' })), [
    'info | object changed meanwhile; planning again | a',
  ]);
  t.deepEqual(told(performed({ result: 'unchanged' })), []);
  t.deepEqual(told({ happening: 'trouble', what: 'a pass', error: new Error('no connection') }), [
    'error | trouble; trying again | no connection',
  ]);
});

test('a write is one audit line, and warnings of the API server are passed on', (t) => {
  const { told } = logger();
  const outcome = { result: 'configured', object: objectOf(update), drift: [], before: '7' } as const;
  t.deepEqual(told(performed({ ...outcome, warnings: ['spec.x is deprecated'] })), [
    'info | audit: object written | a',
    'warn | the API server warns | a',
  ]);
});

test('an edit war, its pause and its end are told', (t) => {
  const { told } = logger();
  t.deepEqual(
    told(
      { happening: 'throttled', item: update, retryAfterMs: 1 },
      { happening: 'war', item: update, because: 'fast', rival: null, fields: [], written: true },
      { happening: 'resumed', item: update },
      { happening: 'leading', isLeader: true },
      { happening: 'leading', isLeader: false },
    ),
    [
      'warn | object changes too often; held back | a',
      'info | audit: object written | a',
      'warn | edit war; object paused | a',
      'info | pause ended | a',
      'info | leading',
      'info | not leading',
    ],
  );
});

test('states are told as serious as they are; what passes by itself is not told', (t) => {
  const { told } = logger();
  told(planned([inSync]));
  const all = planned(
    [
      item('b', 'rejected'),
      item('c', 'excluded'),
      item('d', 'waiting', { for: ['b'] }),
      item('e', 'missing-crd', { crds: ['a.b'] }),
      item('f', 'paused'),
      item('g', 'in-sync', { live, overrides: [{ type: 'ignore', pointers: ['/x'], yielded: [], kept: [] }] }),
      item('h', 'exclusions-invalid'),
      update,
    ],
    { unknown: [{ fact: 'hardware', why: 'no permission', assumed: false }], warnings: ['something'] },
  );
  t.deepEqual(told(all).sort(), [
    'info | state began | excluded | c',
    'info | state began | ignored | g',
    'warn | state began | exclusions-invalid',
    'warn | state began | missing-crd',
    'warn | state began | paused | f',
    'warn | state began | rejected | b',
    'warn | state began | unknown-fact',
    'warn | state began | warning',
  ]);
  t.deepEqual(told(all), []);
});

test('what is no longer wanted, and an autopilot that is switched off, are told', (t) => {
  const { told } = logger();
  told(planned([inSync]));
  t.deepEqual(told(planned([item('a', 'condition-unmet')])), ['info | object is not wanted any more, and stays | a']);
  t.deepEqual(told(planned([item('a', 'inactive')], { activation: { state: 'inactive', why: '' } })), [
    'info | activation changed',
  ]);
});
