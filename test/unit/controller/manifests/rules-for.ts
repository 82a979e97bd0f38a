import test from 'ava';
import { rulesFor } from '../../../../controller/manifests/rules-for.ts';
import { mostWatchesOfOneKind } from '../../../../shared/permissions/watch-limit.ts';
import { catalogWith, clusterScoped, inOurs, rulesAbout } from './_catalogs.ts';

const rbac = 'rbac.authorization.k8s.io';

test('an object that is kept is read, watched, made and patched by name, and never deleted', (t) => {
  t.deepEqual(rulesAbout('configmaps', catalogWith({ a: {}, b: {} })), ['get list watch create patch on a b']);
});

test('what is in HyperConverged’s namespace is allowed there, all else in the ClusterRole', (t) => {
  const catalog = catalogWith({ a: {}, b: { target: inOurs } });
  t.deepEqual(rulesAbout('configmaps', catalog, 'clusterRole'), ['get list watch create patch on a']);
  t.deepEqual(rulesAbout('configmaps', catalog, 'role'), ['get list watch create patch on b']);
});

test('an object of the same name in both needs no second permission', (t) => {
  const catalog = catalogWith({ a: {}, b: { target: { ...inOurs, name: 'a' } } });
  t.deepEqual(rulesAbout('configmaps', catalog, 'clusterRole'), ['get list watch create patch on a']);
  t.deepEqual(rulesAbout('configmaps', catalog, 'role'), []);
});

test('names come from params, variant by variant', (t) => {
  const variants = ['worker', 'master'].map((role) => ({ suffix: role, params: { role } }));
  const catalog = catalogWith({ a: { target: clusterScoped('a.b', 'Thing', '99-{{params.role}}'), variants } });
  t.deepEqual(rulesAbout('things', catalog), ['get list watch create patch on 99-master 99-worker']);
});

test('HyperConverged is patched where it is, never made, and looked for everywhere', (t) => {
  const target = { apiVersion: ['hco.kubevirt.io/v1', 'hco.kubevirt.io/v1beta1'], kind: 'HyperConverged' };
  const catalog = catalogWith({ golden: { target: { ...target, ...inOurs, name: 'kubevirt-hyperconverged' } } });
  t.deepEqual(rulesAbout('hyperconvergeds', catalog, 'role'), ['get patch on kubevirt-hyperconverged']);
  t.deepEqual(rulesAbout('hyperconvergeds', catalog, 'clusterRole'), ['list watch on all']);
});

test('the namespaces of targets are read by name', (t) => {
  const catalog = catalogWith({ a: {}, b: { target: inOurs }, c: { target: clusterScoped('a.b', 'Thing') } });
  t.deepEqual(rulesAbout('namespaces', catalog), ['get list watch on ours theirs']);
});

test('of a kind with many assets all objects are watched, and each is still written by name', (t) => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `a${index}`);
  const many = (count: number) => catalogWith(Object.fromEntries(names(count).map((name) => [name, {}])));
  t.is(mostWatchesOfOneKind, 8);
  t.deepEqual(rulesAbout('configmaps', many(8)), [`get list watch create patch on ${names(8).join(' ')}`]);
  t.deepEqual(rulesAbout('configmaps', many(9)), [`get create patch on ${names(9).join(' ')}`, 'list watch on all']);
});

test('one watch of a kind is for all namespaces, since it is one', (t) => {
  const many = Array.from({ length: 9 }, (_, index) => [`a${index}`, { target: inOurs }]);
  const catalog = catalogWith(Object.fromEntries(many));
  t.deepEqual(rulesAbout('configmaps', catalog, 'clusterRole'), ['list watch on all']);
  t.deepEqual(rulesAbout('configmaps', catalog, 'role'), ['get create patch on a0 a1 a2 a3 a4 a5 a6 a7 a8']);
});

