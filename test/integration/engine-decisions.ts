import anyTest, { type TestFn } from 'ava';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { plan as engine } from '../../shared/engine/plan.ts';
import type { Plan, PlanItem } from '../../shared/engine/plan-item.ts';
import type { Cluster as Client } from '../../shared/kube/client.ts';
import { observe } from '../../shared/kube/observe.ts';
import { perform } from '../../shared/kube/perform.ts';
import { type AnyObject, useCluster } from '../helpers/cluster.ts';
import { builtInCatalog, catalogOf, converge, itemOf, openClient, planNow } from '../helpers/engine.ts';

const test = anyTest as TestFn<{ client: Client; viewer: Client }>;
const cluster = useCluster(test);

const key = (name: string) => `platform.kubevirt.io/${name}`;
const hyperConverged = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};

test.serial.before('HyperConverged and a user who may only view', async (t) => {
  await cluster.apply('{apiVersion: v1, kind: Namespace, metadata: {name: openshift-cnv}}');
  await cluster.apply('{apiVersion: v1, kind: Namespace, metadata: {name: tests}}');
  // What the controller manager, which doesn't run here, aggregates into the ClusterRole view.
  await cluster.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: view-hyperconverged }
rules: [{ apiGroups: [hco.kubevirt.io], resources: [hyperconvergeds], verbs: [get, list, watch] }]
`);
  for (const role of ['system:aggregate-to-view', 'view-hyperconverged']) {
    await cluster.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: "viewer-${role}" }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "${role}" }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: viewer }]
`);
  }
  await steer({ autopilot: 'true' });
  t.context.client = openClient(cluster.kubeconfig);
  t.context.viewer = openClient(await cluster.user('viewer'));
});

test.after.always((t) => {
  t.context.client?.close();
  t.context.viewer?.close();
});

/** HyperConverged as a person has it, with these annotations of ours and no others. */
async function steer(annotations: Record<string, string>, spec: AnyObject = {}): Promise<void> {
  const { apiVersion, kind, namespace, name } = hyperConverged;
  const keyed = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [key(name), value]));
  await cluster.apply(
    { apiVersion, kind, metadata: { namespace, name, annotations: keyed }, spec },
    { manager: 'person' },
  );
}

type Front = { when?: string[]; group?: string; order?: number; more?: string; name?: string; namespace?: string };

/** A catalog of one asset, the ConfigMap `name` in the namespace `tests`. */
function configMap(name: string, body = 'data: {a: "1"}', front: Front = {}): Catalog {
  return catalogOf({ [`${name}.yaml.hbs`]: assetFile(name, body, front) });
}

function assetFile(
  name: string,
  body: string,
  { when, group, order, more = '', namespace = 'tests' }: Front = {},
): string {
  return [
    'format: 1',
    ...(group === undefined ? [] : [`group: ${group}`]),
    ...(order === undefined ? [] : [`order: ${order}`]),
    ...(when === undefined ? [] : [`when: ${JSON.stringify(when)}`]),
    `target: {apiVersion: v1, kind: ConfigMap, namespace: ${namespace}, name: ${name}}`,
    more,
    '---',
    body,
  ].join('\n');
}

function configMapId(name: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'tests', name };
}

async function decide(client: Client, catalog: Catalog, name: string): Promise<PlanItem> {
  return itemOf(await planNow(client, catalog), name);
}

function annotate(name: string, annotations: Record<string, string | null>, manager = 'person') {
  const keyed = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [key(name), value]));
  return cluster.patch(configMapId(name), { metadata: { annotations: keyed } }, { manager });
}

test.serial('without the annotation everything is inactive, and nothing else is asked', async (t) => {
  await steer({});
  const item = await decide(t.context.client, configMap('inactive'), 'inactive');
  t.is(item.decision, 'inactive');
  t.regex(item.why, /platform\.kubevirt\.io\/autopilot is not set/);
  await steer({ autopilot: 'true' });
});

