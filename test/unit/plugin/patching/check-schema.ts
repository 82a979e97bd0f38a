import test from 'ava';
import { schemaProblems } from '../../../../plugin/patching/check-schema.ts';
import { kindSchema } from '../../../../plugin/patching/field-schema.ts';
import type { Json } from '../../../../shared/api/kubernetes-object.ts';
import type { ObjectRef } from '../../../../shared/api/object-ref.ts';
import { gadget, openApi, pod } from './_open-api.ts';

function problems(path: string, value: Json, ref: ObjectRef = gadget): readonly string[] {
  const schema = kindSchema(openApi, ref);
  if (schema === undefined) throw new Error('There is no such kind');
  return schemaProblems([{ op: 'add', path, value }], schema);
}

for (const [path, value] of [
  ['/spec/size', 5],
  ['/spec/ratio', 5],
  ['/spec/ratio', 0.5],
  ['/spec/mode', 'Predictive'],
  ['/spec/either', 80],
  ['/spec/either', 'http'],
  ['/spec/other', null],
  ['/spec/size', null],
  ['/spec/parts/0/name', 'x'],
  ['/spec/parts/-', { name: 'x', value: 1 }],
  ['/spec/settings/any', 'x'],
  ['/spec/free/any/thing', [1, { x: 'y' }]],
  ['/spec/half/unknown', 1],
  ['/spec/half/known', 1],
  ['/metadata/labels/x', 'y'],
  ['/spec', { size: 1, settings: { a: 'b' }, parts: [{ name: 'x' }] }],
] as const) {
  test(`taken: ${path} ${JSON.stringify(value)}`, (t) => t.deepEqual(problems(path, value as Json), []));
}

for (const [path, value, problem] of [
  ['/spec/sise', 5, '/spec/sise: there is no such field; did you mean "size"?'],
  ['/spec/parts/0/nmae', 'x', '/spec/parts/0/nmae: there is no such field; did you mean "name"?'],
  ['/spec/parts/0/quantity', 5, '/spec/parts/0/quantity: there is no such field; /spec/parts/0 has name, value'],
  ['/spec/parts/x', 5, '/spec/parts/x: /spec/parts is a list, and its items are counted from 0'],
  ['/spec/size/x', 5, '/spec/size/x: /spec/size is an integer'],
  ['/specs', {}, '/specs: there is no such field; did you mean "spec"?'],
  ['/spec/size', 'five', '/spec/size is an integer, 1 to 10, and "five" is a text'],
  ['/spec/size', 0.5, '/spec/size is an integer, 1 to 10, and 0.5 is a number'],
  ['/spec/size', 11, "/spec/size is an integer, 1 to 10, and 11 isn't"],
  ['/spec/on', 'yes', '/spec/on is true or false, and "yes" is a text'],
  [
    '/spec/mode',
    'automatic',
    '/spec/mode is one of Automatic, Predictive, "", and "automatic" isn\'t (did you mean "Automatic"?)',
  ],
  ['/spec/parts', { name: 'x' }, '/spec/parts is a list, and {"name":"x"} is a map'],
  ['/spec/settings/x', 5, '/spec/settings/x is a text, and 5 is an integer'],
  ['/spec/settings', { x: 5 }, '/spec/settings/x is a text, and 5 is an integer'],
  ['/spec/parts', [{ name: 'x' }, { value: 'x' }], '/spec/parts/1/value is an integer, and "x" is a text'],
  ['/spec/half/known', 'x', '/spec/half/known is an integer, and "x" is a text'],
] as const) {
  test(`refused: ${path} ${JSON.stringify(value)}`, (t) => t.deepEqual(problems(path, value as Json), [problem]));
}

test('schemas of built-in kinds are followed where they refer to others', (t) => {
  t.deepEqual(problems('/spec/containers/0/image', 'x', pod), []);
  t.deepEqual(problems('/spec/cpu', 1, pod), []);
  t.deepEqual(problems('/spec/cpu', '500m', pod), []);
  t.deepEqual(problems('/spec/containers/0/imag', 'x', pod), [
    '/spec/containers/0/imag: there is no such field; did you mean "image"?',
  ]);
});

test('a kind that isn’t in the document has no schema', (t) => {
  t.is(kindSchema(openApi, { ...gadget, kind: 'Widget' }), undefined);
  t.is(kindSchema(openApi, { ...gadget, apiVersion: 'example.com/v2' }), undefined);
  t.is(kindSchema({}, gadget), undefined);
});

test('tests and removals put nothing anywhere', (t) => {
  const schema = kindSchema(openApi, gadget);
  const operations = [
    { op: 'test', path: '/spec/x', value: 1 },
    { op: 'remove', path: '/spec/y' },
  ] as const;
  t.deepEqual(schema === undefined ? undefined : schemaProblems(operations, schema), []);
});
