import test from 'ava';
import type { ControllerHealth } from '../../../../plugin/input/controller-health.ts';
import type { DecidedPlan } from '../../../../plugin/input/observed.ts';
import { plain } from '../../../../plugin/output/colour.ts';
import { displayWidth } from '../../../../plugin/output/display-width.ts';
import { type StatusTextOptions, statusText } from '../../../../plugin/output/status-text.ts';
import { item, live, planOf } from '../_plan.ts';

const field = (pointer: string) => ({ pointer, live: 1, desired: 2, manager: 'helm', time: '2026-01-01T11:55:00Z' });
const show = (
  plan: DecidedPlan,
  options: Partial<StatusTextOptions> = {},
  controller: ControllerHealth = { state: 'not-found' },
) =>
  statusText(plan, controller, plan.items, {
    paint: plain,
    now: new Date('2026-01-01T12:00:00Z'),
    wide: false,
    all: false,
    headers: true,
    kubectl: 'kubectl --context=prod',
    ...options,
  });

test('totals count assets and tombstones by decision', (t) => {
  const text = show(
    planOf([
      item('a', { decision: 'update', live, drift: [] }),
      item('b', { decision: 'in-sync', live }),
      item('c', { decision: 'in-sync', live }),
      item('old', { decision: 'gone' }, { type: 'tombstone' }),
    ]),
  );
  t.true(text.includes('\n3 assets: 2 in-sync, 1 update; 1 tombstone: 1 gone\n'));
});

test('what asks nothing of anybody is counted instead of listed, unless somebody steered it or it was asked for', (t) => {
  const plan = planOf([
    item('quiet', { decision: 'condition-unmet' }),
    item('unselected', { decision: 'not-selected' }),
    item('old', { decision: 'gone' }, { type: 'tombstone' }),
    item('noted', { decision: 'condition-unmet' }, { notes: ['a fact is unknown'] }),
    item('steered', { decision: 'condition-unmet' }, { overrides: [{ type: 'unmanaged', how: 'mode' }] }),
    item('kept', { decision: 'in-sync', live }),
  ]);
  const text = show(plan);
  t.deepEqual(text.match(/^(quiet|unselected|old|noted|steered|kept)/gm), ['noted', 'steered', 'kept']);
  t.regex(text, /^5 assets: .*3 condition-unmet.*; 1 tombstone: 1 gone$/m);
  t.regex(text, /^not listed: 1 not-selected, 1 condition-unmet, 1 gone \(-o wide lists all\)$/m);
  for (const all of [show(plan, { all: true }), show(plan, { wide: true })]) {
    t.regex(all, /^quiet +condition-unmet /m);
    t.notRegex(all, /not listed/);
  }
});

test('an inactive autopilot comes with the command that activates it, on this very cluster, and without a table', (t) => {
  const items = [item('a', { decision: 'inactive' }), item('b', { decision: 'inactive' })];
  t.is(
    show(planOf(items, { activation: { state: 'inactive', why: 'not set' } })),
    'autopilot: inactive (not set)\n' +
      '           activate it with: kubectl --context=prod annotate hyperconverged.hco.kubevirt.io/kubevirt-hyperconverged -n openshift-cnv --overwrite platform.kubevirt.io/autopilot=true\n' +
      'controller: not found (nothing is kept in sync until it is installed)\n' +
      '2 assets: 2 inactive\n' +
      'not listed: 2 inactive (-o wide lists all)\n',
  );
});

test('a name from a file is quoted in a command that people copy', (t) => {
  const hyperConverged = { apiVersion: 'hco.kubevirt.io/v1', namespace: 'a; rm -rf ~', name: "it's" };
  const text = show(planOf([], { activation: { state: 'inactive', why: 'x' }, hyperConverged }));
  t.true(text.includes(`annotate 'hyperconverged.hco.kubevirt.io/it'\\''s' -n 'a; rm -rf ~' `));
});

