import test from 'ava';
import fc from 'fast-check';
import { smallestPatch } from '../../../../plugin/patching/smallest-patch.ts';
import { json, patched, withSpec } from './_edits.ts';

const rewrites = test.macro({
  title: (title = '') => title,
  exec: (t, before: unknown, after: unknown, operations: readonly object[]) => {
    t.deepEqual(smallestPatch(before, after), operations as never);
  },
});

test('equal states need nothing', rewrites, { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []);
test('the order of keys is no difference', rewrites, { a: 1, b: 2 }, { b: 2, a: 1 }, []);
test(
  'only the fields that differ are touched',
  rewrites,
  { spec: { a: 1, b: 2, c: { d: 3, e: 4 } } },
  { spec: { a: 1, b: 5, c: { d: 3 }, f: { g: 6 } } },
  [
    { op: 'replace', path: '/spec/b', value: 5 },
    { op: 'remove', path: '/spec/c/e' },
    { op: 'add', path: '/spec/f', value: { g: 6 } },
  ],
);
test('names are escaped', rewrites, {}, { 'a/b~c': 1 }, [{ op: 'add', path: '/a~1b~0c', value: 1 }]);
test('a value of another type is replaced', rewrites, { a: { b: 1 } }, { a: [1] }, [
  { op: 'replace', path: '/a', value: [1] },
]);
test(
  'one item more at the end stays at the end, however long the list gets',
  rewrites,
  { list: ['one-argument', 'another-argument'] },
  { list: ['one-argument', 'another-argument', 'third', 'fourth'] },
  [
    { op: 'add', path: '/list/-', value: 'third' },
    { op: 'add', path: '/list/-', value: 'fourth' },
  ],
);
test(
  'one item less in the middle leaves the others alone',
  rewrites,
  { list: ['a-long-argument', 'another-long-argument', 'the-third-long-argument'] },
  { list: ['a-long-argument', 'the-third-long-argument'] },
  [{ op: 'remove', path: '/list/1' }],
);
test(
  'an item is put between others',
  rewrites,
  { list: ['a-long-argument', 'the-third-long-argument'] },
  { list: ['a-long-argument', 'x', 'the-third-long-argument'] },
  [{ op: 'add', path: '/list/1', value: 'x' }],
);
test(
  'a field inside an item is reached by its place',
  rewrites,
  {
    containers: [
      { name: 'main', image: 'x', args: ['a'] },
      { name: 'side', image: 'y' },
    ],
  },
  {
    containers: [
      { name: 'main', image: 'x', args: ['a'] },
      { name: 'side', image: 'z' },
    ],
  },
  [{ op: 'replace', path: '/containers/1/image', value: 'z' }],
);
test(
  'later items come first, so that every index counts in what was there',
  rewrites,
  {
    list: [
      { name: 'first', size: 1 },
      { name: 'second', size: 2 },
      { name: 'third', size: 3 },
    ],
  },
  {
    list: [
      { name: 'second', size: 4 },
      { name: 'third', size: 3 },
      { name: 'fourth', size: 4 },
    ],
  },
  [
    { op: 'add', path: '/list/-', value: { name: 'fourth', size: 4 } },
    { op: 'replace', path: '/list/1/size', value: 4 },
    { op: 'remove', path: '/list/0' },
  ],
);
test(
  'an item that becomes another one is put there as a whole',
  rewrites,
  {
    list: [
      { name: 'kept-as-it-is', size: 1 },
      { name: 'old', size: 1, text: 'old' },
    ],
  },
  {
    list: [
      { name: 'kept-as-it-is', size: 1 },
      { name: 'new', size: 2, text: 'new' },
    ],
  },
  [{ op: 'replace', path: '/list/1', value: { name: 'new', size: 2, text: 'new' } }],
);
test(
  'a list that has little in common with the other is replaced',
  rewrites,
  { list: ['a', 'b', 'c'] },
  { list: ['x'] },
  [{ op: 'replace', path: '/list', value: ['x'] }],
);

test('whatever is edited: the operations make it, in the words of the controller', (t) => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const [one, other] = [withSpec({ value: before }), withSpec({ value: after })];
      t.deepEqual(patched(one, smallestPatch(one, other)), other);
    }),
    { numRuns: 1_000 },
  );
  t.pass();
});

test('no operation is superfluous', (t) => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const [one, other] = [withSpec({ value: before }), withSpec({ value: after })];
      const operations = smallestPatch(one, other);
      for (const [index] of operations.entries()) {
        const fewer = operations.filter((_, place) => place !== index);
        t.notDeepEqual(patched(one, fewer), other);
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('lists of thousands are compared in reasonable time', (t) => {
  const before = Array.from({ length: 4_000 }, (_, index) => `item ${index}`);
  const after = before.filter((_, index) => index !== 2_000);
  t.deepEqual(smallestPatch({ before }, { before: after }), [{ op: 'remove', path: '/before/2000' }]);
  const shuffled = before.map((item) => `${item}!`);
  t.deepEqual(smallestPatch({ before }, { before: shuffled }), [{ op: 'replace', path: '/before', value: shuffled }]);
});
