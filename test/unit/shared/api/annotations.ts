import test from 'ava';
import {
  isInvalid,
  isPaused,
  parseAutopilot,
  parseIgnoreFields,
  parseMode,
  parsePatch,
  parsePausedBy,
  unknownKeys,
} from '../../../../shared/api/annotations.ts';

const key = (name: string) => `platform.kubevirt.io/${name}`;

for (const [value, means] of [
  [undefined, 'nothing'],
  ['', 'nothing'],
  ['false', 'nothing'],
  [' , ', 'nothing'],
  ['true', 'all'],
  [' true ', 'all'],
  ['True', ['True']],
  ['yes', ['yes']],
  ['swap-enable, monitoring,swap-enable', ['swap-enable', 'monitoring']],
  ['true,swap-enable', ['true', 'swap-enable']],
] as const) {
  test(`autopilot ${JSON.stringify(value)} activates ${JSON.stringify(means)}`, (t) => {
    t.deepEqual(parseAutopilot(value), means);
  });
}

test('only unmanaged is a mode; whatever else somebody wrote is no permission to write', (t) => {
  t.is(parseMode(undefined), 'managed');
  t.is(parseMode('unmanaged'), 'unmanaged');
  for (const value of ['', 'managed', 'Unmanaged', 'unmanged', ' unmanaged'])
    t.true(isInvalid(parseMode(value)), value);
});

test('everything but false pauses', (t) => {
  t.false(isPaused(undefined));
  t.false(isPaused('false'));
  for (const value of ['true', '', 'False', 'no', '0']) t.true(isPaused(value), value);
});

