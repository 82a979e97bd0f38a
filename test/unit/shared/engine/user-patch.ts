import test from 'ava';
import { isInvalid, parsePatch } from '../../../../shared/api/annotations.ts';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { applyUserPatch, type Patched, takesNoPatch } from '../../../../shared/engine/user-patch.ts';
import { frozen, key } from './_snapshot.ts';

const settings: KubernetesObject = frozen({
  apiVersion: 'example.com/v1',
  kind: 'Settings',
  metadata: {
    name: 'settings',
    namespace: 'tests',
    labels: { [key('managed-by')]: 'virt-platform-autopilot', app: 'x' },
    annotations: { note: 'ours', [key('version')]: '1' },
  },
  spec: { a: 1, list: ['x', 'y', 'z'], map: { b: 2, 'c/d': 3, 'e~f': 4 }, nothing: null },
});

/** As the annotation would be taken. */
function patched(operations: readonly object[], object = settings): Patched {
  const parsed = parsePatch(JSON.stringify(operations));
  return isInvalid(parsed) ? { result: 'invalid', ...parsed } : applyUserPatch(object, parsed);
}

for (const [title, operation, spec] of [
  ['replaces a value', { op: 'replace', path: '/spec/a', value: 5 }, { a: 5 }],
  ['replaces null', { op: 'replace', path: '/spec/nothing', value: 5 }, { nothing: 5 }],
  ['adds a key', { op: 'add', path: '/spec/new', value: { x: 1 } }, { new: { x: 1 } }],
  ['adds over a key', { op: 'add', path: '/spec/a', value: null }, { a: null }],
  ['adds to the end of a list', { op: 'add', path: '/spec/list/-', value: 'w' }, { list: ['x', 'y', 'z', 'w'] }],
  ['adds at the end by its index', { op: 'add', path: '/spec/list/3', value: 'w' }, { list: ['x', 'y', 'z', 'w'] }],
  ['inserts into a list', { op: 'add', path: '/spec/list/0', value: 'w' }, { list: ['w', 'x', 'y', 'z'] }],
  ['removes from a list', { op: 'remove', path: '/spec/list/1' }, { list: ['x', 'z'] }],
  ['follows escapes', { op: 'replace', path: '/spec/map/c~1d', value: 9 }, { map: { b: 2, 'c/d': 9, 'e~f': 4 } }],
  ['moves inside a list', { op: 'move', from: '/spec/list/0', path: '/spec/list/2' }, { list: ['y', 'z', 'x'] }],
  ['copies', { op: 'copy', from: '/spec/map/b', path: '/spec/a' }, { a: 2 }],
  ['tests what is there', { op: 'test', path: '/spec/map', value: { 'e~f': 4, 'c/d': 3, b: 2 } }, {}],
] as const) {
  test(`a patch ${title}`, (t) => {
    const result = patched([operation]);
    t.deepEqual(result, { result: 'patched', object: { ...settings, spec: { ...Object(settings.spec), ...spec } } });
  });
}

test('labels and annotations of others are the user’s to change', (t) => {
  const result = patched([
    { op: 'replace', path: '/metadata/labels/app', value: 'y' },
    { op: 'add', path: '/metadata/annotations/example.com~1team', value: 'blue' },
    { op: 'remove', path: '/metadata/annotations/note' },
  ]);
  t.deepEqual(result.result === 'patched' && result.object.metadata, {
    ...settings.metadata,
    labels: { ...settings.metadata.labels, app: 'y' },
    annotations: { [key('version')]: '1', 'example.com/team': 'blue' },
  });
});

