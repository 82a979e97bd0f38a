import test from 'ava';
import { loadCatalog } from '../../../../shared/catalog/load-catalog.ts';
import { assetFile, catalogFiles, catalogOf, context, front, mistakesIn } from './helpers/catalogs.ts';

const features =
  '- name: memory\n  title: Memory\n  description: More of it.\n  maturity: tp\n  requires: [Some operator]\n';
const tombstone = `apiVersion: example.com/v1
kind: Thing
metadata:
  name: old
  labels:
    platform.kubevirt.io/managed-by: virt-platform-autopilot
`;

test('an asset says what it is in its first document and what is wanted in its second', (t) => {
  const file = `format: 1
feature: memory
group: swap
protects: true
install: opt-in
target:
  apiVersion: [example.com/v2, example.com/v1]
  kind: Thing
  namespace: "{{hyperConverged.namespace}}"
  name: 99-{{params.role}}-swap
order: 10
when:
  - topology.workerCount > 0
  - objects.list.size() == 0
gates: [kubedeschedulers.operator.openshift.io]
reads:
  rules: {apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule, namespace: ns, name: rules}
  list: {apiVersion: cdi.kubevirt.io/v1beta1, kind: StorageProfile, list: true}
params: {role: worker}
dependsOn: [other]
readyWhen: has(object.status)
readyTimeout: 90s
---
metadata:
  labels:
    role: {{params.role}}
spec:
  known: {{ne objects.rules null}}
`;
  const { assets, digest } = catalogOf({
    'a/b/swap.yaml.hbs': file,
    'other.yaml.hbs': assetFile('data: {}\n'),
    'features.yaml': features,
  });
  const asset = assets.find(({ name }) => name === 'swap');
  t.like(asset, {
    file: 'a/b/swap.yaml.hbs',
    feature: 'memory',
    group: 'swap',
    protects: true,
    install: 'opt-in',
    order: 10,
    gates: ['kubedeschedulers.operator.openshift.io'],
    params: { role: 'worker' },
    dependsOn: ['other'],
    readyTimeoutMs: 90_000,
    reads: {
      rules: {
        read: 'object',
        apiVersions: ['monitoring.coreos.com/v1'],
        kind: 'PrometheusRule',
        plural: 'prometheusrules',
      },
      list: { read: 'list', apiVersion: 'cdi.kubevirt.io/v1beta1', kind: 'StorageProfile', plural: 'storageprofiles' },
    },
    target: { apiVersions: ['example.com/v2', 'example.com/v1'], kind: 'Thing', plural: 'things' },
  });
  const values = context({ objects: { rules: null, list: [] } });
  t.is(asset?.target.name.render(values), '99-worker-swap');
  t.is(asset?.target.namespace?.render(values), 'openshift-cnv');
  t.deepEqual(asset?.target.name.uses, ['params.role']);
  t.deepEqual(
    asset?.when.map((condition) => condition.evaluate(values).result),
    ['met', 'met'],
  );
  t.is(asset?.readyWhen?.evaluate({ object: { status: {} } }).result, 'met');
  t.deepEqual(asset?.body.render(values), { metadata: { labels: { role: 'worker' } }, spec: { known: false } });
  t.deepEqual(asset?.body.uses, ['objects.rules', 'params.role']);
  t.regex(digest, /^sha256:[0-9a-f]{64}$/);
});

test('what is left out has its default', (t) => {
  const [asset] = catalogOf({ 'x.yaml.hbs': assetFile('data: {}\n') }).assets;
  t.like(asset, {
    name: 'x',
    install: 'always',
    order: 0,
    protects: false,
    gates: [],
    when: [],
    reads: {},
    params: {},
    dependsOn: [],
    readyTimeoutMs: 900_000,
  });
  t.false('feature' in (asset ?? {}));
});

test('variants are assets of their own, with their params and further conditions', (t) => {
  const { assets } = catalogOf({
    'psi.yaml.hbs': `format: 1
target: {apiVersion: v1, kind: ConfigMap, namespace: ns, name: "psi-{{params.role}}"}
when: [topology.isOpenShift]
params: {kept: "1"}
variants:
  - params: {role: worker}
  - suffix: master
    params: {role: master}
    when: [topology.hasSchedulableMasters]
---
data: {role: {{yaml params.role}}, kept: {{yaml params.kept}} }
`,
  });
  t.deepEqual(
    assets.map(({ name, params, when }) => ({ name, params, when: when.map(({ expression }) => expression) })),
    [
      { name: 'psi', params: { kept: '1', role: 'worker' }, when: ['topology.isOpenShift'] },
      {
        name: 'psi-master',
        params: { kept: '1', role: 'master' },
        when: ['topology.isOpenShift', 'topology.hasSchedulableMasters'],
      },
    ],
  );
  t.deepEqual(
    assets.map(({ body, params }) => body.render(context({ params }))),
    [{ data: { role: 'worker', kept: '1' } }, { data: { role: 'master', kept: '1' } }],
  );
});