test.serial('an allow-list selects by asset and by group, and warns of names that mean nothing', async (t) => {
  await steer({ autopilot: 'chosen, some-group, chosne' });
  const catalog = catalogOf({
    'chosen.yaml.hbs': assetFile('chosen', 'data: {a: "1"}'),
    'grouped.yaml.hbs': assetFile('grouped', 'data: {a: "1"}', { group: 'some-group' }),
    'other.yaml.hbs': assetFile('other', 'data: {a: "1"}'),
  });
  const plan = await planNow(t.context.client, catalog);
  t.deepEqual(
    ['chosen', 'grouped', 'other'].map((name) => itemOf(plan, name).decision),
    ['create', 'create', 'not-selected'],
  );
  t.deepEqual(plan.warnings, [
    'platform.kubevirt.io/autopilot names "chosne", which is no asset and no group; did you mean chosen?',
  ]);
  await steer({ autopilot: 'true' });
});

test.serial('a condition that is not met says what it saw', async (t) => {
  const item = await decide(t.context.client, configMap('unmet', undefined, { when: ["enabled('mtv')"] }), 'unmet');
  t.is(item.decision, 'condition-unmet');
  t.regex(item.why, /enabled\('mtv'\) = false/);
});

test.serial('a condition that fails is an error, never a yes', async (t) => {
  const item = await decide(
    t.context.client,
    configMap('fails', undefined, { when: ["annotations['nothing'] == 'x'"] }),
    'fails',
  );
  t.is(item.decision, 'condition-error');
});

test.serial('a CRD that is missing is named, after the conditions', async (t) => {
  const gates = 'gates: [nothings.example.com]';
  const catalog = catalogOf({
    'gated.yaml.hbs': assetFile('gated', 'data: {a: "1"}', { more: gates }),
    'unasked.yaml.hbs': assetFile('unasked', 'data: {a: "1"}', { more: gates, when: ["enabled('mtv')"] }),
    'kind.yaml.hbs': 'format: 1\ntarget: {apiVersion: example.com/v1, kind: Nothing, name: x}\n---\nspec: {}',
  });
  const plan = await planNow(t.context.client, catalog);
  t.like(itemOf(plan, 'gated'), { decision: 'missing-crd', crds: ['nothings.example.com'] });
  t.like(itemOf(plan, 'kind'), { decision: 'missing-crd', crds: ['nothings.example.com'] });
  t.is(itemOf(plan, 'unasked').decision, 'condition-unmet');
});

test.serial('a template may render to nothing, or fail, without touching others', async (t) => {
  const catalog = catalogOf({
    'nothing.yaml.hbs': assetFile('nothing', '{{#if topology.isHCP}}\ndata: {a: "1"}\n{{/if}}'),
    'broken.yaml.hbs': assetFile('broken', 'data: {a: {{yaml (get annotations "nothing")}} }'),
    'fine.yaml.hbs': assetFile('fine', 'data: {a: "1"}'),
  });
  const plan = await planNow(t.context.client, catalog);
  t.deepEqual(
    ['nothing', 'broken', 'fine'].map((name) => itemOf(plan, name).decision),
    ['empty', 'render-failed', 'create'],
  );
});

test.serial('an excluded object is neither created nor changed, from day 0', async (t) => {
  await steer({ autopilot: 'true', 'disabled-resources': '- {kind: ConfigMap, name: "exc*d", namespace: t?sts}' });
  const catalog = configMap('excluded');
  t.like(await decide(t.context.client, catalog, 'excluded'), { decision: 'excluded' });
  await converge(t.context.client, catalog);
  t.is(await cluster.get(configMapId('excluded')), undefined);
  await steer({ autopilot: 'true' });
});

for (const [title, text] of [
  ['that is not YAML', '- {kind: ConfigMap'],
  ['with an unknown key', '- {kind: ConfigMap, nam: x}'],
  ['that is no list', '{kind: ConfigMap, name: x}'],
  ['without a name', '- {kind: ConfigMap}'],
  ['with a wildcard for a kind', '- {kind: "*", name: x}'],
] as const) {
  test.serial(`an exclusion list ${title} holds everything`, async (t) => {
    await steer({ autopilot: 'true', 'disabled-resources': text });
    const plan = await planNow(t.context.client, configMap('held-by-exclusions'));
    t.is(itemOf(plan, 'held-by-exclusions').decision, 'exclusions-invalid');
    t.is(plan.warnings.length, 1);
    await steer({ autopilot: 'true' });
  });
}

