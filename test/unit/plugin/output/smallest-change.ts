import test from 'ava';
import { smallestChange } from '../../../../plugin/output/smallest-change.ts';
import type { Decision, PlanItem } from '../../../../shared/engine/plan-item.ts';
import { item, live, planOf } from '../_plan.ts';

const kubectl = 'kubectl --context=prod';
const onA = `${kubectl} annotate configmap/a -n somewhere`;
const own = (words: string) => `kubectl virt-platform ${words} --context=prod`;
const onHco = `${kubectl} annotate hyperconverged.hco.kubevirt.io/kubevirt-hyperconverged -n openshift-cnv`;
const drift = [{ pointer: '/data/x', live: '1', desired: '2', manager: 'helm', time: null }];
const desired = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { x: '2' } };
const met = { result: 'met', saw: {} } as const;
const unmet = { result: 'unmet', saw: {} } as const;

const command = test.macro({
  title: (provided, decision: Decision) => `${decision.decision}: ${provided}`,
  exec: (
    t,
    decision: Decision,
    expected: string | undefined,
    more: Partial<PlanItem> = {},
    plan: Parameters<typeof planOf>[1] = {},
  ) => {
    const decided = item('a', decision, more as Parameters<typeof item>[2]);
    const others = [item('b', { decision: 'excluded', rule: { kind: 'ConfigMap', name: '*' } })];
    t.is(smallestChange(decided, planOf([decided, ...others], plan), { kubectl }).command, expected);
  },
});

