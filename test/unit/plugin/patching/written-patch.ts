import test from 'ava';
import fc from 'fast-check';
import { applyAssignments, applyRemovals } from '../../../../plugin/patching/assignments.ts';
import { composePatch, currentPatch } from '../../../../plugin/patching/compose-patch.ts';
import { applyWrittenPatch } from '../../../../plugin/patching/written-patch.ts';
import { UserError } from '../../../../plugin/user-error.ts';
import { json, withSpec } from './_edits.ts';

const rendered = withSpec({ a: 1, b: { c: 2, d: 3 }, list: ['x', 'y'] });

const makes = test.macro({
  title: (title = '') => title,
  exec: (t, text: string, spec: object, type?: string) => {
    const { object } = applyWrittenPatch(text, rendered, { type, source: '-p' });
    t.deepEqual(object, { ...rendered, spec: { ...Object(rendered.spec), ...spec } });
  },
});

test('operations', makes, '[{"op":"replace","path":"/spec/a","value":5}]', { a: 5 });
test('operations, said to be that', makes, '[{"op":"replace","path":"/spec/a","value":5}]', { a: 5 }, 'json');
test('operations as YAML, with comments', makes, '# why\n- op: remove\n  path: /spec/b/c\n', { b: { d: 3 } });
test('one operation without its list', makes, '{"op":"add","path":"/spec/list/-","value":"z"}', {
  list: ['x', 'y', 'z'],
});
test('operations with dotted paths', makes, '[{"op":"replace","path":".spec.list[1]","value":"z"}]', {
  list: ['x', 'z'],
});
test('a merge patch', makes, '{"spec":{"a":5,"b":{"c":null},"e":{"f":1}}}', { a: 5, b: { d: 3 }, e: { f: 1 } });
test('a merge patch as YAML, said to be that', makes, 'spec:\n  list: [z]\n', { list: ['z'] }, 'merge');
test('a merge patch with dotted names', makes, '{"spec.b.c": 9}', { b: { c: 9, d: 3 } });
test('a merge patch that changes nothing', makes, '{"spec":{"a":1,"gone":null}}', {});

const refused: Readonly<Record<string, readonly [text: string, message: RegExp, type?: string]>> = {
  'broken JSON, with line and column': ['{"spec":\n  {"a": ]}', /^-p is neither JSON nor YAML: line 2, column 9: /],
  'an alias': ['{a: &x 1, b: *x}', /line 1, column \d+: (?:Aliases|Anchors) \([*&]name\) aren't allowed/],
  'a key given twice': ['{"a":1,"a":2}', /The key "a" is given twice/],
  'two documents': ['a: 1\n---\nb: 1\n', /line 3, column 1: |Only one YAML document/],
  'a text that readers disagree about': ['{"spec":{"a": yes}}', /Readers of YAML disagree about yes/],
  nothing: ['  \n', /^-p is empty/],
  'a number': ['5', /^-p is 5, and no patch/],
  'an assignment': ['spec.a=5', /^-p is an assignment: give it with --set/],
  'an operation that isn’t known': ['[{"op":"put","path":"/spec/a"}]', /operation 1 of the patch: op is "put"/],
  'an operation without its value': ['[{"op":"add","path":"/spec/a"}]', /operation 1 of the patch: add has no value/],
  'a pointer without its slash in vain': ['[{"op":"remove","path":"spec a"}]', /isn't a JSON pointer \(RFC 6901\)/],
  'a JSONPath with a filter': ['[{"op":"remove","path":"$.spec.list[?(@)]"}]', /selects with .* \(JSONPath\)/],
  'a JSONPath with a wildcard': [
    '[{"op":"remove","path":"/spec/x"},{"op":"copy","from":"$.spec.list[*]","path":"/x"}]',
    /JSONPath/,
  ],
  'a strategic directive': ['{"spec":{"list":[{"$patch":"delete"}]}}', /-p has \$patch, of a strategic merge patch/],
  'an order of a strategic patch': ['{"$setElementOrder/x":[]}', /-p has \$setElementOrder\/x, of a strategic/],
  'a prototype in a merge patch': ['{"spec":{"constructor":{"x":1}}}', /-p uses the name "constructor"/],
  'a prototype in a pointer': ['[{"op":"remove","path":"/spec/prototype"}]', /uses the name "prototype"/],
  'a merge patch as operations': ['{"spec":{}}', /use --type=merge/, 'json'],
  'operations as a merge patch': ['[]', /use --type=json/, 'merge'],
  'a strategic type': ['{}', /--type=strategic has no meaning here/, 'strategic'],
  'an unknown type': ['{}', /--type=mrege isn't known/, 'mrege'],
  'what doesn’t fit': [
    '[{"op":"remove","path":"/spec/b/e"}]',
    /^-p doesn't fit: operation 1 \(remove \/spec\/b\/e\): there is nothing at/,
  ],
};
for (const [title, [text, message, type]] of Object.entries(refused)) {
  test(`refused: ${title}`, (t) => {
    t.throws(() => applyWrittenPatch(text, rendered, { type, source: '-p' }), { name: 'UserError', message });
  });
}

test('tests that are given are handed on', (t) => {
  const test = { op: 'test', path: '/spec/a', value: 1 };
  const text = JSON.stringify([test, { op: 'replace', path: '/spec/a', value: 2 }]);
  t.deepEqual(applyWrittenPatch(text, rendered, { type: undefined, source: '-p' }).tests, [test] as never);
});

/** Pieces that mean something to YAML, JSON, pointers or JavaScript. */
const hostile = fc.constantFrom(
  ...[
    '__proto__',
    'constructor',
    '/spec',
    '/spec/list/-',
    '~2',
    '',
    '-',
    '{',
    '[',
    '"',
    "'",
    ': ',
    '\n',
    '&x',
    '*x',
    '!!js',
    '#',
    '\u0000',
    '\u2028',
  ],
  ...[
    'op',
    'path',
    'from',
    'value',
    'add',
    'remove',
    'replace',
    'move',
    'copy',
    'test',
    '$patch',
    '[?(@)]',
    'spec.a',
    '=',
  ],
);
const text = fc.oneof(fc.string({ maxLength: 8 }), hostile);
const operation = fc.record(
  {
    op: fc.oneof(fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'), text),
    path: fc.oneof(
      fc.constantFrom('/spec/a', '/spec/list/0', '/spec/list/-', '/spec/b', '', '/metadata', '/kind'),
      text,
    ),
    from: fc.oneof(fc.constantFrom('/spec', '/spec/b', '/spec/list/0'), text),
    value: json,
  },
  { requiredKeys: ['op'] },
);
const anything = fc.oneof(
  fc.array(text, { maxLength: 12 }).map((pieces) => pieces.join('')),
  fc.array(operation, { maxLength: 4 }).map((list) => JSON.stringify(list)),
  fc.json({ maxDepth: 4 }),
);

test('whatever is given: it is a patch that the controller takes, or one line that says what is wrong', (t) => {
  let taken = 0;
  fc.assert(
    fc.property(anything, fc.constantFrom('written', 'set', 'remove'), (given, how) => {
      try {
        const object =
          how === 'written'
            ? applyWrittenPatch(given, rendered, { type: undefined, source: '-p' }).object
            : how === 'set'
              ? applyAssignments([given], rendered, () => undefined)
              : applyRemovals([given], rendered, () => '');
        composePatch(rendered, currentPatch(given, rendered), { object }, { guard: true });
        taken++;
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
      }
      t.is(Object.hasOwn(Object.prototype, 'x'), false);
    }),
    { numRuns: 3_000 },
  );
  t.true(taken > 20, `${taken} were taken`);
});
