import test from 'ava';
import { assetNamed, type Body, bodyOf, contextOf, crd } from '../_assets.ts';
import { checkWithPromtool } from '../_promtool.ts';

const { config } = bodyOf('descheduler-dashboard').spec;
const panels: Record<string, Body> = config.panels;
const queriesOf = (panel: string): Body[] => panels[panel]?.spec.queries.map(({ spec }: Body) => spec.plugin.spec);
const all = Object.keys(panels).flatMap(queriesOf);

test('it shows the last hour, and refreshes when asked', (t) => {
  t.like(config, { duration: '1h', refreshInterval: '0s' });
});

test('it asks which nodes, how fine, and how many', (t) => {
  const [node, resolution, limit] = config.variables.map(({ spec }: Body) => spec);
  t.is(config.variables.length, 3);
  t.like(node, { name: 'node', allowMultiple: true, allowAllValue: true, defaultValue: '$__all' });
  t.like(node.plugin.spec, { labelName: 'instance', matchers: ['descheduler:nodeutilization:cpu:avg1m'] });
  t.like(resolution, { name: 'resolution', allowMultiple: false, defaultValue: '5m' });
  t.deepEqual(resolution.plugin, { kind: 'StaticListVariable', spec: { values: ['1m', '2m', '5m', '10m'] } });
  t.like(limit, { name: 'limit', allowMultiple: false, defaultValue: '15' });
  t.deepEqual(limit.plugin, { kind: 'StaticListVariable', spec: { values: ['10', '15', '20'] } });
});

test('its rows fill a grid of 24 columns, with every panel once', (t) => {
  const rows = config.layouts.map(({ spec }: Body) => ({
    open: spec.display.collapse.open,
    sizes: spec.items.map(({ width, height }: Body) => `${width}x${height}`).join(' '),
  }));
  t.deepEqual(rows, [
    { open: true, sizes: '12x10 12x10' },
    { open: true, sizes: '12x10 12x10' },
    { open: true, sizes: '24x10' },
    { open: true, sizes: '16x10 8x10' },
    { open: false, sizes: '24x10' },
    { open: true, sizes: '4x8 20x8 24x8 24x10' },
    { open: true, sizes: '6x4 6x4 18x8 12x10 12x10' },
  ]);
  const refs = config.layouts.flatMap(({ spec }: Body) => spec.items.map(({ content }: Body) => content.$ref));
  t.deepEqual(
    [...refs].sort(),
    Object.keys(panels)
      .map((panel) => `#/spec/panels/${panel}`)
      .sort(),
  );
  t.is(refs.length, 17);
});

test('nothing of a row lies over something else', (t) => {
  for (const { spec } of config.layouts) {
    const taken = new Set<string>();
    for (const { x, y, width, height } of spec.items) {
      t.true(x + width <= 24);
      for (let column = x; column < x + width; column++) {
        for (let line = y; line < y + height; line++) {
          t.false(taken.has(`${column},${line}`));
          taken.add(`${column},${line}`);
        }
      }
    }
  }
});

test('every query, and the list of nodes, goes to the datasource of the observability operator', (t) => {
  const datasource = { kind: 'PrometheusDatasource', name: 'perses-thanos-datasource' };
  t.true(all.length > 30);
  for (const query of all) t.deepEqual(query.datasource, datasource);
  t.deepEqual(config.variables[0].spec.plugin.spec.datasource, datasource);
});

for (const [panel, series, average] of [
  ['cpu-utilization', 'descheduler:nodeutilization:cpu:avg1m', 'descheduler:averageworkersutilization:cpu:avg1m'],
  [
    'memory-utilization',
    'descheduler:nodeutilization:memory:avg1m',
    'descheduler:averageworkersutilization:memory:avg1m',
  ],
  ['cpu-pressure', 'descheduler:nodepressure:cpu:avg1m', 'descheduler:averageworkerspressure:cpu:avg1m'],
  ['memory-pressure', 'descheduler:nodepressure:memory:avg1m', 'descheduler:averageworkerspressure:memory:avg1m'],
] as const) {
  test(`${panel} has workers, masters in grey, and the workers' average in red`, (t) => {
    const [workers, masters, mean] = queriesOf(panel);
    t.true(workers?.query.startsWith(`${series}{instance=~"$node"} * on (instance)`));
    t.true(workers?.query.includes('kube_node_role{role="worker"}, "instance", "$1", "node", "(.+)"'));
    t.is(masters?.query, workers?.query.replace('worker', 'master'));
    t.deepEqual([workers?.seriesNameFormat, masters?.seriesNameFormat], ['{{instance}}', '(M) {{instance}}']);
    t.is(mean?.query, `avg(${average}) or vector(0)`);
    const { spec } = panels[panel]?.spec.plugin ?? {};
    t.deepEqual(spec.yAxis, { format: { unit: 'percent-decimal' }, min: 0 });
    t.deepEqual(
      spec.querySettings.map(({ queryIndex, colorValue }: Body) => [queryIndex, colorValue]),
      [
        [1, '#888888'],
        [2, '#e02020'],
      ],
    );
  });
}

test('the combined score stands between its thresholds', (t) => {
  t.deepEqual(
    panels['combined-score']?.spec.plugin.spec.querySettings.map(({ colorValue }: Body) => colorValue),
    ['#888888', '#f2495c', '#ff9830'],
  );
  const [, , high, low] = queriesOf('combined-score');
  t.regex(high?.query, /threshold_type="high"\}\) or vector\(0\)$/);
  t.regex(low?.query, /threshold_type="low"\}\) or vector\(0\)$/);
});

