import test from 'ava';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { Json } from '../../../../shared/api/kubernetes-object.ts';
import { parseYaml } from '../../../../shared/yaml/parse-yaml.ts';
import { printFlowYaml } from '../../../../shared/yaml/print-flow-yaml.ts';
import { printYaml } from '../../../../shared/yaml/print-yaml.ts';
import { nastyStrings, nastyText } from './helpers/nasty-strings.ts';

test('a manifest looks as kubectl prints it', (t) => {
  const text = printYaml({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x', labels: {}, 'example.com/key': 'a value' },
    data: { script: '#!/bin/sh\necho "hi"\n', partial: 'a\n  b', empty: '' },
    items: ['plain', 'on', 12, true, null, [1, [2]], { a: 1, b: [] }],
  });
  t.is(
    text,
    `apiVersion: v1
kind: ConfigMap
metadata:
  name: x
  labels: {}
  example.com/key: a value
data:
  script: |
    #!/bin/sh
    echo "hi"
  partial: |-
    a
      b
  empty: ""
items:
- plain
- "on"
- 12
- true
- null
- - 1
  - - 2
- a: 1
  b: []
`,
  );
  t.deepEqual(parseYaml(text), parse(text));
});

test('what some reader takes for something else than text is quoted, as a value and as a key', (t) => {
  for (const word of [
    'y',
    'N',
    'yes',
    'on',
    'Off',
    'true',
    'null',
    '~',
    '1e3',
    '012',
    '0x1f',
    '1_000',
    '12:30:45',
    '2024-10-01',
    '.inf',
    '=',
    '<<',
    '',
  ]) {
    t.is(printYaml({ [word]: word }), `"${word}": "${word}"\n`);
  }
});

test('text that every reader takes for text stays without quotes', (t) => {
  for (const word of [
    'worker',
    'v1',
    '1.2.3',
    '10.0.0.1',
    '100Mi',
    '51%',
    'a:b',
    'a#b',
    "it's",
    '/dev/null',
    '-flag',
    'psi=1',
    'héllo',
    'quay.io/x/y@sha256:0a',
  ]) {
    t.is(printYaml({ key: word }), `key: ${word}\n`);
  }
});

test('undefined is left out, as in JSON', (t) => {
  t.is(printYaml({ a: undefined, b: 1 } as unknown as Json), 'b: 1\n');
  t.is(printYaml({ a: undefined } as unknown as Json), '{}\n');
});

test('long lines are never folded', (t) => {
  const long = 'word '.repeat(100).trim();
  t.is(printYaml({ long }), `long: ${long}\n`);
});

test('a key too long for a simple key is still a key', (t) => {
  const key = 'k'.repeat(3000);
  const value = { [key]: { [key]: ['x', { [key]: 'multi\nline' }] } };
  t.deepEqual(parse(printYaml(value)), value);
});

test('every nasty string reads back as it was, under YAML 1.1 and 1.2, as a value and as a key', (t) => {
  for (const text of nastyStrings) readsBack(t, { [`${text}`]: text, list: [text, [text]] });
});

test('whatever JSON is printed reads back as it was, under YAML 1.1 and 1.2', (t) => {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      nastyText,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      tie('list'),
      tie('map'),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    map: fc.dictionary(
      nastyText.filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 4 },
    ),
  })).value as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(json, (value) => readsBack(t, value)),
    { numRuns: 400 },
  );
  t.pass();
});

test('a value in flow style stays on its line and reads back as it was', (t) => {
  fc.assert(
    fc.property(nastyText, (text) => {
      const printed = printFlowYaml({ [text]: [text, 1e21, 1e-7, null] });
      t.notRegex(printed, /[\n\r\u0085\u2028\u2029]/);
      if (text !== '__proto__') readBoth(t, `x: ${printed}\n`, { x: { [text]: [text, 1e21, 1e-7, null] } });
    }),
    { numRuns: 300 },
  );
});

test('what prints nothing, or changes how the text around it is shown, is escaped, in keys and blocks too', (t) => {
  const value = {
    'a\u202eb': 'x\u2066y',
    zero: 'a\u200bb',
    soft: 'a\u00adb',
    tag: 'a\u{e0041}b',
    block: 'one\ntwo\u202e\nthree\n',
    list: ['\u200f'],
  };
  const text = printYaml(value);
  t.is(text.replace(/[\u0020-\u007e\n]/g, ''), '');
  readBoth(t, text, value);
});

function readsBack(t: { deepEqual: (a: unknown, b: unknown) => unknown }, value: Json): void {
  readBoth(t, printYaml(value), JSON.parse(JSON.stringify(value)));
}

function readBoth(t: { deepEqual: (a: unknown, b: unknown) => unknown }, text: string, value: Json): void {
  for (const version of ['1.1', '1.2'] as const) t.deepEqual(parse(text, { version, uniqueKeys: false }), value);
  t.deepEqual(parseYaml(text, { ambiguous: 'refuse' }), value);
}
