import test from 'ava';
import { type Body, bodyOf } from '../_assets.ts';
import { checkWithPromtool } from '../_promtool.ts';

const { config } = bodyOf('kubevirt-metrics-exporter-dashboard').spec;
const panels: Record<string, Body> = config.panels;
const queriesOf = (panel: string): Body[] => panels[panel]?.spec.queries.map(({ spec }: Body) => spec.plugin.spec);
const all = Object.keys(panels).flatMap(queriesOf);

test('six open rows of two panels, but for the virtqueues', (t) => {
  t.is(config.duration, '1h');
  t.deepEqual(
    config.layouts.map(({ spec }: Body) => [
      spec.display.title,
      spec.display.collapse.open,
      spec.items.map(({ x, y, width, height }: Body) => `${x},${y} ${width}x${height}`).join(' '),
    ]),
    [
      ['QEMU to device', true, '0,0 12x12 12,0 12x12'],
      ['Windows guest agent', true, '0,0 12x12 12,0 12x12'],
      ['Virtqueues', true, '0,0 24x12'],
      ['Kernel to device', true, '0,0 12x12 12,0 12x12'],
      ['NFS client to server', true, '0,0 12x12 12,0 12x12'],
      ['VFS to NFS server', true, '0,0 12x12 12,0 12x12'],
    ],
  );
  const refs = config.layouts.flatMap(({ spec }: Body) => spec.items.map(({ content }: Body) => content.$ref));
  const expected = Object.keys(panels).map((panel) => `#/spec/panels/${panel}`);
  t.deepEqual([...refs].sort(), expected.sort());
  t.is(refs.length, 11);
});

test('it asks where, which, what, how fine, and how many', (t) => {
  t.deepEqual(
    config.variables.map(({ spec }: Body) => [spec.name, spec.allowMultiple, spec.customAllValue, spec.defaultValue]),
    [
      ['node', true, '.*', '$__all'],
      ['namespace', true, '.*', '$__all'],
      ['vmi', true, '.*', '$__all'],
      ['persistentvolumeclaim', true, '.*', '$__all'],
      ['operation', true, '.*', '$__all'],
      ['interval', false, undefined, '5m'],
      ['topk', false, undefined, '25'],
    ],
  );
  const plugins = config.variables.map(({ spec }: Body) => spec.plugin.spec);
  t.deepEqual(
    plugins.slice(0, 4).map(({ labelName, matchers }: Body) => [labelName, ...matchers]),
    [
      ['node', 'kube_node_info'],
      ['namespace', 'kube_namespace_labels'],
      ['name', 'kubevirt_vmi_info{node=~"$node", namespace=~"$namespace"}'],
      ['persistentvolumeclaim', 'kube_persistentvolumeclaim_info{namespace=~"$namespace"}'],
    ],
  );
  t.deepEqual(
    plugins.slice(4).map(({ values }: Body) => values),
    [
      ['read', 'write', 'flush', 'discard', 'open', 'getattr'],
      ['1m', '2m', '5m', '10m'],
      ['10', '25', '50', '100'],
    ],
  );
});

test('every query goes to its datasource, no finer than 30 seconds, and shows the highest only', (t) => {
  t.is(all.length, 19);
  for (const { datasource, minStep, query } of all) {
    t.deepEqual(datasource, { kind: 'PrometheusDatasource', name: 'thanos-querier' });
    t.is(minStep, '30s');
    t.true(query.startsWith('topk($topk, '), query);
  }
});

test('what the kernel measures of a pod is shown by the name of its virtual machine', (t) => {
  for (const panel of ['block', 'nfs', 'vfs']) {
    for (const { query, seriesNameFormat } of [...queriesOf(`${panel}-slow`), ...queriesOf(`${panel}-p99`)]) {
      t.regex(query, /on \(namespace, pod\) group_left \(name\) .*phase="running".*"pod", "\$1", "vmi_pod"/);
      t.true(seriesNameFormat.startsWith('{{name}} {{persistentvolumeclaim}}'));
    }
  }
});

test('Prometheus takes the queries, and they tell what they should (promtool)', async (t) => {
  const values: Record<string, string> = { $interval: '5m', $topk: '25' };
  const filled = (query: string) =>
    query
      .replace(/\$(interval|topk)/g, (name) => values[name] ?? name)
      .replace(/\$(node|namespace|vmi|persistentvolumeclaim|operation)/g, '.*');
  const groups = [
    { name: 'all', rules: all.map(({ query }, index) => ({ record: `q:${index}`, expr: filled(query) })) },
  ];

  const claim = 'namespace="a", pod="p", persistentvolumeclaim="c", node="w0", operation="read"';
  const metric = 'kme_block_io_latency_seconds';
  const expressions = (panel: string) => queriesOf(panel).map(({ query }) => filled(query));
  const labels = '{namespace="a", pod="p", persistentvolumeclaim="c", name="vm"}';
  const [over10ms = '', over100ms = '', over1s = ''] = expressions('block-slow');
  await checkWithPromtool(t, groups, [
    {
      interval: '1m',
      input_series: [
        {
          series: 'kubevirt_vmi_info{namespace="a", name="vm", node="w0", phase="running", vmi_pod="p"}',
          values: '1x20',
        },
        { series: `${metric}_bucket{${claim}, le="0.01"}`, values: '0+60x20' },
        { series: `${metric}_bucket{${claim}, le="0.1"}`, values: '0+90x20' },
        { series: `${metric}_bucket{${claim}, le="1"}`, values: '0+120x20' },
        { series: `${metric}_bucket{${claim}, le="100"}`, values: '0+120x20' },
        { series: `${metric}_bucket{${claim}, le="+Inf"}`, values: '0+120x20' },
        { series: `${metric}_count{${claim}}`, values: '0+120x20' },
      ],
      promql_expr_test: [
        { expr: over10ms, eval_time: '15m', exp_samples: [{ labels, value: 50 }] },
        { expr: over100ms, eval_time: '15m', exp_samples: [{ labels, value: 25 }] },
        { expr: over1s, eval_time: '15m', exp_samples: [{ labels, value: 0 }] },
      ],
    },
  ]);
});
