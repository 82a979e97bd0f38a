import test from 'ava';
import fc from 'fast-check';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { loadCatalog } from '../../../../shared/catalog/load-catalog.ts';
import { readCatalogFiles } from '../../../../shared/catalog/read-catalog-files.ts';
import { plan } from '../../../../shared/engine/plan.ts';
import type { Plan, PlanItem } from '../../../../shared/engine/plan-item.ts';
import { snapshotFromObjects } from '../../../../shared/engine/snapshot-from-objects.ts';
import {
  catalogOf,
  cluster,
  configMapAsset,
  frozen,
  itemOf,
  key,
  liveConfigMap,
  ours,
  planWith,
  testsNamespace,
} from './_snapshot.ts';

const builtIn = loadCatalog(await readCatalogFiles(new URL('../../../../assets', import.meta.url).pathname));
const settings = { numRuns: 150, seed: 20_261_121 };

const hostile = fc.constantFrom(
  'a: b',
  'x\n  y: z',
  '}{',
  '{{hyperConverged}}',
  '"',
  "'",
  '*x',
  '&x',
  '!!js',
  '__proto__',
  'constructor',
  '../..',
  '\u0000',
  '\u2028',
  '# ',
  '- {kind: "*"}',
  'yes',
  '1e3',
  ' ',
  '',
);
const text = fc.oneof(fc.string({ maxLength: 12 }), hostile);
const json = fc.oneof(text, fc.json({ maxDepth: 3 }));
const switches = fc.oneof(fc.constantFrom('true', 'false', 'True', 'yes', ''), text);

const enables = ['enable-memory-overcommit', 'enable-mtv', 'openshift', 'sbr-storage-class', 'enable-x'];
const hcoAnnotations = fc
  .tuple(
    fc.record({
      [key('autopilot')]: fc.oneof({ weight: 4, arbitrary: fc.constant('true') }, text),
    }),
    fc.dictionary(fc.oneof(fc.constantFrom(...enables.map(key)), text.map(key), text), fc.oneof(switches, json), {
      maxKeys: 6,
      noNullPrototype: true,
    }),
    fc.option(fc.oneof(json, fc.constantFrom('- {kind: ConfigMap, name: "*"}', '- [', '[]')), { nil: undefined }),
  )
  .map(([autopilot, others, disabled]) => ({
    ...others,
    ...autopilot,
    ...(disabled !== undefined && { [key('disabled-resources')]: disabled }),
  }));

const labels = fc.dictionary(
  fc.oneof(
    text,
    text.map((name) => `feature.node.kubernetes.io/${name}`),
    fc.constantFrom('node-role.kubernetes.io/worker', 'node-role.kubernetes.io/master', 'nvidia.com/gpu.present'),
  ),
  text,
  { maxKeys: 5, noNullPrototype: true },
);
const anything = fc.anything({ maxDepth: 3, withNullPrototype: false, withBigInt: false }).map((value) => {
  const plain = JSON.stringify(value);
  return plain === undefined ? null : JSON.parse(plain);
});

const someCluster = fc
  .record({
    annotations: hcoAnnotations,
    spec: anything,
    nodes: fc.array(labels, { maxLength: 3 }),
    capacity: anything,
    status: anything,
  })
  .map(({ annotations, spec, nodes, capacity, status }): KubernetesObject[] => [
    {
      apiVersion: 'hco.kubevirt.io/v1',
      kind: 'HyperConverged',
      metadata: { name: 'kubevirt-hyperconverged', namespace: 'openshift-cnv', annotations },
      spec,
    },
    { apiVersion: 'config.openshift.io/v1', kind: 'Infrastructure', metadata: { name: 'cluster' }, status },
    ...nodes.map((labels, index) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: `node-${index}`, labels },
      status: { capacity },
    })),
  ]);

function targetOf({ target }: PlanItem) {
  return target;
}

