import test from 'ava';
import {
  annotation,
  clusterAnnotation,
  isInvalid,
  parseIgnoreFields,
  parsePatch,
} from '../../../../shared/api/annotations.ts';
import { parseExclusions } from '../../../../shared/api/exclusions.ts';

const baseline = { metadata: { name: 'a' }, spec: { a: { b: 1, c: 2 }, list: [{ x: 1 }] } };

const patchRight = test.macro({
  title: (provided, text: string) => `as RFC 6902: ${provided || JSON.stringify(text)}`,
  exec: (t, text: string, right: unknown) => {
    const parsed = parsePatch(text, baseline);
    if (!isInvalid(parsed)) return t.fail('it is taken as it is');
    t.deepEqual(JSON.parse(parsed.right?.[annotation.patch] ?? 'null'), right);
    if (right !== null) t.true(parsed.message.endsWith(`written right it is ${parsed.right?.[annotation.patch]}`));
    return undefined;
  },
});

test(patchRight, '{"spec":{"a":{"b":5,"c":null}}}', [
  { op: 'replace', path: '/spec/a/b', value: 5 },
  { op: 'remove', path: '/spec/a/c' },
]);
test(patchRight, '{"spec":{"new":{"x":{"y":1,"z":null}},"gone":null}}', [
  { op: 'add', path: '/spec/new', value: { x: { y: 1 } } },
]);
test(patchRight, 'spec:\n  a:\n    b: 5\n', [{ op: 'replace', path: '/spec/a/b', value: 5 }]);
test(patchRight, '- op: replace\n  path: /spec/a/b\n  value: 5\n', [{ op: 'replace', path: '/spec/a/b', value: 5 }]);
test(patchRight, '{"op":"replace","path":"/spec/a/b","value":5}', [{ op: 'replace', path: '/spec/a/b', value: 5 }]);
test(patchRight, '[{"op":"replace","path":".spec.list[0].x","value":5}]', [
  { op: 'replace', path: '/spec/list/0/x', value: 5 },
]);
test(patchRight, 'spec.a.b=5,spec.a.d=text', [
  { op: 'replace', path: '/spec/a/b', value: 5 },
  { op: 'add', path: '/spec/a/d', value: 'text' },
]);
test(patchRight, '{"spec.a.b": true}', [{ op: 'replace', path: '/spec/a/b', value: true }]);
test(patchRight, '{"metadata":{"annotations":{"example.com/a~b":"x"}}}', [
  { op: 'add', path: '/metadata/annotations', value: { 'example.com/a~b': 'x' } },
]);
test('a strategic merge patch is left to people', patchRight, '{"spec":{"list":[{"$patch":"delete","x":1}]}}', null);
test('a text is left to people', patchRight, 'please make it bigger', null);
test('a name that reaches into JavaScript is never suggested', patchRight, '{"spec":{"__proto__":{"x":1}}}', null);
test(
  'an operation that means nothing is left to people',
  patchRight,
  '[{"op":"set","path":"/spec/a","value":1}]',
  null,
);

const pointersRight = test.macro({
  title: (provided, text: string) => `as JSON pointers: ${provided || JSON.stringify(text)}`,
  exec: (t, text: string, right: string | undefined) => {
    const parsed = parseIgnoreFields(text);
    if (!isInvalid(parsed)) return t.fail('it is taken as it is');
    t.is(parsed.right?.[annotation.ignoreFields], right as string);
    return undefined;
  },
});

test(pointersRight, '["/spec/a","/spec/b"]', '/spec/a,/spec/b');
test(pointersRight, '- /spec/a\n- .spec.b\n', '/spec/a,/spec/b');
test(pointersRight, '/spec/a\n/spec/b\n', '/spec/a,/spec/b');
test(pointersRight, 'spec.a, .spec.items[0].x', '/spec/a,/spec/items/0/x');
test(pointersRight, "metadata.annotations['example.com/a']", '/metadata/annotations/example.com~1a');
test(pointersRight, 'metadata.annotations.example\\.com/a', '/metadata/annotations/example.com~1a');
test(pointersRight, '{.spec.a}', '/spec/a');
test(pointersRight, '$.spec.a', '/spec/a');
test('what can be no path is left to people', pointersRight, 'spec a', undefined);
test('a pointer with a wrong escape is left to people', pointersRight, '/spec/a~2', undefined);

const rulesRight = test.macro({
  title: (provided, text: string) => `as rules: ${provided || JSON.stringify(text)}`,
  exec: (t, text: string, right: string | undefined) => {
    const parsed = parseExclusions(text);
    if (!isInvalid(parsed)) return t.fail('it is taken as it is');
    const written = parsed.right?.[clusterAnnotation.disabledResources];
    t.is(written, right as string);
    if (written !== undefined) t.true(parsed.message.endsWith(`written right it is ${written}`));
    return undefined;
  },
});

test(rulesRight, '{kind: MachineConfig, name: "90-*"}', '[{"kind": "MachineConfig", "name": "90-*"}]');
test(rulesRight, 'kind: ConfigMap\nname: a\nnamespace: b', '[{"kind": "ConfigMap", "name": "a", "namespace": "b"}]');
test(rulesRight, '- {Kind: MachineConfig, nam: x}', '[{"kind": "MachineConfig", "name": "x"}]');
test(rulesRight, 'MachineConfig/90-worker', '[{"kind": "MachineConfig", "name": "90-worker"}]');
test(
  rulesRight,
  '- MachineConfig/90-*\n- ConfigMap/monitoring/settings\n',
  '[{"kind": "MachineConfig", "name": "90-*"}, {"kind": "ConfigMap", "name": "settings", "namespace": "monitoring"}]',
);
test(rulesRight, 'UIPlugin/a, UIPlugin/b', '[{"kind": "UIPlugin", "name": "a"}, {"kind": "UIPlugin", "name": "b"}]');
test('what has no name is left to people', rulesRight, '{kind: MachineConfig}', undefined);
test('a key that is there twice is left to people', rulesRight, '{kind: A, Kind: B, name: x}', undefined);
test('a key that means nothing is left to people', rulesRight, '{kind: A, name: x, selector: y}', undefined);
test('an asset is no kind, and left to people', rulesRight, 'swap-enable', undefined);
test('a sentence is left to people', rulesRight, 'no swap here, please', undefined);
test('more rules than are taken are left to people', rulesRight, 'A/b,'.repeat(201), undefined);