test.serial('a rule that matches nothing is a warning', async (t) => {
  await steer({ autopilot: 'true', 'disabled-resources': '- {kind: Configmap, name: x}' });
  const plan = await planNow(t.context.client, configMap('unmatched'));
  t.regex(plan.warnings.join('\n'), /matches nothing in the catalog; did you mean the kind ConfigMap\?/);
  await steer({ autopilot: 'true' });
});

test.serial('what may not be read is unreadable, with the permission that would help', async (t) => {
  const catalog = catalogOf({
    'config.yaml.hbs':
      'format: 1\ntarget: {apiVersion: machineconfiguration.openshift.io/v1, kind: MachineConfig, name: x}\n---\nspec: {}',
  });
  const item = await decide(t.context.viewer, catalog, 'config');
  t.is(item.decision, 'unreadable');
  t.regex(item.why, /get machineconfigs/);
});

test.serial('with only view, a readable object is compared locally and stays unverified', async (t) => {
  const catalog = configMap('viewed');
  const missing = await decide(t.context.viewer, catalog, 'viewed');
  t.like(missing, { decision: 'unverified', locally: 'create' });
  t.regex(missing.why, /patch configmaps/);
  await converge(t.context.client, catalog);
  t.is((await decide(t.context.viewer, catalog, 'viewed')).decision, 'in-sync');
  await cluster.patch(configMapId('viewed'), { data: { a: '2' } }, { manager: 'rival' });
  t.like(await decide(t.context.viewer, catalog, 'viewed'), {
    decision: 'unverified',
    locally: 'update',
    drift: [{ pointer: '/data/a', live: '2', desired: '1', manager: 'rival' }],
  });
});

test.serial('facts that may not be read are named, and only what needs them is unverified', async (t) => {
  const catalog = catalogOf({
    'nodes.yaml.hbs': assetFile('nodes', 'data: {a: "1"}', { when: ['topology.workerCount > 0'] }),
    'certain.yaml.hbs': assetFile('certain', 'data: {a: "1"}', {
      when: ['topology.workerCount > 0', "enabled('mtv')"],
    }),
    'rendered.yaml.hbs': assetFile('rendered', 'data: {a: {{yaml (toJson topology.masterCount)}} }'),
  });
  const plan = await planNow(t.context.viewer, catalog);
  t.true(plan.unknown.some(({ fact, why }) => fact === 'topology.workerCount' && /list nodes/.test(why)));
  t.like(itemOf(plan, 'nodes'), { decision: 'unverified', locally: 'unknown' });
  t.is(itemOf(plan, 'certain').decision, 'condition-unmet', 'one unmet condition is enough to know');
  t.is(itemOf(plan, 'rendered').decision, 'unverified');
});

test.serial('a paused object is left alone, and the plan says who was fighting', async (t) => {
  const catalog = configMap('paused');
  await converge(t.context.client, catalog);
  const pausedBy = { since: '2026-11-21T10:00:00Z', fields: ['/data/a'], manager: 'rival' };
  await annotate('paused', { 'reconcile-paused': 'true', 'paused-by': JSON.stringify(pausedBy) });
  await cluster.patch(configMapId('paused'), { data: { a: '2' } }, { manager: 'rival' });
  const item = await decide(t.context.client, catalog, 'paused');
  t.like(item, { decision: 'paused', pausedBy });
  t.like(item.overrides[0], { type: 'paused', setBy: 'person' });
  await annotate('paused', { 'reconcile-paused': 'false' });
  t.is((await decide(t.context.client, catalog, 'paused')).decision, 'update');
});

test.serial('an unmanaged object is left alone', async (t) => {
  const catalog = configMap('unmanaged');
  await converge(t.context.client, catalog);
  await annotate('unmanaged', { mode: 'unmanaged' });
  await cluster.patch(configMapId('unmanaged'), { data: { a: '2' } });
  t.is((await decide(t.context.client, catalog, 'unmanaged')).decision, 'unmanaged');
  await converge(t.context.client, catalog);
  t.is((await cluster.get(configMapId('unmanaged')))?.data.a, '2');
});