test('activates', command, { decision: 'inactive' }, `${onHco} --overwrite platform.kubevirt.io/autopilot=true`);
test(
  'names it besides those that are named',
  command,
  { decision: 'not-selected' },
  `${onHco} --overwrite platform.kubevirt.io/autopilot=x,y,a`,
  {},
  { activation: { state: 'selected', names: ['x', 'y'], unknownNames: [] } },
);
test('enables every feature that is not', command, { decision: 'condition-unmet' }, own('enable x y'), {
  conditions: [
    { expression: "enabled('x')", ...unmet },
    { expression: 'topology.isOpenShift', ...met },
    { expression: "enabled('y')", ...unmet },
  ],
});
test('enables the first of those that do alike', command, { decision: 'condition-unmet' }, own('enable x'), {
  conditions: [{ expression: "enabled('x') || enabled('y')", ...unmet }],
});
test('has no command where more than an opt-in would do', command, { decision: 'condition-unmet' }, undefined, {
  conditions: [{ expression: "enabled('x') || 'Y' in featureGates", ...unmet }],
});
test(
  'removes what must not be configured',
  command,
  { decision: 'condition-unmet' },
  `${kubectl} patch hyperconverged kubevirt-hyperconverged -n openshift-cnv --type=json -p '[{"op":"remove","path":"/spec/virtualization/ksmConfiguration"}]'`,
  { conditions: [{ expression: "!configured('spec.virtualization.ksmConfiguration')", ...unmet }] },
);
test('has no command for how a cluster is made', command, { decision: 'condition-unmet' }, undefined, {
  conditions: [{ expression: 'hardware.gpuPresent', result: 'unmet', saw: { 'hardware.gpuPresent': false } }],
});
test('has no command', command, { decision: 'condition-error' }, undefined);
test('has no command', command, { decision: 'render-failed' }, undefined);
test('has no command', command, { decision: 'empty' }, undefined);
test('shows the CRD', command, { decision: 'missing-crd', crds: ['x.y'] }, `${kubectl} get crd x.y`);
test(
  'opens the annotation',
  command,
  { decision: 'exclusions-invalid' },
  `${kubectl} edit hyperconverged/kubevirt-hyperconverged -n openshift-cnv`,
);
test(
  'drops the rule',
  command,
  { decision: 'excluded', rule: { kind: 'ConfigMap', name: 'a', namespace: 'some*' } },
  "kubectl virt-platform exclude --kind ConfigMap --name a --namespace 'some*' --remove --context=prod",
);
test(
  'checks the permission',
  command,
  { decision: 'unreadable' },
  `${kubectl} auth can-i get configmaps/a -n somewhere`,
  { why: `no permission to get configmaps: ${kubectl} auth can-i get configmaps/a -n somewhere` },
);
test('says what the server said', command, { decision: 'unreadable' }, undefined);
test('resumes', command, { decision: 'paused' }, own('unpause a'));
test('manages', command, { decision: 'unmanaged' }, own('manage a'));
test(
  'writes it right where it is known how',
  command,
  { decision: 'override-invalid' },
  `${onA} --overwrite 'platform.kubevirt.io/patch=[{"op":"add","path":"/data/it'\\''s","value":1}]' platform.kubevirt.io/pacth-`,
  {
    overrides: [
      {
        type: 'invalid',
        annotation: 'platform.kubevirt.io/pacth',
        message: 'x',
        right: {
          'platform.kubevirt.io/patch': '[{"op":"add","path":"/data/it\'s","value":1}]',
          'platform.kubevirt.io/pacth': null,
        },
      },
    ],
  },
);
test('takes it away otherwise', command, { decision: 'override-invalid' }, own('patch a --clear'), {
  overrides: [{ type: 'invalid', annotation: 'platform.kubevirt.io/patch', message: 'x' }],
});
test('takes each away', command, { decision: 'override-invalid' }, `${own('patch a --clear')} && ${own('manage a')}`, {
  overrides: ['patch', 'mode'].map((name) => ({
    type: 'invalid' as const,
    annotation: `platform.kubevirt.io/${name}`,
    message: 'x',
  })),
});
test(
  'takes away what no command of ours knows',
  command,
  { decision: 'override-invalid' },
  `${onA} platform.kubevirt.io/patch- platform.kubevirt.io/pacth-`,
  {
    overrides: ['patch', 'pacth'].map((name) => ({
      type: 'invalid' as const,
      annotation: `platform.kubevirt.io/${name}`,
      message: 'x',
    })),
  },
);
test('creates the namespace', command, { decision: 'missing-namespace' }, `${kubectl} create namespace somewhere`);
test('waits for a namespace that is being deleted', command, { decision: 'missing-namespace' }, undefined, {
  why: 'the namespace somewhere is being deleted',
});
test(
  'explains what it waits for, with flags where kubectl takes them',
  command,
  { decision: 'waiting', for: ['b'] },
  own('explain b'),
);
test('hands off', command, { decision: 'in-sync', live }, own('unmanage a'));
test(
  'goes back to the baseline where there are overrides',
  command,
  { decision: 'in-sync', live },
  `${own('patch a --clear')} && ${own('ignore a /data/y /data/z --remove')}`,
  {
    overrides: [
      { type: 'patch', operations: 1, pointers: ['/data/x'] },
      { type: 'ignore', pointers: ['/data/y', '/data/z'], yielded: [], kept: [] },
    ],
  },
);
test(
  'takes a note away that nobody can read',
  command,
  { decision: 'in-sync', live },
  `${onA} platform.kubevirt.io/patch-until-`,
  { overrides: [{ type: 'invalid', annotation: 'platform.kubevirt.io/patch-until', message: 'x' }] },
);
test('excludes it', command, { decision: 'create' }, own('exclude a'));
test(
  'ignores the fields that differ, besides those that are ignored',
  command,
  { decision: 'update', live, drift: [...drift, { ...drift[0], pointer: '/data/a~1b' }] as typeof drift },
  own("ignore a /data/x '/data/a~1b'"),
  { desired, overrides: [{ type: 'ignore', pointers: ['/data/y'], yielded: [], kept: [] }] },
);
test(
  'hands off where a field must not be ignored',
  command,
  {
    decision: 'adopt',
    live,
    drift: [{ ...drift[0], pointer: '/metadata/labels/platform.kubevirt.io~1managed-by', manager: null, time: null }],
  },
  own('unmanage a'),
  { desired },
);
test('has no command where only ownership changes', command, { decision: 'update', live, drift: [] }, undefined, {
  desired,
});
test(
  'removes the patch that the server refuses',
  command,
  { decision: 'rejected', message: 'no' },
  own('patch a --clear'),
  { overrides: [{ type: 'patch', operations: 1, pointers: ['/data/x'] }] },
);
test('excludes what the server refuses anyway', command, { decision: 'rejected', message: 'no' }, own('exclude a'));
test('has no command', command, { decision: 'unverified', locally: 'unknown', drift: [] }, undefined);
test('keeps it', command, { decision: 'delete', live }, own('unmanage a'));
test('removes the pause that keeps it', command, { decision: 'kept' }, own('unpause a'), {
  steps: [{ step: 'pause', passed: false, detail: '' }],
});
test('removes the mode that keeps it', command, { decision: 'kept' }, own('manage a'), {
  steps: [{ step: 'mode', passed: false, detail: '' }],
});
test('opens the annotations that keep it', command, { decision: 'kept' }, `${kubectl} edit configmap/a -n somewhere`, {
  steps: [{ step: 'annotations', passed: false, detail: '' }],
});
test(
  'opens the exclusions that keep it',
  command,
  { decision: 'kept' },
  `${kubectl} edit hyperconverged/kubevirt-hyperconverged -n openshift-cnv`,
  { steps: [{ step: 'exclusions', passed: false, detail: '' }] },
);
test(
  'drops the rule that keeps it',
  command,
  { decision: 'kept' },
  "kubectl virt-platform exclude --kind ConfigMap --name '*' --remove --context=prod",
  { steps: [{ step: 'exclusions', passed: false, detail: '' }] },
  { exclusions: [{ kind: 'ConfigMap', name: '*' }] },
);
test('has no command', command, { decision: 'not-ours' }, undefined);
test('has no command', command, { decision: 'gone' }, undefined);

