import test from 'ava';
import type { JsonObject, KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { compareLocally, differencesBetween, pointerOf } from '../../../../shared/engine/compare-locally.ts';
import { driftOf, managerOf } from '../../../../shared/engine/field-managers.ts';
import { frozen } from './_snapshot.ts';

function object(spec: unknown, managedFields: readonly object[] = []): KubernetesObject {
  return frozen({
    apiVersion: 'example.com/v1',
    kind: 'Gadget',
    metadata: { name: 'x', ...(managedFields.length > 0 && { managedFields }) },
    spec,
  });
}

/** What a manager owns of the spec. */
function owns(manager: string, spec: JsonObject, operation = 'Apply', time = '2026-11-21T10:00:00Z') {
  return { manager, operation, time, fieldsV1: { 'f:spec': spec } };
}
const us = (spec: JsonObject) => owns('virt-platform-autopilot', spec);
const rival = (spec: JsonObject) => owns('rival', spec, 'Update');

const port = (keys: string) => `k:${keys}`;
const cases: Record<
  string,
  [desired: unknown, live: unknown, managers: readonly object[], pointers: readonly string[]]
> = {
  'nothing changed': [{ a: 1 }, { a: 1 }, [us({ 'f:a': {} })], []],
  'a changed scalar': [{ a: 1 }, { a: 2 }, [us({ 'f:a': {} })], ['/spec/a']],
  'a changed type': [{ a: 1 }, { a: '1' }, [us({ 'f:a': {} })], ['/spec/a']],
  'a removed scalar': [{ a: 1 }, {}, [us({})], ['/spec/a']],
  'a foreign field': [{ a: 1 }, { a: 1, b: 2 }, [us({ 'f:a': {} }), rival({ 'f:b': {} })], []],
  'an equal value of somebody else': [{ a: 1 }, { a: 1 }, [rival({ 'f:a': {} })], []],
  'no managed fields at all': [{ a: 1 }, { a: 1, b: 2 }, [], []],
  'a field that we no longer want': [{ a: 1 }, { a: 1, b: 2 }, [us({ 'f:a': {}, 'f:b': {} })], ['/spec/b']],
  'a field that we no longer want and that is gone': [{ a: 1 }, { a: 1 }, [us({ 'f:a': {}, 'f:b': {} })], []],
  'a removed map': [{ m: { a: 1, b: 2 } }, {}, [us({})], ['/spec/m/a', '/spec/m/b']],
  'a changed atomic list': [{ l: [1, 2] }, { l: [1, 3] }, [us({ 'f:l': {} })], ['/spec/l/1']],
  'a longer atomic list': [{ l: [1] }, { l: [1, 2] }, [us({ 'f:l': {} })], ['/spec/l']],
  'a reordered atomic list': [{ l: [1, 2] }, { l: [2, 1] }, [us({ 'f:l': {} })], ['/spec/l/0', '/spec/l/1']],
  'a foreign key in an atomic list': [{ l: [{ a: 1 }] }, { l: [{ a: 1, b: 2 }] }, [us({ 'f:l': {} })], ['/spec/l/0/b']],
  'a foreign key in an atomic map': [{ m: { a: 1 } }, { m: { a: 1, b: 2 } }, [rival({ 'f:m': {} })], ['/spec/m/b']],
  'a foreign key deep in an atomic map': [
    { m: { labels: { a: 1 } } },
    { m: { labels: { a: 1, b: 2 } } },
    [rival({ 'f:m': {} })],
    ['/spec/m/labels/b'],
  ],
  'a foreign key in a map of which nobody owns anything': [
    { m: { a: 1 }, n: 1 },
    { m: { a: 1, b: 2 }, n: 1 },
    [us({ 'f:n': {} })],
    ['/spec/m/b'],
  ],
  'an empty atomic map that somebody filled': [{ m: {} }, { m: { a: 1 } }, [rival({ 'f:m': {} })], ['/spec/m/a']],
  'an empty spec that the server filled': [{}, { a: 1 }, [us({})], []],
  // By the server, with defaults, or by us before, where it is atomic: both look like this.
  'an empty map of ours that is filled': [{ m: {} }, { m: { a: 1 } }, [us({ 'f:m': {} })], ['/spec/m/a']],
  'an empty map of ours to which somebody added': [
    { m: {} },
    { m: { a: 1 } },
    [us({ 'f:m': {} }), rival({ 'f:m': { 'f:a': {} } })],
    [],
  ],
  'a foreign key in a granular map': [{ m: { a: 1 } }, { m: { a: 1, b: 2 } }, [us({ 'f:m': { 'f:a': {} } })], []],
  'a foreign item in a set': [{ s: ['a'] }, { s: ['b', 'a'] }, [us({ 'f:s': { 'v:"a"': {} } })], []],
  'a missing item of a set': [{ s: ['a', 'b'] }, { s: ['a'] }, [us({ 'f:s': { 'v:"a"': {} } })], ['/spec/s/1']],
  'an item of a set that we no longer want': [
    { s: ['a'] },
    { s: ['a', 'b'] },
    [us({ 'f:s': { 'v:"a"': {}, 'v:"b"': {} } })],
    ['/spec/s/1'],
  ],
  'a foreign item in an associative list': [
    { l: [{ name: 'a', v: 1 }] },
    { l: [{ name: 'b' }, { name: 'a', v: 1 }] },
    [us({ 'f:l': { 'k:{"name":"a"}': { '.': {}, 'f:name': {}, 'f:v': {} } } })],
    [],
  ],
  'a changed item of an associative list': [
    { l: [{ name: 'a', v: 1 }] },
    { l: [{ name: 'b' }, { name: 'a', v: 2 }] },
    [us({ 'f:l': { 'k:{"name":"a"}': { '.': {}, 'f:name': {} } } })],
    ['/spec/l/1/v'],
  ],
  'items of an associative list in another order': [
    { l: [{ name: 'a' }, { name: 'b' }] },
    { l: [{ name: 'b' }, { name: 'x' }, { name: 'a' }] },
    [us({ 'f:l': { 'k:{"name":"a"}': { '.': {}, 'f:name': {} }, 'k:{"name":"b"}': { '.': {}, 'f:name': {} } } })],
    ['/spec/l'],
  ],
  'foreign items between ours': [
    { l: [{ name: 'a' }, { name: 'b' }] },
    { l: [{ name: 'y' }, { name: 'a' }, { name: 'x' }, { name: 'b' }] },
    [us({ 'f:l': { 'k:{"name":"a"}': { '.': {}, 'f:name': {} }, 'k:{"name":"b"}': { '.': {}, 'f:name': {} } } })],
    [],
  ],
  'a set in another order': [{ s: ['a', 'b'] }, { s: ['b', 'a'] }, [us({ 'f:s': { 'v:"a"': {}, 'v:"b"': {} } })], []],
  'an item that we no longer want': [
    { l: [{ name: 'a' }] },
    { l: [{ name: 'a' }, { name: 'b' }] },
    [us({ 'f:l': { 'k:{"name":"a"}': { '.': {}, 'f:name': {} }, 'k:{"name":"b"}': { '.': {}, 'f:name': {} } } })],
    ['/spec/l/1/name'],
  ],
  'a key that the server adds by default': [
    { l: [{ port: 1 }] },
    { l: [{ port: 1, protocol: 'TCP' }] },
    [us({ 'f:l': { [port('{"port":1,"protocol":"TCP"}')]: { '.': {}, 'f:port': {} } } })],
    [],
  ],
  'an item that a default would fit, but that is somebody else’s': [
    { l: [{ port: 1 }] },
    { l: [{ port: 1, protocol: 'UDP' }] },
    [rival({ 'f:l': { [port('{"port":1,"protocol":"UDP"}')]: { '.': {}, 'f:port': {}, 'f:protocol': {} } } })],
    ['/spec/l/1'],
  ],
  'two items of which one leaves a key to its default': [
    { l: [{ port: 1, protocol: 'UDP' }, { port: 1 }] },
    {
      l: [
        { port: 1, protocol: 'UDP' },
        { port: 1, protocol: 'TCP' },
      ],
    },
    [
      us({
        'f:l': {
          [port('{"port":1,"protocol":"UDP"}')]: { '.': {}, 'f:port': {}, 'f:protocol': {} },
          [port('{"port":1,"protocol":"TCP"}')]: { '.': {}, 'f:port': {} },
        },
      }),
    ],
    [],
  ],
  'an item that we no longer want, where another leaves the key that tells them apart to its default': [
    { l: [{ port: 1 }] },
    {
      l: [
        { port: 1, protocol: 'TCP' },
        { port: 1, protocol: 'UDP' },
      ],
    },
    [
      us({
        'f:l': {
          [port('{"port":1,"protocol":"TCP"}')]: { '.': {}, 'f:port': {} },
          [port('{"port":1,"protocol":"UDP"}')]: { '.': {}, 'f:port': {}, 'f:protocol': {} },
        },
      }),
    ],
    ['/spec/l/2', '/spec/l/1/protocol'],
  ],
  // False alarms: only the server knows better, and is asked.
  'another spelling of a quantity': [{ q: '0.1' }, { q: '100m' }, [us({ 'f:q': {} })], ['/spec/q']],
  'an explicit null': [{ a: null }, {}, [us({})], ['/spec/a']],
  'an empty map that was not kept': [{ m: {} }, {}, [us({})], ['/spec/m']],
};
for (const [title, [desired, live, managers, pointers]] of Object.entries(cases)) {
  test(`compared without a call: ${title}`, (t) => {
    const { inSync, differences } = compareLocally(object(desired), object(live, managers));
    t.deepEqual(differences.map(pointerOf), [...pointers]);
    t.is(inSync, pointers.length === 0);
  });
}

test('of a set the members count, of other lists the order as well', (t) => {
  const set = (members: readonly string[]) => object({ s: members }, [us({ 'f:s': { 'v:"a"': {}, 'v:"b"': {} } })]);
  t.deepEqual(differencesBetween(set(['a', 'b']), set(['b', 'a'])), []);
  t.deepEqual(differencesBetween(set(['a', 'b']), set(['c', 'b'])).map(pointerOf), ['/spec/s/2', '/spec/s/0']);
  const list = (names: readonly string[]) =>
    object({ l: names.map((name) => ({ name })) }, [us({ 'f:l': { 'k:{"name":"a"}': { 'f:name': {} } } })]);
  t.deepEqual(differencesBetween(list(['a', 'b']), list(['b', 'a'])).map(pointerOf), [
    '/spec/l/0/name',
    '/spec/l/1/name',
  ]);
});

test('what the server keeps for itself, and the status, are no differences', (t) => {
  const before = { ...object({ a: 1 }), status: { x: 1 } };
  const after = {
    ...before,
    metadata: { ...before.metadata, uid: 'u', resourceVersion: '9', generation: 2 },
    status: {},
  };
  t.deepEqual(differencesBetween(before, after), []);
  t.deepEqual(differencesBetween(before, object({ a: 2, b: 3 })).map(pointerOf), ['/spec/a', '/spec/b']);
});

const live = object({ a: 2, both: 1, m: { x: 1 }, s: ['p'], l: [{ name: 'n', v: 1 }], atomic: { deep: 1 } }, [
  us({ 'f:both': {} }),
  owns('first', { 'f:a': {} }, 'Update', '2026-11-21T08:00:00Z'),
  owns('second', { 'f:a': {}, 'f:m': { 'f:x': {} } }, 'Update', '2026-11-21T09:00:00Z'),
  owns('early', { 'f:both': {}, 'f:s': { 'v:"p"': {} }, 'f:atomic': {} }, 'Update', '2026-11-21T07:00:00Z'),
  owns('lister', { 'f:l': { 'k:{"name":"n"}': { 'f:v': {} } } }),
  { ...owns('status', { 'f:a': {} }, 'Update', '2026-11-21T11:00:00Z'), subresource: 'status' },
]);
for (const [title, path, manager] of [
  ['the last of several', ['spec', 'a'], 'second'],
  ['a part of a map', ['spec', 'm'], 'second'],
  ['an item of a set', ['spec', 's', 0], 'early'],
  ['a field in an item', ['spec', 'l', 0, 'v'], 'lister'],
  ['the inside of something atomic', ['spec', 'atomic', 'deep'], 'early'],
  ['nothing that anybody owns', ['spec', 'z'], null],
] as const) {
  test(`who did it: ${title}`, (t) => t.is(managerOf(path, live), manager));
}

test('where we and another own a value, the other is the news; who removed one is not known', (t) => {
  const drift = driftOf(
    [
      { path: ['spec', 'both'], live: 1, desired: 2 },
      { path: ['spec', 'gone'], live: undefined, desired: 3 },
    ],
    live,
  );
  t.deepEqual(drift, [
    { pointer: '/spec/both', live: 1, desired: 2, manager: 'early', time: '2026-11-21T07:00:00Z' },
    { pointer: '/spec/gone', desired: 3, manager: null, time: null },
  ]);
});
