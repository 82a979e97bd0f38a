import test from 'ava';
import { plain } from '../../../../plugin/output/colour.ts';
import { explainText } from '../../../../plugin/output/explain-text.ts';
import type { PlanItem } from '../../../../shared/engine/plan-item.ts';
import { item } from '../_plan.ts';

const show = (decided: PlanItem, change = { what: 'nothing' }) =>
  explainText(decided, change, { paint: plain, now: new Date('2026-01-01T12:00:00Z') });

test('each step has a sign, a word and what it saw; each condition stands by itself; what was not reached is named', (t) => {
  const text = show(
    item(
      'a',
      { decision: 'condition-unmet' },
      {
        features: ['f'],
        steps: [
          { step: 'selection', passed: true, detail: 'the autopilot is active for everything' },
          { step: 'conditions', passed: false, detail: 'not met: x' },
        ],
        conditions: [
          { expression: 'topology.workerCount > 0', result: 'met', saw: { 'topology.workerCount': 3 } },
          { expression: "enabled('x')", result: 'unmet', saw: {} },
          { expression: 'hardware.gpuPresent', result: 'unknown', saw: {}, message: 'no permission' },
          { expression: 'objects.x.y', result: 'error', saw: {}, message: 'no such key' },
        ],
      },
    ),
    Object.assign({ what: 'enable x' }, { command: 'kubectl annotate x' }),
  );
  t.is(
    text,
    `a: condition-unmet
  object: ConfigMap/somewhere/a (v1)
  feature: f

✓ passed      selected         the autopilot is active for everything
✗ stopped     conditions       4 to be met
    ✓ met         topology.workerCount > 0   saw topology.workerCount = 3
    ✗ not met     enabled('x')
    ? not known   hardware.gpuPresent: no permission
    ✗ fails       objects.x.y: no such key
- not reached: CRDs, rendered, exclusions, live object, not paused, managed, annotations, patch, ignored fields, namespace, dependencies, comparison

What would change this: enable x:
  kubectl annotate x
`,
  );
});

test('fields that differ are listed with who set them', (t) => {
  const drift = [{ pointer: '/data/x', live: '1', desired: '2', manager: 'helm', time: '2026-01-01T11:55:00Z' }];
  const text = show(item('a', { decision: 'update', live: { uid: 'u', resourceVersion: '1' }, drift }));
  t.true(text.includes('\nWhat differs:\n  /data/x: "1" → "2" (helm, 5m ago)\n'), text);
});

test('nothing of a cluster that a terminal acts upon is printed', (t) => {
  const evil = 'x\u001b[31m\u202e\n';
  const text = show(
    item(
      evil,
      { decision: 'condition-unmet' },
      {
        features: [evil],
        notes: [evil],
        steps: [{ step: 'conditions', passed: false, detail: evil }],
        conditions: [{ expression: evil, result: 'unmet', saw: { [evil]: evil }, message: evil }],
      },
    ),
    { what: evil },
  );
  t.is(text.replace(/[\u0020-\u007e\n✓✗]/g, ''), '');
});