const invalid: Record<string, [annotations: Record<string, string>, says: RegExp]> = {
  'a misspelt mode': [{ mode: 'unmanged' }, /"unmanaged"/],
  'a misspelt key': [{ pacth: '[]' }, /did you mean platform.kubevirt.io\/patch\?/],
  'a patch that is not JSON': [{ patch: '[{' }, /isn't JSON/],
  'a merge patch': [{ patch: '{"data":{"a":"2"}}' }, /merge patch/],
  'a patch on metadata': [{ patch: '[{"op":"replace","path":"/metadata","value":{"name":"other"}}]' }, /metadata/],
  'a patch on the root': [{ patch: '[{"op":"replace","path":"","value":{"kind":"Secret"}}]' }, /./],
  'a patch that removes the root': [{ patch: '[{"op":"remove","path":""}]' }, /./],
  'a patch that moves onto the name': [
    { patch: '[{"op":"move","from":"/data/a","path":"/metadata/name"}]' },
    /\/metadata\/name/,
  ],
  'a patch that copies onto our label': [
    { patch: '[{"op":"copy","from":"/data/a","path":"/metadata/labels/platform.kubevirt.io~1managed-by"}]' },
    /key of ours/,
  ],
  'a patch on something that is not there': [
    { patch: '[{"op":"replace","path":"/data/b","value":"x"}]' },
    /nothing at/,
  ],
  'a patch with a prototype name': [{ patch: '[{"op":"add","path":"/__proto__/polluted","value":"x"}]' }, /__proto__/],
  'a pointer at metadata': [{ 'ignore-fields': '/metadata' }, /identity/],
  'a pointer at our label': [{ 'ignore-fields': '/metadata/labels/platform.kubevirt.io~1managed-by' }, /key of ours/],
  'a dotted path': [{ 'ignore-fields': 'data.a' }, /"\/data\/a"/],
};

let number = 0;
for (const [title, [annotations, says]] of Object.entries(invalid)) {
  test.serial(`${title} holds the object as it is`, async (t) => {
    const name = `invalid-${++number}`;
    const catalog = configMap(name);
    await converge(t.context.client, catalog);
    await annotate(name, annotations);
    await cluster.patch(configMapId(name), { data: { a: '2' } }, { manager: 'rival' });
    const item = await decide(t.context.client, catalog, name);
    t.is(item.decision, 'override-invalid');
    t.regex(item.why, says);
    t.like(item.overrides.at(-1), { type: 'invalid' });
    t.is(item.desired, undefined);
    await converge(t.context.client, catalog);
    t.is((await cluster.get(configMapId(name)))?.data.a, '2');
  });
}

test.serial('a sensitive kind takes no patch', async (t) => {
  const catalog = catalogOf({
    'machine.yaml.hbs':
      'format: 1\ntarget: {apiVersion: machineconfiguration.openshift.io/v1, kind: MachineConfig, name: sensitive}\n---\nspec: {kernelArguments: [a]}',
  });
  await converge(t.context.client, catalog);
  const id = { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfig', name: 'sensitive' };
  const patch = '[{"op":"add","path":"/spec/kernelArguments/-","value":"b"}]';
  await cluster.patch(id, { metadata: { annotations: { [key('patch')]: patch } } });
  const item = await decide(t.context.client, catalog, 'machine');
  t.is(item.decision, 'override-invalid');
  t.regex(item.why, /sensitive kind/);
});

test.serial('a patch is applied to the baseline, and kept', async (t) => {
  const catalog = configMap('patched', 'data: {a: "1", b: "1"}');
  await converge(t.context.client, catalog);
  const patch = [
    { op: 'replace', path: '/data/a', value: '9' },
    { op: 'add', path: '/data/c', value: 'new' },
    { op: 'remove', path: '/data/b' },
  ];
  await annotate('patched', { patch: JSON.stringify(patch) });
  t.is((await decide(t.context.client, catalog, 'patched')).decision, 'update');
  const { plan } = await converge(t.context.client, catalog);
  t.like(itemOf(plan, 'patched'), { decision: 'in-sync', overrides: [{ type: 'patch', operations: 3 }] });
  const live = await cluster.get(configMapId('patched'));
  t.deepEqual(live?.data, { a: '9', c: 'new' });
  t.truthy(live?.metadata.annotations[key('patch')], 'the annotation survives our applies');

  await annotate('patched', { patch: null });
  await converge(t.context.client, catalog);
  t.deepEqual((await cluster.get(configMapId('patched')))?.data, { a: '1', b: '1' });
});

test.serial('a namespace that is missing is waited for only if the plan creates it', async (t) => {
  const catalog = catalogOf({
    'nowhere.yaml.hbs': assetFile('nowhere', 'data: {a: "1"}', { namespace: 'nowhere' }),
    'inside.yaml.hbs': assetFile('inside', 'data: {a: "1"}', { namespace: 'made-by-us' }),
    'space.yaml.hbs':
      'format: 1\norder: 50\ntarget: {apiVersion: v1, kind: Namespace, name: made-by-us}\n---\nmetadata: {}',
  });
  const plan = await planNow(t.context.client, catalog);
  t.is(itemOf(plan, 'nowhere').decision, 'missing-namespace');
  t.like(itemOf(plan, 'inside'), { decision: 'waiting', for: ['space'] });
  t.is(itemOf(plan, 'space').decision, 'create');
  const settled = await converge(t.context.client, catalog);
  t.is(itemOf(settled.plan, 'inside').decision, 'in-sync');
});

test.serial('an asset waits for what it depends on, until that is ready', async (t) => {
  const catalog = catalogOf({
    'first.yaml.hbs': assetFile('first', 'data: {a: "1"}', { more: `readyWhen: "'ready' in object.data"` }),
    'second.yaml.hbs': assetFile('second', 'data: {a: "1"}', { more: 'dependsOn: [first]' }),
    'third.yaml.hbs': assetFile('third', 'data: {a: "1"}', { more: 'dependsOn: [second]' }),
  });
  const { plan } = await converge(t.context.client, catalog);
  t.deepEqual(
    ['first', 'second', 'third'].map((name) => itemOf(plan, name).decision),
    ['in-sync', 'waiting', 'waiting'],
  );
  t.regex(itemOf(plan, 'second').why, /first is not ready yet/);
  await cluster.patch(configMapId('first'), { data: { ready: 'yes' } });
  const settled = await converge(t.context.client, catalog);
  t.is(itemOf(settled.plan, 'third').decision, 'in-sync');
});

test.serial('drift names the field, both values, the manager and the time', async (t) => {
  const catalog = configMap('drifted', 'data: {a: "1", b: "1"}');
  await converge(t.context.client, catalog);
  t.is((await decide(t.context.client, catalog, 'drifted')).decision, 'in-sync');
  await cluster.patch(configMapId('drifted'), { data: { a: '2', b: null } }, { manager: 'rival' });
  const item = await decide(t.context.client, catalog, 'drifted');
  t.is(item.decision, 'update');
  const drift = 'drift' in item ? item.drift : [];
  t.like(drift[0], { pointer: '/data/a', live: '2', desired: '1', manager: 'rival' });
  t.regex(drift[0]?.time ?? '', /^\d{4}-/);
  t.deepEqual(drift[1], { pointer: '/data/b', desired: '1', manager: null, time: null });
});

test.serial('foreign fields are left alone and are no drift', async (t) => {
  const catalog = configMap('shared');
  await converge(t.context.client, catalog);
  await cluster.patch(configMapId('shared'), { data: { theirs: 'x' } });
  t.is((await decide(t.context.client, catalog, 'shared')).decision, 'in-sync');
});

const policy = (name: string) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  namespace: 'tests',
  name,
});
for (const [title, podSelector, other, pointer] of [
  ['an empty one', {}, { matchLabels: { a: 'x' } }, '/spec/podSelector/matchLabels/a'],
  [
    'a map inside it',
    { matchLabels: { a: 'x' } },
    { matchLabels: { a: 'x', b: 'y' } },
    '/spec/podSelector/matchLabels/b',
  ],
] as const) {
  test.serial(`what somebody adds to a selector, which is applied as a whole, is drift: ${title}`, async (t) => {
    const name = `policy-${title.replaceAll(' ', '-')}`;
    const catalog = catalogOf({
      'policy.yaml.hbs': `format: 1\ntarget: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, namespace: tests, name: ${name}}\n---\nspec: ${JSON.stringify({ podSelector })}`,
    });
    await converge(t.context.client, catalog);
    await cluster.patch(policy(name), { spec: { podSelector: other } }, { manager: 'rival' });
    t.like(await decide(t.context.client, catalog, 'policy'), {
      decision: 'update',
      drift: [{ pointer, manager: 'rival' }],
    });
    await converge(t.context.client, catalog);
    t.deepEqual((await cluster.get(policy(name)))?.spec.podSelector, podSelector);
  });
}