test('a declared read is read by name, a list as a whole, and neither is written', (t) => {
  const reads = {
    one: { apiVersion: 'a.b/v1', kind: 'Thing', name: 'x' },
    all: { apiVersion: 'a.b/v1', kind: 'Policy', list: true },
  };
  t.deepEqual(rulesAbout('things', catalogWith({ a: { reads } })), ['get list watch on x']);
  t.deepEqual(rulesAbout('policies', catalogWith({ a: { reads } })), ['list watch on all']);
});

test('the schema of a CRD needs no more than to be read besides the watch of all CRDs', (t) => {
  const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: 'things.a.b' };
  t.deepEqual(rulesAbout('customresourcedefinitions', catalogWith({ a: { reads: { crd } } })), [
    'get on things.a.b',
    'list watch on all',
  ]);
});

test('a tombstone may be deleted, and not made or changed', (t) => {
  const tombstone = JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'old',
      namespace: 'theirs',
      labels: { 'platform.kubevirt.io/managed-by': 'virt-platform-autopilot' },
    },
  });
  t.deepEqual(rulesAbout('configmaps', catalogWith({ a: {} }, { 'tombstones/old.yaml': tombstone })), [
    'get list watch create patch on a',
    'get list watch delete on old',
  ]);
});

test('facts, the Lease and events are there without any asset', (t) => {
  const { clusterRole, role } = rulesFor(catalogWith({}), { namespace: 'ours' });
  const resources = (rules: typeof role) => rules.flatMap(({ rule }) => rule.resources);
  t.deepEqual(resources(clusterRole), [
    'nodes',
    'customresourcedefinitions',
    'infrastructures',
    'schedulers',
    'hyperconvergeds',
  ]);
  t.deepEqual(rulesAbout('infrastructures', catalogWith({})), ['get list watch on cluster']);
  t.deepEqual(rulesAbout('leases', catalogWith({}), 'role'), ['get create patch on virt-platform-autopilot']);
  t.deepEqual(rulesAbout('events', catalogWith({}), 'role'), ['create patch on all']);
  t.deepEqual(resources(role), ['leases', 'events']);
});

test('every rule says what it is for', (t) => {
  const reads = { own: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'theirs', name: 'a' } };
  const { clusterRole } = rulesFor(catalogWith({ a: { reads }, b: { reads } }), { namespace: 'ours' });
  const why = clusterRole.find(({ rule }) => rule.resources?.includes('configmaps'))?.why;
  t.is(why, 'kept by a, b');
});

test('no wildcard is ever generated, and nothing that grants more than it says', (t) => {
  const { clusterRole, role } = rulesFor(catalogWith({ a: {} }), { namespace: 'ours' });
  const text = JSON.stringify([clusterRole, role]);
  for (const word of ['*', 'escalate', 'impersonate', 'deletecollection', 'update', 'secrets']) {
    t.false(text.includes(`"${word}"`), word);
  }
});

test('a viewer reads what the controller reads, and an author patches what is kept besides', (t) => {
  const catalog = catalogWith({ a: {}, b: { target: inOurs } });
  t.deepEqual(rulesAbout('configmaps', catalog, 'viewer'), ['get list watch on a b']);
  t.deepEqual(rulesAbout('leases', catalog, 'viewer'), ['get on virt-platform-autopilot']);
  t.deepEqual(rulesAbout('events', catalog, 'viewer'), []);
  t.deepEqual(rulesAbout('configmaps', catalog, 'author'), ['get list watch patch on a b']);
  t.deepEqual(rulesAbout('leases', catalog, 'author'), ['get on virt-platform-autopilot']);
});

test('a Secret is refused, as a target and as a read', (t) => {
  const secret = { apiVersion: 'v1', kind: 'Secret', namespace: 'theirs', name: 's' };
  const message = /The asset a is about a Secret/;
  t.throws(() => rulesFor(catalogWith({ a: { target: secret } }), { namespace: 'ours' }), { message });
  t.throws(() => rulesFor(catalogWith({ a: { reads: { secret } } }), { namespace: 'ours' }), { message });
});

const role = (namespace: string) => ({ apiVersion: `${rbac}/v1`, kind: 'Role', namespace, name: 'granted' });
const pods = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] };
const metrics = { nonResourceURLs: ['/metrics'], verbs: ['get'] };