test("HyperConverged's assets come first, then order, then name", (t) => {
  const asset = (order: number, name: string) =>
    assetFile('data: {}\n', `order: ${order}`).replace('name: x', `name: ${name}`);
  const hco =
    'format: 1\norder: 50\ntarget: {apiVersion: hco.kubevirt.io/v1, kind: HyperConverged, namespace: ns, name: k}\n---\nspec: {}\n';
  const { assets } = catalogOf({
    'b.yaml.hbs': asset(2, 'b'),
    'z-a.yaml.hbs': asset(2, 'za'),
    'c.yaml.hbs': asset(1, 'c'),
    'hco.yaml.hbs': hco,
    'a.yaml.hbs': asset(10, 'a'),
    'z.yaml.hbs': asset(2, 'z'),
  });
  t.deepEqual(
    assets.map(({ name }) => name),
    ['hco', 'c', 'b', 'z', 'z-a', 'a'],
  );
});

test('equal files give an equal catalog, in whatever order they come', (t) => {
  const files = catalogFiles({ 'a.yaml.hbs': assetFile('data: {}\n'), 'a.sh': 'echo', 'features.yaml': features });
  t.is(loadCatalog(files).digest, loadCatalog([...files].reverse()).digest);
  t.not(loadCatalog(files).digest, loadCatalog(files.slice(1)).digest);
});

test('what the assets of a folder share stands in its defaults; their own goes first, folder by folder', (t) => {
  const files = {
    'a/defaults.yaml':
      'format: 1\norder: 7\ninstall: always\ntarget: {apiVersion: v1, kind: ConfigMap, namespace: ns}\n',
    'a/x.yaml.hbs': 'target: {name: x}\n---\ndata: {}\n',
    'a/w.yaml.hbs': 'order: 8\ntarget: {name: w, namespace: other}\n---\ndata: {}\n',
  };
  const { assets, digest } = catalogOf(files);
  t.deepEqual(
    assets.map(({ name, order, target }) => [name, order, target.namespace?.render({ params: {} } as never)]),
    [
      ['x', 7, 'ns'],
      ['w', 8, 'other'],
    ],
  );
  t.not(digest, catalogOf({ ...files, 'a/defaults.yaml': files['a/defaults.yaml'].replace('7', '6') }).digest);
  t.deepEqual(mistakesIn({ ...files, 'a/b/z.yaml.hbs': 'target: {name: z}\n---\ndata: {}\n' }).length, 3);
  t.deepEqual(mistakesIn({ 'a/defaults.yaml': '- 1\n' }), [
    'a/defaults.yaml:1: Defaults are a map, of what the front matter of assets says',
  ]);
});

test('a variant may be of another group, and an asset of several features', (t) => {
  const { assets } = catalogOf({
    'a.yaml.hbs': `format: 1
feature: [memory, other]
group: all
target: {apiVersion: v1, kind: ConfigMap, namespace: ns, name: "x-{{params.role}}"}
variants:
  - params: {role: a}
  - suffix: b
    group: b
    params: {role: b}
---
data: {}
`,
    'features.yaml': `${features}- {name: other, title: Other, description: Else., concerns: vms}\n`,
  });
  t.deepEqual(
    assets.map(({ name, feature, features, group }) => ({ name, feature, features, group })),
    [
      { name: 'a', feature: 'memory', features: ['memory', 'other'], group: 'all' },
      { name: 'a-b', feature: 'memory', features: ['memory', 'other'], group: 'b' },
    ],
  );
});

test('features and tombstones are read', (t) => {
  const { features: known, tombstones } = catalogOf({
    'features.yaml': features,
    'tombstones/v0.yaml': `${tombstone}---\n${tombstone.replace('name: old', 'name: older\n  namespace: ns')}`,
    'tombstones/single.yaml': tombstone.replace('name: old', 'name: oldest'),
  });
  t.deepEqual(known, [
    {
      name: 'memory',
      title: 'Memory',
      description: 'More of it.',
      concerns: 'all',
      maturity: 'tp',
      requires: ['Some operator'],
    },
  ]);
  t.deepEqual(
    tombstones.map(({ name, target }) => [name, target]),
    [
      ['single', { apiVersion: 'example.com/v1', kind: 'Thing', plural: 'things', name: 'oldest' }],
      ['v0-1', { apiVersion: 'example.com/v1', kind: 'Thing', plural: 'things', name: 'old' }],
      ['v0-2', { apiVersion: 'example.com/v1', kind: 'Thing', plural: 'things', name: 'older', namespace: 'ns' }],
    ],
  );
});

