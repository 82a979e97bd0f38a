import test from 'ava';
import fc from 'fast-check';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { type Planned, plan } from '../../../../shared/engine/plan.ts';
import { type Question, questionKey, type Snapshot, type Verdict } from '../../../../shared/engine/snapshot.ts';
import {
  catalogOf,
  cluster,
  configMapAsset,
  frozen,
  hyperConverged,
  itemOf,
  liveConfigMap,
  ours,
  served,
  testsNamespace,
} from './_snapshot.ts';

// Every way in which one decision hangs on another, on facts, on reads and on the server.
const catalog = catalogOf({
  'golden.yaml.hbs': `format: 1
target: {apiVersion: hco.kubevirt.io/v1, kind: HyperConverged, namespace: openshift-cnv, name: kubevirt-hyperconverged}
---
spec: {golden: true}
`,
  'made-namespace.yaml.hbs':
    'format: 1\norder: 90\ntarget: {apiVersion: v1, kind: Namespace, name: made}\n---\nmetadata: {labels: {made: here}}\n',
  'inside.yaml.hbs': configMapAsset('inside', undefined, { namespace: 'made' }),
  'one.yaml.hbs': configMapAsset('one', undefined, { more: "readyWhen: object.data.a == '1'" }),
  'two.yaml.hbs': configMapAsset('two', 'data: {b: {{yaml hyperConverged.spec.text}} }', { more: 'dependsOn: [one]' }),
  'three.yaml.hbs': configMapAsset('three', undefined, { more: 'dependsOn: [two, inside]\ngroup: last' }),
  'nodes.yaml.hbs': configMapAsset('nodes', 'data: {count: "{{topology.totalNodeCount}}"}', {
    when: ['topology.totalNodeCount > 1'],
  }),
  'reader.yaml.hbs': configMapAsset('reader', 'data: {a: "1"}', {
    when: ["objects.other != null && objects.other.data.a == '1'"],
    more: 'reads: {other: {apiVersion: v1, kind: ConfigMap, namespace: tests, name: one}}',
  }),
  'pool.yaml.hbs': `format: 1
when: ["size(objects.pools) > 0"]
reads: {pools: {apiVersion: machineconfiguration.openshift.io/v1, kind: MachineConfig, list: true}}
target: {apiVersion: v1, kind: ConfigMap, namespace: tests, name: pool}
---
data: {pools: "some"}
`,
  'tombstones/old.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: tests, name: old, labels: {platform.kubevirt.io/managed-by: virt-platform-autopilot}}\n',
});

/** What may happen to the cluster between two plans. */
type Change =
  | { readonly change: 'object'; readonly name: string; readonly a: string; readonly annotations: object }
  | { readonly change: 'gone' | 'unknown' | 'open'; readonly name: string }
  | { readonly change: 'hyperConverged'; readonly annotations: Record<string, string>; readonly text: string }
  | { readonly change: 'nodes' | 'pools'; readonly count: number }
  | { readonly change: 'namespace'; readonly isThere: boolean }
  | { readonly change: 'apis'; readonly without: string }
  | { readonly change: 'images' }
  /** Every open dry run is answered, as by a server that does it, rewrites it, or doesn't want it. */
  | { readonly change: 'verdicts'; readonly how: 'accepted' | 'rewritten' | 'rejected' | 'unknown' };

const names = ['one', 'two', 'three', 'inside', 'nodes', 'reader', 'pool', 'old'];
const someName = fc.constantFrom(...names);
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      change: fc.constant('object' as const),
      name: someName,
      a: fc.constantFrom('1', '2'),
      annotations: fc.constantFrom(
        {},
        ours({ mode: 'unmanaged' }),
        ours({ mode: 'x' }),
        ours({ 'reconcile-paused': 'true' }),
        ours({ patch: '[{"op":"replace","path":"/data/a","value":"2"}]' }),
        ours({ 'ignore-fields': '/data/a' }),
      ),
    }),
  },
  fc.record({ change: fc.constantFrom('gone' as const, 'unknown' as const, 'open' as const), name: someName }),
  fc.record({
    change: fc.constant('hyperConverged' as const),
    annotations: fc.constantFrom<Record<string, string>>(
      { autopilot: 'true' },
      { autopilot: 'one,last' },
      { autopilot: 'false' },
      { autopilot: 'true', 'disabled-resources': '- {kind: ConfigMap, name: one}' },
      { autopilot: 'true', 'disabled-resources': '- [' },
    ),
    text: fc.constantFrom('x', 'y'),
  }),
  fc.record({ change: fc.constantFrom('nodes' as const, 'pools' as const), count: fc.nat(3) }),
  fc.record({ change: fc.constant('namespace' as const), isThere: fc.boolean() }),
  fc.record({ change: fc.constant('apis' as const), without: fc.constantFrom('', 'ConfigMap', 'HyperConverged') }),
  fc.record({ change: fc.constant('images' as const) }),
  {
    weight: 4,
    arbitrary: fc.record({
      change: fc.constant('verdicts' as const),
      how: fc.constantFrom('accepted' as const, 'rewritten' as const, 'rejected' as const, 'unknown' as const),
    }),
  },
);

function refOf(name: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace: name === 'inside' ? 'made' : 'tests', name };
}

let version = 100;

