import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { assetNamed, type Body, bodyOf, contextOf } from '../_assets.ts';
import { checkWithPromtool } from '../_promtool.ts';

const body: Body = bodyOf('prometheus-alerts');
const alerts: Body[] = body.spec.groups.flatMap((group: Body) => group.rules);

test('the alerts are in their groups, in their order, evaluated every 30 seconds', (t) => {
  t.deepEqual(
    body.spec.groups.map(({ name, interval, rules }: Body) => [name, interval, rules.map((rule: Body) => rule.alert)]),
    [
      ['virt-platform-autopilot.critical', '30s', ['VirtPlatformSyncFailed']],
      [
        'virt-platform-autopilot.warning',
        '30s',
        ['VirtPlatformThrashingDetected', 'VirtPlatformDependencyMissing', 'VirtPlatformTombstoneStuck'],
      ],
    ],
  );
});

test('only a failing sync is critical', (t) => {
  t.deepEqual(
    alerts.filter(({ labels }) => labels.severity === 'critical').map(({ alert }) => alert),
    ['VirtPlatformSyncFailed'],
  );
});

for (const { alert, labels, annotations } of alerts) {
  test(`${alert} says whose it is and how it bears on health`, (t) => {
    t.deepEqual(labels, {
      severity: labels.severity,
      operator: 'virt-platform-autopilot',
      kubernetes_operator_part_of: 'kubevirt',
      kubernetes_operator_component: 'autopilot',
      operator_health_impact: labels.severity,
    });
  });

  test(`${alert} names the object, the value and its runbook`, (t) => {
    t.deepEqual(Object.keys(annotations), ['summary', 'description', 'runbook_url']);
    t.regex(annotations.summary, /\{\{ \$labels\.kind \}\}/);
    t.regex(annotations.description, /\{\{ \$value \}\}/);
    t.is(annotations.runbook_url, `https://github.com/virt-platform/virt-platform/blob/main/docs/runbooks/${alert}.md`);
  });
}

test('every alert has its runbook, and the index has every runbook', async (t) => {
  const runbooks = path.resolve(import.meta.dirname, '../../../../docs/runbooks');
  const names = alerts.map(({ alert }) => `${alert}.md`).sort();
  t.deepEqual(
    (await readdir(runbooks)).filter((file) => !['README.md', 'kubevirt-metrics-exporter.md'].includes(file)).sort(),
    names,
  );
  const index = await readFile(path.join(runbooks, 'README.md'), 'utf8');
  for (const { alert, labels } of alerts) {
    t.true(index.includes(`| [${alert}](${alert}.md) | ${labels.severity} |`), alert);
    const page = await readFile(path.join(runbooks, `${alert}.md`), 'utf8');
    t.regex(page.toLowerCase(), new RegExp(`^# ${alert}\\n\\n\\*\\*${labels.severity}\\.`, 'i'));
    for (const section of ['What it means', 'When it is over', 'How to prevent it', 'Related']) {
      t.true(page.includes(`\n## ${section}\n`), `${alert}: ${section}`);
    }
  }
});

test('the rules are where Prometheus looks for them, beside HyperConverged', (t) => {
  const { target, protects } = assetNamed('prometheus-alerts');
  const context = contextOf(assetNamed('prometheus-alerts'), { namespace: 'kubevirt-hyperconverged' });
  t.is(target.namespace?.render(context), 'kubevirt-hyperconverged');
  t.deepEqual(body.metadata.labels, { app: 'virt-platform-autopilot', prometheus: 'k8s', role: 'alert-rules' });
  t.true(protects);
});

test('the alerts fire when they should, and only then (promtool)', async (t) => {
  const source = await readFile(path.join(import.meta.dirname, 'prometheus-alerts.promtool.yaml'), 'utf8');
  const { tests, evaluation_interval: evaluationInterval } = parse(source);
  await checkWithPromtool(t, body.spec.groups, tests, { evaluationInterval });
});