const label = '/metadata/labels/platform.kubevirt.io~1managed-by';
const refused: Record<string, [operations: readonly object[], says: RegExp]> = {
  'replaces what is not there': [[{ op: 'replace', path: '/spec/x', value: 1 }], /operation 1 .*nothing at \/spec\/x/],
  'replaces what could be added': [
    [{ op: 'replace', path: '/spec/map/x', value: 1 }],
    /nothing at \/spec\/map\/x; did you mean \/spec\/map\/b\?; "add" sets what isn't there$/,
  ],
  'misspells a name on the way': [
    [{ op: 'test', path: '/spec/lits/0', value: 1 }],
    /nothing at \/spec\/lits; did you mean \/spec\/list\/0\?$/,
  ],
  'replaces beyond a list': [
    [{ op: 'replace', path: '/spec/list/3', value: 1 }],
    /nothing at \/spec\/list\/3, a list of 3$/,
  ],
  'removes what is not there': [[{ op: 'remove', path: '/spec/x/y' }], /nothing at \/spec\/x/],
  'removes the end of a list': [[{ op: 'remove', path: '/spec/list/-' }], /nothing at/],
  'adds beyond a list': [[{ op: 'add', path: '/spec/list/4', value: 'w' }], /isn't a place in a list of 3/],
  'adds at an index with a leading zero': [[{ op: 'add', path: '/spec/list/01', value: 'w' }], /isn't a place/],
  'replaces at an index with a leading zero': [[{ op: 'replace', path: '/spec/list/01', value: 'w' }], /nothing at/],
  'adds at a name in a list': [[{ op: 'add', path: '/spec/list/x', value: 'w' }], /isn't a place/],
  'adds at a negative index': [[{ op: 'add', path: '/spec/list/-1', value: 'w' }], /isn't a place/],
  'uses the length of a list': [[{ op: 'replace', path: '/spec/list/length', value: 0 }], /nothing at/],
  'adds inside a scalar': [[{ op: 'add', path: '/spec/a/b', value: 1 }], /neither a map nor a list/],
  'adds inside null': [[{ op: 'add', path: '/spec/nothing/b', value: 1 }], /neither a map nor a list/],
  'adds below what is not there': [[{ op: 'add', path: '/spec/x/y', value: 1 }], /nothing at \/spec\/x/],
  'uses what every object inherits': [[{ op: 'copy', from: '/spec/toString', path: '/spec/a' }], /nothing at/],
  'moves from nowhere': [[{ op: 'move', from: '/spec/x', path: '/spec/y' }], /nothing at/],
  'moves past the end of the shortened list': [[{ op: 'move', from: '/spec/list/0', path: '/spec/list/3' }], /list/],
  'fails its test': [[{ op: 'test', path: '/spec/a', value: 2 }], /operation 1 \(test \/spec\/a\)/],
  'fails after it changed something': [
    [
      { op: 'replace', path: '/spec/a', value: 5 },
      { op: 'test', path: '/spec/a', value: 1 },
    ],
    /operation 2/,
  ],
  'removes the root': [[{ op: 'remove', path: '' }], /no Kubernetes object/],
  'makes the root a text': [[{ op: 'replace', path: '', value: 'x' }], /no Kubernetes object/],
  'makes the root another object': [
    [{ op: 'replace', path: '', value: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'settings' } } }],
    /\/apiVersion/,
  ],
  'goes on after the root is gone': [
    [
      { op: 'remove', path: '' },
      { op: 'add', path: '/spec', value: {} },
    ],
    /operation 2/,
  ],
  'copies a part over the root': [[{ op: 'copy', from: '/spec', path: '' }], /no Kubernetes object/],
  'changes the kind': [[{ op: 'replace', path: '/kind', value: 'Secret' }], /\/kind, which is the object's identity/],
  'changes the version': [[{ op: 'replace', path: '/apiVersion', value: 'example.com/v2' }], /\/apiVersion/],
  'changes the name': [[{ op: 'replace', path: '/metadata/name', value: 'other' }], /\/metadata\/name/],
  'removes the name': [[{ op: 'remove', path: '/metadata/name' }], /\/metadata\/name/],
  'changes the namespace': [[{ op: 'replace', path: '/metadata/namespace', value: 'other' }], /\/metadata\/namespace/],
  'removes metadata': [[{ op: 'remove', path: '/metadata' }], /no Kubernetes object/],
  'replaces metadata': [[{ op: 'replace', path: '/metadata', value: { name: 'other' } }], /\/metadata\/name/],
  'copies onto the name': [[{ op: 'copy', from: '/metadata/labels/app', path: '/metadata/name' }], /\/metadata\/name/],
  'moves the namespace away': [[{ op: 'move', from: '/metadata/namespace', path: '/spec/n' }], /\/metadata\/namespace/],
  'adds a status': [[{ op: 'add', path: '/status', value: {} }], /\/status/],
  'removes our label': [[{ op: 'remove', path: label }], /key of ours/],
  'changes our label': [[{ op: 'replace', path: label, value: 'somebody' }], /key of ours/],
  'removes all labels': [[{ op: 'remove', path: '/metadata/labels' }], /key of ours/],
  'replaces all labels': [[{ op: 'replace', path: '/metadata/labels', value: { app: 'y' } }], /key of ours/],
  'makes labels a list': [[{ op: 'replace', path: '/metadata/labels', value: [] }], /leaves \/metadata\/labels no map/],
  'makes annotations null': [[{ op: 'replace', path: '/metadata/annotations', value: null }], /no map/],
  'adds a steering annotation': [
    [{ op: 'add', path: '/metadata/annotations/platform.kubevirt.io~1mode', value: 'unmanaged' }],
    /key of ours/,
  ],
  'makes a label a number': [[{ op: 'replace', path: '/metadata/labels/app', value: 5 }], /must be a text/],
};
for (const field of ['ownerReferences', 'finalizers', 'generateName', 'uid', 'resourceVersion', 'managedFields', 'x']) {
  refused[`adds metadata.${field}`] = [
    [{ op: 'add', path: `/metadata/${field}`, value: [] }],
    /of metadata only labels and annotations/,
  ];
}
for (const name of [
  'argocd.argoproj.io/tracking-id',
  'service.beta.openshift.io/serving-cert-secret-name',
  'openshift.io/required-scc',
  'meta.helm.sh/release-name',
  'pod-security.kubernetes.io/enforce',
  'kustomize.toolkit.fluxcd.io/prune',
]) {
  refused[`sets ${name}`] = [
    [{ op: 'add', path: `/metadata/annotations/${name.replace('/', '~1')}`, value: 'x' }],
    /steer other controllers/,
  ];
}
for (const [title, [operations, says]] of Object.entries(refused)) {
  test(`a patch that ${title} is refused as a whole`, (t) => {
    const result = patched(operations);
    t.like(result, { result: 'invalid', annotation: key('patch') });
    t.regex(result.result === 'invalid' ? result.message : '', says);
  });
}

test('taking a key away that every object inherits is possible too', (t) => {
  const object = {
    ...settings,
    metadata: { ...settings.metadata, labels: { ...settings.metadata.labels, toString: 'x' } },
  };
  t.is(patched([{ op: 'remove', path: '/metadata/labels/toString' }], object).result, 'patched');
});

for (const [apiVersion, kind] of [
  ['machineconfiguration.openshift.io/v1', 'MachineConfig'],
  ['machineconfiguration.openshift.io/v1', 'KubeletConfig'],
  ['rbac.authorization.k8s.io/v1', 'Role'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRoleBinding'],
  ['v1', 'ServiceAccount'],
  ['security.openshift.io/v1', 'SecurityContextConstraints'],
  ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'],
  ['admissionregistration.k8s.io/v1', 'MutatingAdmissionPolicy'],
] as const) {
  test(`${kind} takes no patch, and a kind of that name elsewhere does`, (t) => {
    t.true(takesNoPatch({ apiVersion, kind }));
    t.false(takesNoPatch({ apiVersion: 'x.example/v1', kind }));
    const result = patched([{ op: 'add', path: '/spec/a', value: 5 }], { ...settings, apiVersion, kind });
    t.regex(result.result === 'invalid' ? result.message : '', /sensitive kind.*unmanaged/);
    t.is(patched([], { ...settings, apiVersion, kind }).result, 'patched');
  });
}

test('names of Object.prototype are no sensitive groups', (t) => {
  t.false(takesNoPatch({ apiVersion: 'constructor/v1', kind: 'MachineConfig' }));
});

function quickly(t: { true: (value: boolean, message?: string) => void }, run: () => void): void {
  const start = performance.now();
  run();
  const took = performance.now() - start;
  t.true(took < 5_000, `took ${took} ms`);
}

test('copies that double the document end at the size that is allowed', (t) => {
  const operations = [
    { op: 'add', path: '/spec/bomb', value: ['x'.repeat(1_000)] },
    ...Array(40).fill({ op: 'copy', from: '/spec/bomb', path: '/spec/bomb/-' }),
  ];
  quickly(t, () => {
    const result = patched(operations);
    t.regex(result.result === 'invalid' ? result.message : '', /bytes long; at most 1048576/);
  });
});

test('many copies of something big are refused before they fill the memory', (t) => {
  const operations = [
    { op: 'add', path: '/spec/big', value: 'x'.repeat(50_000) },
    ...Array.from({ length: 199 }, (_, index) => ({ op: 'copy', from: '/spec/big', path: `/spec/copy${index}` })),
  ];
  quickly(t, () => t.is(patched(operations).result, 'invalid'));
});

const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });

for (const op of ['add', 'replace'] as const) {
  test(`a result that ${op} makes deeper than 64 levels is refused`, (t) => {
    const bottom = `/spec/deep${'/a'.repeat(40)}`;
    const result = patched([
      { op: 'add', path: '/spec/deep', value: nested(40) },
      { op, path: bottom, value: nested(40) },
    ]);
    t.regex(result.result === 'invalid' ? result.message : '', /deeper than 64 levels/);
  });
}

test('a result that moves make deeper than 64 levels is refused', (t) => {
  const result = patched([
    { op: 'add', path: '/spec/one', value: nested(40) },
    { op: 'add', path: '/spec/two', value: nested(40) },
    { op: 'move', from: '/spec/one', path: `/spec/two${'/a'.repeat(40)}` },
  ]);
  t.regex(result.result === 'invalid' ? result.message : '', /deeper than 64 levels/);
});

test('two hundred operations on a big object take no time to speak of', (t) => {
  const big = { ...settings, spec: { text: 'x'.repeat(900_000), a: 1 } };
  const operations = Array(200).fill({ op: 'add', path: '/spec/a', value: 2 });
  quickly(t, () => t.is(patched(operations, big).result, 'patched'));
});

test('nothing is polluted, and what goes in stays as it was', (t) => {
  for (const name of ['__proto__', 'constructor', 'prototype']) {
    for (const operation of [
      { op: 'add', path: `/${name}/polluted`, value: 1 },
      { op: 'copy', from: '/spec', path: `/spec/${name}` },
      { op: 'move', from: `/spec/${name}`, path: '/spec/b' },
    ]) {
      t.is(patched([operation]).result, 'invalid');
    }
    const value = JSON.parse(`{"${name}":{"polluted":1}}`);
    t.is(patched([{ op: 'add', path: '/spec/b', value }]).result, 'invalid');
  }
  t.is(Object({}).polluted, undefined);
});
