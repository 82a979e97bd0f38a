import test from 'ava';
import { dueItems } from '../../../controller/due-items.ts';
import type { PlanItem } from '../../../shared/engine/plan-item.ts';
import type { DryRunQuestion } from '../../../shared/engine/snapshot.ts';
import { catalogOf } from '../../helpers/engine.ts';
import { item, planOf } from './_plans.ts';

const asset = (name: string, more = '') =>
  `format: 1\n${more}target: {apiVersion: v1, kind: ConfigMap, namespace: x, name: ${name}}\n---\ndata: {a: "1"}`;
const catalog = catalogOf({
  'base.yaml.hbs': asset('base'),
  'middle.yaml.hbs': asset('middle', 'dependsOn: [base]\n'),
  'top.yaml.hbs': asset('top', 'dependsOn: [middle]\n'),
  'aside.yaml.hbs': asset('aside'),
});

const names = (items: readonly PlanItem[]) => items.map(({ asset }) => asset);
const open = (name: string): DryRunQuestion => ({
  ask: 'dry-run',
  ref: item(name, 'create').target,
  desired: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } },
  digest: '',
});

test('what asks for a write is due, in the order of the plan, and nothing else', (t) => {
  const words = ['create', 'in-sync', 'update', 'paused', 'adopt', 'unmanaged', 'delete', 'rejected'] as const;
  const { others } = dueItems(planOf(words.map((word) => item(word, word))), [], catalog);
  t.deepEqual(names(others), ['create', 'update', 'adopt', 'delete']);
});

test('HyperConverged stands by itself, to be written before the others', (t) => {
  const hyperConverged = {
    apiVersion: 'hco.kubevirt.io/v1',
    kind: 'HyperConverged',
    namespace: 'kubevirt',
    name: 'hco',
  };
  const plan = planOf([item('base', 'update'), item('golden', 'update', { target: hyperConverged })]);
  const due = dueItems(plan, [], catalog);
  t.deepEqual([names(due.golden), names(due.others)], [['golden'], ['base']]);
});

test('what hangs on an answer that is not there yet waits for it, and so does what depends on that', (t) => {
  const plan = planOf(['base', 'middle', 'top', 'aside'].map((name) => item(name, 'create')));
  t.deepEqual(names(dueItems(plan, [open('base')], catalog).others), ['aside']);
  t.deepEqual(names(dueItems(plan, [open('top')], catalog).others), ['base', 'middle', 'aside']);
});