/** Checks what holds for every item of every plan. */
function sound(
  t: { deepEqual: (a: unknown, b: unknown) => unknown; false: (value: boolean, message: string) => unknown },
  decided: Plan,
) {
  for (const item of decided.items) {
    t.false(item.why.startsWith('internal error'), `${item.asset}: ${item.why}`);
    for (const object of [item.baseline, item.desired, item.retained]) {
      if (object === undefined) continue;
      const { apiVersion, kind, metadata } = object;
      const { name, namespace, labels } = metadata;
      t.deepEqual({ apiVersion, kind, name, ...(namespace !== undefined && { namespace }) }, item.target);
      t.deepEqual(labels?.[key('managed-by')], 'virt-platform-autopilot');
    }
  }
}

test('equal snapshots give equal plans, which are plain JSON, and stay as they are', (t) => {
  fc.assert(
    fc.property(someCluster, (objects) => {
      const snapshot = frozen(snapshotFromObjects(objects));
      const decided = plan(builtIn, snapshot).plan;
      t.deepEqual(plan(builtIn, snapshotFromObjects(structuredClone(objects))).plan, decided);
      t.deepEqual(JSON.parse(JSON.stringify(decided)), decided);
      sound(t, decided);
      return true;
    }),
    settings,
  );
});

// How manifests are built is asked where they are rendered: test/unit/assets/cluster-values.ts.
test('no value of a cluster changes which objects there are', (t) => {
  fc.assert(
    fc.property(someCluster, ([hco, ...others]) => {
      const { spec: _, ...bare } = hco as KubernetesObject;
      const [full, empty] = [[hco as KubernetesObject, ...others], [bare]].map(
        (objects) => plan(builtIn, snapshotFromObjects(objects)).plan,
      );
      t.deepEqual(full?.items.map(targetOf), empty?.items.map(targetOf));
    }),
    settings,
  );
});

const catalog = catalogOf({ 'one.yaml.hbs': configMapAsset('one', 'data: {a: "1", b: "2"}') });
const active = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  metadata: { name: 'h', namespace: 'n', annotations: ours({ autopilot: 'true' }) },
};

/** What is decided about one ConfigMap with these annotations, which lives with another value than wanted. */
function decide(annotations: Record<string, string>, hcoAnnotations: Record<string, string> = {}) {
  const hco = {
    ...active,
    metadata: { ...active.metadata, annotations: { ...active.metadata.annotations, ...hcoAnnotations } },
  };
  const live = liveConfigMap('one', { a: 'theirs', b: '2' }, { annotations });
  return planWith(catalog, frozen(cluster([hco, testsNamespace, live])));
}

const segment = fc.constantFrom(
  'metadata',
  'labels',
  'annotations',
  'name',
  'namespace',
  'kind',
  'apiVersion',
  'data',
  'a',
  'b',
  'status',
  '-',
  '0',
  '01',
  '__proto__',
  'constructor',
  'platform.kubevirt.io~1managed-by',
  'platform.kubevirt.io~1mode',
  'x~0',
  '~2',
  '',
);
const pointer = fc.oneof(
  fc.array(segment, { maxLength: 4 }).map((names) => names.map((name) => `/${name}`).join('')),
  text,
);
const operation = fc.record(
  {
    op: fc.oneof(fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'), text),
    path: pointer,
    from: pointer,
    value: fc.oneof(
      anything,
      fc.constantFrom({ name: 'other' }, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }),
    ),
  },
  { requiredKeys: ['op', 'path'] },
);
const patch = fc.oneof(
  fc.array(operation, { maxLength: 4 }).map((operations) => JSON.stringify(operations)),
  json,
);

test('no patch, however hostile, changes an identity, drops our label or crashes', (t) => {
  fc.assert(
    fc.property(patch, (value) => {
      const decided = decide(ours({ patch: value }));
      sound(t, decided);
      return ['update', 'in-sync', 'override-invalid'].includes(itemOf(decided, 'one').decision);
    }),
    { ...settings, numRuns: 1_500 },
  );
  t.is(Object({}).polluted, undefined);
});

