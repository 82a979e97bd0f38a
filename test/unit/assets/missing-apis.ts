import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { StatusSeries } from '../../../controller/status-series.ts';
import type { KubernetesObject } from '../../../shared/api/kubernetes-object.ts';
import { plan } from '../../../shared/engine/plan.ts';
import type { Plan } from '../../../shared/engine/plan-item.ts';
import { snapshotFromObjects } from '../../../shared/engine/snapshot-from-objects.ts';
import { assetNamed, bodyOf, catalog } from './_assets.ts';
import { definitions, goldenClusters } from './_golden-clusters.ts';
import { checkWithPromtool } from './_promtool.ts';

const clusters = path.resolve(import.meta.dirname, '../../fixtures/clusters');
const plainKubernetes = fixture('plain-kubernetes');
const hosted = goldenClusters['hosted-control-plane']?.objects ?? [];

/** What our own metrics and alerts take; without it nobody would be told of anything. */
const prometheus = definitions.filter(({ spec }) => spec.group === 'monitoring.coreos.com');
const hyperConverged = definitions.filter(({ spec }) => spec.group === 'hco.kubevirt.io');
const ofOpenShift = definitions.filter(({ spec }) => spec.group === 'config.openshift.io');
const others = definitions.filter((crd) => ![...prometheus, ...hyperConverged, ...ofOpenShift].includes(crd));

test('on plain Kubernetes nothing that is always installed waits for an API, whichever operators are there', (t) => {
  fc.assert(
    fc.property(fc.subarray([...others]), (installed) => {
      const decided = planWith([...hyperConverged, ...prometheus, ...installed], plainKubernetes);
      return alwaysInstalledWithoutApi(decided).length === 0;
    }),
    { numRuns: 40 },
  );
  t.deepEqual(alwaysInstalledWithoutApi(planWith([...hyperConverged, ...prometheus], plainKubernetes)), []);
});

test('where the control plane is hosted elsewhere nothing always installed waits for the API of nodes', (t) => {
  const installed = definitions.filter(({ spec }) => spec.group !== 'machineconfiguration.openshift.io');
  t.deepEqual(alwaysInstalledWithoutApi(planWith(installed, hosted)), []);
});

test('so nobody is alarmed there, and is on an OpenShift that lacks an operator (promtool)', async (t) => {
  const minimal = [...hyperConverged, ...prometheus];
  const withoutDescheduler = definitions.filter(({ spec }) => spec.group !== 'operator.openshift.io');
  const { rules } = bodyOf('prometheus-alerts').spec.groups[1];
  const alert = rules.find((rule: { alert: string }) => rule.alert === 'VirtPlatformDependencyMissing');
  const { annotations: _, ...rule } = alert;
  const firing = (decided: Plan, missing: readonly Record<string, string>[]) => ({
    interval: '1m',
    input_series: seriesOf(decided).map(([labels, value]) => ({ series: nameOf(labels), values: `${value}x60` })),
    alert_rule_test: [
      {
        alertname: rule.alert,
        eval_time: '30m',
        exp_alerts: missing.map((labels) => ({ exp_labels: { ...rule.labels, ...labels } })),
      },
    ],
  });
  await checkWithPromtool(
    t,
    [{ name: 'missing', interval: '30s', rules: [rule] }],
    [
      firing(planWith(minimal, plainKubernetes), []),
      firing(planWith(withoutDescheduler, fixture('openshift')), [
        { group: 'operator.openshift.io', version: 'v1', kind: 'KubeDescheduler' },
      ]),
    ],
  );
});

test('an API of OpenShift alone is asked for by opting in only, or not at all elsewhere', (t) => {
  const decided = planWith([...hyperConverged, ...prometheus], plainKubernetes);
  for (const { asset, decision } of decided.items.filter(({ target }) => /openshift\.io\//.test(target.apiVersion)))
    t.true(['condition-unmet', 'unverified', 'gone'].includes(decision), `${asset}: ${decision}`);
});

function planWith(crds: readonly KubernetesObject[], objects: readonly KubernetesObject[]): Plan {
  return plan(catalog, snapshotFromObjects([...crds, ...objects])).plan;
}

function alwaysInstalledWithoutApi({ items }: Plan): string[] {
  return items
    .filter(({ type, asset, decision }) => type === 'asset' && decision === 'missing-crd' && isAlways(asset))
    .map(({ asset, why }) => `${asset}: ${why}`);
}

function isAlways(asset: string): boolean {
  return assetNamed(asset).install === 'always';
}

function seriesOf(decided: Plan) {
  const series = new StatusSeries(catalog, { observe: false });
  series.planned(decided);
  return [...series.dependencies()];
}

function nameOf(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `virt_platform_missing_dependency{${pairs.join(', ')}}`;
}

function fixture(name: string): KubernetesObject[] {
  return globSync('*.yaml', { cwd: path.join(clusters, name) })
    .sort()
    .flatMap((file) => parseAllDocuments(readFileSync(path.join(clusters, name, file), 'utf8')))
    .map((document) => document.toJS() as KubernetesObject);
}
