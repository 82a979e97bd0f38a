import test from 'ava';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { plan } from '../../../../shared/engine/plan.ts';
import { questionKey } from '../../../../shared/engine/snapshot.ts';
import {
  catalogOf,
  cluster,
  configMapAsset,
  hyperConverged,
  itemOf,
  key,
  liveConfigMap,
  ours,
  planWith,
  served,
  testsNamespace,
} from './_snapshot.ts';

const one = catalogOf({ 'one.yaml.hbs': configMapAsset('one') });
const several = catalogOf({
  'one.yaml.hbs': configMapAsset('one'),
  'two.yaml.hbs': configMapAsset('two', undefined, { more: 'group: pair' }),
  'three.yaml.hbs': configMapAsset('three', undefined, { more: 'group: pair' }),
});

for (const [value, decisions] of [
  ['true', 'create create create'],
  ['one', 'create not-selected not-selected'],
  ['pair', 'not-selected create create'],
  ['pair,one', 'create create create'],
  ['ONE', 'not-selected not-selected not-selected'],
  ['True', 'not-selected not-selected not-selected'],
  ['false', 'inactive inactive inactive'],
  ['', 'inactive inactive inactive'],
] as const) {
  test(`with autopilot ${JSON.stringify(value)}: ${decisions}`, (t) => {
    const decided = planWith(several, cluster([hyperConverged({ autopilot: value }), testsNamespace]));
    t.is(['one', 'two', 'three'].map((name) => itemOf(decided, name).decision).join(' '), decisions);
  });
}

test('without HyperConverged, or its API, or with two of them, nothing is decided, and the plan says why', (t) => {
  const other = { ...hyperConverged(), metadata: { ...hyperConverged().metadata, namespace: 'other' } };
  for (const [snapshot, state, why] of [
    [cluster([]), 'absent', /no HyperConverged in any namespace/],
    [cluster([], { namespace: 'here' }), 'absent', /in the namespace here/],
    [cluster([], { apis: { known: true, resources: [] } }), 'absent', /not installed/],
    [cluster([hyperConverged(), other]), 'ambiguous', /there are 2 .*openshift-cnv.*other/],
  ] as const) {
    const { activation, items } = planWith(one, snapshot);
    t.is(activation.state, state);
    t.regex('why' in activation ? activation.why : '', why);
    t.deepEqual(
      items.map(({ decision }) => decision),
      ['inactive'],
    );
  }
});

test('one HyperConverged in two versions, as files may hold it, is one', (t) => {
  const old = { ...hyperConverged(), apiVersion: 'hco.kubevirt.io/v1beta1' };
  const decided = planWith(one, cluster([old, hyperConverged(), testsNamespace], { apis: { known: false } }));
  t.is(decided.activation.state, 'active');
  t.is(decided.hyperConverged?.apiVersion, 'hco.kubevirt.io/v1');
});