test('no list of pointers changes an identity, drops our label or crashes', (t) => {
  fc.assert(
    fc.property(fc.array(pointer, { maxLength: 3 }), (pointers) => {
      const decided = decide(ours({ 'ignore-fields': pointers.join(',') }));
      sound(t, decided);
      return ['update', 'in-sync', 'override-invalid'].includes(itemOf(decided, 'one').decision);
    }),
    { ...settings, numRuns: 800 },
  );
});

const written = new Set(['create', 'adopt', 'update', 'delete']);

/** One letter more, fewer, another or swapped. */
function misspelt(word: string): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.nat(word.length - 1),
      fc.constantFrom('drop', 'double', 'swap', 'upper', 'append'),
      fc.constantFrom('x', '-', ' ', '_'),
    )
    .map(([at, how, letter]) => {
      const [before, char, after] = [word.slice(0, at), word.slice(at, at + 1), word.slice(at + 1)];
      switch (how) {
        case 'drop':
          return `${before}${after}`;
        case 'double':
          return `${before}${char}${char}${after}`;
        case 'swap':
          return `${before}${after.slice(0, 1)}${char}${after.slice(1)}`;
        case 'upper':
          return `${before}${char.toUpperCase()}${after}`;
        default:
          return `${word}${letter}`;
      }
    })
    .filter((typed) => typed !== word && typed !== '');
}

test('a misspelt wish to be left alone never makes an object one that is written', (t) => {
  const wishes = fc.oneof(
    misspelt('unmanaged').map((value) => ours({ mode: value })),
    misspelt('mode').map((name) => ours({ [name]: 'unmanaged' })),
    misspelt('reconcile-paused').map((name) => ours({ [name]: 'true' })),
    misspelt('true')
      .filter((value) => value !== 'false')
      .map((value) => ours({ 'reconcile-paused': value })),
    misspelt('patch').map((name) => ours({ [name]: '[]' })),
    misspelt('ignore-fields').map((name) => ours({ [name]: '/data/a' })),
    text.filter((value) => value !== 'unmanaged').map((value) => ours({ mode: value })),
  );
  fc.assert(
    fc.property(wishes, (annotations) => !written.has(itemOf(decide(annotations), 'one').decision)),
    { ...settings, numRuns: 600 },
  );
  t.true(written.has(itemOf(decide({}), 'one').decision), 'it would be written without them');
});

test('a misspelt list of exclusions never brings back what it was meant to keep away', (t) => {
  const rule = '- {kind: ConfigMap, name: one}';
  const lists = fc.oneof(
    misspelt('kind').map((name) => rule.replace('kind', name)),
    misspelt('name').map((name) => rule.replace('name', name)),
    fc.constantFrom('-', '{', '}', ':', ',').map((char) => rule.replace(char, '')),
    fc.constantFrom('[', '{', '"', '*', '&', '!', '%', '@').map((char) => `${char}${rule}`),
    text.filter((value) => value.trim() !== '' && !/^\s*(#.*)?$|^(~|null|\[\s*\])$/i.test(value)),
  );
  fc.assert(
    fc.property(lists, (value) => {
      const { decision } = itemOf(decide({}, ours({ 'disabled-resources': value })), 'one');
      return !written.has(decision);
    }),
    { ...settings, numRuns: 600 },
  );
  t.is(itemOf(decide({}, ours({ 'disabled-resources': rule })), 'one').decision, 'excluded');
});

test('whatever somebody writes into autopilot, only true activates everything', (t) => {
  fc.assert(
    fc.property(
      text.filter(
        (value) =>
          value.trim() !== 'true' &&
          !value
            .split(',')
            .map((name) => name.trim())
            .includes('one'),
      ),
      (value) => !written.has(itemOf(decide({}, ours({ autopilot: value })), 'one').decision),
    ),
    settings,
  );
  t.pass();
});
