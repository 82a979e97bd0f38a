import test from 'ava';
import type { KubernetesObject, ManagedFieldsEntry } from '../../../../shared/api/kubernetes-object.ts';
import { withoutEmptiedMaps } from '../../../../shared/engine/emptied-maps.ts';

const desired: KubernetesObject = { ...gadget({}), spec: { settings: {}, size: 1 } };
const ours = 'virt-platform-autopilot';

test('a map that only we have filled, and want empty, is left out', (t) => {
  const live = { ...gadget({ [ours]: ['a', 'b'] }), spec: { settings: { a: 1, b: 2 }, size: 2 } };
  t.deepEqual(withoutEmptiedMaps(desired, live), { ...gadget({}), spec: { size: 1 } });
});

const asItIs: readonly [title: string, owners: Readonly<Record<string, readonly string[]>>, settings: object][] = [
  ['of which somebody else keeps a field', { [ours]: ['a'], person: ['b'] }, { a: 1, b: 2 }],
  ['of which somebody else keeps the same field', { [ours]: ['a'], person: ['a'] }, { a: 1 }],
  ['of which nobody keeps a field', { [ours]: ['a'] }, { a: 1, b: 2 }],
  ['that somebody else has filled', { person: ['a'] }, { a: 1 }],
  ['that is empty', { [ours]: [] }, {}],
];
for (const [title, owners, settings] of asItIs) {
  test(`a map ${title} is wanted empty all the same`, (t) => {
    t.deepEqual(withoutEmptiedMaps(desired, { ...gadget(owners), spec: { settings } }), desired);
  });
}

/** Whose settings have these owners. */
function gadget(owners: Readonly<Record<string, readonly string[]>>): KubernetesObject {
  const managedFields = Object.entries(owners).map(
    ([manager, fields]): ManagedFieldsEntry => ({
      manager,
      operation: 'Apply',
      apiVersion: 'example.com/v1',
      time: '2026-01-01T00:00:00Z',
      fieldsV1: { 'f:spec': { 'f:settings': Object.fromEntries(fields.map((field) => [`f:${field}`, {}])) } },
    }),
  );
  return { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: 'one', managedFields } };
}
