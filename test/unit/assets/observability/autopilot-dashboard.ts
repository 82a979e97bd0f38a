import test from 'ava';
import { assetNamed, type Body, bodyOf, contextOf, unmetConditions } from '../_assets.ts';
import { checkWithPromtool } from '../_promtool.ts';

const { config } = bodyOf('autopilot-dashboard').spec;
const panels: Record<string, Body> = config.panels;
const queriesOf = (panel: string): Body[] => panels[panel]?.spec.queries.map(({ spec }: Body) => spec.plugin.spec);
const red = '#F2495C';
const green = '#73BF69';
const ofExporter = ['kubevirt-metrics-exporter-dashboard', 'kubevirt-metrics-exporter-datasource'];
const exporterOn = {
  annotations: { 'platform.kubevirt.io/enable-kubevirt-metrics-exporter': 'true' },
  images: { 'kubevirt-metrics-exporter': 'registry.example/kubevirt-metrics-exporter:v1' },
};

test('six open rows, over six hours, with nothing to choose', (t) => {
  t.is(config.duration, '6h');
  t.is(config.variables, undefined);
  t.deepEqual(
    config.layouts.map(({ spec }: Body) => [
      spec.display.collapse.open,
      ...spec.items.map(({ x, y, width, height, content }: Body) => {
        return `${content.$ref.replace('#/spec/panels/', '')} ${x},${y} ${width}x${height}`;
      }),
    ]),
    [
      [true, 'alerts 0,0 24x8'],
      [true, 'compliance 0,0 12x10', 'compliance-over-time 12,0 12x10'],
      [true, 'paused 0,0 12x9', 'thrashing 12,0 12x9'],
      [true, 'customizations 0,0 12x9', 'dependencies 12,0 12x9'],
      [true, 'duration-mean 0,0 12x9', 'duration-percentiles 12,0 12x9'],
      [true, 'errors 0,0 24x9'],
    ],
  );
  t.is(Object.keys(panels).length, 10);
});

const internal = [
  ...['timestamp', '__name__', 'clusterID', 'cluster_domain', 'container', 'endpoint'],
  ...['instance', 'job', 'pod', 'receive', 'service', 'tenant_id'],
];

for (const [panel, columns, hidden] of [
  ['alerts', ['alertname', 'severity', 'namespace'], ['alertstate', 'value']],
  ['compliance', ['name', 'kind', 'namespace', 'value'], []],
  ['paused', ['name', 'kind', 'namespace'], ['value']],
  ['customizations', ['name', 'kind', 'namespace', 'type'], ['value']],
  ['dependencies', ['kind', 'group', 'version', 'value'], []],
] as const) {
  test(`the table of ${panel} shows ${columns.join(', ')}, sortable, one row for each`, (t) => {
    const { kind, spec } = panels[panel]?.spec.plugin ?? {};
    t.is(kind, 'Table');
    const shown = spec.columnSettings.filter(({ hide }: Body) => hide !== true);
    t.deepEqual(
      shown.map(({ name, enableSorting }: Body) => [name, enableSorting]),
      columns.map((name) => [name, true]),
    );
    t.deepEqual(
      spec.columnSettings.filter(({ hide }: Body) => hide === true).map(({ name }: Body) => name),
      [...hidden, ...internal],
    );
    t.deepEqual(spec.transforms, [{ kind: 'MergeSeries', spec: {} }]);
  });
}

for (const [panel, column, cells] of [
  [
    'alerts',
    'severity',
    [
      ['critical', 'critical', red],
      ['warning', 'warning', '#FF9830'],
      ['info', 'info', green],
    ],
  ],
  [
    'compliance',
    'value',
    [
      ['1', 'Synced', green],
      ['0', 'Drifted', red],
    ],
  ],
  [
    'dependencies',
    'value',
    [
      ['0', 'Present', green],
      ['1', 'Missing', red],
    ],
  ],
] as const) {
  test(`in the table of ${panel} ${column} is said in words and colours`, (t) => {
    const settings = panels[panel]?.spec.plugin.spec.columnSettings;
    const { cellSettings } = settings.find(({ name }: Body) => name === column);
    t.deepEqual(
      cellSettings.map(({ condition, text, textColor }: Body) => [condition.spec.value, text, textColor]),
      cells.map((cell) => [...cell]),
    );
  });
}

for (const [panel, unit, legend] of [
  ['compliance-over-time', 'decimal', { mode: 'table', position: 'right', values: ['last-number', 'min'] }],
  ['thrashing', 'ops/sec', { mode: 'table', position: 'bottom', values: ['last-number', 'max'] }],
  ['duration-mean', 'seconds', { mode: 'table', position: 'bottom', values: ['last-number', 'max'] }],
  ['duration-percentiles', 'seconds', { mode: 'table', position: 'bottom', values: ['last-number', 'max'] }],
  ['errors', 'decimal', { mode: 'list', position: 'bottom' }],
] as const) {
  test(`the lines of ${panel} are thin, in ${unit}`, (t) => {
    const { kind, spec } = panels[panel]?.spec.plugin ?? {};
    t.is(kind, 'TimeSeriesChart');
    t.deepEqual(spec.legend, legend);
    t.deepEqual(spec.visual, { lineWidth: 1, areaOpacity: 0.1 });
    const limits = panel === 'compliance-over-time' ? { min: 0, max: 1.1 } : { min: 0 };
    t.deepEqual(spec.yAxis, { format: { unit }, ...limits });
  });
}

test('it is beside HyperConverged, and goes to the default datasource', (t) => {
  const asset = assetNamed('autopilot-dashboard');
  const context = contextOf(asset, { namespace: 'kubevirt-hyperconverged' });
  t.is(asset.target.namespace?.render(context), 'kubevirt-hyperconverged');
  t.is(asset.target.name.render(context), 'autopilot-asset-health');
  t.deepEqual([asset.install, asset.gates], ['always', []]);
  for (const panel of Object.keys(panels)) {
    for (const { datasource } of queriesOf(panel)) t.is(datasource, undefined);
  }
});

test('elsewhere than on OpenShift it is for those who have Perses', (t) => {
  const elsewhere = { topology: { isOpenShift: false } };
  const perses = { objects: { perses: { kind: 'CustomResourceDefinition' } } };
  for (const name of ['autopilot-dashboard', ...ofExporter]) {
    const facts = { ...(ofExporter.includes(name) ? exporterOn : {}) };
    t.deepEqual(unmetConditions(name, facts), [], name);
    t.deepEqual(unmetConditions(name, { ...facts, ...elsewhere, ...perses }), [], name);
    t.deepEqual(
      unmetConditions(name, { ...facts, ...elsewhere }),
      ['topology.isOpenShift || objects.perses != null'],
      name,
    );
  }
});

test('Prometheus takes the queries (promtool)', async (t) => {
  const queries = Object.keys(panels).flatMap(queriesOf);
  t.is(queries.length, 12);
  const rules = queries.map(({ query }, index) => ({ record: `query:${index}`, expr: query }));
  await checkWithPromtool(t, [{ name: 'all', rules }]);
});