test('an autopilot for some only says for which', (t) => {
  t.regex(
    show(planOf([], { activation: { state: 'selected', names: ['a', 'b'], unknownNames: [] } })),
    /^autopilot: active for a, b only\n/,
  );
});

test('facts that are unknown for one reason are one line', (t) => {
  const text = show(
    planOf([], {
      unknown: [
        { fact: 'hardware', why: 'no permission to list nodes', assumed: false },
        { fact: 'topology.workerCount', why: 'no permission to list nodes', assumed: false },
        { fact: 'topology.isHCP', why: 'it is not among the files, and taken as absent', assumed: true },
      ],
    }),
  );
  t.true(text.includes('\nunknown: hardware, topology.workerCount: no permission to list nodes\n'));
  t.true(text.includes('\nunknown: topology.isHCP: it is not among the files, and taken as absent\n'));
});

test('drifted fields are shown with their values, manager and age', (t) => {
  const drift = [
    field('/spec/a'),
    { pointer: '/spec/b', desired: 'x', manager: null, time: null },
    { pointer: '/spec/c', live: [1], manager: null, time: null },
  ];
  t.true(
    show(planOf([item('a', { decision: 'update', live, drift })])).endsWith(
      '\na (ConfigMap/somewhere/a):\n' +
        '  /spec/a: 1 → 2 (helm, 5m ago)\n' +
        '  /spec/b: <none> → "x" (removed, or never set)\n' +
        "  /spec/c: [1] → <none> (who set it isn't recorded)\n",
    ),
  );
});

test('of many drifted fields the first eight are shown, and how many more there are; -o wide shows all', (t) => {
  const drift = Array.from({ length: 20 }, (_, index) => field(`/spec/f${index}`));
  const plan = planOf([item('a', { decision: 'update', live, drift })]);
  t.true(show(plan).endsWith('  /spec/f7: 1 → 2 (helm, 5m ago)\n  and 12 more (see -o json)\n'));
  t.true(show(plan, { wide: true }).endsWith('  /spec/f19: 1 → 2 (helm, 5m ago)\n'));
});

test('values of Secrets are never shown', (t) => {
  const drift = [{ ...field('/data/password'), live: 'aHVudGVyMg==' }];
  const target = { apiVersion: 'v1', kind: 'Secret', namespace: 'x', name: 's' };
  const text = show(planOf([item('a', { decision: 'update', live, drift }, { target })]));
  t.true(text.includes('/data/password: "***" → "***"'));
});

test('overrides are named in their column', (t) => {
  const text = show(
    planOf([
      item(
        'a',
        { decision: 'in-sync', live },
        {
          overrides: [
            { type: 'patch', operations: 2, pointers: ['/a'] },
            { type: 'ignore', pointers: ['/b'], yielded: ['/b'], kept: [] },
          ],
        },
      ),
      item('b', { decision: 'unmanaged' }, { overrides: [{ type: 'unmanaged', how: 'mode' }] }),
    ]),
  );
  t.regex(text, /^a +in-sync +ConfigMap\/somewhere\/a +patch\(2\),ignore\(1\) +because$/m);
  t.regex(text, /^b +unmanaged +ConfigMap\/somewhere\/b +unmanaged +because$/m);
});

test('an override past its date says so in its column', (t) => {
  const until = { until: '2026-01-01', expired: true };
  const text = show(
    planOf([
      item(
        'a',
        { decision: 'in-sync', live },
        { overrides: [{ type: 'patch', operations: 2, pointers: [], ...until }] },
      ),
      item('b', { decision: 'unmanaged' }, { overrides: [{ type: 'unmanaged', how: 'mode', ...until }] }),
      item(
        'c',
        { decision: 'unmanaged' },
        { overrides: [{ type: 'unmanaged', how: 'mode', until: '2026-01-01', expired: false }] },
      ),
    ]),
  );
  t.regex(text, /^a .* patch\(2 expired\) +because$/m);
  t.regex(text, /^b .* unmanaged\(expired\) +because$/m);
  t.regex(text, /^c .* unmanaged +because$/m);
});

