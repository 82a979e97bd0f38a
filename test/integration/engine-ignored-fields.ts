import anyTest, { type TestFn } from 'ava';
import type { Catalog } from '../../shared/catalog/asset.ts';
import type { Cluster as Client } from '../../shared/kube/client.ts';
import { type AnyObject, type ObjectId, useCluster } from '../helpers/cluster.ts';
import { catalogOf, converge, itemOf, openClient, planNow } from '../helpers/engine.ts';
import { activated, hyperConverged } from './_plugin.ts';

const test = anyTest as TestFn<{ client: Client }>;
const cluster = useCluster(test);

const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.example.com }
spec:
  group: example.com
  scope: Cluster
  names: { kind: Widget, plural: widgets }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: { type: integer }
                other: { type: string }
                parts:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [name]
                  items:
                    type: object
                    required: [name]
                    properties: { name: { type: string }, value: { type: integer }, unit: { type: string } }
                settings: { type: object, additionalProperties: { type: string } }
                groups:
                  type: object
                  additionalProperties: { type: object, properties: { min: { type: integer }, max: { type: integer } } }
                list: { type: array, items: { type: string } }
                names: { type: array, x-kubernetes-list-type: set, items: { type: string } }
                selector: { type: object, x-kubernetes-map-type: atomic, additionalProperties: { type: string } }
                free: { type: object, x-kubernetes-preserve-unknown-fields: true }
`;

const body = `
spec:
  size: 5
  other: ours
  parts: [{ name: a, value: 1, unit: m }, { name: b, value: 2, unit: m }]
  settings: { colour: red, shape: round }
  groups: { small: { min: 1 } }
  list: [x, "yes", z]
  names: [anna, bea]
  selector: { app: one, tier: two }
  free: { deep: { one: 1, two: 2 }, flat: 3 }