test('a HyperConverged that cannot be read leaves everything undecided', (t) => {
  const list = questionKey({ ask: 'list', apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged' });
  const decided = planWith(one, cluster([], { answers: { [list]: { answer: 'unknown', why: 'forbidden' } } }));
  t.like(decided.activation, { state: 'unknown', why: "HyperConverged can't be read: forbidden" });
});

test('a namespace that can be none decides nothing, and is no crash', (t) => {
  for (const namespace of ['', 'a/b', '../..', 'x\ny', 'x'.repeat(64)]) {
    const hco = { ...hyperConverged(), metadata: { ...hyperConverged().metadata, namespace } };
    const inside = catalogOf({
      'a.yaml.hbs': configMapAsset('a', undefined, { namespace: '"{{hyperConverged.namespace}}"' }),
    });
    t.is(planWith(inside, cluster([hco])).activation.state, 'unknown', namespace);
    t.is(planWith(inside, cluster([], { namespace })).activation.state, 'absent');
  }
});

const warnings: Record<string, [annotations: Record<string, string>, warning: RegExp]> = {
  'a name that means nothing': [{ autopilot: 'oen' }, /"oen", which is no asset and no group; did you mean one\?/],
  'a name that is nearly "true"': [{ autopilot: 'True' }, /names "True", .*; "true" activates everything$/],
  'names that are separated otherwise': [{ autopilot: 'one; one' }, /; names are separated by commas: one,one$/],
  'an unknown annotation': [
    { autopilot: 'true', autopliot: 'true' },
    /autopliot isn't known; did you mean .*autopilot\?/,
  ],
  'a switch that is neither on nor off': [{ autopilot: 'true', openshift: 'yes' }, /only "true" and "false"/],
  'a rule that matches nothing': [
    { autopilot: 'true', 'disabled-resources': '- {kind: ConfigMap, name: tow, namespace: n}' },
    /the rule \{kind: ConfigMap, name: tow, namespace: n\} matches nothing in the catalog$/,
  ],
  'a kind that is misspelt': [
    { autopilot: 'true', 'disabled-resources': '- {kind: ConfigMaps, name: x}' },
    /did you mean the kind ConfigMap\?/,
  ],
  'exclusions that nobody can read': [
    { autopilot: 'true', 'disabled-resources': '- [' },
    /nothing is changed until it is fixed/,
  ],
};
for (const [title, [annotations, warning]] of Object.entries(warnings)) {
  test(`${title} is a warning`, (t) => {
    const decided = planWith(one, cluster([hyperConverged(annotations), testsNamespace]));
    t.is(decided.warnings.length, 1);
    t.regex(decided.warnings[0] ?? '', warning);
  });
}

test('the switches that assets ask for are known, and their values are checked', (t) => {
  const catalog = catalogOf({ 'one.yaml.hbs': configMapAsset('one', undefined, { when: ["enabled('mtv')"] }) });
  const warn = (value: string) =>
    planWith(catalog, cluster([hyperConverged({ autopilot: 'true', 'enable-mtv': value })])).warnings.length;
  t.deepEqual(['true', 'false', 'yes'].map(warn), [0, 0, 1]);
});

test('an autopilot label on HyperConverged steers nothing, and is pointed out', (t) => {
  const hco = hyperConverged({});
  const labelled = { ...hco, metadata: { ...hco.metadata, labels: { [key('autopilot')]: 'true' } } };
  const decided = planWith(one, cluster([labelled]));
  t.is(decided.activation.state, 'inactive');
  t.regex(decided.warnings.join('\n'), /steers only as an annotation/);
});

test('an asset of two features carries both, whatever is decided', (t) => {
  const features = 'feature: [mtv, metallb]';
  const catalog = catalogOf({
    'features.yaml': '- {name: mtv, title: M, description: d}\n- {name: metallb, title: L, description: d}\n',
    'both.yaml.hbs': configMapAsset('both', undefined, { more: features }),
    'none.yaml.hbs': configMapAsset('none'),
  });
  for (const autopilot of ['true', 'false']) {
    const { items } = planWith(catalog, cluster([hyperConverged({ autopilot }), testsNamespace]));
    t.deepEqual(
      items.map(({ asset, feature, features }) => [asset, feature, features]),
      [
        ['both', 'mtv', ['mtv', 'metallb']],
        ['none', undefined, []],
      ],
    );
  }
});

test('what is disabled is neither missed for want of an API, nor a failure where it cannot be rendered', (t) => {
  const catalog = catalogOf({
    'gated.yaml.hbs': configMapAsset('gated', undefined, { more: 'gates: [nothings.example.com]' }),
    'broken.yaml.hbs': configMapAsset('broken', 'data: {a: {{yaml (get annotations "nothing")}} }'),
  });
  const decisions = (annotations: Record<string, string>) => {
    const { items } = planWith(
      catalog,
      cluster([hyperConverged({ autopilot: 'true', ...annotations }), testsNamespace]),
    );
    return Object.fromEntries(items.map(({ asset, decision, why }) => [asset, `${decision}: ${why}`]));
  };
  t.like(decisions({}), { gated: 'missing-crd: not installed: nothings.example.com' });
  t.regex(decisions({}).broken ?? '', /^render-failed: /);
  const excluded = decisions({ 'disabled-resources': '- {kind: ConfigMap, name: "*"}' });
  t.regex(excluded.gated ?? '', /^excluded: disabled-resources covers it .*; not installed: nothings\.example\.com$/);
  t.regex(excluded.broken ?? '', /^excluded: /);
  t.regex(decisions({ 'disabled-resources': '- [' }).gated ?? '', /^missing-crd: /);
});

const decide = (objects: readonly KubernetesObject[], catalog = one) =>
  itemOf(planWith(catalog, cluster([hyperConverged(), testsNamespace, ...objects])), 'one');

test('what is as wanted is in sync without asking anybody', (t) => {
  const { plan: decided, questions } = plan(
    one,
    cluster([hyperConverged(), testsNamespace, liveConfigMap('one', { a: '1' })]),
  );
  t.deepEqual(questions, []);
  t.like(itemOf(decided, 'one'), { decision: 'in-sync', live: { uid: 'uid-one', resourceVersion: '7' } });
  t.deepEqual(
    itemOf(decided, 'one').steps.map(({ step, passed }) => `${step} ${passed}`),
    'selection conditions crds render exclusions live pause mode annotations patch ignore-fields namespace dependencies comparison'
      .split(' ')
      .map((step) => `${step} ${step !== 'comparison'}`),
  );
});

test('drift is put to the server, and what it says counts', (t) => {
  const live = liveConfigMap('one', { a: '2' });
  t.like(decide([live]), { decision: 'update', drift: [{ pointer: '/data/a', live: '2', desired: '1' }] });
  const snapshot = cluster([hyperConverged(), testsNamespace, live]);
  const verdicts = {
    'in-sync': { verdict: 'accepted', object: live },
    rejected: { verdict: 'rejected', message: 'no' },
    unverified: { verdict: 'unknown', why: 'forbidden' },
  } as const;
  for (const [word, verdict] of Object.entries(verdicts)) {
    t.is(
      itemOf(
        planWith(one, snapshot, () => verdict),
        'one',
      ).decision,
      word as never,
    );
  }
});

test('without our label it is adopted', (t) =>
  t.is(decide([liveConfigMap('one', { a: '1' }, { labels: {} })]).decision, 'adopt'));

const annotated = (annotations: Record<string, string>, data: object = { a: '2' }) =>
  liveConfigMap('one', data, { annotations: ours(annotations) });

for (const [annotations, word] of [
  [{ mode: 'unmanaged' }, 'unmanaged'],
  [{ mode: 'unmanged' }, 'override-invalid'],
  [{ mode: 'Unmanaged' }, 'override-invalid'],
  [{ mode: '' }, 'override-invalid'],
  [{ mod: 'unmanaged' }, 'override-invalid'],
  [{ 'reconcile-paused': 'true' }, 'paused'],
  [{ 'reconcile-paused': 'yes please' }, 'paused'],
  [{ 'reconcile-paused': 'false' }, 'update'],
  [{ 'reconcile-paused': 'true', mode: 'unmanged', patch: '{' }, 'paused'],
  [{ patch: '[]' }, 'update'],
  [{ patch: '[' }, 'override-invalid'],
  [{ patch: '[{"op":"remove","path":"/data/b"}]' }, 'override-invalid'],
  [{ 'ignore-fields': '/data/a' }, 'update'],
  [{ 'ignore-fields': '/' }, 'override-invalid'],
  [{ 'ignore-fields': '/kind' }, 'override-invalid'],
  [{ 'ignore-fields': '/metadata/name' }, 'override-invalid'],
  [{ 'ignore-fields': '/metadata/labels' }, 'override-invalid'],
  [{ 'ignore-fields': '/status' }, 'override-invalid'],
  [{ 'ignore-fields': '/data/x,' }, 'override-invalid'],
] as const) {
  test(`an object with ${JSON.stringify(annotations)} is ${word}`, (t) => {
    const item = decide([annotated(annotations)]);
    t.is(item.decision, word);
    t.is(item.desired === undefined, ['override-invalid', 'paused', 'unmanaged'].includes(word));
  });
}

test('why an object is paused names the rival where that is noted, and the annotation where it is not', (t) => {
  const whyOf = (annotations: Record<string, string>) =>
    decide([annotated({ 'reconcile-paused': 'true', ...annotations })]).why;
  t.is(whyOf({}), 'its annotation reconcile-paused is set');
  t.is(whyOf({ 'paused-by': '{"fields":["/data/a"],"manager":"rival"}' }), 'paused: rival keeps changing /data/a');
});

test('why an object is paused says who set that, where it was not the controller', (t) => {
  const pausedBy = '{"fields":["/data/a"],"manager":"rival"}';
  const whyOf = (manager: string, annotations: Record<string, string> = {}) =>
    decide([
      liveConfigMap(
        'one',
        { a: '2' },
        {
          annotations: Object.fromEntries(
            Object.entries({ 'reconcile-paused': 'true', ...annotations }).map(([name, value]) => [key(name), value]),
          ),
          managedFields: [
            {
              manager,
              operation: 'Update',
              apiVersion: 'v1',
              fieldsType: 'FieldsV1',
              fieldsV1: { 'f:metadata': { 'f:annotations': { [`f:${key('reconcile-paused')}`]: {} } } },
            },
          ],
        },
      ),
    ]).why;
  t.is(whyOf('mallory'), 'its annotation reconcile-paused is set by mallory');
  t.is(
    whyOf('mallory', { 'paused-by': pausedBy }),
    'paused: rival keeps changing /data/a; mallory set that, not the controller',
  );
  t.is(whyOf('virt-platform-autopilot', { 'paused-by': pausedBy }), 'paused: rival keeps changing /data/a');
});

test('a steering annotation set as a label holds the object', (t) => {
  const live = liveConfigMap(
    'one',
    { a: '2' },
    { labels: { [key('managed-by')]: 'virt-platform-autopilot', [key('mode')]: 'unmanaged' } },
  );
  t.is(decide([live]).decision, 'override-invalid');
});

test('whatever goes wrong inside one object stays there', (t) => {
  let deep: unknown = 1;
  for (let level = 0; level < 20_000; level++) deep = [deep];
  const catalog = catalogOf({ 'one.yaml.hbs': configMapAsset('one'), 'two.yaml.hbs': configMapAsset('two') });
  const objects = [
    hyperConverged(),
    testsNamespace,
    liveConfigMap('one', { a: deep }),
    liveConfigMap('two', { a: '1' }),
  ];
  const decided = planWith(catalog, cluster(objects));
  t.is(itemOf(decided, 'two').decision, 'in-sync');
});

test('managed fields that no server wrote are no crash', (t) => {
  const managedFields = [
    {
      manager: 'virt-platform-autopilot',
      operation: 'Apply',
      fieldsV1: { 'k:{': {}, 'v:x': {}, 'f:data': { 'k:5': 1, 'f:a': 'x' }, q: {} },
    },
    {},
  ];
  t.is(decide([liveConfigMap('one', { a: '2' }, { managedFields })]).decision, 'update');
});

const tombstones = catalogOf({
  'tombstones/old.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: old\n  namespace: tests\n  labels: {platform.kubevirt.io/managed-by: virt-platform-autopilot}\n`,
});
for (const [title, metadata, word] of [
  ['that is ours', {}, 'delete'],
  ['that lost our label', { labels: {} }, 'not-ours'],
  ['that we never applied', { managedFields: [] }, 'not-ours'],
  ['that is paused', { annotations: ours({ 'reconcile-paused': 'true' }) }, 'kept'],
  ['that is unmanaged', { annotations: ours({ mode: 'unmanaged' }) }, 'kept'],
  ['whose mode is misspelt', { annotations: ours({ mode: 'unmanged' }) }, 'kept'],
  ['with a steering key that is misspelt', { annotations: ours({ mod: 'unmanaged' }) }, 'kept'],
  ['that is being deleted', { deletionTimestamp: '2026-11-21T10:00:00Z' }, 'gone'],
] as const) {
  test(`something of the past ${title}: ${word}`, (t) => {
    const objects = [hyperConverged(), liveConfigMap('old', { a: '1' }, metadata)];
    t.is(itemOf(planWith(tombstones, cluster(objects)), 'old').decision, word);
  });
}

test('what is switched off deletes nothing', (t) => {
  const live = liveConfigMap('old', { a: '1' });
  const word = (annotations: Record<string, string>) =>
    itemOf(planWith(tombstones, cluster([hyperConverged(annotations), live])), 'old').decision;
  t.is(word({}), 'inactive');
  t.is(word({ autopilot: 'other' }), 'not-selected');
  t.is(word({ autopilot: 'old' }), 'delete');
  t.is(word({ autopilot: 'true', 'disabled-resources': 'nonsense' }), 'kept');
});

test('a namespace that is being deleted takes nothing any more', (t) => {
  const metadata = { ...testsNamespace.metadata, deletionTimestamp: '2026-11-21T10:00:00Z' };
  const item = itemOf(planWith(one, cluster([hyperConverged(), { ...testsNamespace, metadata }])), 'one');
  t.like(item, { decision: 'missing-namespace', why: 'the namespace tests is being deleted' });
});

test('an object that could not be read is left alone, and so is what depends on it', (t) => {
  const catalog = catalogOf({
    'one.yaml.hbs': configMapAsset('one'),
    'two.yaml.hbs': configMapAsset('two', undefined, { more: 'dependsOn: [one]' }),
  });
  const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'tests', name: 'one' };
  const answers = { [questionKey({ ask: 'get', ref })]: { answer: 'unknown', why: 'etcd is away' } } as const;
  const decided = planWith(catalog, cluster([hyperConverged(), testsNamespace], { answers }));
  t.like(itemOf(decided, 'one'), { decision: 'unreadable', why: 'etcd is away' });
  t.like(itemOf(decided, 'two'), { decision: 'waiting', for: ['one'] });
});

test('a condition that surely is not met decides before one that fails', (t) => {
  const decisionOf = (...when: string[]) => {
    const catalog = catalogOf({ 'one.yaml.hbs': configMapAsset('one', undefined, { when }) });
    return itemOf(planWith(catalog, cluster([hyperConverged(), testsNamespace])), 'one').decision;
  };
  const fails = "annotations['nothing'] == 'x'";
  t.deepEqual(
    [decisionOf(fails, "enabled('mtv')"), decisionOf("enabled('mtv')", fails), decisionOf(fails, 'true')],
    ['condition-unmet', 'condition-unmet', 'condition-error'],
  );
});

test('a namespace whose own asset is switched off is missing, not waited for', (t) => {
  const catalog = catalogOf({
    'one.yaml.hbs': configMapAsset('one', undefined, { namespace: 'made' }),
    'space.yaml.hbs': 'format: 1\ntarget: {apiVersion: v1, kind: Namespace, name: made}\n---\nmetadata: {}',
  });
  const word = (annotations: Record<string, string>) =>
    itemOf(planWith(catalog, cluster([hyperConverged(annotations)])), 'one').decision;
  t.is(word({ autopilot: 'true' }), 'waiting');
  t.is(word({ autopilot: 'one' }), 'missing-namespace');
  t.is(word({ autopilot: 'true', 'disabled-resources': '- {kind: Namespace, name: made}' }), 'missing-namespace');
});

test('nothing known of the APIs: everything is taken to be served', (t) => {
  const decided = planWith(one, cluster([hyperConverged(), testsNamespace], { apis: { known: false } }));
  t.is(itemOf(decided, 'one').decision, 'create');
  t.true(decided.unknown.some(({ fact, assumed }) => fact === 'topology.isOpenShift' && assumed));
  t.is(
    itemOf(
      planWith(
        one,
        cluster([hyperConverged()], {
          apis: { known: true, resources: served.filter(({ kind }) => kind !== 'ConfigMap') },
        }),
      ),
      'one',
    ).decision,
    'missing-crd',
  );
});

test('thousands of names in autopilot are neither slow nor thousands of lines', (t) => {
  const names = Array.from({ length: 30_000 }, (_, index) => `n${index}`);
  const start = performance.now();
  const decided = planWith(several, cluster([hyperConverged({ autopilot: names.join(',') })]));
  t.true(performance.now() - start < 5_000);
  t.is(decided.warnings.length, 21);
  t.regex(decided.warnings.at(-1) ?? '', /29980 more names that mean nothing/);
  t.is(itemOf(decided, 'one').why, 'the autopilot is active for n0, n1, n2, n3, n4 and 29995 more only');
});
