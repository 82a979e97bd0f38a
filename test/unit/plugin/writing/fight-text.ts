import test from 'ava';
import { fightLines, peaceLines } from '../../../../plugin/writing/fight-text.ts';
import type { PausedBy } from '../../../../shared/api/annotations.ts';
import type { PlanItem } from '../../../../shared/engine/plan-item.ts';
import { item, live } from '../_plan.ts';

const kubectl = 'kubectl --context=prod';
const now = new Date('2026-11-21T12:05:00Z');
const paused = (pausedBy?: PausedBy, setBy: string | null = 'virt-platform-autopilot') =>
  item(
    'a',
    { decision: 'paused' },
    { overrides: [{ type: 'paused', setBy, ...(pausedBy !== undefined && { pausedBy }) }] },
  );
const desired = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: {} }, data: { x: '2', y: '1' } };
const drifted = (
  pointer: string,
  values: object = { live: '1', desired: '2' },
  more: Partial<PlanItem> = { desired },
) => item('a', { decision: 'update', live, drift: [{ pointer, ...values, manager: 'rival', time: null }] }, more);
const by = { since: '2026-11-21T12:00:00Z', fields: ['/data/x'], manager: 'rival' };

test('who fought over what, and since when', (t) => {
  t.deepEqual(fightLines(paused(by), now), [
    'a is paused since 2026-11-21T12:00:00Z (5m ago): rival kept changing /data/x',
  ]);
  t.deepEqual(fightLines(paused(undefined, 'kubectl-annotate'), now), [
    'a is paused: nothing says against whom',
    '  kubectl-annotate set the pause, not the controller',
  ]);
  t.deepEqual(fightLines(drifted('/data/x'), now), [], 'what is not paused has no fight');
});

test('between which values it went, and what ends it', (t) => {
  t.deepEqual(peaceLines(paused(by), drifted('/data/x'), kubectl), [
    'a goes back and forth:',
    '  /data/x: rival sets "1", wanted is "2"',
    'If rival goes on, a will be paused again. What ends that:',
    '  leave the field to rival:',
    '    kubectl virt-platform ignore a /data/x --context=prod',
    '  make its value yours:',
    `    kubectl virt-platform patch a -p '[{"op":"replace","path":"/data/x","value":"1"}]' --context=prod`,
  ]);
});

const patched = (after: PlanItem) => / -p '(.*)'/.exec(peaceLines(paused(), after, kubectl).at(-1) ?? '')?.[1];

test('a field that was removed or added is removed or added', (t) => {
  t.is(patched(drifted('/data/x', { desired: '2' })), '[{"op":"remove","path":"/data/x"}]');
  t.is(patched(drifted('/data/z', { live: '3' })), '[{"op":"add","path":"/data/z","value":"3"}]');
});

test('without a word about the fields, those that differ count', (t) => {
  t.true(peaceLines(paused(), drifted('/data/x'), kubectl).join('\n').includes('ignore a /data/x'));
  t.deepEqual(peaceLines(paused(), item('a', { decision: 'in-sync', live }), kubectl), []);
});

test('what can’t be left to others by itself is left as a whole, and what takes no patch is offered none', (t) => {
  const label = '/metadata/labels/platform.kubevirt.io~1managed-by';
  const lines = peaceLines(paused({ ...by, fields: [label] }), drifted(label), kubectl).join('\n');
  t.true(lines.includes('kubectl virt-platform unmanage a --context=prod'));
  t.false(lines.includes(' patch '));
  const sensitive = {
    desired: { ...desired, apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfig' },
  };
  const after = drifted('/data/x', { live: '1', desired: '2' }, sensitive);
  t.false(peaceLines(paused(by), after, kubectl).join('\n').includes(' patch '));
});