test('what an asset’s ClusterRole grants is held exactly', (t) => {
  const target = clusterScoped(rbac, 'ClusterRole', 'granted');
  const catalog = catalogWith({ a: { target, body: `rules: ${JSON.stringify([pods, metrics])}` } });
  const { clusterRole, role } = rulesFor(catalog, { namespace: 'ours' });
  const held = clusterRole.filter(({ why }) => why === 'granted by a').map(({ rule }) => rule);
  t.deepEqual(held, [pods, metrics]);
  t.false(JSON.stringify(role).includes('granted by'));
});

test('what an asset’s Role grants in HyperConverged’s namespace is held there', (t) => {
  const body =
    'rules: [{apiGroups: [""], resources: [pods], resourceNames: ["{{hyperConverged.namespace}}"], verbs: [get]}]';
  const catalog = catalogWith({ a: { target: role('{{hyperConverged.namespace}}'), body } });
  const { clusterRole, role: ours } = rulesFor(catalog, { namespace: 'ours' });
  t.deepEqual(
    ours.filter(({ why }) => why === 'granted by a').map(({ rule }) => rule.resourceNames),
    [['ours']],
  );
  t.false(JSON.stringify(clusterRole).includes('granted by'));
});

test('a Role in another namespace is refused: it would have to be held in all', (t) => {
  const catalog = catalogWith({ a: { target: role('theirs'), body: `rules: ${JSON.stringify([pods])}` } });
  t.throws(() => rulesFor(catalog, { namespace: 'ours' }), {
    message: /The asset a grants a role in the namespace theirs/,
  });
});

test('what a cluster decides is never granted', (t) => {
  const target = clusterScoped(rbac, 'ClusterRole', 'granted');
  const body = '{{#if topology.isOpenShift}}rules: []{{/if}}';
  t.throws(() => rulesFor(catalogWith({ a: { target, body } }), { namespace: 'ours' }), {
    message: /The asset a grants or binds a role by topology\.isOpenShift/,
  });
  const aggregated = 'aggregationRule: {clusterRoleSelectors: []}';
  t.throws(() => rulesFor(catalogWith({ a: { target, body: aggregated } }), { namespace: 'ours' }), {
    message: /aggregates roles/,
  });
});

const bindingBody = (kind: string, name: string) =>
  `roleRef: {apiGroup: ${rbac}, kind: ${kind}, name: ${name}}\nsubjects: []`;
const roleBinding = (namespace: string) => ({ apiVersion: `${rbac}/v1`, kind: 'RoleBinding', namespace, name: 'b' });

test('to bind another’s role, `bind` on just that role is held, where the binding is', (t) => {
  const inTheirs = catalogWith({ b: { target: roleBinding('theirs'), body: bindingBody('Role', 'owned') } });
  t.deepEqual(rulesAbout('roles', inTheirs), ['bind on owned']);

  const target = roleBinding('{{hyperConverged.namespace}}');
  const ours = catalogWith({ b: { target, body: bindingBody('ClusterRole', 'owned') } });
  t.deepEqual(rulesAbout('clusterroles', ours, 'role'), ['bind on owned']);
  t.deepEqual(rulesAbout('clusterroles', ours), []);

  const everywhere = clusterScoped(rbac, 'ClusterRoleBinding', 'b');
  const cluster = catalogWith({ b: { target: everywhere, body: bindingBody('ClusterRole', 'owned') } });
  t.deepEqual(rulesAbout('clusterroles', cluster), ['bind on owned']);
});

test('to bind a role that the catalog grants, nothing more is held', (t) => {
  const catalog = catalogWith({
    a: { target: clusterScoped(rbac, 'ClusterRole', 'granted'), body: `rules: ${JSON.stringify([pods])}` },
    b: { target: clusterScoped(rbac, 'ClusterRoleBinding', 'b'), body: bindingBody('ClusterRole', 'granted') },
  });
  t.deepEqual(rulesAbout('clusterroles', catalog), ['get list watch create patch on granted']);
});
