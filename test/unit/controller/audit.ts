import test from 'ava';
import { auditRecord } from '../../../controller/audit.ts';
import { createLog } from '../../../controller/log.ts';
import { logHappenings } from '../../../controller/log-happenings.ts';
import type { PlanItem } from '../../../shared/engine/plan-item.ts';
import type { Outcome } from '../../../shared/kube/perform.ts';
import type { Trouble } from '../../../shared/kube/trouble.ts';
import { catalogOf } from '../../helpers/engine.ts';
import { drifted, item, live, objectOf, planOf } from './_plans.ts';

const drift = [drifted('/data/x')];
const auditOf = (of: PlanItem, outcome: Outcome) =>
  auditRecord({ happening: 'performed', item: of, outcome, durationMs: 1 });
const configured = (of: PlanItem): Outcome => ({
  result: 'configured',
  object: objectOf(of),
  drift,
  before: '7',
  warnings: [],
});

test('a write is told with its object, fields, reason and versions, and no values', (t) => {
  const update = item('a', 'update', { live, drift, release: { pointers: ['/data/y'], patch: [] } });
  t.deepEqual(auditOf(update, configured(update)), {
    action: 'update',
    asset: 'a',
    apiVersion: 'v1',
    object: 'ConfigMap/x/a',
    fields: ['/data/x'],
    released: ['/data/y'],
    why: 'why a is update',
    before: '7',
    after: '8',
  });
  const create = item('a', 'create');
  t.like(auditOf(create, { result: 'created', object: objectOf(create), warnings: [] }), {
    action: 'create',
    fields: null,
    before: null,
    after: '8',
  });
  t.like(auditOf(item('a', 'adopt', { live, drift }), configured(update)), { action: 'adopt' });
  const gone = item('a', 'delete', { type: 'tombstone', live });
  t.like(auditOf(gone, { result: 'deleted' }), { action: 'delete', before: '7', after: null });
});

test('where a patch is in effect, its author is named', (t) => {
  const overrides = [{ type: 'patch', operations: 1, pointers: ['/data/x'] }];
  const update = item('a', 'update', { live, drift, overrides });
  t.like(auditOf(update, configured(update)), { patch: { pointers: ['/data/x'], author: null } });
});

test('what wrote nothing is not in the audit', (t) => {
  const update = item('a', 'update', { live, drift });
  for (const result of ['nothing', 'unchanged'] as const) t.is(auditOf(update, { result }), undefined);
  t.is(auditOf(update, { result: 'conflict', message: '' }), undefined);
  t.is(auditOf(update, { result: 'failed', error: new Error('no') as unknown as Trouble }), undefined);
});

test('a pause is a write', (t) => {
  const war = { happening: 'war', item: item('a', 'update', { live, drift }), because: 'fast', rival: 'x' } as const;
  t.like(auditRecord({ ...war, fields: ['/data/x'], written: true }), {
    action: 'pause',
    fields: [
      '/metadata/annotations/platform.kubevirt.io~1reconcile-paused',
      '/metadata/annotations/platform.kubevirt.io~1paused-by',
    ],
  });
  t.is(auditRecord({ ...war, fields: [], written: false }), undefined);
});

const catalog = catalogOf({
  'a.yaml.hbs': 'format: 1\nprotects: true\ntarget: {apiVersion: v1, kind: ConfigMap, namespace: x, name: a}\n---\n',
});

test('a state is logged when it begins and when it ends, without the values of annotations', (t) => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ write: (line) => lines.push(JSON.parse(line)), date: () => 0 });
  const listener = logHappenings(log, catalog);
  const overrides = [{ type: 'invalid', annotation: 'platform.kubevirt.io/mode', message: 'mode "secret" is unknown' }];
  const held = planOf([item('b', 'override-invalid', { overrides, why: 'held: mode "secret" is unknown' })]);
  const fine = planOf([item('b', 'in-sync', { live })]);
  for (const plan of [held, held, fine, fine]) {
    listener({ happening: 'planned', plan, previous: undefined, durationMs: 1 });
  }
  t.deepEqual(
    lines.map(({ level, message }) => `${level} ${message}`),
    ['warn state began', 'info state ended', 'info everything is as wanted'],
  );
  t.notRegex(JSON.stringify(lines), /secret/);
});

test('whoever switches off what protects people is reminded on every pass', (t) => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ level: 'warn', write: (line) => lines.push(JSON.parse(line)), date: () => 0 });
  const listener = logHappenings(log, catalog);
  const plan = planOf([item('a', 'unmanaged', { overrides: [{ type: 'unmanaged', how: 'mode' }] })]);
  for (let pass = 0; pass < 3; pass++) listener({ happening: 'planned', plan, previous: undefined, durationMs: 1 });
  t.is(lines.filter(({ override }) => override === 'unmanaged').length, 3);
});