test.serial('another order of what is run in its order is drift', async (t) => {
  const id = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'tests', name: 'ordered' };
  const initContainers = ['first', 'second'].map((name) => ({ name, image: 'x' }));
  const spec = {
    selector: { matchLabels: { app: 'ordered' } },
    template: {
      metadata: { labels: { app: 'ordered' } },
      spec: { initContainers, containers: [{ name: 'main', image: 'x' }] },
    },
  };
  const catalog = catalogOf({
    'ordered.yaml.hbs': `format: 1\ntarget: {apiVersion: apps/v1, kind: Deployment, namespace: tests, name: ordered}\n---\nspec: ${JSON.stringify(spec)}`,
  });
  await converge(t.context.client, catalog);
  t.is((await decide(t.context.client, catalog, 'ordered')).decision, 'in-sync');
  const list = '/spec/template/spec/initContainers';
  await cluster.patch(id, [{ op: 'move', from: `${list}/1`, path: `${list}/0` }], { type: 'json', manager: 'rival' });
  t.is((await decide(t.context.client, catalog, 'ordered')).decision, 'update');
  await converge(t.context.client, catalog);
  const live = await cluster.get(id);
  t.deepEqual(
    live?.spec.template.spec.initContainers.map(({ name }: AnyObject) => name),
    ['first', 'second'],
  );
});

