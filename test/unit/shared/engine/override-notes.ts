import test from 'ava';
import type { Override } from '../../../../shared/engine/plan-item.ts';
import {
  catalogOf,
  cluster,
  configMapAsset,
  hyperConverged,
  itemOf,
  liveConfigMap,
  ours,
  planWith,
  testsNamespace,
} from './_snapshot.ts';

const catalog = catalogOf({ 'one.yaml.hbs': configMapAsset('one') });
const now = Date.parse('2026-06-01T12:00:00Z');

const decide = (annotations: Record<string, string>, onHco: Record<string, string> = {}, data: object = { a: '1' }) => {
  const objects = [
    hyperConverged({ autopilot: 'true', ...onHco }),
    testsNamespace,
    liveConfigMap('one', data, { annotations: ours(annotations) }),
  ];
  const plan = planWith(catalog, cluster(objects, { now }));
  return { ...itemOf(plan, 'one'), warnings: plan.warnings };
};
const overridesOf = (annotations: Record<string, string>, onHco = {}) =>
  decide(annotations, onHco).overrides as unknown;

const because = { reason: 'slow disks', until: '2026-12-31' };
const beside = (key: string) => ({ [`${key}-reason`]: because.reason, [`${key}-until`]: because.until });
const is = { ...because, expired: false };

test('each override says why it is there, and until when', (t) => {
  t.deepEqual(overridesOf({ mode: 'unmanaged', ...beside('mode') }), [{ type: 'unmanaged', how: 'mode', ...is }]);
  t.like(overridesOf({ patch: '[]', ...beside('patch') }), [{ type: 'patch', ...is }]);
  t.like(overridesOf({ 'ignore-fields': '/data/a', ...beside('ignore-fields') }), [{ type: 'ignore', ...is }]);
  const rule = { kind: 'ConfigMap', name: 'one' };
  t.deepEqual(overridesOf({}, { 'disabled-resources': JSON.stringify([{ ...rule, ...because }]) }), [
    { type: 'excluded', rule, ...is },
  ]);
});

test('it is shown in a line, and so is that its date is past', (t) => {
  t.deepEqual(decide({ mode: 'unmanaged', ...beside('mode') }).notes, ['unmanaged until 2026-12-31: slow disks']);
  t.deepEqual(decide({ mode: 'unmanaged', 'mode-reason': 'slow disks' }).notes, ['unmanaged: slow disks']);
  t.deepEqual(decide({ mode: 'unmanaged', 'mode-until': '2026-05-31' }).notes, [
    'unmanaged until 2026-05-31, which is over',
  ]);
});

test('a date that is past changes no decision', (t) => {
  for (const annotations of [
    { mode: 'unmanaged', 'mode-until': '2026-05-31' },
    { patch: '[{"op":"replace","path":"/data/a","value":"2"}]', 'patch-until': '2026-05-31' },
    { 'ignore-fields': '/data/a', 'ignore-fields-until': '2026-05-31' },
  ] as Record<string, string>[]) {
    const before = Object.fromEntries(Object.entries(annotations).filter(([key]) => !key.endsWith('-until')));
    const [item, without] = [decide(annotations, {}, { a: '2' }), decide(before, {}, { a: '2' })];
    t.is(item.decision, without.decision);
    t.deepEqual(item.desired, without.desired);
    t.true(item.overrides.some((override) => 'expired' in override && override.expired));
  }
});

test('without the time nothing is past', (t) => {
  const live = liveConfigMap(
    'one',
    { a: '1' },
    { annotations: ours({ mode: 'unmanaged', 'mode-until': '2020-01-01' }) },
  );
  const plan = planWith(catalog, cluster([hyperConverged(), testsNamespace, live]));
  t.deepEqual(itemOf(plan, 'one').overrides as unknown, [{ type: 'unmanaged', how: 'mode', until: '2020-01-01' }]);
});

for (const [key, override, decision] of [
  ['mode', { mode: 'unmanaged' }, 'unmanaged'],
  ['patch', { patch: '[{"op":"replace","path":"/data/a","value":"2"}]' }, 'in-sync'],
  ['ignore-fields', { 'ignore-fields': '/data/a' }, 'in-sync'],
] as const) {
  test(`a note beside ${key} that can’t be read is reported, and the override counts`, (t) => {
    const item = decide({ ...override, [`${key}-until`]: 'soon' }, {}, { a: '2' });
    const without = decide({ ...override }, {}, { a: '2' });
    t.is(item.decision, without.decision, decision);
    t.deepEqual(item.desired, without.desired);
    const message = `${key}-until "soon" is no date; it is written as in 2026-12-31 (to the end of that day, UTC) or 2026-12-31T18:00:00Z`;
    t.like(item.overrides.at(-1), {
      type: 'invalid',
      annotation: `platform.kubevirt.io/${key}-until`,
      message,
    } as Partial<Override>);
    t.true(item.notes.includes(message));
  });
}

test('a rule whose note can’t be read counts, and is a warning', (t) => {
  const item = decide({}, { 'disabled-resources': '- {kind: ConfigMap, name: one, until: soon, reason: 5}' });
  t.is(item.decision, 'excluded');
  t.is(item.warnings.length, 2);
  t.regex(
    item.warnings[0] ?? '',
    /disabled-resources: the rule \{kind: ConfigMap, name: one\} counts, but its reason 5 /,
  );
  t.regex(item.warnings[1] ?? '', /counts, but its until "soon" is no date/);
});

test('a misspelt key of a note holds the object, as any key that we don’t know', (t) => {
  const item = decide({ 'patch-reson': 'x', patch: '[]' }, {}, { a: '2' });
  t.is(item.decision, 'override-invalid');
  t.regex(item.why, /did you mean platform\.kubevirt\.io\/patch-reason/);
});

test('a note about nothing is pointed out', (t) => {
  const item = decide({ 'mode-reason': 'x' });
  t.is(item.decision, 'in-sync');
  t.deepEqual(item.notes, ['there is mode-reason, but nothing that it is about']);
  t.deepEqual(item.overrides, []);
});
