import test from 'ava';
import { isInvalid } from '../../../../shared/api/annotations.ts';
import { excludes, matches, parseExclusions, writtenRule } from '../../../../shared/api/exclusions.ts';

for (const [pattern, text, expected] of [
  ['swap', 'swap', true],
  ['swap', 'swap-enable', false],
  ['swap-*', 'swap-enable', true],
  ['*', '', true],
  ['*', 'anything', true],
  ['', '', true],
  ['', 'x', false],
  ['?', '', false],
  ['?', 'x', true],
  ['90-?orker-*', '90-worker-swap', true],
  ['*-swap', '90-worker-swap', true],
  ['*-swap', '90-worker-swap-online', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['**', 'x', true],
  ['*?', '', false],
  ['a.c', 'abc', false],
  ['[a-c]', 'b', false],
  ['Swap', 'swap', false],
] as const) {
  test(`the pattern ${JSON.stringify(pattern)} ${expected ? 'fits' : 'does not fit'} ${JSON.stringify(text)}`, (t) => {
    t.is(matches(pattern, text), expected);
  });
}

test('no pattern takes long, whatever somebody thinks up', (t) => {
  const start = performance.now();
  for (const pattern of ['*a'.repeat(256), '?*'.repeat(256), `${'*'.repeat(511)}b`, `${'a*'.repeat(255)}b`]) {
    for (let times = 0; times < 20; times++) matches(pattern, 'a'.repeat(253));
  }
  t.true(performance.now() - start < 5_000);
});

const worker = { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfig', name: '90-worker' };
const settings = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'monitoring', name: 'settings' };

for (const [title, rule, ref, expected] of [
  ['covers an object by kind and name', { kind: 'ConfigMap', name: 'settings' }, settings, true],
  ['counts upper and lower case in kinds', { kind: 'configmap', name: 'settings' }, settings, false],
  ['without a namespace means any', { kind: 'MachineConfig', name: '*' }, worker, true],
  ['with a namespace covers only that', { kind: 'ConfigMap', name: '*', namespace: 'other' }, settings, false],
  ['takes patterns for namespaces', { kind: 'ConfigMap', name: '*', namespace: 'mon*' }, settings, true],
  ['with a namespace covers nothing without one', { kind: 'MachineConfig', name: '*', namespace: '*' }, worker, false],
  [
    'looks at the group of an apiVersion, not at its version',
    { kind: 'MachineConfig', name: '*', apiVersion: 'machineconfiguration.openshift.io/v2' },
    worker,
    true,
  ],
  [
    'keeps kinds of other groups apart',
    { kind: 'MachineConfig', name: '*', apiVersion: 'example.com/v1' },
    worker,
    false,
  ],
  ['knows the core group', { kind: 'ConfigMap', name: '*', apiVersion: 'v1' }, settings, true],
] as const) {
  test(`a rule ${title}`, (t) => t.is(excludes(rule, ref), expected));
}

for (const text of [undefined, '', ' \n', '# nothing\n---\n', '[]', 'null # none']) {
  test(`disabled-resources ${JSON.stringify(text)} excludes nothing`, (t) => t.deepEqual(parseExclusions(text), []));
}

test('rules are read as they are written', (t) => {
  t.deepEqual(
    parseExclusions('- kind: ConfigMap\n  name: "my-*"\n- {kind: A, name: b, namespace: c, apiVersion: d/v1}'),
    [
      { kind: 'ConfigMap', name: 'my-*' },
      { kind: 'A', name: 'b', namespace: 'c', apiVersion: 'd/v1' },
    ],
  );
});

test('a rule may say why, and until when', (t) => {
  t.deepEqual(parseExclusions('- {kind: A, name: b, reason: slow disks, until: 2026-12-31}'), [
    { kind: 'A', name: 'b', note: { reason: 'slow disks', until: '2026-12-31' } },
  ]);
});

for (const note of [
  'until: tomorrow',
  'until: 5',
  'until:',
  'until: [a]',
  'reason: 5',
  'reason: ""',
  'reason: {a: b}',
]) {
  test(`a rule with ${note} counts all the same, and its mistake is named`, (t) => {
    const rules = parseExclusions(`- {kind: A, name: b, ${note}}`);
    if (isInvalid(rules)) return t.fail(rules.message);
    const [{ note: read, ...rule } = {}] = rules;
    t.deepEqual(rule as unknown, { kind: 'A', name: 'b' });
    return t.deepEqual(
      read?.mistakes?.map(({ field }) => field),
      [note.split(':')[0]] as never,
    );
  });
}

test('a rule is written as it was read, with what can be read of its note', (t) => {
  const written = {
    kind: 'A',
    name: 'b',
    namespace: 'c',
    apiVersion: 'd/v1',
    reason: 'slow disks',
    until: '2026-12-31',
  };
  const rules = parseExclusions(JSON.stringify([written, { kind: 'A', name: 'b', until: 'soon' }]));
  if (isInvalid(rules)) return t.fail(rules.message);
  return t.deepEqual(rules.map(writtenRule), [written, { kind: 'A', name: 'b' }]);
});

for (const [title, text, says] of [
  ['that is no YAML', '- {kind: A', /isn't YAML/],
  ['that is a YAML directive', '%- {kind: A, name: b}', /holds no list/],
  ['that is a map', '{kind: A, name: b}', /isn't a list/],
  ['that is a word', 'MachineConfig', /isn't a list/],
  ['of two documents', '- {kind: A, name: b}\n---\n[]', /Only one YAML document/],
  ['with an alias', '- &a {kind: A, name: b}\n- *a', /Anchors|Aliases/],
  ['with a tag', '- {kind: !!str A, name: b}', /Tags/],
  ['with a key given twice', '- {kind: A, kind: B, name: b}', /given twice/],
  ['with a rule that is a word', '- MachineConfig', /rule 1: .*not kind and name/],
  ['with an empty rule', '- {kind: A, name: b}\n-', /rule 2: .*not kind and name/],
  ['with a misspelt key', '- {kind: A, nmae: b}', /"nmae" isn't known; did you mean name/],
  ['with a key in capitals', '- {Kind: A, name: b}', /"Kind" isn't known; did you mean kind/],
  ['with a misspelt date', '- {kind: A, name: b, untill: 2026-12-31}', /"untill" isn't known; did you mean until/],
  ['with a strange key', '- {kind: A, name: b, selector: c}', /"selector" isn't known/],
  ['with a prototype name', '- {kind: A, name: b, __proto__: {}}', /__proto__/],
  ['without a kind', '- {name: b}', /has no kind/],
  ['without a name', '- {kind: A}', /has no name/],
  ['with a wildcard in the kind', '- {kind: "Machine*", name: b}', /kind takes no wildcards/],
  ['with an empty name', '- {kind: A, name: ""}', /name must be a text/],
  ['with a name that is a number', '- {kind: A, name: 90}', /name must be a text/],
  ['with a name that is a list', '- {kind: A, name: [b]}', /name must be a text/],
  ['with an empty namespace', '- {kind: A, name: b, namespace:}', /namespace must be a text/],
  ['with an apiVersion that is only a group', '- {kind: A, name: b, apiVersion: example.com}', /apiVersion/],
  ['with a wildcard in the apiVersion', '- {kind: A, name: b, apiVersion: "*/v1"}', /apiVersion/],
  ['with a name without end', `- {kind: A, name: ${'x'.repeat(600)}}`, /longer than 512/],
  ['of 201 rules', '- {kind: A, name: b}\n'.repeat(201), /201 rules; at most 200/],
  ['longer than 64 KiB', `#${'x'.repeat(70_000)}`, /longer than 65536/],
  ['nested without end', '['.repeat(30_000), /isn't YAML|nested/],
] as const) {
  test(`a list ${title} is a mistake, never a guess`, (t) => {
    const result = parseExclusions(text);
    if (!isInvalid(result)) return t.fail(JSON.stringify(result));
    t.regex(result.message, says);
    return t.true(result.message.length < 600);
  });
}
