import test from 'ava';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { WatchStore, watchKey } from '../../../../shared/kube/watch-store.ts';
import { object as built } from './_watch-server.ts';

test('each change is told once, when the items have it already', (t) => {
  const { store, told } = open();
  store.put(entry('a', 1));
  store.put(entry('a', 1));
  store.put(entry('a', 2, { x: 1 }));
  store.remove('default/a');
  store.remove('default/a');
  t.deepEqual(told, [
    'added default/a with 1 items',
    'updated default/a with 1 items',
    'deleted default/a with 0 items',
  ]);
});

test('what a new list lacks has gone, what it has and was known is no news', (t) => {
  const { store, told } = open();
  for (const name of ['a', 'b', 'c']) store.put(entry(name, 1));
  told.length = 0;
  store.beginList();
  store.put(entry('a', 1));
  store.put(entry('b', 5, { x: 1 }));
  store.put(entry('d', 6));
  t.is(store.items.size, 4);
  store.endList();
  t.deepEqual(told, [
    'updated default/b with 3 items',
    'added default/d with 4 items',
    'deleted default/c with 3 items',
  ]);
});

test('a list that broke off removes nothing', (t) => {
  const { store } = open();
  for (const name of ['a', 'b']) store.put(entry(name, 1));
  store.beginList();
  store.put(entry('b', 1));
  store.beginList();
  store.put(entry('a', 1));
  store.put(entry('b', 1));
  store.endList();
  t.is(store.items.size, 2);
});

test('another object under the same name is a deletion and an addition', (t) => {
  const { store, told } = open();
  store.put(entry('a', 1));
  store.put({ ...entry('a', 2), uid: 'other' });
  t.deepEqual(told.slice(1), ['deleted default/a with 0 items', 'added default/a with 1 items']);
});

test('a new version without a change in what is kept is no change', (t) => {
  const { store, told } = open();
  const node = (labels: unknown) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', labels } }) as never;
  store.put({ key: '/n', uid: 'u', resourceVersion: '1', object: node({ a: '1' }) });
  store.put({ key: '/n', uid: 'u', resourceVersion: '2', object: node({ a: '1' }) });
  t.is(told.length, 1);
  store.put({ key: '/n', uid: 'u', resourceVersion: '3', object: node({ a: '2' }) });
  t.is(told.length, 2);
});

test('what a projection wants nothing of any more has gone', (t) => {
  const { store, told } = open();
  store.put({ ...entry('a', 1), object: undefined });
  store.put(entry('a', 2));
  store.put({ ...entry('a', 3), object: undefined });
  t.deepEqual(told, ['added default/a with 1 items', 'deleted default/a with 0 items']);
});

function open() {
  const told: string[] = [];
  const store: WatchStore = new WatchStore(({ change, key }) => {
    told.push(`${change} ${key} with ${store.items.size} items`);
  });
  return { store, told };
}

function entry(name: string, version: number, data?: unknown) {
  const object = built(name, version, data) as unknown as KubernetesObject;
  const { uid = '', resourceVersion = '' } = object.metadata;
  return { key: watchKey(object.metadata), uid, resourceVersion, object };
}