test.serial('an object whose managed fields somebody cleared is compared by the server', async (t) => {
  const id = policy('cleared');
  const catalog = catalogOf({
    'policy.yaml.hbs':
      'format: 1\ntarget: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, namespace: tests, name: cleared}\n---\nspec: {podSelector: {matchLabels: {a: x}}}',
  });
  await converge(t.context.client, catalog);
  await cluster.patch(id, { metadata: { managedFields: [{}] } });
  t.is((await decide(t.context.client, catalog, 'policy')).decision, 'in-sync');
  await cluster.patch(id, { spec: { podSelector: { matchLabels: { b: 'y' } } } });
  await cluster.patch(id, { metadata: { managedFields: [{}] } });
  t.like(await decide(t.context.client, catalog, 'policy'), {
    decision: 'update',
    drift: [{ pointer: '/spec/podSelector/matchLabels/b', live: 'y', manager: null }],
  });
});

test.serial('a field that we no longer want is given up', async (t) => {
  await converge(t.context.client, configMap('shrinking', 'data: {a: "1", b: "1"}'));
  const item = await decide(t.context.client, configMap('shrinking'), 'shrinking');
  t.like(item, { decision: 'update', drift: [{ pointer: '/data/b', live: '1' }] });
  await converge(t.context.client, configMap('shrinking'));
  t.deepEqual((await cluster.get(configMapId('shrinking')))?.data, { a: '1' });
});

test.serial('an object without our label is adopted, and what would be lost to whom is shown', async (t) => {
  const before = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'tests', name: 'adopted' },
    data: { a: 'theirs', more: 'x' },
  };
  await cluster.apply(before, { manager: 'somebody' });
  const catalog = configMap('adopted');
  const item = await decide(t.context.client, catalog, 'adopted');
  t.is(item.decision, 'adopt');
  const drift = 'drift' in item ? item.drift : [];
  t.like(
    drift.find(({ pointer }) => pointer === '/data/a'),
    { live: 'theirs', desired: '1', manager: 'somebody' },
  );
  await converge(t.context.client, catalog);
  t.deepEqual((await cluster.get(configMapId('adopted')))?.data, { a: '1', more: 'x' });
});

test.serial('the overrides of an object that is not ours yet count from the first moment', async (t) => {
  const annotations = { [key('mode')]: 'unmanaged' };
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'tests', name: 'not-yet', annotations },
  });
  t.is((await decide(t.context.client, configMap('not-yet'), 'not-yet')).decision, 'unmanaged');
});

