import test from 'ava';
import { likelyQuestions } from '../../../../shared/engine/likely-questions.ts';
import type { Question, Snapshot } from '../../../../shared/engine/snapshot.ts';
import { catalogOf, cluster, configMapAsset, served } from './_snapshot.ts';

const openShift = cluster([]);
const kubernetes = cluster([], {
  apis: { known: true, resources: served.filter(({ group }) => group !== 'config.openshift.io') },
});

test('HyperConverged is likely, what facts are taken from, and the objects of the baseline', (t) => {
  const catalog = catalogOf({ 'a/plain.yaml.hbs': configMapAsset('plain') });
  t.deepEqual(likelyQuestions(catalog, openShift).map(shown), [
    'all HyperConverged',
    'Infrastructure cluster',
    'Scheduler cluster',
    'all Node',
    'ConfigMap tests/plain',
  ]);
});

test('nothing is likely where HyperConverged is not served', (t) => {
  const catalog = catalogOf({ 'a/plain.yaml.hbs': configMapAsset('plain') });
  const resources = served.filter(({ kind }) => kind !== 'HyperConverged');
  t.deepEqual(likelyQuestions(catalog, cluster([], { apis: { known: true, resources } })), []);
});

test('objects beside HyperConverged are looked for where it usually is', (t) => {
  const asset = configMapAsset('beside', 'data: {a: b}', { namespace: '"{{hyperConverged.namespace}}"' });
  const catalog = catalogOf({ 'a/beside.yaml.hbs': asset });
  t.deepEqual(news(catalog, openShift), ['ConfigMap openshift-cnv/beside']);
  t.deepEqual(news(catalog, kubernetes), ['ConfigMap kubevirt-hyperconverged/beside']);
  t.deepEqual(news(catalog, { ...openShift, namespace: 'mine' }), ['ConfigMap mine/beside']);
});

const readings: readonly [title: string, asset: Parameters<typeof reading>[0], likely: readonly string[]][] = [
  ['an object that a body reads', {}, ['Node settings', 'ConfigMap tests/reads']],
  ['a list that a body reads', { read: 'list: true' }, ['all Node', 'ConfigMap tests/reads']],
  [
    'what is read under a name that follows from HyperConverged, not',
    { read: 'name: "{{hyperConverged.namespace}}"' },
    ['ConfigMap tests/reads'],
  ],
  ['what is not served, not', { version: 'v2' }, ['ConfigMap tests/reads']],
  ['what has to be opted in to, not', { more: 'install: opt-in\n' }, []],
  [
    'but what its conditions read',
    { more: `install: opt-in\nwhen: ['objects.node != null', "enabled('x')"]\n` },
    ['Node settings'],
  ],
];
for (const [title, asset, likely] of readings) {
  test(`likely: ${title}`, (t) => {
    t.deepEqual(news(reading(asset), openShift), likely);
  });
}

/** A catalog with an asset that reads a node. */
function reading({ read = 'name: settings', version = 'v1', more = '' }) {
  const reads = `${more}reads: {node: {apiVersion: ${version}, kind: Node, ${read}}}`;
  return catalogOf({ 'a/reads.yaml.hbs': configMapAsset('reads', 'data: {a: "{{objects.node}}"}', { more: reads }) });
}

/** Besides HyperConverged and what facts are taken from. */
function news(catalog: ReturnType<typeof catalogOf>, snapshot: Snapshot): string[] {
  return likelyQuestions(catalog, snapshot).slice(4).map(shown);
}

function shown(question: Question): string {
  if (question.ask === 'list') return `all ${question.kind}`;
  const { kind, namespace, name } = question.ref;
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
