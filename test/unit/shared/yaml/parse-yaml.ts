import test from 'ava';
import { type ParseYamlOptions, parseYaml, parseYamlDocuments, YamlError } from '../../../../shared/yaml/parse-yaml.ts';

const refused = test.macro({
  exec(t, text: string, message: RegExp, options: ParseYamlOptions = {}) {
    const error = t.throws(() => parseYaml(text, options), { instanceOf: YamlError });
    t.regex(error?.message ?? '', message);
  },
  title: (given) => `refused: ${given}`,
});

test('JSON and YAML 1.2 are read to plain values', (t) => {
  t.deepEqual(parseYaml('a: 1\nb: [x, {y: null}]\nc: |\n  text\n'), { a: 1, b: ['x', { y: null }], c: 'text\n' });
  t.deepEqual(parseYaml('{"a": [true, 1.5]}'), { a: [true, 1.5] });
  t.is(parseYaml(''), null);
  t.is(parseYaml('# nothing\n'), null);
});

test('a key that looks like a number or a boolean is its text', (t) => {
  t.deepEqual(parseYaml('1: a\ntrue: b\n0x10: c\n'), { 1: 'a', true: 'b', '0x10': 'c' });
});

test('an anchor', refused, 'a: &x 1\n', /^line 1: Anchors/);
test('an alias', refused, 'a: 1\nb: *x\n', /line 2: /);
test('a tag', refused, 'a: !!str 1\n', /^line 1: Tags \(tag:yaml.org,2002:str\) aren't allowed/);
test('a tag of ours on a map', refused, 'a: !evil {b: 1}\n', /line 1: /);
test('a directive', refused, '%YAML 1.1\n---\na: y\n', /Directives/);
test('a key given twice', refused, 'a: 1\nb: 2\na: 3\n', /^line 3: The key "a" is given twice$/);
test('a key given twice in two spellings', refused, 'a: 1\n"a": 2\n', /line 2: The key "a" is given twice/);
test('__proto__', refused, 'a:\n  __proto__: {x: 1}\n', /line 2: The key __proto__ isn't allowed/);
test('a list as a key', refused, '? [a]\n: 1\n', /A key must be a string/);
test('what JSON has no word for', refused, 'a: .inf\n', /.inf isn't a JSON value/);
test('two documents where one is expected', refused, 'a: 1\n---\nb: 2\n', /^line 3: Only one YAML document/);
test('nesting without end', refused, '['.repeat(100_000), /^line 1: It is nested too deeply$/);
test('nesting deeper than 64', refused, `${'['.repeat(65)}${']'.repeat(65)}`, /nested more than 64 levels/);
test('a text that is too long', refused, 'x'.repeat(100), /longer than 99 characters/, { maxLength: 99 });
test('a syntax error, with file and line', refused, 'a: 1\nb: c: d\n', /^x\.yaml:12: Nested mappings/, {
  file: 'x.yaml',
  firstLine: 11,
});

test('nesting of 64 levels is read', (t) => {
  t.notThrows(() => parseYaml(`${'['.repeat(64)}${']'.repeat(64)}`));
});

test('where it is asked for, unquoted text that readers disagree about is refused, each with its line', (t) => {
  const text = 'a: yes\nb: 0644\nc: 1e3\nd: 2024-10-01\ny: 1\ngood: [true, null, 1, -1.5, text, "yes", 1.2.3]\n';
  const error = t.throws(() => parseYaml(text, { ambiguous: 'refuse' }), { instanceOf: YamlError });
  t.deepEqual(
    error?.mistakes.map(({ line }) => line),
    [1, 2, 3, 4, 5],
  );
  t.deepEqual((parseYaml(text) as { a: string }).a, 'yes');
});

test('a mistake knows its line and column, whoever finds it', (t) => {
  for (const [text, line, column] of [
    ['{"a": 1,\n "b": ]}', 2, 7],
    ['a: 1\nb: {c: *x}', 2, 8],
    ['a: 1\na: 2', 2, 1],
  ] as const) {
    const error = t.throws(() => parseYaml(text), { instanceOf: YamlError });
    t.like(error?.mistakes[0], { line, column }, text);
  }
});

test('all mistakes are reported at once, at most twenty', (t) => {
  const error = t.throws(() => parseYaml('a: *x\nb: !t 1\nc: &y 1\n'), { instanceOf: YamlError });
  t.true((error?.mistakes.length ?? 0) >= 2);
  const many = t.throws(() => parseYaml(Array.from({ length: 100 }, (_, i) => `k${i}: !t 1`).join('\n')), {
    instanceOf: YamlError,
  });
  t.is(many?.mistakes.length, 20);
});

test('a map of a hundred thousand keys is read: its cost grows with its size only', (t) => {
  const value = parseYaml(Array.from({ length: 100_000 }, (_, i) => `key${i}: 1`).join('\n'));
  t.is(Object.keys(value as object).length, 100_000);
});

test('a document knows the line of each of its parts', (t) => {
  const [first, second] = parseYamlDocuments('# x\na:\n  b: 1\n  c:\n    - d\n    - e: 2\n---\nz: 1\n', {
    firstLine: 10,
  });
  t.is(first?.line, 11);
  t.is(first?.lineOf(['a', 'c', 1, 'e']), 15);
  t.is(first?.lineOf(['a', 'missing', 'x']), 11);
  t.is(second?.lineOf(['z']), 17);
});
