import test from 'ava';
import { adoptLive } from '../../../../plugin/patching/adopt-live.ts';
import type { JsonObject, KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { withSpec } from './_edits.ts';

/** An object as the server has it, with what our applies own of its spec. */
function held(spec: object, ours: JsonObject = {}): KubernetesObject {
  const { metadata, ...rest } = withSpec(spec);
  const entry = { manager: 'virt-platform-autopilot', operation: 'Apply', fieldsV1: { 'f:spec': ours } };
  return { ...rest, metadata: { ...metadata, uid: 'x', resourceVersion: '5', managedFields: [entry] } };
}

function adopted(wanted: object, live: KubernetesObject, applied: KubernetesObject, ignored: readonly string[] = []) {
  return adoptLive(withSpec(wanted), live, applied, ignored).spec;
}

test('without drift, what is wanted stays as it is', (t) => {
  t.deepEqual(adopted({ a: 1 }, held({ a: 1, foreign: 2 }), held({ a: 1, foreign: 2 })), { a: 1 });
});

test('values that an apply would change are adopted, and only those', (t) => {
  const live = held({ a: 5, b: { c: 2 }, foreign: 7 });
  t.deepEqual(adopted({ a: 1, b: { c: 2 } }, live, held({ a: 1, b: { c: 2 }, foreign: 7 })), { a: 5, b: { c: 2 } });
});

test('what was removed is removed, and what an apply would remove is kept', (t) => {
  t.deepEqual(adopted({ a: 1, b: 2 }, held({ b: 2, old: 3 }), held({ a: 1, b: 2 })), { b: 2, old: 3 });
});

test('what is ignored isn’t adopted', (t) => {
  t.deepEqual(adopted({ a: 1, b: 1 }, held({ a: 5, b: 5 }), held({ a: 1, b: 1 }), ['/spec/a']), { a: 1, b: 5 });
});

test('items of an associative list are found by their keys, wherever they stand; others stay with who set them', (t) => {
  const ours = { 'f:list': { 'k:{"name":"x"}': { 'f:size': {} }, 'k:{"name":"y"}': { 'f:size': {} } } };
  const wanted = {
    list: [
      { name: 'x', size: 1 },
      { name: 'y', size: 1 },
    ],
  };
  const live = held({ list: [{ name: 'foreign' }, { name: 'y', size: 9 }, { name: 'x', size: 1 }] }, ours);
  const applied = held({ list: [{ name: 'foreign' }, { name: 'y', size: 1 }, { name: 'x', size: 1 }] }, ours);
  t.deepEqual(adopted(wanted, live, applied), {
    list: [
      { name: 'x', size: 1 },
      { name: 'y', size: 9 },
    ],
  });
});

test('an item whose keys are the server’s defaults is the one that would be ours', (t) => {
  const ours = { 'f:ports': { 'k:{"port":1,"protocol":"TCP"}': { 'f:title': {} } } };
  const live = held({
    ports: [
      { port: 1, protocol: 'UDP', title: 'theirs' },
      { port: 1, protocol: 'TCP', title: 'new' },
    ],
  });
  const applied = held(
    {
      ports: [
        { port: 1, protocol: 'UDP', title: 'theirs' },
        { port: 1, protocol: 'TCP', title: 'old' },
      ],
    },
    ours,
  );
  t.deepEqual(adopted({ ports: [{ port: 1, title: 'old' }] }, live, applied), {
    ports: [{ port: 1, title: 'new' }],
  });
});

test('an atomic list is adopted item by item where its length is the same, and otherwise as a whole', (t) => {
  const ours = { 'f:list': {} };
  t.deepEqual(adopted({ list: ['a', 'b'] }, held({ list: ['a', 'c'] }, ours), held({ list: ['a', 'b'] }, ours)), {
    list: ['a', 'c'],
  });
  t.deepEqual(adopted({ list: ['a', 'b'] }, held({ list: ['c'] }, ours), held({ list: ['a', 'b'] }, ours)), {
    list: ['c'],
  });
});

test('labels and annotations are adopted, but for keys of ours; the rest of metadata is ours', (t) => {
  const label = 'platform.kubevirt.io/managed-by';
  const wanted = { ...withSpec({}), metadata: { name: 'one', labels: { a: '1', [label]: 'virt-platform-autopilot' } } };
  const live = { ...held({}), metadata: { name: 'one', uid: 'x', labels: { a: '2' }, annotations: { b: '3' } } };
  const applied = { ...live, metadata: { ...live.metadata, labels: { a: '1', [label]: 'virt-platform-autopilot' } } };
  t.deepEqual(adoptLive(wanted, live, applied, []).metadata, {
    name: 'one',
    labels: { a: '2', [label]: 'virt-platform-autopilot' },
  });
});