test.serial('what the server refuses is rejected, in its own words', async (t) => {
  const catalog = catalogOf({
    'refused.yaml.hbs': assetFile('refused', 'data: {a: {b: c}}'),
    'unknown-field.yaml.hbs': assetFile('unknown-field', 'dat: {a: b}'),
  });
  const plan = await planNow(t.context.client, catalog);
  t.is(itemOf(plan, 'refused').decision, 'rejected');
  t.is(itemOf(plan, 'unknown-field').decision, 'rejected');
  t.regex(itemOf(plan, 'unknown-field').why, /dat/);
});

test.serial('a map that is wanted empty can be emptied again of what a patch put there', async (t) => {
  const catalog = catalogOf({
    'metallb.yaml.hbs':
      'format: 1\ntarget: {apiVersion: metallb.io/v1beta1, kind: MetalLB, namespace: tests, name: metallb}\n---\nspec: {}',
  });
  const id = { apiVersion: 'metallb.io/v1beta1', kind: 'MetalLB', namespace: 'tests', name: 'metallb' };
  await converge(t.context.client, catalog);
  await cluster.patch(id, {
    metadata: { annotations: { [key('patch')]: '[{"op":"add","path":"/spec/logLevel","value":"debug"}]' } },
  });
  await converge(t.context.client, catalog);
  t.deepEqual((await cluster.get(id))?.spec, { logLevel: 'debug' });
  await cluster.patch(id, { metadata: { annotations: { [key('patch')]: null } } });
  const { plan } = await converge(t.context.client, catalog);
  t.is(itemOf(plan, 'metallb').decision, 'in-sync');
  t.deepEqual((await cluster.get(id))?.spec, {});
});

test.serial('another spelling of the same quantity is no drift', async (t) => {
  const catalog = catalogOf({
    'quota.yaml.hbs':
      'format: 1\ntarget: {apiVersion: v1, kind: ResourceQuota, namespace: tests, name: quota}\n---\nspec: {hard: {requests.cpu: "0.1", requests.memory: 65536Ki}}',
  });
  const { plan } = await converge(t.context.client, catalog);
  t.is(itemOf(plan, 'quota').decision, 'in-sync');
});

test.serial('a plan never changes what somebody wrote after it was made', async (t) => {
  const catalog = configMap('raced');
  await converge(t.context.client, catalog);
  await cluster.patch(configMapId('raced'), { data: { a: '2' } }, { manager: 'rival' });
  const item = await decide(t.context.client, catalog, 'raced');
  await annotate('raced', { mode: 'unmanaged' });
  t.is((await perform(t.context.client, item)).result, 'conflict');
  t.like(await cluster.get(configMapId('raced')), {
    data: { a: '2' },
    metadata: { annotations: { [key('mode')]: 'unmanaged' } },
  });
});