test('classes have names and colours', (t) => {
  t.deepEqual(
    panels.classification?.spec.plugin.spec.mappings.map(({ spec }: Body) => [
      spec.value,
      spec.result.value,
      spec.result.color,
    ]),
    [
      ['0', 'Underutilized', '#5794f2'],
      ['1', 'Normal', '#73bf69'],
      ['2', 'Overutilized', '#f2495c'],
    ],
  );
});

test('the last evictions show node, namespace and how long ago, and no other column', (t) => {
  const { columnSettings, transforms } = panels['evictions-last']?.spec.plugin.spec ?? {};
  const hidden = columnSettings.filter(({ hide }: Body) => hide).map(({ name }: Body) => name);
  t.deepEqual(hidden, ['endpoint', 'instance', 'job', 'namespace', 'pod', 'profile', 'result', 'service', 'timestamp']);
  t.deepEqual(
    columnSettings.filter(({ hide }: Body) => !hide).map(({ name }: Body) => name),
    ['value', 'node', 'exported_namespace'],
  );
  t.is(transforms[0].kind, 'MergeSeries');
});

for (const edition of ['4.17', '4.19', '4.21', 'current'] as const) {
  test(`evictions by the profile that is picked with edition ${edition} are counted`, async (t) => {
    const file = edition === 'current' ? 'kubedeschedulers.yaml' : `testdata/kubedeschedulers-${edition}.yaml`;
    const { profiles } = bodyOf('descheduler-loadaware', { objects: { crd: await crd(file) } }).spec;
    const counted = all.filter(({ query }) => query.includes('descheduler_pods_evicted_total'));
    t.is(counted.length, 6);
    for (const { query } of counted) {
      for (const [, pattern] of query.matchAll(/profile=~"(.*?)"/g)) t.regex(profiles[0], new RegExp(`^(${pattern})$`));
      t.is(query.match(/profile=~/g)?.length, query.match(/descheduler_pods_evicted_total/g)?.length);
    }
  });
}

test('it is beside HyperConverged, with the descheduler, and takes its group to be selected', (t) => {
  const asset = assetNamed('descheduler-dashboard');
  const context = contextOf(asset, { namespace: 'kubevirt-hyperconverged' });
  t.is(asset.target.namespace?.render(context), 'kubevirt-hyperconverged');
  t.is(asset.target.name.render(context), 'descheduler-memory-aware-rebalancing');
  t.deepEqual(asset.gates, ['kubedeschedulers.operator.openshift.io']);
  t.is(asset.group, 'descheduler-loadaware');
  t.deepEqual([asset.install, asset.when.map(({ expression }) => expression)], ['always', ['topology.isOpenShift']]);
});

test('Prometheus takes the queries, and they tell what they should (promtool)', async (t) => {
  const values: Record<string, string> = { $node: '.*', $resolution: '5m', $limit: '15', $__range: '1h' };
  const filled = (query: string) => query.replace(/\$(node|resolution|limit|__range)/g, (name) => values[name] ?? name);
  const rules = all.map(({ query }, index) => ({ record: `query:${index}`, expr: filled(query) }));

  const nodes = [
    { series: 'kube_node_role{node="w0", role="worker"}', values: '1x30' },
    { series: 'kube_node_role{node="w1", role="worker"}', values: '1x30' },
    { series: 'kube_node_role{node="m0", role="master"}', values: '1x30' },
  ];
  const evicted = (labels: string) =>
    `descheduler_pods_evicted_total{profile="KubeVirtRelieveAndMigrate", result="success", ${labels}}`;
  const expressionOf = (panel: string, index = 0) => filled(queriesOf(panel)[index]?.query);
  const tests = [
    {
      interval: '1m',
      input_series: [
        ...nodes,
        ...['w0', 'w1', 'm0'].map((node, index) => ({
          series: `descheduler:nodeutilization:cpu:avg1m{instance="${node}"}`,
          values: `0.${index + 1}x30`,
        })),
        // One long ago, one that has just begun with its first eviction, and one of another profile.
        { series: evicted('node="w0", exported_namespace="a"'), values: '0 0 0 1x27' },
        { series: evicted('node="w1", exported_namespace="b"'), values: '_x28 2x2' },
        { series: 'descheduler_pods_evicted_total{profile="Other", result="success", node="w0"}', values: '0+1x30' },
      ],
      promql_expr_test: [
        {
          expr: expressionOf('cpu-utilization'),
          eval_time: '10m',
          exp_samples: [
            { labels: '{instance="w0"}', value: 0.1 },
            { labels: '{instance="w1"}', value: 0.2 },
          ],
        },
        {
          expr: expressionOf('cpu-utilization', 1),
          eval_time: '10m',
          exp_samples: [{ labels: '{instance="m0"}', value: 0.3 }],
        },
        { expr: expressionOf('cpu-utilization', 2), eval_time: '10m', exp_samples: [{ labels: '{}', value: 0 }] },
        {
          expr: expressionOf('evictions-recent'),
          eval_time: '30m',
          exp_samples: [
            { labels: '{node="w0"}', value: 0 },
            { labels: '{node="w1"}', value: 2 },
          ],
        },
        {
          expr: expressionOf('evictions-last'),
          eval_time: '30m',
          exp_samples: [
            { labels: '{node="w0", exported_namespace="a"}', value: 27 * 60 },
            { labels: '{node="w1", exported_namespace="b"}', value: 120 },
          ],
        },
        { expr: expressionOf('evictions', 2), eval_time: '30m', exp_samples: [{ labels: '{}', value: 0 }] },
        { expr: expressionOf('effective-cooldown'), eval_time: '30m', exp_samples: [{ labels: '{}', value: 0 }] },
        { expr: expressionOf('blocked-by-cooldown'), eval_time: '30m', exp_samples: [{ labels: '{}', value: 0 }] },
      ],
    },
  ];
  await checkWithPromtool(t, [{ name: 'all', rules }], tests);
});
