import test from 'ava';
import fc from 'fast-check';
import { composePatch, currentPatch } from '../../../../plugin/patching/compose-patch.ts';
import type { PatchOperation } from '../../../../shared/api/annotations.ts';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { json, patched, withSpec } from './_edits.ts';

const rendered = withSpec({ a: 1, b: { c: 2 }, list: [{ name: 'x', size: 1 }] });
const replace = (path: string, value: unknown) => ({ op: 'replace', path, value }) as PatchOperation;

/** What is to be written, where `spec` is wanted and `annotation` is there. */
function composed(
  spec: object,
  { annotation, guard = false, tests = [], onto = rendered }: ComposeFor = {},
): { readonly operations: readonly PatchOperation[]; readonly notes: readonly string[] } {
  const current = currentPatch(annotation === undefined ? undefined : JSON.stringify(annotation), onto);
  return composePatch(onto, current, { object: { ...onto, spec }, tests }, { guard });
}
type ComposeFor = {
  readonly annotation?: unknown;
  readonly guard?: boolean;
  readonly tests?: readonly PatchOperation[];
  readonly onto?: KubernetesObject;
};

test('what is wanted as it is rendered needs no patch', (t) => {
  const { operations, notes } = composed(Object(rendered.spec), { annotation: [replace('/spec/a', 5)], guard: true });
  t.deepEqual([operations, notes], [[], []]);
});

test('a patch that is there is part of the current state; move and copy become what they do', (t) => {
  const annotation = [
    { op: 'copy', from: '/spec/a', path: '/spec/d' },
    { op: 'move', from: '/spec/b/c', path: '/spec/e' },
  ];
  const { patched: now } = currentPatch(JSON.stringify(annotation), rendered);
  t.deepEqual(composed(Object(now.spec), { annotation }).operations, [
    { op: 'remove', path: '/spec/b/c' },
    { op: 'add', path: '/spec/d', value: 1 },
    { op: 'add', path: '/spec/e', value: 2 },
  ]);
});

test('a patch in another format counts as it is meant', (t) => {
  const current = currentPatch('{"spec":{"a":5}}', rendered);
  t.like(current, { operations: [replace('/spec/a', 5)], isRight: false });
  t.regex(current.notes.join(), /isn't RFC 6902, and is taken as \[\{"op":"replace","path":"\/spec\/a","value":5\}\]/);
});

test('a patch that can’t be read, doesn’t fit or is forbidden counts as none, and is said to be replaced', (t) => {
  for (const value of ['{', '[{"op":"remove","path":"/spec/x"}]', '[{"op":"remove","path":"/metadata/name"}]']) {
    const current = currentPatch(value, rendered);
    t.like(current, { operations: [], patched: rendered, isRight: false }, value);
    t.regex(current.notes.join(), /^the patch that is there is invalid, and is replaced: /, value);
  }
});

test('what is rendered so by now is dropped from the patch, and named', (t) => {
  const annotation = [replace('/spec/a', 1), replace('/spec/b/c', 3)];
  const { operations, notes } = composed({ ...Object(rendered.spec), b: { c: 3 } }, { annotation });
  t.deepEqual(operations, [replace('/spec/b/c', 3)]);
  t.deepEqual(notes, ['dropped from the patch, since it is rendered so by now: /spec/a']);
});

test('tests come first; those that are there stay, but for the ones whose operation goes', (t) => {
  const about = (path: string, value: unknown): PatchOperation => ({ op: 'test', path, value: value as never });
  const annotation = [
    about('/spec/a', 1),
    about('/spec/list/0/name', 'x'),
    about('/kind', 'Gadget'),
    replace('/spec/a', 5),
    replace('/spec/list/0/size', 2),
  ];
  const spec = { a: 5, b: { c: 2 }, list: [{ name: 'x', size: 1 }] };
  t.deepEqual(composed(spec, { annotation }).operations, [
    about('/spec/a', 1),
    about('/kind', 'Gadget'),
    replace('/spec/a', 5),
  ]);
});

test('tests that are given are kept where they hold for what is rendered; others are named', (t) => {
  const holds: PatchOperation = { op: 'test', path: '/spec/b/c', value: 2 };
  const fails: PatchOperation = { op: 'test', path: '/spec/a', value: 5 };
  const { operations, notes } = composed({ ...Object(rendered.spec), a: 6 }, { tests: [holds, fails] });
  t.deepEqual(operations, [holds, replace('/spec/a', 6)]);
  t.regex(notes.join(), /^tested now, and not written, .*: \/spec\/a$/);
});

test('a guard is added on request, once', (t) => {
  const guarded = composed({ ...Object(rendered.spec), a: 5 }, { guard: true }).operations;
  t.deepEqual(guarded, [{ op: 'test', path: '/spec/a', value: 1 }, replace('/spec/a', 5)]);
  const again = composed({ ...Object(rendered.spec), a: 5 }, { annotation: guarded, guard: true }).operations;
  t.deepEqual(again, guarded);
});

test('limits and what no patch may do are refused', (t) => {
  const refuses = (object: KubernetesObject, message: RegExp) =>
    t.throws(() => composePatch(rendered, currentPatch(undefined, rendered), { object }, { guard: false }), {
      name: 'UserError',
      message,
    });
  refuses({ ...rendered, kind: 'Secret' }, /no patch can do that: it changes \/kind/);
  refuses({ ...rendered, metadata: { name: 'two' } }, /it changes \/metadata\/name/);
  refuses({ ...rendered, status: { x: 1 } }, /it changes \/status/);
  refuses(withSpec({ a: 'x'.repeat(70_000) }), /is 7\d{4} bytes long; at most 65536/);
  const many = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`k${index}`, index]));
  refuses(withSpec({ ...Object(rendered.spec), ...many }), /has 250 operations; at most 200/);
  const deep = JSON.parse(`${'{"x":'.repeat(70)}1${'}'.repeat(70)}`);
  refuses(withSpec({ a: deep }), /nested deeper than 64 levels/);
  refuses(withSpec({ a: JSON.parse('{"__proto__":{"x":1}}') }), /the name "__proto__", which is refused/);
});

test('whatever was patched before: what is written makes what is wanted, and writing it again changes nothing', (t) => {
  fc.assert(
    fc.property(json, json, json, fc.boolean(), (one, other, wanted, guard) => {
      const onto = withSpec({ value: one });
      const before = composePatch(
        onto,
        currentPatch(undefined, onto),
        { object: withSpec({ value: other }) },
        { guard },
      );
      const current = currentPatch(JSON.stringify(before.operations), onto);
      const object = withSpec({ value: wanted });
      const { operations } = composePatch(onto, current, { object }, { guard });
      t.deepEqual(patched(onto, operations), object);
      const next = currentPatch(JSON.stringify(operations), onto);
      t.deepEqual(composePatch(onto, next, { object: next.patched }, { guard }).operations, operations);
    }),
    { numRuns: 300 },
  );
});