test.serial('tombstones: deleted, gone, not ours, kept', async (t) => {
  const tombstone = (name: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: tests\n  labels: {platform.kubevirt.io/managed-by: virt-platform-autopilot}\n`;
  const names = ['old-ours', 'old-forged', 'old-unlabelled', 'old-unmanaged', 'old-excluded', 'old-gone'];
  const labels = { [key('managed-by')]: 'virt-platform-autopilot' };
  const object = (name: string, metadata: AnyObject) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'tests', name, ...metadata },
  });
  const ours = { manager: 'virt-platform-autopilot' };
  await cluster.apply(object('old-ours', { labels }), ours);
  await cluster.apply(object('old-forged', { labels }), { manager: 'somebody' });
  await cluster.apply(object('old-unlabelled', {}), ours);
  await cluster.apply(object('old-unmanaged', { labels, annotations: { [key('mode')]: 'unmanaged' } }), ours);
  await cluster.apply(object('old-excluded', { labels }), ours);
  await steer({ autopilot: 'true', 'disabled-resources': '- {kind: ConfigMap, name: old-excluded}' });

  const catalog = catalogOf(Object.fromEntries(names.map((name) => [`tombstones/${name}.yaml`, tombstone(name)])));
  const words = (plan: Plan) => Object.fromEntries(plan.items.map(({ asset, decision }) => [asset, decision]));
  t.deepEqual(words(await planNow(t.context.client, catalog)), {
    'old-ours': 'delete',
    'old-forged': 'not-ours',
    'old-unlabelled': 'not-ours',
    'old-unmanaged': 'kept',
    'old-excluded': 'kept',
    'old-gone': 'gone',
  });
  const { plan } = await converge(t.context.client, catalog);
  t.is(words(plan)['old-ours'], 'gone');
  t.truthy(await cluster.get(configMapId('old-forged')));

  await steer({ autopilot: 'true', 'disabled-resources': 'nonsense' });
  t.deepEqual(new Set(Object.values(words(await planNow(t.context.client, catalog)))), new Set(['kept']));
  await steer({ autopilot: 'true' });
});

test.serial('HyperConverged itself takes a patch, ignored fields, a mode and a pause', async (t) => {
  const catalog = catalogOf({
    'golden.yaml.hbs': `format: 1
target: {apiVersion: [hco.kubevirt.io/v1, hco.kubevirt.io/v1beta1], kind: HyperConverged, namespace: "{{hyperConverged.namespace}}", name: kubevirt-hyperconverged}
---
spec: {virtualization: {liveMigrationConfig: {parallelMigrationsPerCluster: 7, parallelOutboundMigrationsPerNode: 3}}}`,
    'migrations.yaml.hbs': assetFile(
      'migrations',
      'data: {perCluster: {{yaml (toJson (dig hyperConverged "spec" "virtualization" "liveMigrationConfig" "parallelMigrationsPerCluster" default=0))}} }',
    ),
  });
  const migrations = async () =>
    (await cluster.get(hyperConverged))?.spec.virtualization.liveMigrationConfig.parallelMigrationsPerCluster;
  const set = (annotations: Record<string, string>) => steer({ autopilot: 'true', ...annotations });

  // Facts are taken from the effective state, before it is written.
  const first = await planNow(t.context.client, catalog);
  t.is(itemOf(first, 'golden').decision, 'adopt');
  t.is(Object(itemOf(first, 'migrations').desired).data.perCluster, '7');
  await converge(t.context.client, catalog);
  t.is(await migrations(), 7);

  const path = '/spec/virtualization/liveMigrationConfig/parallelMigrationsPerCluster';
  await set({ patch: JSON.stringify([{ op: 'replace', path, value: 9 }]) });
  await converge(t.context.client, catalog);
  t.is(await migrations(), 9);
  t.is((await cluster.get(configMapId('migrations')))?.data.perCluster, '9');

  await set({ 'ignore-fields': path });
  await converge(t.context.client, catalog);
  await cluster.patch(
    hyperConverged,
    { spec: { virtualization: { liveMigrationConfig: { parallelMigrationsPerCluster: 4 } } } },
    { manager: 'person2' },
  );
  await converge(t.context.client, catalog);
  t.is(await migrations(), 4);

  for (const [annotations, word] of [
    [{ mode: 'unmanaged' }, 'unmanaged'],
    [{ 'reconcile-paused': 'true' }, 'paused'],
    [{ mode: 'unmanged' }, 'override-invalid'],
  ] as const) {
    await set(annotations);
    const plan = await planNow(t.context.client, catalog);
    t.is(itemOf(plan, 'golden').decision, word);
    t.is(itemOf(plan, 'migrations').decision, 'in-sync', 'the others go on with what is live');
  }
  // A key that a newer version may know is pointed out, and holds nothing.
  await set({ 'enable-teleport': 'true' });
  const plan = await planNow(t.context.client, catalog);
  t.regex(plan.warnings.join('\n'), /enable-teleport/);
  t.is(itemOf(plan, 'golden').decision, 'update');
  await steer({ autopilot: 'true' });
});

test.serial('the built-in catalog converges, and then asks for nothing', async (t) => {
  for (const name of ['openshift-monitoring', 'openshift-kube-descheduler-operator']) {
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  await steer({ autopilot: 'true' });
  const catalog = await builtInCatalog();
  const { plan } = await converge(t.context.client, catalog);
  const quiet = ['in-sync', 'condition-unmet', 'missing-crd', 'missing-namespace', 'gone'];
  t.deepEqual(
    plan.items
      .filter(({ decision }) => !quiet.includes(decision))
      .map(({ asset, decision, why }) => ({ asset, decision, why })),
    [],
  );
  const again = await observe(t.context.client, catalog, engine, { images: {} });
  t.deepEqual(again.plan, plan, 'same snapshot, same plan');
  t.is(again.snapshot.verdicts.size, 0, 'what is in sync is not put to the server');
});
