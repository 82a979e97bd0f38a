import test from 'ava';
import type { JsonObject, KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { forbiddenPointer, lostPaths, yieldFields } from '../../../../shared/engine/ignored-fields.ts';
import { frozen, key } from './_snapshot.ts';

const metadata = { name: 'x', labels: { [key('managed-by')]: 'virt-platform-autopilot', app: 'x' } };
const gadget = (spec: unknown, managedFields: readonly object[] = [], resourceVersion = '5'): KubernetesObject =>
  frozen({
    apiVersion: 'example.com/v1',
    kind: 'Gadget',
    metadata: { ...metadata, resourceVersion, managedFields },
    spec,
  });
const owns = (manager: string, operation: string, spec: JsonObject) => ({
  manager,
  operation,
  fieldsV1: { 'f:spec': spec },
});
const us = (spec: JsonObject) => owns('virt-platform-autopilot', 'Apply', spec);

for (const [path, says] of [
  [['apiVersion'], /identity/],
  [['kind'], /identity/],
  [['metadata'], /identity/],
  [['metadata', 'name'], /only labels and annotations/],
  [['metadata', 'finalizers', '0'], /only labels and annotations/],
  [['metadata', 'labels'], /key of ours/],
  [['metadata', 'labels', key('managed-by')], /key of ours/],
  [['metadata', 'annotations', key('mode')], /key of ours/],
  [['status', 'x'], /never applied/],
] as const) {
  test(`${path.join(' ')} can't be ignored`, (t) => {
    t.regex(forbiddenPointer([['spec', 'a'], path], gadget({}))?.message ?? '', says);
  });
}

test('the spec, labels of others and annotations can be ignored', (t) => {
  const paths = [['spec'], ['spec', 'a'], ['data'], ['metadata', 'labels', 'app'], ['metadata', 'annotations']];
  t.is(forbiddenPointer(paths, gadget({})), undefined);
});

const specOf = ({ spec }: KubernetesObject) => spec;

test('what another applies is left out, and needs no release', (t) => {
  const live = gadget({ a: 2, b: 1 }, [us({ 'f:a': {}, 'f:b': {} }), owns('rival', 'Apply', { 'f:a': {} })]);
  const { desired, release, yielded } = yieldFields(gadget({ a: 1, b: 1 }), live, [['spec', 'a']]);
  t.deepEqual(specOf(desired), { b: 1 });
  t.is(release, undefined);
  t.deepEqual(yielded, ['/spec/a']);
});

for (const [title, others] of [
  ['we alone own', []],
  // The server removes what we leave out though somebody updated it: only appliers keep a value.
  ['somebody else merely updated', [owns('human', 'Update', { 'f:a': {} })]],
] as const) {
  test(`what ${title} is released first, by a patch that a newer version makes fail`, (t) => {
    const live = gadget({ a: 2, b: 1 }, [...others, us({ 'f:a': {}, 'f:b': {} })]);
    const { desired, retained, release } = yieldFields(gadget({ a: 1, b: 1 }), live, [['spec', 'a']]);
    t.deepEqual(specOf(desired), { b: 1 });
    t.deepEqual(specOf(retained), { a: 2, b: 1 }, 'before the release its live value is kept');
    t.deepEqual(release, {
      pointers: ['/spec/a'],
      patch: [
        { op: 'test', path: '/metadata/resourceVersion', value: '5' },
        { op: 'test', path: `/metadata/managedFields/${others.length}/manager`, value: 'virt-platform-autopilot' },
        {
          op: 'replace',
          path: `/metadata/managedFields/${others.length}/fieldsV1`,
          value: { 'f:spec': { 'f:b': {} } },
        },
      ],
    });
  });
}

test('of a map that yielding empties, nothing of ours is left behind', (t) => {
  for (const container of [{}, { '.': {} }] as JsonObject[]) {
    const live = gadget({ m: { a: 2 } }, [
      us({ 'f:m': container, 'f:b': {} }),
      owns('human', 'Update', { 'f:m': { 'f:a': {} } }),
    ]);
    const { desired, release } = yieldFields(gadget({ m: { a: 1 }, b: 1 }), live, [['spec', 'm', 'a']]);
    t.deepEqual(specOf(desired), { b: 1 });
    t.deepEqual(release?.patch.at(-1)?.value, { 'f:spec': { 'f:b': {} } });
  }
});

test('a part of an atomic list takes its live value, and the whole stays ours', (t) => {
  const live = gadget({ l: ['x', 'q', 'z'] }, [us({ 'f:l': {} })]);
  const { desired, kept, release } = yieldFields(gadget({ l: ['x', 'y', 'z'] }), live, [['spec', 'l', '1']]);
  t.deepEqual(specOf(desired), { l: ['x', 'q', 'z'] });
  t.deepEqual(kept, ['/spec/l/1']);
  t.is(release, undefined);
});

test('a part of an atomic map that somebody emptied stays empty', (t) => {
  const live = gadget({ m: { labels: {}, none: true } }, [owns('rival', 'Apply', { 'f:m': {} })]);
  const wanted = gadget({ m: { labels: { a: 'x' }, none: true } });
  const { desired, kept } = yieldFields(wanted, live, [['spec', 'm', 'labels']]);
  t.deepEqual(specOf(desired), { m: { labels: {}, none: true } });
  t.deepEqual(kept, ['/spec/m/labels']);
});

test('a pointer inside another adds nothing to it', (t) => {
  const live = gadget({ s: ['x', 'y', 'z'] }, [us({ 'f:s': { 'v:"y"': {}, 'v:"z"': {} } })]);
  const wanted = gadget({ s: ['y', 'z'] });
  const paths = [
    ['spec', 's', '0'],
    ['spec', 's'],
    ['spec', 's', '1'],
  ];
  t.deepEqual(yieldFields(wanted, live, paths), yieldFields(wanted, live, [['spec', 's']]));
  t.deepEqual(specOf(yieldFields(wanted, live, paths).retained), { s: ['x', 'y', 'z'] });
});

test('of several items that may be meant, the one that we applied is released', (t) => {
  const [tcp, udp] = ['TCP', 'UDP'].map((protocol) => `k:{"port":1,"protocol":"${protocol}"}`);
  const fields = { '.': {}, 'f:port': {}, 'f:title': {} };
  const ports = [
    { port: 1, protocol: 'UDP', title: 'x' },
    { port: 1, protocol: 'TCP', title: 'y' },
  ];
  const live = gadget({ ports }, [
    owns('rival', 'Apply', { 'f:ports': { [udp ?? '']: fields } }),
    us({ 'f:ports': { [tcp ?? '']: fields } }),
  ]);
  const { release, retained } = yieldFields(gadget({ ports: [{ port: 1, title: 'z' }] }), live, [
    ['spec', 'ports', '0', 'title'],
  ]);
  t.deepEqual(specOf(retained), { ports: [{ port: 1, title: 'y' }] });
  t.like(release?.patch.at(-1), { value: { 'f:spec': { 'f:ports': { [tcp ?? '']: { '.': {}, 'f:port': {} } } } } });
});

test('an item that the live list lacks leaves no null behind', (t) => {
  const live = gadget({ l: [{ a: 1 }] }, [us({ 'f:l': {} })]);
  const { desired } = yieldFields(gadget({ l: [{ a: 1 }, { b: 2 }] }), live, [['spec', 'l', '1', 'b']]);
  t.deepEqual(specOf(desired), { l: [{ a: 1 }, {}] });
});

const item = (name: string) => ({ [`k:{"name":"${name}"}`]: { '.': {}, 'f:name': {}, 'f:v': {} } });
const listed = [us({ 'f:l': { ...item('a'), ...item('b') } })];

test('items are found by their keys, wherever the live list has them, and keep their keys', (t) => {
  const live = gadget(
    {
      l: [
        { name: 'b', v: 8 },
        { name: 'a', v: 9 },
      ],
    },
    listed,
  );
  const wanted = gadget({
    l: [
      { name: 'a', v: 1 },
      { name: 'b', v: 2 },
    ],
  });
  const { desired, retained } = yieldFields(wanted, live, [['spec', 'l', '0']]);
  t.deepEqual(specOf(desired), { l: [{ name: 'a' }, { name: 'b', v: 2 }] });
  t.deepEqual(specOf(retained), {
    l: [
      { name: 'a', v: 9 },
      { name: 'b', v: 2 },
    ],
  });
});

test('what tells an item from others is never left out, also where somebody made another item of it', (t) => {
  const live = (port: number) =>
    gadget({ ports: [{ port, title: 'a' }] }, [
      us({ 'f:ports': { 'k:{"port":1}': { '.': {}, 'f:port': {}, 'f:title': {} } } }),
      owns('rival', 'Update', { 'f:ports': { [`k:{"port":${port}}`]: { '.': {}, 'f:port': {}, 'f:title': {} } } }),
    ]);
  for (const port of [1, 2]) {
    const wanted = gadget({ ports: [{ port: 1, title: 'a' }] });
    const { desired, keys, kept, yielded, release } = yieldFields(wanted, live(port), [['spec', 'ports', '0', 'port']]);
    t.deepEqual(specOf(desired), specOf(wanted));
    t.deepEqual(
      { keys, kept, yielded, release },
      { keys: ['/spec/ports/0/port'], kept: [], yielded: [], release: undefined },
    );
  }
});

test('where managed fields are gone, what a dry run shows tells items apart', (t) => {
  const live = gadget({
    l: [
      { name: 'b', v: 8 },
      { name: 'a', v: 9 },
    ],
  });
  const wanted = gadget({
    l: [
      { name: 'a', v: 1 },
      { name: 'b', v: 2 },
    ],
  });
  const shown = gadget(
    {
      l: [
        { name: 'b', v: 2 },
        { name: 'a', v: 1 },
      ],
    },
    listed,
  );
  t.deepEqual(lostPaths([['spec', 'l', '0', 'v']], wanted, live, shown), [['spec', 'l', '0', 'v']]);
  const { desired, kept } = yieldFields(wanted, live, [['spec', 'l', '0', 'v']], { shown });
  t.deepEqual(specOf(desired), { l: [{ name: 'a' }, { name: 'b', v: 2 }] });
  t.deepEqual(kept, []);
});

test('an associative list that is ignored as a whole keeps the order of the live one', (t) => {
  const lists = [us({ 'f:l': { ...item('a'), ...item('b') } })];
  const live = gadget({ l: [{ name: 'b', v: 1 }, { name: 'x' }, { name: 'a', v: 1 }] }, lists);
  const wanted = gadget({ l: [{ name: 'a', v: 1 }, { name: 'b', v: 1 }, { name: 'new' }] });
  for (const path of [['spec'], ['spec', 'l']]) {
    const { desired, retained } = yieldFields(wanted, live, [path]);
    t.deepEqual(specOf(desired), { l: [{ name: 'b' }, { name: 'a' }] });
    t.deepEqual(specOf(retained), {
      l: [
        { name: 'b', v: 1 },
        { name: 'a', v: 1 },
      ],
    });
  }
  t.deepEqual(specOf(yieldFields(wanted, live, [['spec', 'l', '0', 'v']]).desired), {
    l: [{ name: 'a' }, { name: 'b', v: 1 }, { name: 'new' }],
  });
});

test('another order of what is merged by its keys loses nothing', (t) => {
  const before = gadget(
    {
      l: [
        { name: 'b', v: 8 },
        { name: 'a', v: 9 },
      ],
    },
    listed,
  );
  const after = gadget(
    {
      l: [
        { name: 'a', v: 9 },
        { name: 'b', v: 8 },
      ],
    },
    listed,
  );
  t.deepEqual(lostPaths([['spec', 'l']], gadget({ l: [{ name: 'a' }] }), before, after), []);
});

test('a pointer at nothing that we want is told', (t) => {
  t.deepEqual(yieldFields(gadget({ a: 1 }), gadget({ a: 1, z: 1 }), [['spec', 'z']]).unmatched, ['/spec/z']);
});