test('who paused is read as far as it can be', (t) => {
  const since = '2026-11-21T10:00:00Z';
  t.deepEqual(parsePausedBy(JSON.stringify({ since, fields: ['/a', 5], manager: 'x', more: 1 })), {
    since,
    fields: ['/a'],
    manager: 'x',
  });
  t.deepEqual(parsePausedBy('{"since":5}'), {});
  for (const value of [undefined, '{', 'x', ' '.repeat(70_000)]) t.is(parsePausedBy(value), undefined);
  for (const value of ['null', '5', '[]', '"x"']) t.deepEqual(parsePausedBy(value), {});
});

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const patches: Record<string, [value: string, says: RegExp]> = {
  'that is not JSON': ['[{', /isn't JSON: .*RFC 6902/],
  'in single quotes': [`[{'op':'remove','path':'/a'}]`, /isn't JSON/],
  'that is a merge patch': ['{"spec":{"a":1}}', /a JSON object \(a merge patch\?\); .*\[\{"op"/],
  'that is one operation without a list': ['{"op":"remove","path":"/a"}', /must be a list/],
  'that is a text': ['"x"', /the JSON value "x"/],
  'that is null': ['null', /the JSON value null/],
  'with an operation that is no object': ['[5]', /operation 1 .*it is 5/],
  'with an operation that is a list': ['[[]]', /operation 1 .*it is \[\]/],
  'without an op': ['[{}]', /op is missing/],
  'with an unknown op': [
    '[{"op":"test","path":"/a","value":1},{"op":"merge","path":"/a"}]',
    /operation 2 .*"merge".*add/,
  ],
  'with a misspelt key': ['[{"op":"add","pth":"/a","value":1}]', /"pth"/],
  'without a path': ['[{"op":"remove"}]', /no path/],
  'with a path that is a number': ['[{"op":"remove","path":5}]', /no path/],
  'that adds no value': ['[{"op":"add","path":"/a"}]', /add has no value/],
  'that tests no value': ['[{"op":"test","path":"/a"}]', /test has no value/],
  'that moves from nowhere': ['[{"op":"move","path":"/a"}]', /move has no from/],
  'that copies from a number': ['[{"op":"copy","path":"/a","from":1}]', /copy has no from/],
  'that adds from somewhere': ['[{"op":"add","path":"/a","value":1,"from":5}]', /add takes no from/],
  'that tests from somewhere': ['[{"op":"test","path":"/a","value":1,"from":"b"}]', /test takes no from/],
  'that moves something into itself': ['[{"op":"move","from":"/a","path":"/a/b"}]', /into itself/],
  'with a dotted path': ['[{"op":"remove","path":"spec.a"}]', /"\/spec\/a"/],
  'with a bad escape': ['[{"op":"remove","path":"/a~2"}]', /"~0"/],
  'with a prototype name in its path': ['[{"op":"remove","path":"/constructor/x"}]', /constructor/],
  'with a prototype name in its from': ['[{"op":"copy","from":"/prototype","path":"/a"}]', /prototype/],
  'with a prototype name as a key of the operation': ['[{"op":"remove","path":"/a","__proto__":{}}]', /__proto__/],
  'with a prototype name deep in its value': [
    '[{"op":"add","path":"/a","value":[{"b":{"__proto__":{"c":1}}}]}]',
    /uses the name "__proto__"/,
  ],
  'with a number that isn’t exact': [
    '[{"op":"add","path":"/a","value":[9007199254740993]}]',
    /beyond ±9007199254740991/,
  ],
  'with a number that JSON can’t hold': ['[{"op":"test","path":"/a","value":-1e400}]', /beyond ±9007199254740991/],
  'with an operation nested without end': [`[${deep(20_000)}]`, /operation 1/],
  'whose op is nested without end': [`[{"op":${deep(20_000)},"path":"/a"}]`, /operation 1/],
  'whose value is nested without end': [`[{"op":"add","path":"/a","value":${deep(20_000)}}]`, /deeper than 64/],
  'that is one long text': [JSON.stringify('x'.repeat(60_000)), /the JSON value/],
  'longer than 64 KiB': [`[{"op":"add","path":"/a","value":"${'ä'.repeat(33_000)}"}]`, /66\d\d\d bytes.* 65536/],
  'of 201 operations': [JSON.stringify(Array(201).fill({ op: 'remove', path: '/a' })), /201 operations; at most 200/],
};
for (const [title, [value, says]] of Object.entries(patches)) {
  test(`a patch ${title} is refused in a line that says why`, (t) => {
    const result = parsePatch(value);
    if (!isInvalid(result)) return t.fail();
    t.is(result.annotation, key('patch'));
    t.regex(result.message, says);
    t.true(result.message.length < 600, 'short enough to read');
    return t.notRegex(result.message, /\n/);
  });
}

test('a patch of good form is taken as it is', (t) => {
  const operations = [
    { op: 'add', path: '/a/-', value: null },
    { op: 'move', from: '/a/b~1c', path: '/a/b' },
    { op: 'test', path: '', value: { a: [1] } },
    ...Array(197).fill({ op: 'remove', path: '/a' }),
  ];
  t.deepEqual(parsePatch(JSON.stringify(operations)), operations);
  t.deepEqual(parsePatch('[]'), []);
});

for (const [title, value, says] of [
  ['that is empty', '', /mode: unmanaged/],
  ['with an empty pointer', '/a,,/b', /empty pointer/],
  ['that ends with a comma', '/a,', /empty pointer/],
  ['that is a JSON list', '["/a"]', /separated by commas/],
  ['of dotted paths', 'spec.a[0].b', /"\/spec\/a\/0\/b"/],
  ['with a bad escape', '/a~', /"~0"/],
  ['with a prototype name', '/a/__proto__', /__proto__/],
  ['of 201 pointers', '/a,'.repeat(200).concat('/a'), /200 pointers/],
  ['longer than 64 KiB', '/a'.repeat(40_000), /65536 bytes/],
] as const) {
  test(`ignore-fields ${title} is refused`, (t) => {
    const result = parseIgnoreFields(value);
    if (!isInvalid(result)) return t.fail();
    t.is(result.annotation, key('ignore-fields'));
    return t.regex(result.message, says);
  });
}

test('pointers are separated by commas, with blanks around them if somebody likes', (t) => {
  t.deepEqual(parseIgnoreFields('/spec/a~1b, /metadata/labels/x~0y\n'), [
    ['spec', 'a/b'],
    ['metadata', 'labels', 'x~y'],
  ]);
});

const object = (metadata: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', ...metadata } });

test('keys of others mean nothing to us, ours are known', (t) => {
  const annotations = {
    'example.com/patch': 'x',
    [key('patch')]: '[]',
    [key('paused-by')]: '{}',
    [key('version')]: '1',
  };
  const labels = { [key('managed-by')]: 'virt-platform-autopilot', app: 'x' };
  t.deepEqual(unknownKeys(object({ annotations, labels }), { annotations: [key('version')] }), []);
  t.deepEqual(unknownKeys(object({})), []);
});

test('an unknown key of ours comes with the nearest one that is known', (t) => {
  const found = unknownKeys(object({ annotations: { [key('pacth')]: '', [key('teleport')]: '' } }));
  t.deepEqual(
    found.map(({ message }) => message),
    [
      `the annotation ${key('pacth')} isn't known; did you mean ${key('patch')}?`,
      `the annotation ${key('teleport')} isn't known`,
    ],
  );
});

test('what steers as an annotation and is set as a label is pointed out', (t) => {
  const [mode] = unknownKeys(object({ labels: { [key('mode')]: 'unmanaged' } }));
  t.regex(mode?.message ?? '', /is a label here, and steers only as an annotation/);
  const [autopilot] = unknownKeys(object({ labels: { [key('autopilot')]: 'true' } }), {
    annotations: [key('autopilot')],
  });
  t.regex(autopilot?.message ?? '', /steers only as an annotation/);
});

test('a label of ours as an annotation steers nothing either', (t) => {
  t.is(unknownKeys(object({ annotations: { [key('managed-by')]: 'somebody' } })).length, 1);
});
