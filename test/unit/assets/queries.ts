import { readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { Metrics } from '../../../controller/metrics.ts';
import { drifted, item, live, objectOf, planOf } from '../controller/_plans.ts';
import { type Body, bodyOf, catalog } from './_assets.ts';
import { type Foreign, foreignMetrics } from './_foreign-metrics.ts';
import { askedBy, madeLabels } from './_promql.ts';

/** One query, where it stands, and the name that its series are given by their labels. */
type Query = { readonly where: string; readonly query: string; readonly format?: string };

const known = { ...foreignMetrics, ...(await ownMetrics()) };
const rules = catalog.assets.filter(({ target }) => target.kind === 'PrometheusRule').map(({ name }) => name);
const dashboards = catalog.assets.filter(({ target }) => target.kind === 'PersesDashboard').map(({ name }) => name);

for (const name of [...dashboards, ...rules]) {
  const queries = dashboards.includes(name) ? queriesOfDashboard(name) : queriesOfRules(name);

  test(`${name} asks for metrics that exist, by labels that they have`, (t) => {
    t.true(queries.length > 3);
    for (const { where, query } of queries) {
      const { selectors, grouping } = askedBy(query);
      t.true(selectors.length > 0, `${where}: ${query}`);
      const all = new Set(madeLabels(query));
      for (const { metric, labels } of selectors) {
        const found = definitionOf(metric);
        t.truthy(found, `${where}: nobody exports ${metric}`);
        for (const label of found ?? []) all.add(label);
        for (const label of labels) t.true(found?.includes(label), `${where}: ${metric} has no label ${label}`);
      }
      for (const label of grouping) t.true(all.has(label), `${where}: nothing in ${query} has a label ${label}`);
    }
  });

  test(`${name} names series, and texts of alerts, by labels that they have`, (t) => {
    for (const { where, query, format = '' } of queries) {
      const { selectors } = askedBy(query);
      const labels = new Set([...madeLabels(query), ...selectors.flatMap(({ metric }) => definitionOf(metric) ?? [])]);
      for (const [, label = ''] of format.matchAll(/\{\{-? *(?:if )?(?:\$labels\.)?([a-z_]+) *\}\}/g))
        if (label !== 'end' && label !== 'else') t.true(labels.has(label), `${where}: no label ${label}`);
    }
  });
}

test("Grafana's lists to choose from are of metrics that exist, by labels that they have", async (t) => {
  const folder = path.resolve(import.meta.dirname, '../../../docs/dashboards/grafana');
  let count = 0;
  for (const name of dashboards) {
    const { templating } = JSON.parse(await readFile(path.join(folder, `${name}.json`), 'utf8'));
    for (const { query } of templating.list.filter(({ type }: Body) => type === 'query')) {
      const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query.query) ?? [];
      const [asked] = askedBy(selector).selectors;
      const labels = definitionOf(asked?.metric ?? '');
      for (const wanted of [label, ...(asked?.labels ?? [])])
        t.true(labels?.includes(wanted), `${query.query}: ${wanted}`);
      count++;
    }
  }
  t.is(count, 5);
});

test('a query that asks for what nobody exports is found', (t) => {
  const { selectors, grouping } = askedBy(
    'topk(3, sum by (kind, le) (rate(a_bucket{x="}", y=~"z|w"}[$interval])) / on (pod) group_left (name) label_replace(b, "pod", "$1", "vmi_pod", "(.+)") offset 5m > 0 or vector(0))',
  );
  t.deepEqual(selectors, [
    { metric: 'a_bucket', labels: ['x', 'y'] },
    { metric: 'b', labels: [] },
  ]);
  t.deepEqual(grouping, ['kind', 'le', 'pod', 'name', 'pod']);
  t.is(definitionOf('virt_platform_compliance'), undefined);
  t.is(definitionOf('kube_node_info_bucket'), undefined);
  t.deepEqual(definitionOf('virt_platform_compliance_status'), ['kind', 'name', 'namespace']);
});

/** The labels of a series, or undefined where there is none of that name. */
function definitionOf(series: string): readonly string[] | undefined {
  const plain = known[series];
  if (plain !== undefined) return plain.histogram ? undefined : plain.labels;
  const [, base = '', part] = /^(.*)_(bucket|count|sum)$/.exec(series) ?? [];
  const histogram = known[base];
  if (histogram?.histogram !== true) return undefined;
  return part === 'bucket' ? [...histogram.labels, 'le'] : histogram.labels;
}

function queriesOfDashboard(name: string): Query[] {
  const { config } = bodyOf(name).spec;
  const ofPanels = Object.entries<Body>(config.panels).flatMap(([panel, { spec }]) =>
    spec.queries.map(({ spec: { plugin } }: Body) => ({
      where: `${name}, ${panel}`,
      query: plugin.spec.query,
      format: plugin.spec.seriesNameFormat,
    })),
  );
  const ofVariables = (config.variables ?? []).flatMap(({ spec }: Body) =>
    (spec.plugin.spec.matchers ?? []).map((query: string) => ({
      where: `${name}, $${spec.name}`,
      query,
      format: `{{${spec.plugin.spec.labelName}}}`,
    })),
  );
  return [...ofPanels, ...ofVariables];
}

function queriesOfRules(name: string): Query[] {
  return bodyOf(name).spec.groups.flatMap(({ rules }: Body) =>
    rules.map(({ alert, expr, annotations }: Body) => ({
      where: `${name}, ${alert}`,
      query: expr,
      format: `${annotations.summary} ${annotations.description}`,
    })),
  );
}

/** What the controller exports, with the labels that its series have, as a scrape gives it. */
async function ownMetrics(): Promise<Record<string, Foreign>> {
  const metrics = new Metrics({ version: 'v0.0.0', catalog, date: () => 0, isLeader: () => true, ofProcess: false });
  const update = item('a', 'update', { live, drift: [drifted('/data/x')], baseline: {} });
  const configured = { result: 'configured', object: objectOf(update), drift: [], before: '7', warnings: [] } as const;
  const patch = { type: 'patch', operations: 1, pointers: [] };
  const missing = { crds: ['metallbs.metallb.io'], steps: [{ step: 'crds', passed: false, detail: '' }] };
  const items = [
    item('b', 'in-sync', { live, baseline: {}, overrides: [patch] }),
    item('metallb-operator', 'missing-crd', missing),
    item('old', 'not-ours', { type: 'tombstone' }),
    update,
  ];
  metrics.listener({ happening: 'planned', plan: planOf(items), previous: undefined, durationMs: 20 });
  metrics.listener({ happening: 'performed', item: update, outcome: configured, durationMs: 30 });
  metrics.listener({ happening: 'throttled', item: update, retryAfterMs: 1 });
  metrics.listener({ happening: 'trouble', what: 'a watch', error: new Error('x'), watchedKind: 'Node' });
  const text = await metrics.text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  return Object.fromEntries(
    types.map(([, name = '', type]) => {
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name}_count{`));
      const labels = lines.flatMap((line) => [...line.matchAll(/[{,]([a-z_]+)="/g)].map(([, label = '']) => label));
      return [name, { labels: [...new Set(labels)], ...(type === 'histogram' && { histogram: true as const }) }];
    }),
  );
}
