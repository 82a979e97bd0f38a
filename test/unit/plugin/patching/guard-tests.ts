import test from 'ava';
import fc from 'fast-check';
import { guardTests } from '../../../../plugin/patching/guard-tests.ts';
import { smallestPatch } from '../../../../plugin/patching/smallest-patch.ts';
import { applyUserPatch } from '../../../../shared/engine/user-patch.ts';
import { json, patched, withSpec } from './_edits.ts';

const baseline = {
  spec: {
    size: 1,
    containers: [
      { name: 'main', image: 'x' },
      { name: 'side', image: 'y' },
    ],
    args: ['a', 'b'],
  },
};

test('what is replaced or removed must have the value that it has now', (t) => {
  const operations = [
    { op: 'replace', path: '/spec/size', value: 2 },
    { op: 'remove', path: '/spec/args' },
  ] as const;
  t.deepEqual(guardTests(operations, baseline), {
    tests: [
      { op: 'test', path: '/spec/size', value: 1 },
      { op: 'test', path: '/spec/args', value: ['a', 'b'] },
    ],
    unguarded: [],
  });
});

test('an item of a list must be the one that it is now: by its name where it has one', (t) => {
  const operations = [{ op: 'replace', path: '/spec/containers/1/image', value: 'z' }] as const;
  t.deepEqual(guardTests(operations, baseline).tests, [
    { op: 'test', path: '/spec/containers/1/name', value: 'side' },
    { op: 'test', path: '/spec/containers/1/image', value: 'y' },
  ]);
  const inserted = [{ op: 'add', path: '/spec/args/1', value: 'x' }] as const;
  t.deepEqual(guardTests(inserted, baseline).tests, [{ op: 'test', path: '/spec/args/1', value: 'b' }]);
});

test('what isn’t there yet can’t be tested, and is named', (t) => {
  const operations = [
    { op: 'add', path: '/spec/new', value: 2 },
    { op: 'add', path: '/spec/args/-', value: 'c' },
  ] as const;
  t.deepEqual(guardTests(operations, baseline), { tests: [], unguarded: ['/spec/new', '/spec/args/-'] });
});

test('whatever is edited: a guarded patch does on its baseline what it does without the guard', (t) => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const [one, other] = [withSpec({ value: before }), withSpec({ value: after })];
      const operations = smallestPatch(one, other);
      t.deepEqual(patched(one, [...guardTests(operations, one).tests, ...operations]), other);
    }),
    { numRuns: 500 },
  );
});

test('where a replaced or removed value is another one by now, a guarded patch doesn’t apply', (t) => {
  fc.assert(
    fc.property(json, json, json, (before, after, upgraded) => {
      const one = withSpec({ value: before });
      const operations = smallestPatch(one, withSpec({ value: after }));
      const replaces = operations.some(({ op, path }) => op === 'replace' && path === '/spec/value');
      fc.pre(replaces && JSON.stringify(upgraded) !== JSON.stringify(before));
      const guarded = [...guardTests(operations, one).tests, ...operations];
      const result = applyUserPatch(withSpec({ value: upgraded }), guarded);
      // Equal but for the order of keys is equal.
      if (result.result === 'patched') t.deepEqual(upgraded, before);
      else t.regex(result.message, /^operation 1 \(test /);
    }),
    { numRuns: 300 },
  );
});
