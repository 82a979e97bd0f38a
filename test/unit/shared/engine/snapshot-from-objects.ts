import test from 'ava';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { questionKey } from '../../../../shared/engine/snapshot.ts';
import { snapshotFromObjects } from '../../../../shared/engine/snapshot-from-objects.ts';

const object = (apiVersion: string, kind: string, name: string, namespace?: string): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace !== undefined && { namespace }) },
});
const crd = (versions: readonly unknown[]): KubernetesObject => ({
  ...object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'gadgets.example.com'),
  spec: { group: 'example.com', scope: 'Namespaced', names: { kind: 'Gadget', plural: 'gadgets' }, versions },
});

test('objects are found alone, in the list of their namespace, and in that of all', (t) => {
  const [a, b] = [object('v1', 'ConfigMap', 'x', 'a'), object('v1', 'ConfigMap', 'x', 'b')];
  const { reads } = snapshotFromObjects([a, b]);
  t.deepEqual(
    reads.get(questionKey({ ask: 'get', ref: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'b', name: 'x' } })),
    {
      answer: 'object',
      object: b,
    },
  );
  const list = (namespace?: string) =>
    reads.get(
      questionKey({ ask: 'list', apiVersion: 'v1', kind: 'ConfigMap', ...(namespace !== undefined && { namespace }) }),
    );
  t.deepEqual(list('a'), { answer: 'list', items: [a] });
  t.deepEqual(list(), { answer: 'list', items: [a, b] });
});

test('of an object that is there twice, the last counts, once', (t) => {
  const [first, last] = [object('v1', 'ConfigMap', 'x', 'a'), { ...object('v1', 'ConfigMap', 'x', 'a'), data: {} }];
  const { reads } = snapshotFromObjects([first, last]);
  t.deepEqual(reads.get(questionKey({ ask: 'list', apiVersion: 'v1', kind: 'ConfigMap' })), {
    answer: 'list',
    items: [last],
  });
});

test('what files do not hold is taken for absent, and said to be unknown', (t) => {
  t.like(snapshotFromObjects([]).otherwise, { answer: 'unknown', assume: 'absent' });
});

test('without CRDs nothing is known of the APIs; with them, they and the API server’s own are', (t) => {
  t.deepEqual(snapshotFromObjects([object('example.com/v1', 'Gadget', 'x')]).apis, { known: false });
  const { apis } = snapshotFromObjects([
    crd([{ name: 'v1' }, { name: 'v1beta1', served: true }, { name: 'v0', served: false }, 5]),
    object('v1', 'Node', 'x'),
  ]);
  t.like(apis, { known: true, builtIn: 'assumed' });
  const gadgets = apis.known ? apis.resources.filter(({ kind }) => kind === 'Gadget') : [];
  t.deepEqual(
    gadgets.map(({ version, plural }) => `${plural} ${version}`),
    ['gadgets v1', 'gadgets v1beta1'],
  );
});

test('an object is found in every version of its kind that is served', (t) => {
  const gadget = object('example.com/v1beta1', 'Gadget', 'x');
  const { reads } = snapshotFromObjects([crd([{ name: 'v1' }, { name: 'v1beta1' }]), gadget]);
  t.like(reads.get(questionKey({ ask: 'get', ref: { apiVersion: 'example.com/v1', kind: 'Gadget', name: 'x' } })), {
    object: gadget,
  });
});

test('CRDs that say little are no crash', (t) => {
  for (const spec of [
    undefined,
    null,
    5,
    {},
    { names: {} },
    { names: { kind: 5 }, versions: [] },
    { names: [], versions: {} },
  ]) {
    t.true(snapshotFromObjects([{ ...crd([]), spec }]).apis.known);
  }
});