test('a rule that covers other objects is dropped with a word about those', (t) => {
  const rule = { kind: 'ConfigMap', name: '*' };
  const [a, b] = [item('a', { decision: 'excluded', rule }), item('b', { decision: 'excluded', rule })];
  t.regex(smallestChange(a, planOf([a, b], { exclusions: [rule] }), { kubectl }).what, /which also covers b$/);
});

test('what keeps a feature from being enough is said', (t) => {
  const decided = item(
    'a',
    { decision: 'condition-unmet' },
    {
      conditions: [
        { expression: "enabled('x')", ...unmet },
        { expression: 'hardware.gpuPresent', result: 'unmet', saw: { 'hardware.gpuPresent': false } },
      ],
    },
  );
  t.is(
    smallestChange(decided, planOf([decided]), { kubectl }).what,
    'enable x; that alone is not enough: hardware.gpuPresent has to hold, which is how this cluster is made',
  );
});

test('a permission that is missing comes with the role that gives it, or with whose it has to be', (t) => {
  const whatOf = (why: string) => {
    const decided = item('a', { decision: 'unreadable' }, { why });
    return smallestChange(decided, planOf([decided]), { kubectl }).what;
  };
  t.regex(whatOf('no permission to get configmaps: kubectl auth can-i get configmaps/a'), /virt-platform-viewer bound/);
  t.regex(
    whatOf(
      "the server didn't confirm: no permission to patch things in x.y: kubectl auth can-i patch things.x.y/a -n b",
    ),
    /^have somebody look who may patch it/,
  );
  t.is(whatOf('the server is tired'), 'make it readable: the server is tired');
});

test('what is missing comes with what brings it', (t) => {
  const decided = item('a', { decision: 'missing-crd', crds: ['x.y'] });
  t.regex(
    smallestChange(decided, planOf([decided]), { kubectl, requires: ['The Operator'] }).what,
    /^install The Operator, which brings x\.y/,
  );
});

test('commands of ours name the catalog that knows the names; those of kubectl need none', (t) => {
  const decided = item('a', { decision: 'unmanaged' });
  const options = { kubectl, catalog: 'my catalog' };
  t.is(
    smallestChange(decided, planOf([decided]), options).command,
    "kubectl virt-platform manage a --catalog 'my catalog' --context=prod",
  );
  const inactive = item('a', { decision: 'inactive' });
  t.is(
    smallestChange(inactive, planOf([inactive]), options).command,
    `${onHco} --overwrite platform.kubevirt.io/autopilot=true`,
  );
});