test('all mistakes of all files are reported at once, each with its file and line', (t) => {
  t.deepEqual(
    mistakesIn({
      'a.yaml.hbs': assetFile('data:\n  x: {{topologi.isAWS}}\n  y: {{nope 1}}\n', 'instal: always', 'order: ten'),
      'b.yaml.hbs': assetFile('data: {}\n', 'when: ["topology.isAws", "1 +"]', 'feature: none'),
      'features.yaml': '- name: memory\n  title: 1\n',
      'tombstones/t.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n',
    }),
    [
      'a.yaml.hbs:1: instal is no key of the document; did you mean install?',
      'a.yaml.hbs:2: order must be a whole number',
      'a.yaml.hbs:11: There is no topologi; there are annotations, featureGates, hardware, hyperConverged, images, objects, params, topology',
      'a.yaml.hbs:12: There is no helper nope',
      "b.yaml.hbs:1: The expression can't be parsed: <input>:1:3: found + but expecting end of input",
      'b.yaml.hbs:1: There is no topology.isAws; topology has cloudProvider, controlPlaneTopology, hasSchedulableMasters, isAWS, isAzure, isBareMetal, isCompact, isGCP, isHCP, isOpenShift, isOpenStack, isVSphere, masterCount, totalNodeCount, workerCount',
      'b.yaml.hbs:2: There is no feature none in features.yaml',
      'b.yaml.hbs:4: b has the same target as a: ConfigMap ns/x',
      'features.yaml:1: [0] needs description',
      'features.yaml:2: [0].title must be text',
      'tombstones/t.yaml:2: A Namespace is never deleted',
      'tombstones/t.yaml:3: A tombstone carries the label platform.kubevirt.io/managed-by: virt-platform-autopilot',
    ],
  );
});

