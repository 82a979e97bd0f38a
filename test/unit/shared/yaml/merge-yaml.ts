import test from 'ava';
import fc from 'fast-check';
import { mergeYaml } from '../../../../shared/yaml/merge-yaml.ts';
import { parseYaml, YamlError } from '../../../../shared/yaml/parse-yaml.ts';
import { printYaml } from '../../../../shared/yaml/print-yaml.ts';
import { nastyText } from './helpers/nasty-strings.ts';

const extra = { nodeExporter: { collectors: { ksmd: { enabled: true } } } };

test('a text that already says it all comes back byte by byte', (t) => {
  const text = '# ours\nnodeExporter:   {collectors: {ksmd: {"enabled": true}}}\nother:    1\n';
  t.is(mergeYaml(text, extra), text);
});

test('comments, order and spelling of what is not touched stay', (t) => {
  t.is(
    mergeYaml(
      '# top\nenableUserWorkload: yes # keep\nnodeExporter:\n  collectors:\n    ksmd:\n      enabled: false # why\nz: 1\n',
      extra,
    ),
    '# top\nenableUserWorkload: yes # keep\nnodeExporter:\n  collectors:\n    ksmd:\n      enabled: true # why\nz: 1\n',
  );
});

test('nothing, and comments alone, become what is added', (t) => {
  t.is(mergeYaml('', { a: 1 }), 'a: 1\n');
  t.is(mergeYaml('# only this', { a: 1 }), '# only this\na: 1\n');
});

test('maps are merged deeply, lists and scalars replaced', (t) => {
  t.deepEqual(parseYaml(mergeYaml('a: {b: 1, c: [1, 2]}\nd: null\n', { a: { c: [3] }, d: { e: 'y' } })), {
    a: { b: 1, c: [3] },
    d: { e: 'y' },
  });
});

for (const [what, text] of [
  ['a list', '- a\n'],
  ['a scalar', 'text\n'],
  ['broken YAML', 'a: [\n'],
  ['a key given twice', 'a: 1\na: 2\n'],
  ['aliases', 'a: &x 1\nb: *x\n'],
] as const) {
  test(`${what} is never merged into`, (t) => {
    t.throws(() => mergeYaml(text, extra), { instanceOf: YamlError });
  });
}

test('a document that rewriting would change for old readers is refused', (t) => {
  t.throws(() => mergeYaml('mode: 0644\n', extra), { instanceOf: YamlError, message: /quote what looks like numbers/ });
});

test('whatever is merged reads back as both together', (t) => {
  const map = fc.dictionary(
    nastyText.filter((key) => key !== '__proto__' && key.length < 200),
    nastyText,
    { maxKeys: 4 },
  );
  fc.assert(
    fc.property(map, map, (base, added) => {
      t.deepEqual(parseYaml(mergeYaml(printYaml(base), added)), { ...base, ...added });
    }),
    { numRuns: 200 },
  );
});
