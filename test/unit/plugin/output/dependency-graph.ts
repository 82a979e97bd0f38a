import test from 'ava';
import { dependencyGraph, dot, mermaid } from '../../../../plugin/output/dependency-graph.ts';
import { catalogOf } from '../../../helpers/engine.ts';
import { item, live } from '../_plan.ts';

const asset = (kind: string, name: string, more = '') =>
  `format: 1\ntarget: {apiVersion: v1, kind: ${kind}, ${kind === 'Namespace' ? '' : 'namespace: ns, '}name: ${name}}\n${more}---\n{}\n`;
const catalog = catalogOf({
  'area/ns.yaml.hbs': asset('Namespace', 'ns'),
  'area/first.yaml.hbs': asset('ConfigMap', 'first'),
  'area/second.yaml.hbs': asset('ConfigMap', 'second', 'dependsOn: [first]\n'),
});
const items = [
  item(
    'golden',
    { decision: 'in-sync', live },
    { target: { apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged', namespace: 'cnv', name: 'x' } },
  ),
  item('ns', { decision: 'create' }, { target: { apiVersion: 'v1', kind: 'Namespace', name: 'ns' } }),
  ...['first', 'second'].map((name) =>
    item(
      name,
      { decision: 'waiting', for: ['ns'] },
      { target: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'ns', name } },
    ),
  ),
  item('old', { decision: 'gone' }, { type: 'tombstone' }),
];

test('declared dependencies, namespaces and HyperConverged come before what needs them; tombstones are left out', (t) => {
  const { nodes, edges } = dependencyGraph(items, catalog);
  t.deepEqual(
    nodes.map(({ asset }) => asset),
    ['golden', 'ns', 'first', 'second'],
  );
  t.deepEqual(edges, [
    { before: 'golden', after: 'ns', why: 'facts' },
    { before: 'ns', after: 'first', why: 'namespace' },
    { before: 'first', after: 'second' },
    { before: 'ns', after: 'second', why: 'namespace' },
  ]);
});

test('around one asset there is only what it waits for, and what waits for it', (t) => {
  const names = (about: string) => dependencyGraph(items, catalog, about).nodes.map(({ asset }) => asset);
  t.deepEqual(names('first'), ['golden', 'ns', 'first', 'second']);
  t.deepEqual(names('ns'), ['golden', 'ns', 'first', 'second']);
  const [golden, , , ...others] = items;
  t.deepEqual(
    dependencyGraph(
      [...(golden === undefined ? [] : [golden]), item('alone', { decision: 'create' }), ...others],
      catalog,
      'alone',
    ).nodes.length,
    2,
  );
});

test('Mermaid and DOT say each decision', (t) => {
  const graph = dependencyGraph(items, catalog, 'first');
  t.is(
    mermaid(graph),
    `flowchart LR
  n1["golden<br/>in-sync"]
  n2["ns<br/>create"]
  n3["first<br/>waiting"]
  n4["second<br/>waiting"]
  n1 -->|facts| n2
  n2 -->|namespace| n3
  n3 --> n4
  n2 -->|namespace| n4
`,
  );
  t.regex(
    dot(graph),
    /^digraph "virt-platform" \{\n(?:.*\n)* {2}"first" \[label="first\\nwaiting"\];\n(?:.*\n)* {2}"first" -> "second";\n/,
  );
});
