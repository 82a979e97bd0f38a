import test from 'ava';
import { likelyQuestions } from '../../../../shared/engine/likely-questions.ts';
import type { Question } from '../../../../shared/engine/snapshot.ts';
import { catalogOf, configMapAsset, served } from './_snapshot.ts';

const facts = ['Infrastructure', 'Scheduler', 'Node'];

test('what facts are taken from is likely, whatever the catalog', (t) => {
  const asked = likelyQuestions(catalogOf({ 'a/plain.yaml.hbs': configMapAsset('plain') }), apis);
  t.deepEqual(asked.map(kindOf), facts);
});

test('so is what assets of the baseline read under a name of its own', (t) => {
  const asked = likelyQuestions(reading('name: settings'), apis).slice(facts.length);
  t.deepEqual(asked, [{ ask: 'get', ref: { apiVersion: 'v1', kind: 'Node', name: 'settings' } }]);
  t.deepEqual(likelyQuestions(reading('list: true'), apis).slice(facts.length), [
    { ask: 'list', apiVersion: 'v1', kind: 'Node' },
  ]);
});

const unlikely: readonly [title: string, read: string, more?: string][] = [
  ['under a name that follows from HyperConverged', 'name: "{{hyperConverged.namespace}}"'],
  ['by an asset that has to be opted in to', 'name: settings', 'install: opt-in\n'],
  ['of a kind that is not served', 'apiVersion: v2, name: settings'],
];
for (const [title, read, more] of unlikely) {
  test(`what is read ${title} is not`, (t) => {
    t.deepEqual(likelyQuestions(reading(read, more), apis).map(kindOf), facts);
  });
}

const apis = { known: true, resources: served } as const;

/** A catalog with an asset that reads a node. */
function reading(read: string, more = '') {
  const version = read.includes('apiVersion') ? '' : 'apiVersion: v1, ';
  const reads = `${more}reads: {node: {${version}kind: Node, ${read}}}`;
  return catalogOf({ 'a/reads.yaml.hbs': configMapAsset('reads', 'data: {a: "{{objects.node}}"}', { more: reads }) });
}

function kindOf(question: Question): string {
  return question.ask === 'list' ? question.kind : question.ref.kind;
}