`;

function widget(name: string): Catalog {
  const target = `{ apiVersion: example.com/v1, kind: Widget, name: ${name} }`;
  return catalogOf({ 'widget.yaml.hbs': `format: 1\ntarget: ${target}\n---\n${body}` });
}

test.serial.before('HyperConverged is activated', async (t) => {
  await cluster.apply(crd);
  await cluster.apply('{apiVersion: v1, kind: Namespace, metadata: {name: openshift-cnv}}');
  await cluster.apply(hyperConverged(activated));
  t.context.client = openClient(cluster.kubeconfig);
});

test.after.always((t) => t.context.client?.close());

type Place = {
  /** What is ignored. */
  pointer: string;
  /** A spec that sets the place to another value, as a plain apply would. */
  other: AnyObject;
  /** The same with a third value. */
  third: AnyObject;
  read: (spec: AnyObject) => unknown;
  /** Inside something atomic: it stays ours as a whole. */
  atomic?: true;
};

const places: Record<string, Place> = {
  scalar: { pointer: '/spec/size', other: { size: 9 }, third: { size: 11 }, read: (spec) => spec.size },
  'item of an associative list': {
    pointer: '/spec/parts/0/value',
    other: { parts: [{ name: 'a', value: 9 }] },
    third: { parts: [{ name: 'a', value: 11 }] },
    read: (spec) => spec.parts.find((part: AnyObject) => part.name === 'a').value,
  },
  'whole item of an associative list': {
    pointer: '/spec/parts/1',
    other: { parts: [{ name: 'b', value: 9, unit: 'km' }] },
    third: { parts: [{ name: 'b', value: 11, unit: 'cm' }] },
    read: (spec) => spec.parts.find((part: AnyObject) => part.name === 'b'),
  },
  'whole associative list': {
    pointer: '/spec/parts',
    other: {
      parts: [
        { name: 'b', value: 9, unit: 'km' },
        { name: 'a', value: 8, unit: 'cm' },
      ],
    },
    third: {
      parts: [
        { name: 'b', value: 11, unit: 'mm' },
        { name: 'a', value: 12, unit: 'mm' },
      ],
    },
    read: (spec) => spec.parts,
  },
  'key of a map': {
    pointer: '/spec/settings/colour',
    other: { settings: { colour: 'blue' } },
    third: { settings: { colour: 'green' } },
    read: (spec) => spec.settings.colour,
  },
  'whole map': {
    pointer: '/spec/settings',
    other: { settings: { colour: 'blue', shape: 'square' } },
    third: { settings: { colour: 'green', shape: 'flat' } },
    read: (spec) => spec.settings,
  },
  'only leaf of an entry in a map of objects': {
    pointer: '/spec/groups/small/min',
    other: { groups: { small: { min: 9, max: 10 } } },
    third: { groups: { small: { min: 11, max: 12 } } },
    read: (spec) => spec.groups.small,
  },
  'leaf without a schema': {
    pointer: '/spec/free/deep/one',
    other: { free: { deep: { one: 9 } } },
    third: { free: { deep: { one: 11 } } },
    read: (spec) => spec.free.deep.one,
  },
  'map without a schema': {
    pointer: '/spec/free/deep',
    other: { free: { deep: { one: 9, two: 8 } } },
    third: { free: { deep: { one: 11, two: 12 } } },
    read: (spec) => spec.free.deep,
  },
  'whole atomic list': {
    pointer: '/spec/list',
    other: { list: ['q'] },
    third: { list: ['r', 's'] },
    read: (spec) => spec.list,
  },
  'whole atomic map': {
    pointer: '/spec/selector',
    other: { selector: { app: 'q', tier: 'other' } },
    third: { selector: { app: 'r' } },
    read: (spec) => spec.selector,
  },
  'part of an atomic list': {
    pointer: '/spec/list/1',
    other: { list: ['x', 'q', 'z'] },
    third: { list: ['x', 'r', 'z'] },
    read: (spec) => spec.list,
    atomic: true,
  },
  'part of an atomic map': {
    pointer: '/spec/selector/app',
    other: { selector: { app: 'q', tier: 'two' } },
    third: { selector: { app: 'r', tier: 'two' } },
    read: (spec) => spec.selector,
    atomic: true,
  },
};

const owners = ['a rival', 'a rival and us', 'us alone', 'nobody'] as const;

/** Takes a manager's entry out of the managed fields: what only it owned is nobody's. */
async function forget(id: ObjectId, manager: string): Promise<void> {
  const { managedFields } = (await cluster.get(id))?.metadata ?? {};
  const index = managedFields.findIndex((entry: AnyObject) => entry.manager === manager);
  await cluster.patch(id, [{ op: 'remove', path: `/metadata/managedFields/${index}` }], { type: 'json' });
}

/** What a spec has where another has something, so that applying it changes nothing. */
function sameAs(spec: unknown, other: unknown): AnyObject {
  if (typeof other !== 'object' || other === null || typeof spec !== 'object' || spec === null)
    return spec as AnyObject;
  if (Array.isArray(spec)) {
    const named = spec.filter((item) => Object(item).name !== undefined);
    if (named.length === 0) return spec;
    return Object.values(other).map((item) =>
      sameAs(
        named.find(({ name }) => name === item.name),
        item,
      ),
    );
  }
  return Object.fromEntries(
    Object.entries(other).flatMap(([key, inner]) => (key in spec ? [[key, sameAs(Object(spec)[key], inner)]] : [])),
  );
}

let number = 0;
for (const [title, place] of Object.entries(places)) {
  for (const owner of owners) {
    test(`an ignored ${title}, owned by ${owner}, keeps its value and is free for others`, async (t) => {
      const id = { apiVersion: 'example.com/v1', kind: 'Widget', name: `widget-${++number}` };
      const catalog = widget(id.name);
      const { client } = t.context;
      await converge(client, catalog);
      const state = async () => {
        const object = await cluster.get(id);
        if (object === undefined) throw new Error('The widget is gone');
        return object;
      };
      const applyAs = (manager: string, spec: AnyObject, force: boolean) =>
        cluster.apply(
          { apiVersion: id.apiVersion, kind: id.kind, metadata: { name: id.name }, spec },
          { manager, force },
        );

      if (owner === 'a rival and us') await applyAs('rival', sameAs((await state()).spec, place.other), false);
      else if (owner !== 'us alone') await applyAs('rival', place.other, true);
      if (owner === 'nobody') await forget(id, 'rival');
      await cluster.patch(id, { metadata: { annotations: { 'platform.kubevirt.io/ignore-fields': place.pointer } } });
      const before = await state();

      const { plan } = await converge(client, catalog);
      t.is(itemOf(plan, 'widget').decision, 'in-sync');
      const after = await state();
      t.deepEqual(after.spec, before.spec, 'no value was lost');

      if (place.atomic) {
        // The whole stays ours: others write the part by an update, and their value stands.
        await cluster.patch(id, { spec: place.third }, { manager: 'human' });
        t.regex(
          itemOf(plan, 'widget').notes.join('\n'),
          /can't be yielded by itself: the server takes .* as one value/,
        );
      } else {
        // Without force: a conflict would throw. Where a rival has the field, its own next apply must go through.
        await applyAs(owner.startsWith('a rival') ? 'rival' : 'human', place.third, false);
      }
      const expected = place.read((await state()).spec);
      const settled = await converge(client, catalog);
      t.is(itemOf(settled.plan, 'widget').decision, 'in-sync');
      t.deepEqual(place.read((await state()).spec), expected, "the other's value stands");
      t.is((await state()).spec.other, 'ours');
    });
  }
}

test('what is not ignored is still kept while a part is ignored', async (t) => {
  const id = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'widget-kept' };
  const catalog = widget(id.name);
  await converge(t.context.client, catalog);
  await cluster.patch(id, {
    metadata: { annotations: { 'platform.kubevirt.io/ignore-fields': '/spec/parts/0/value' } },
  });
  await cluster.apply(
    {
      apiVersion: id.apiVersion,
      kind: id.kind,
      metadata: { name: id.name },
      spec: { parts: [{ name: 'a', value: 7, unit: 'km' }], size: 8 },
    },
    { manager: 'rival', force: true },
  );
  const item = itemOf(await planNow(t.context.client, catalog), 'widget');
  t.is(item.decision, 'update');
  t.deepEqual('drift' in item && item.drift.map(({ pointer, manager }) => `${pointer} ${manager}`).sort(), [
    '/spec/parts/0/unit rival',
    '/spec/size rival',
  ]);
  await converge(t.context.client, catalog);
  const { spec } = (await cluster.get(id)) ?? {};
  t.deepEqual([spec.size, spec.parts[0]], [5, { name: 'a', value: 7, unit: 'm' }]);
});

test('an object whose managed fields somebody cleared loses nothing that is ignored', async (t) => {
  for (const [index, { pointer, other, read }] of Object.values(places).entries()) {
    const id = { apiVersion: 'example.com/v1', kind: 'Widget', name: `widget-cleared-${index}` };
    const catalog = widget(id.name);
    await converge(t.context.client, catalog);
    const annotations = { 'platform.kubevirt.io/ignore-fields': pointer };
    await cluster.patch(id, { spec: { ...other, other: 'theirs' } });
    await cluster.patch(id, { metadata: { managedFields: [{}], annotations } });
    const before = await cluster.get(id);
    await converge(t.context.client, catalog);
    const after = await cluster.get(id);
    t.deepEqual(read(after?.spec), read(before?.spec), pointer);
    t.is(after?.spec.other, 'ours');
  }
});