test('-o wide adds feature and group', (t) => {
  const text = show(
    planOf([item('a', { decision: 'in-sync', live }, { features: ['swap', 'dense'], group: 'nodes' })]),
    {
      wide: true,
    },
  );
  t.regex(text, /^ASSET +STATE +OBJECT +OVERRIDES +FEATURE +GROUP +WHY$/m);
  t.regex(text, /^a +in-sync +\S+ +<none> +swap,dense +nodes +because$/m);
});

test('on a terminal the table fits, with the longest decision words whole', (t) => {
  const words = ['exclusions-invalid', 'missing-namespace', 'condition-unmet'] as const;
  const name = 'a-name-that-is-as-long-as-those-of-real-assets';
  const plan = planOf(words.map((decision) => item(name, { decision })));
  for (const width of [40, 80, 120, 200]) {
    const text = show(plan, { width, all: true });
    const table = text.slice(text.indexOf('\nASSET') + 1);
    for (const line of table.split('\n')) t.true(displayWidth(line) <= width, line);
    for (const word of words) t.true(table.includes(` ${word}`), word);
  }
});

test('--no-headers gives rows only', (t) => {
  t.is(
    show(planOf([item('a', { decision: 'update', live, drift: [field('/x')] })]), { headers: false }),
    'a   update   ConfigMap/somewhere/a   <none>   because\n',
  );
});

const controller = test.macro((t, health: ControllerHealth, line: string) => {
  t.true(show(planOf([]), {}, health).includes(`\ncontroller: ${line}\n`));
});
const found = {
  state: 'found',
  holder: 'pod-1',
  renewTime: '2026-01-01T11:59:50Z',
  leaseDurationSeconds: 15,
  lastPass: null,
  plannedGeneration: null,
  version: null,
  catalogDigest: null,
  images: {},
} as const;
test(
  'a controller that is not there',
  controller,
  { state: 'not-found' },
  'not found (nothing is kept in sync until it is installed)',
);
test(
  'a controller of which nothing can be known',
  controller,
  { state: 'unknown', why: 'no permission' },
  'unknown: no permission',
);
test('a controller that only holds its Lease', controller, found, 'installed, leader pod-1, last seen 10s ago');
test(
  'a controller that says more',
  controller,
  { ...found, version: 'v1.2.3', lastPass: '2026-01-01T11:57:00Z' },
  'version v1.2.3, leader pod-1, last pass 3m ago',
);
test(
  'a controller between leaders',
  controller,
  { ...found, holder: null, renewTime: null },
  'installed, no leader, no pass yet',
);

test('why the last apply failed is said of what is still to be done', (t) => {
  const failures = new Map([['ConfigMap/somewhere/a', { note: 'no\nquota', time: '2026-01-01T11:55:00Z' }]]);
  t.true(
    show(planOf([item('a', { decision: 'create' })]), { failures }).endsWith(
      '\na: the last apply failed 5m ago: no\\nquota\n',
    ),
  );
  t.notRegex(show(planOf([item('a', { decision: 'in-sync', live })]), { failures }), /failed/);
});

test('an annotation that was written in another format comes with the command that writes it right', (t) => {
  const override = {
    type: 'invalid',
    annotation: 'platform.kubevirt.io/mode',
    message: 'x',
    right: { 'platform.kubevirt.io/mode': 'unmanaged' },
  } as const;
  t.true(
    show(planOf([item('a', { decision: 'override-invalid' }, { overrides: [override] })])).endsWith(
      '\na is written right by: kubectl --context=prod annotate configmap/a -n somewhere --overwrite platform.kubevirt.io/mode=unmanaged\n',
    ),
  );
});