test('a mistake in features.yaml is not repeated for every asset that names a feature', (t) => {
  const assets = {
    'a.yaml.hbs': assetFile('data: {}\n', 'feature: memory'),
    'b.yaml.hbs': assetFile('data: {}\n', 'feature: memory').replace('name: x', 'name: b'),
  };
  t.deepEqual(mistakesIn({ ...assets, 'features.yaml': '- name: memory\n  title: Memory\n' }), [
    'features.yaml:1: [0] needs description',
  ]);
  t.deepEqual(mistakesIn({ ...assets, 'features.yaml': '- name: [\n' }), [
    'features.yaml:2: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ]);
  t.deepEqual(mistakesIn(assets), ["features.yaml:1: It isn't there, and a.yaml.hbs names a feature"]);
  t.deepEqual(mistakesIn({ ...assets, 'features.yaml': '' }), [
    'a.yaml.hbs:1: There is no feature memory in features.yaml',
    'b.yaml.hbs:1: There is no feature memory in features.yaml',
  ]);
});

const mistaken = test.macro({
  exec(t, file: string, ...wanted: string[]) {
    t.deepEqual(
      mistakesIn({ 'x.yaml.hbs': file }),
      wanted.map((mistake) => `x.yaml.hbs:${mistake}`),
    );
  },
  title: (given) => `refused: ${given}`,
});

test(
  'a file without a second document',
  mistaken,
  front(),
  '1: An asset is two YAML documents: what it is, a line of ---, and the template of the body',
);
test(
  'broken front matter',
  mistaken,
  'a: [\n---\nx: 1\n',
  '1: Flow sequence in block collection must be sufficiently indented and end with a ]',
);
test(
  'a key given twice in the front matter',
  mistaken,
  assetFile('data: {}', 'order: 1', 'order: 2'),
  '2: The key "order" is given twice',
);
test(
  'aliases in the front matter',
  mistaken,
  assetFile('data: {}', 'when: &a []', 'gates: []'),
  "1: Anchors (&name) aren't allowed",
);
test(
  'another format',
  mistaken,
  assetFile('data: {}').replace('format: 1', 'format: 2'),
  "1: Format 2 isn't known; this program reads format 1",
);
test('a target without a name', mistaken, assetFile('data: {}').replace('  name: x\n', ''), '2: target needs name');
test(
  'another value in the name of a target',
  mistaken,
  assetFile('data: {}').replace('name: x', 'name: "{{hyperConverged.name}}"'),
  '6: Only {{params.x}} and {{hyperConverged.namespace}} may stand here, not {{hyperConverged.name}}',
);
test(
  'a param that is not declared',
  mistaken,
  assetFile('data: {x: {{params.role}} }'),
  "8: params.role isn't among the asset's params, which has none",
);
test('a param that is not used', mistaken, assetFile('data: {}', 'params:', '  a: "1"'), "2: params.a isn't used");
test(
  'a read that is not declared',
  mistaken,
  assetFile('data: {}', "when: ['objects.crd != null']"),
  "1: objects.crd isn't among the asset's reads, which has none",
);
test(
  'a read that is not used',
  mistaken,
  assetFile('data: {}', 'reads:', '  it: {apiVersion: v1, kind: Node, list: true}'),
  "2: objects.it isn't used",
);
test(
  'a read of one and of many',
  mistaken,
  assetFile('data: {}', 'reads:', '  it: {apiVersion: v1, kind: Node, name: x, list: true}'),
  '2: A read is of one object (name) or of a list (list: true), not both',
);
test(
  'a gate that is no CRD',
  mistaken,
  assetFile('data: {}', 'gates: [Thing]'),
  "1: Thing isn't the name of a CRD (plural.group)",
);
test(
  'a time without a unit',
  mistaken,
  assetFile('data: {}', 'readyTimeout: "15"'),
  "1: 15 isn't a time like 90s, 15m or 1h",
);
test(
  'readiness by anything but the object',
  mistaken,
  assetFile('data: {}', 'readyWhen: topology.isAWS'),
  '1: There is no topology; there are object',
);
test(
  'a dependency on nothing',
  mistaken,
  assetFile('data: {}', 'dependsOn: [other]'),
  "1: x depends on other, which isn't an asset",
);
test(
  'identity in the body',
  mistaken,
  assetFile('{{#if topology.isAWS}}\nkind: Secret\n{{/if}}\n'),
  "9: A body can't set kind: that is the target's",
);
test(
  'a name in the metadata of a fixed body',
  mistaken,
  assetFile('metadata:\n  name: other\n'),
  '9: metadata may only hold labels and annotations, not name',
);
test(
  'a label that is not text',
  mistaken,
  assetFile('metadata:\n  labels:\n    a: 1\n'),
  '10: metadata.labels holds only text: quote the value of a',
);
test(
  'ambiguous values in a fixed body',
  mistaken,
  assetFile('data:\n  mode: 0644\n'),
  '9: Readers of YAML disagree about 0644 without quotes: quote it, or write it another way',
);
test(
  'broken YAML in a body that only params go into, once for all variants',
  mistaken,
  assetFile(
    'data:\n  role: {{params.role}}\n  broken: [\n',
    'variants:',
    '  - params: {role: worker}',
    '  - suffix: master',
    '    params: {role: master}',
  ).replace('name: x', 'name: x-{{params.role}}'),
  '14: Flow sequence in block collection must be sufficiently indented and end with a ]',
);
test(
  'a param that makes no YAML where it stands',
  mistaken,
  assetFile('data:\n  role: {{params.role}}\n', 'params: {role: "a: b"}'),
  '10: "a: b" isn\'t the same text to every reader of YAML without quotes: use {{yaml …}}',
);
test(
  'a shipped file that is not there',
  mistaken,
  assetFile('data: {x: {{yaml (file "x.sh")}} }'),
  '8: There is no file x.sh beside x.yaml.hbs',
);
test(
  'a shipped file outside of the catalog',
  mistaken,
  assetFile('data: {x: {{yaml (file "../x.sh")}} }'),
  '8: ../x.sh is outside of the catalog',
);

test('assets that depend on each other are told as a cycle', (t) => {
  const asset = (name: string, on: string) =>
    assetFile('data: {}\n', `dependsOn: [${on}]`).replace('name: x', `name: ${name}`);
  t.deepEqual(
    mistakesIn({ 'a.yaml.hbs': asset('a', 'b'), 'b.yaml.hbs': asset('b', 'c'), 'c.yaml.hbs': asset('c', 'b') }),
    ['b.yaml.hbs:1: Assets depend on each other: b -> c -> b'],
  );
});

test('two files can not make the same asset', (t) => {
  const asset = (name: string) => assetFile('data: {}\n').replace('name: x', `name: ${name}`);
  t.deepEqual(mistakesIn({ 'a/x.yaml.hbs': asset('a'), 'b/x.yaml.hbs': asset('b') }), [
    'b/x.yaml.hbs:1: There is another asset x, in a/x.yaml.hbs',
  ]);
});

test('a tombstone can not be of what an asset keeps', (t) => {
  const file = tombstone
    .replace('example.com/v1', 'v1')
    .replace('Thing', 'ConfigMap')
    .replace('name: old', 'name: x\n  namespace: ns');
  t.deepEqual(mistakesIn({ 'x.yaml.hbs': assetFile('data: {}\n'), 'tombstones/t.yaml': file }), [
    'tombstones/t.yaml:1: The tombstone t would delete what the asset x keeps',
  ]);
});