/** The snapshot after the change; what the change isn't about stays the very same. */
function after(snapshot: Snapshot, it: Change, open: readonly Question[]): Snapshot {
  const reads = new Map(snapshot.reads);
  const list = (apiVersion: string, kind: string, items: KubernetesObject[]) =>
    reads.set(questionKey({ ask: 'list', apiVersion, kind }), { answer: 'list', items });
  switch (it.change) {
    case 'object': {
      const { name, namespace } = refOf(it.name);
      const metadata = { namespace, annotations: it.annotations, resourceVersion: `${version++}` };
      const object = liveConfigMap(name, { a: it.a }, metadata);
      reads.set(questionKey({ ask: 'get', ref: refOf(name) }), { answer: 'object', object });
      return { ...snapshot, reads };
    }
    case 'gone':
      reads.set(questionKey({ ask: 'get', ref: refOf(it.name) }), { answer: 'absent' });
      return { ...snapshot, reads };
    case 'unknown':
      reads.set(questionKey({ ask: 'get', ref: refOf(it.name) }), { answer: 'unknown', why: 'forbidden' });
      return { ...snapshot, reads };
    case 'open':
      reads.delete(questionKey({ ask: 'get', ref: refOf(it.name) }));
      return { ...snapshot, reads };
    case 'hyperConverged': {
      const object = hyperConverged(it.annotations, { text: it.text });
      list('hco.kubevirt.io/v1', 'HyperConverged', [object]);
      const { apiVersion, kind, metadata } = object;
      const ref = { apiVersion, kind, namespace: metadata.namespace, name: metadata.name };
      reads.set(questionKey({ ask: 'get', ref }), { answer: 'object', object });
      return { ...snapshot, reads };
    }
    case 'nodes':
    case 'pools': {
      const [apiVersion, kind] =
        it.change === 'nodes' ? ['v1', 'Node'] : ['machineconfiguration.openshift.io/v1', 'MachineConfig'];
      list(
        apiVersion,
        kind,
        Array.from({ length: it.count }, (_, index) => ({ apiVersion, kind, metadata: { name: `${index}` } })),
      );
      return { ...snapshot, reads };
    }
    case 'namespace': {
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'made', labels: { made: 'elsewhere' } } };
      const ref = { apiVersion: 'v1', kind: 'Namespace', name: 'made' };
      reads.set(questionKey({ ask: 'get', ref }), it.isThere ? { answer: 'object', object } : { answer: 'absent' });
      return { ...snapshot, reads };
    }
    case 'apis':
      return { ...snapshot, apis: { known: true, resources: served.filter(({ kind }) => kind !== it.without) } };
    case 'images':
      return { ...snapshot, images: { exporter: `${version++}` } };
    case 'verdicts': {
      const verdicts = new Map(snapshot.verdicts);
      for (const question of open) {
        if (question.ask === 'dry-run') verdicts.set(questionKey(question), verdictOf(question.desired, it.how));
        else reads.set(questionKey(question), { answer: 'absent' });
      }
      return { ...snapshot, reads, verdicts };
    }
    default:
      return it satisfies never;
  }
}

function verdictOf(desired: KubernetesObject, how: 'accepted' | 'rewritten' | 'rejected' | 'unknown'): Verdict {
  switch (how) {
    case 'accepted':
      return { verdict: 'accepted', object: desired };
    case 'rewritten':
      return { verdict: 'accepted', object: { ...desired, data: { a: 'rewritten' } } };
    case 'rejected':
      return { verdict: 'rejected', message: 'no' };
    case 'unknown':
      return { verdict: 'unknown', why: 'forbidden' };
    default:
      return how satisfies never;
  }
}

const start = () => cluster([hyperConverged({ autopilot: 'true' }, { text: 'x' }), testsNamespace]);

test('a plan that builds on an earlier one says what one from scratch says, whatever changed in between', (t) => {
  const decisions = new Set<string>();
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 25 }), (changes) => {
      let snapshot = frozen(start());
      let last: Planned = plan(catalog, snapshot);
      for (const it of changes) {
        const { otherwise, ...rest } = after(snapshot, it, last.questions);
        // Without an answer for everything, what was taken away is an open question.
        snapshot = frozen(it.change === 'open' ? rest : { ...rest, ...(otherwise && { otherwise }) });
        const next = plan(catalog, snapshot, last);
        const { recollection, ...said } = next;
        const { recollection: _, ...fromScratch } = plan(catalog, snapshot);
        t.deepEqual(said, fromScratch);
        for (const { decision } of next.plan.items) decisions.add(decision);
        last = next;
      }
      return true;
    }),
    { numRuns: 400, seed: 20_261_121 },
  );
  // It isn't all about plans that decide nothing.
  for (const word of 'create update adopt in-sync waiting unverified rejected paused unmanaged excluded delete'.split(
    ' ',
  ))
    t.true(decisions.has(word), `${word} among ${[...decisions]}`);
});

test('what a change has nothing to do with is not worked out again', (t) => {
  const snapshot = after(start(), { change: 'object', name: 'one', a: '1', annotations: {} }, []);
  const first = plan(catalog, snapshot);
  const again = plan(catalog, { ...snapshot, reads: new Map(snapshot.reads) }, first);
  for (const [index, item] of again.plan.items.entries()) t.true(item === first.plan.items[index], item.asset);

  const drifted = after(snapshot, { change: 'object', name: 'one', a: '2', annotations: {} }, []);
  const next = plan(catalog, drifted, first);
  const anew = next.plan.items.filter((item, index) => item !== first.plan.items[index]).map(({ asset }) => asset);
  // What depends on it, and what reads it, goes by it.
  t.deepEqual(anew.sort(), ['one', 'reader', 'three', 'two']);
  t.is(itemOf(next.plan, 'inside'), itemOf(first.plan, 'inside'));
});

test('another catalog builds on nothing', (t) => {
  const other = catalogOf({ 'one.yaml.hbs': configMapAsset('one', 'data: {a: "other"}') });
  const snapshot = start();
  const decided = plan(other, snapshot, plan(catalog, snapshot));
  t.deepEqual(decided.plan, plan(other, snapshot).plan);
});
