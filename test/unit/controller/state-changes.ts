import test from 'ava';
import { type StateChange, stateChanges } from '../../../controller/state-changes.ts';
import { StateTracker } from '../../../controller/state-tracker.ts';
import type { Plan, PlanItem } from '../../../shared/engine/plan-item.ts';
import { item, live, planOf } from './_plans.ts';

function words(changes: readonly StateChange[]): readonly string[] {
  return changes.map((change) => {
    if (change.change === 'activation') return `activation ${change.from.state} ${change.to.state}`;
    if (change.change === 'left') return `left ${change.item.asset}`;
    const { state } = change;
    return `${change.change} ${state.state}${'item' in state ? ` ${state.item.asset}` : ''}`;
  });
}

const inSync = (asset: string, more = {}) => item(asset, 'in-sync', { live, ...more });

const lasts = test.macro({
  title: (title) => `${title} begins once and ends once`,
  exec(t, during: Plan, expected: string, after: Plan = planOf([inSync('a')])) {
    const before = planOf([inSync('a')]);
    t.deepEqual(words(stateChanges(undefined, during)), [`began ${expected}`], 'a controller that starts tells it');
    t.deepEqual(words(stateChanges(before, during)), [`began ${expected}`]);
    t.deepEqual(words(stateChanges(during, structuredClone(during))), [], 'the next pass does not repeat it');
    t.deepEqual(words(stateChanges(during, after)), [`ended ${expected}`]);
  },
});

for (const decision of [
  'condition-error',
  'render-failed',
  'excluded',
  'unreadable',
  'paused',
  'unmanaged',
  'missing-namespace',
  'waiting',
  'rejected',
] satisfies PlanItem['decision'][]) {
  test(decision, lasts, planOf([item('a', decision)]), `${decision} a`);
}
test('a CRD that is missing', lasts, planOf([item('a', 'missing-crd', { crds: ['a.b'] })]), 'missing-crd');
const fact = { fact: 'hardware', why: 'no permission', assumed: false };
test('a fact that is not known', lasts, planOf([inSync('a')], { unknown: [fact] }), 'unknown-fact');
test('a warning', lasts, planOf([inSync('a')], { warnings: ['something'] }), 'warning');
test('exclusions that are invalid', lasts, planOf([item('a', 'exclusions-invalid')]), 'exclusions-invalid');
const mistake = { type: 'invalid', annotation: 'platform.kubevirt.io/patch', message: 'not JSON' };
const held = (message = mistake.message) => item('a', 'override-invalid', { overrides: [{ ...mistake, message }] });
test('a patch that is invalid', lasts, planOf([held()]), 'invalid-annotation a');

const ignored = (pointer: string) => inSync('a', { overrides: [{ type: 'ignore', pointers: [pointer] }] });
test('a field that is left to others', lasts, planOf([ignored('/spec/x')]), 'ignored a');
const expired = (until: string) => item('a', 'unmanaged', { overrides: [{ type: 'unmanaged', until, expired: true }] });
test('an override that is past its date is told once, and moving the date to another past one is a change', (t) => {
  const managed = item('a', 'unmanaged', { overrides: [{ type: 'unmanaged', until: '2026-01-01', expired: false }] });
  const [before, during] = [planOf([managed]), planOf([expired('2026-01-01')])];
  t.deepEqual(words(stateChanges(before, during)), ['began expired a']);
  t.deepEqual(words(stateChanges(during, structuredClone(during))), []);
  t.deepEqual(words(stateChanges(during, planOf([expired('2026-01-02')]))), ['changed expired a']);
  t.deepEqual(words(stateChanges(during, before)), ['ended expired a']);
});

const rewritten = inSync('a', { rewritten: [{ pointer: '/spec/x', sent: 1, kept: 2 }] });
test('a server that keeps something else', lasts, planOf([rewritten]), 'rewritten a');

test('another field that is left to others is a change', (t) => {
  t.deepEqual(words(stateChanges(planOf([ignored('/spec/x')]), planOf([ignored('/spec/y')]))), ['changed ignored a']);
});

test('another mistake in the same annotation is a change, and other words of a server are none', (t) => {
  t.deepEqual(words(stateChanges(planOf([held()]), planOf([held('no list')]))), ['changed invalid-annotation a']);
  const refused = (why: string) => planOf([item('a', 'rejected', { why })]);
  t.deepEqual(words(stateChanges(refused('at 10:00'), refused('at 10:01'))), []);
});

test('the invalid exclusions are one state, and the warning about them is no other', (t) => {
  const warnings = ['platform.kubevirt.io/disabled-resources on HyperConverged: no list; nothing is changed'];
  const plan = planOf([item('a', 'exclusions-invalid'), item('b', 'exclusions-invalid')], { warnings });
  t.deepEqual(words(stateChanges(undefined, plan)), ['began exclusions-invalid']);
});

test('one CRD is one state, however many assets need it', (t) => {
  const missing = (...assets: string[]) => planOf(assets.map((asset) => item(asset, 'missing-crd', { crds: ['a.b'] })));
  const [change] = stateChanges(undefined, missing('a', 'b'));
  t.like(change, { change: 'began', state: { crd: 'a.b', items: [{ asset: 'a' }, { asset: 'b' }] } });
  t.deepEqual(stateChanges(missing('a', 'b'), missing('a')), []);
});

test('a patch is news when it is new or says something else, and not because the controller starts', (t) => {
  const patched = (value: number) =>
    planOf([
      inSync('a', {
        overrides: [{ type: 'patch', operations: 1, pointers: ['/data/x'] }],
        desired: { data: { x: value } },
      }),
    ]);
  t.deepEqual(stateChanges(undefined, patched(1)), []);
  t.deepEqual(words(stateChanges(planOf([inSync('a')]), patched(1))), ['began patched a']);
  t.deepEqual(words(stateChanges(patched(1), patched(2))), ['changed patched a']);
  t.deepEqual(stateChanges(patched(2), patched(2)), []);
});

test('what was kept and is no longer wanted has left; switching off the autopilot is one change', (t) => {
  const before = planOf([inSync('a'), inSync('b')]);
  const unmet = planOf([item('a', 'condition-unmet'), inSync('b')]);
  t.deepEqual(words(stateChanges(before, unmet)), ['left a']);
  const off = planOf([item('a', 'inactive'), item('b', 'inactive')], { activation: { state: 'inactive', why: '' } });
  t.deepEqual(words(stateChanges(before, off)), ['activation active inactive']);
});

test('a plan that could not look ends nothing', (t) => {
  const tracker = new StateTracker();
  const paused = planOf([item('a', 'paused')]);
  const blind = planOf([item('a', 'inactive')], { activation: { state: 'unknown', why: 'the server is down' } });
  t.deepEqual(words(tracker.next(paused).changes), ['began paused a']);
  t.deepEqual(tracker.next(blind).changes, []);
  t.deepEqual(tracker.next(paused).changes, []);
});

test('everything being as wanted is told once, and not again after a heal', (t) => {
  const tracker = new StateTracker();
  const settled = (...items: PlanItem[]) => tracker.next(planOf(items)).isSettled;
  const update = item('a', 'update', { live, drift: [] });
  t.deepEqual(
    [
      settled(item('a', 'create')),
      settled(update),
      settled(inSync('a')),
      settled(inSync('a')),
      settled(update),
      settled(inSync('a')),
      settled(item('a', 'rejected')),
      settled(update),
      settled(inSync('a')),
    ],
    [false, false, true, false, false, false, false, false, true],
  );
});
