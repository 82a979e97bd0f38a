import test from 'ava';
import { applyAssignments, applyRemovals, type SchemaAt } from '../../../../plugin/patching/assignments.ts';
import { kindSchema, schemaBelow } from '../../../../plugin/patching/field-schema.ts';
import { withSpec } from './_edits.ts';
import { gadget, openApi } from './_open-api.ts';

const rendered = withSpec({ size: 1, list: ['x', 'y'], groups: { a: { min: 1 } } });
const schema = kindSchema(openApi, gadget);
const known = (path: readonly string[]) => (schema === undefined ? undefined : schemaBelow(schema, path));
const unknown: SchemaAt = () => undefined;

const sets = test.macro({
  title: (title = '') => title,
  exec: (t, assignments: readonly string[], spec: object, schemaAt: SchemaAt = unknown) => {
    const { spec: is } = applyAssignments(assignments, rendered, schemaAt);
    t.deepEqual(is, { ...Object(rendered.spec), ...spec });
  },
});

test('a field', sets, ['spec.size=5'], { size: 5 });
test('several, in their order', sets, ['spec.new.a=1', 'spec.new.b=2', 'spec.new.a=3'], { new: { a: 3, b: 2 } });
test('an item of a list', sets, ['spec.list[1]=z'], { list: ['x', 'z'] });
test('one item more', sets, ['spec.list[2]=z', '/spec/list/-=w'], { list: ['x', 'y', 'z', 'w'] });
test('a list where there is none', sets, ['spec.parts[0].name=p'], { parts: [{ name: 'p' }] });
test('a JSON pointer', sets, ['/spec/groups/a/min=3'], { groups: { a: { min: 3 } } });
test('a JSON pointer without its first slash', sets, ['spec/groups/a/min=3'], { groups: { a: { min: 3 } } });
test('a name with dots and slashes, in quotes', sets, ["spec.groups['a.b/c'].min=1"], {
  groups: { a: { min: 1 }, 'a.b/c': { min: 1 } },
});
test('a name with dots, escaped', sets, ['spec.groups.a\\.b=1'], { groups: { a: { min: 1 }, 'a.b': 1 } });
test(
  'values as they look, where no schema says more',
  sets,
  ['spec.a=true', 'spec.b=-1.5', 'spec.c=null', 'spec.d=', 'spec.e=5Gi'],
  {
    a: true,
    b: -1.5,
    c: null,
    d: '',
    e: '5Gi',
  },
);
test('what is no JSON number is a text', sets, ['spec.a=012', 'spec.b=1_000', 'spec.c=yes', 'spec.d=1e999'], {
  a: '012',
  b: '1_000',
  c: 'yes',
  d: '1e999',
});
test('lists and maps', sets, ['spec.a=[1, two]', 'spec.b={"c": "d"}', 'spec.e=a=b'], {
  a: [1, 'two'],
  b: { c: 'd' },
  e: 'a=b',
});
test('in double quotes anything is a text', sets, ['spec.a="5"', 'spec.b="a\\nb"'], { a: '5', b: 'a\nb' });
test(
  'what the schema calls a text is one',
  sets,
  ['spec.other=5', 'spec.settings.x=true', 'spec.title="q"'],
  { other: '5', settings: { x: 'true' }, title: 'q' },
  known,
);
test(
  'null is null where the schema takes it',
  sets,
  ['spec.other=null', 'spec.title=null'],
  { other: null, title: 'null' },
  known,
);
test('what takes integers and texts is what it looks like', sets, ['spec.either=80'], { either: 80 }, known);
test('a list is made where the schema says so', sets, ['/spec/parts/-={name: p}'], { parts: [{ name: 'p' }] }, known);
test(
  'a map is made where the schema says so, whatever the name',
  sets,
  ['spec.settings.0=x'],
  { settings: { '0': 'x' } },
  known,
);

for (const [assignment, message] of [
  ['spec.list[3]=z', /\/spec\/list is a list of 2: \[0\] to \[1\] are there, and \[2\] adds to it/],
  ['spec.new[1]=z', /\/spec\/new is an empty list: \[0\] adds to it/],
  ['spec.list.x=z', /\/spec\/list is a list of 2/],
  ['spec.size.x=z', /\/spec\/size is 1, neither a map nor a list/],
  ['spec.a', /is no PATH=VALUE/],
  ['=5', /is no PATH=VALUE/],
  ['spec..a=5', /is no path: it is written spec\.a\.b/],
  ['spec.prototype.x=5', /uses the name "prototype", which is refused/],
  ['/spec/__proto__/x=5', /uses the name "__proto__", which is refused/],
  ['spec.a={"b"', /the value is neither JSON nor YAML: line 1, column \d+/],
  ['spec.a=[yes]', /Readers of YAML disagree about yes/],
] as const) {
  test(`refused: --set ${assignment}`, (t) => {
    t.throws(() => applyAssignments([assignment], rendered, unknown), { name: 'UserError', message });
  });
}

const removes = (pointers: readonly string[], object = rendered) =>
  applyRemovals(pointers, object, () => '; look elsewhere').spec;

test('fields and items are taken away', (t) => {
  t.deepEqual(removes(['/spec/size', 'spec.groups.a']), { list: ['x', 'y'], groups: {} });
  t.deepEqual(removes(['/spec/list/0']), { ...Object(rendered.spec), list: ['y'] });
});

test('all pointers count in what is there before, in whatever order they come', (t) => {
  const many = withSpec({ list: Array.from({ length: 12 }, (_, index) => index) });
  t.deepEqual(removes(['/spec/list/2', '/spec/list/10', '/spec/list/9', '/spec/list/2'], many), {
    list: [0, 1, 3, 4, 5, 6, 7, 8, 11],
  });
  t.deepEqual(removes(['/spec/groups/a', '/spec/groups']), { size: 1, list: ['x', 'y'] });
});

test('what isn’t rendered can’t be taken away: what is known of the place is said', (t) => {
  t.throws(() => removes(['/spec/sise']), {
    message: '--remove /spec/sise: nothing is rendered there; look elsewhere',
  });
  t.throws(() => removes(['spec..x']), { message: /"spec\.\.x" is no JSON pointer/ });
  t.throws(() => removes(['/spec/~2']), { message: /"~" is written "~0"/ });
});
