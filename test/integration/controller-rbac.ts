import { readFile } from 'node:fs/promises';
import anyTest, { type TestFn } from 'ava';
import { EventRecorder } from '../../controller/events.ts';
import type { Happening } from '../../controller/happening.ts';
import { leaderPresets } from '../../controller/leader-election.ts';
import { catalogFor } from '../../controller/manifests/platform.ts';
import { autopilotName, managedByLabel } from '../../shared/api/names.ts';
import type { ObjectRef } from '../../shared/api/object-ref.ts';
import type { RenderContext } from '../../shared/catalog/asset.ts';
import { plan as makePlan } from '../../shared/engine/plan.ts';
import type { Plan } from '../../shared/engine/plan-item.ts';
import type { Cluster as Client } from '../../shared/kube/client.ts';
import { systemClock } from '../../shared/kube/clock.ts';
import { observe } from '../../shared/kube/observe.ts';
import { type Outcome, perform } from '../../shared/kube/perform.ts';
import { permissionsOf } from '../../shared/permissions/permissions-of.ts';
import { demoCluster } from '../harness/demo-cluster.ts';
import { type Answer, type AnyObject, type As, useCluster, waitFor } from '../helpers/cluster.ts';
import { runController } from '../helpers/controller.ts';
import { builtInCatalog, openClient } from '../helpers/engine.ts';
import { type InstalledAutopilot, installAutopilot } from './_controller-manifests.ts';

// What the generated permissions and the admission policy allow, seen by a controller's whole life on the fixture
// cluster: as the ServiceAccount, under both, with every feature on.
const test = anyTest as TestFn<{ autopilot: InstalledAutopilot; client: Client }>;
const catalog = await builtInCatalog();
const cluster = useCluster(test, { crds: 'none' });

/** Assets that no cluster wants beside the others: for plain Kubernetes, or instead of another feature. */
const elsewhere = new Set(
  catalog.assets
    .filter(({ when }) => when.some(({ expression }) => /^!(topology\.isOpenShift|enabled\()/.test(expression)))
    .map(({ name }) => name),
);

/** What the overlay that is installed has no permissions for. */
const ofPlainKubernetes = new Set(
  catalog.assets.filter((asset) => !catalogFor(catalog, 'openshift').assets.includes(asset)).map(({ name }) => name),
);

/** What nobody but a release knows. */
const images = { 'kubevirt-metrics-exporter': 'registry.example/kubevirt-metrics-exporter:v1' };

const hyperConverged = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};
const lease = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  namespace: 'openshift-cnv',
  name: autopilotName,
};
const settings = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  namespace: 'openshift-monitoring',
  name: 'cluster-monitoring-config',
};

const plugin = { apiVersion: 'observability.openshift.io/v1alpha1', kind: 'UIPlugin', name: 'monitoring' };

test.serial.before('the fixture cluster with every feature on, and the manifests', async (t) => {
  await demoCluster(cluster.controlPlane);
  // Made by the controller too, where the cluster's admins have none.
  await cluster.delete(settings);
  const features = [...new Set(catalog.assets.flatMap(({ when }) => when.flatMap(({ uses }) => uses)))].flatMap(
    (use) => /^enabled\('(.+)'\)$/.exec(use)?.[1] ?? [],
  );
  t.true(features.length >= 8, features.join());
  await cluster.patch(hyperConverged, {
    metadata: {
      annotations: Object.fromEntries(features.map((feature) => [`platform.kubevirt.io/enable-${feature}`, 'true'])),
    },
    spec: { featureGates: [{ name: 'CPUManager', state: 'Enabled' }] },
  });
  const scheduler = { apiVersion: 'config.openshift.io/v1', kind: 'Scheduler', name: 'cluster' };
  await cluster.patch(scheduler, { spec: { mastersSchedulable: true } });
  const worker = { apiVersion: 'v1', kind: 'Node', name: 'worker-0' };
  await cluster.patch(worker, { metadata: { labels: { 'feature.node.kubernetes.io/usb-present': 'true' } } });
  for (const { target } of catalog.tombstones) await makeTombstone(target);

  t.context.autopilot = await installAutopilot(cluster);
  t.context.client = openClient(t.context.autopilot.kubeconfig);
});

test.after.always((t) => t.context.client?.close());

test.serial('the whole catalog is kept, and its tombstones deleted, as the ServiceAccount', async (t) => {
  const before = await cluster.list({ apiVersion: 'v1', kind: 'Namespace' });
  const { plan, outcomes } = await converge(t.context.client);
  t.deepEqual(undecided(plan), []);
  t.deepEqual(plan.unknown, []);
  const names = new Set(before.map(({ metadata }) => metadata.name));
  const wereThere = plan.items.filter(({ target }) => target.kind === 'Namespace' && names.has(target.name)).length;
  // HyperConverged, and such namespaces, are adopted.
  const toCreate = catalog.assets.length - elsewhere.size - wereThere - 1;
  t.is(outcomes.filter(({ result }) => result === 'created').length, toCreate);
  t.is(outcomes.filter(({ result }) => result === 'deleted').length, catalog.tombstones.length);
});

test.serial('a pause is written as the ServiceAccount, and fields are released', async (t) => {
  const swap = {
    apiVersion: 'machineconfiguration.openshift.io/v1',
    kind: 'MachineConfig',
    name: '90-worker-swap-online',
  };
  const annotations = { 'platform.kubevirt.io/reconcile-paused': 'true' };
  const paused = await t.context.client.mergePatch(swap, { metadata: { annotations } }, ours);
  t.like(paused.object.metadata, { annotations });
  const removal = [{ op: 'remove', path: '/metadata/annotations/platform.kubevirt.io~1reconcile-paused' }];
  await t.context.client.jsonPatch(swap, removal, ours);
});

test.serial(
  'the controller itself does all that as the ServiceAccount: with watches, its Lease and events',
  async (t) => {
    const { autopilot, client } = t.context;
    const { items } = await planNow(client);
    // A Namespace would never be gone, without the controller manager that empties it.
    const stays = new Set(['HyperConverged', 'Namespace']);
    for (const { target } of items) if (!stays.has(target.kind)) await cluster.delete(target);
    for (const { target } of catalog.tombstones) await makeTombstone(target);

    const troubles: Happening[] = [];
    const limits = { seriesIntervalMs: 50 };
    const onError = (error: unknown) => t.fail(`an event: ${error}`);
    const events = new EventRecorder(client, { reportingInstance: 'pod', clock: systemClock, onError, limits });
    const running = runController(autopilot.kubeconfig, catalog, {
      images,
      leaderElection: { identity: 'pod_1', namespace: autopilot.namespace, times: leaderPresets.default },
      listeners: [
        events.listener,
        (happening) => {
          const isFailed = happening.happening === 'performed' && happening.outcome.result === 'failed';
          if (isFailed || happening.happening === 'trouble') troubles.push(happening);
        },
      ],
    });
    try {
      // A binding is refused as long as the API server's own cache lacks the role that was made just before.
      await waitFor(() => undecided(running.controller.state.plan).length === 0, {
        what: 'all of it to be kept',
        timeoutMs: 60_000,
      }).catch(() => {});
      t.deepEqual(undecided(running.controller.state.plan), []);
      const { data } = await cluster.patch(settings, { data: { 'config.yaml': 'enableUserWorkload: true' } });
      await waitFor(async () => (await cluster.get(settings))?.data['config.yaml'] !== data['config.yaml'], {
        what: 'the settings to be completed',
      });
      // Fewer times than make an edit war of it.
      for (let round = 1; round <= 4 && events.counts.repeated === 0; round += 1) {
        const before = told(events);
        await cluster.patch(plugin, { spec: { monitoring: { perses: { enabled: false } } } });
        await waitFor(async () => (await cluster.get(plugin))?.spec.monitoring.perses.enabled === true, {
          what: 'the drift to be healed',
        });
        // A drift that begins before the end of another was seen is the same one.
        await waitFor(() => told(events) >= before + 2, { what: 'its begin and its end to be told' });
      }
      t.true(events.counts.repeated > 0);
    } finally {
      await running.stop();
      await events.flush(30_000);
    }
    t.deepEqual(troubles, []);
    t.like(events.counts, { dropped: 0, failed: 0 });
    t.is((await cluster.get(lease))?.spec.holderIdentity, '');
  },
);

/** What isn't as it is to be in the end; everything, before the first plan. */
function undecided(plan: Plan | undefined): readonly string[] {
  if (plan === undefined) return ['no plan'];
  return plan.items.flatMap(({ asset, decision, why }) =>
    ['in-sync', 'gone'].includes(decision) || elsewhere.has(asset) ? [] : [`${asset}: ${decision}, ${why}`],
  );
}

function told({ counts }: EventRecorder): number {
  return counts.created + counts.repeated;
}

// A server that doesn't stream the beginning of a watch is asked for lists; this one does.
test.serial('all that is watched may be listed first, as the ServiceAccount', async (t) => {
  const { autopilot } = t.context;
  for (const path of await watched(t.context.client)) {
    const { status, body } = await cluster.request('GET', path, { as: autopilot.as });
    t.is(status, 200, `${path}: ${body.message}`);
  }
});

test.serial('nothing that the ServiceAccount asked for so far was refused', async (t) => {
  const refused = (await audited(t.context.autopilot.user)).filter(({ responseStatus }) => responseStatus.code === 403);
  t.deepEqual(refused, []);
});

test.serial('every generated permission was needed: each was used, and no two allow the same', async (t) => {
  const done = (await audited(t.context.autopilot.user)).filter(({ responseStatus }) => responseStatus.code < 300);
  const requests = [...done.flatMap(requestsOf), ...(await bindings(done)), ...(await grants(done))];
  const permissions = await grantedTo();
  t.true(permissions.length > 100, `${permissions.length}`);

  // What only the assets of other clusters need can't be used on this one.
  const here = [
    ...permissionsOf(
      { ...catalog, assets: catalog.assets.filter(({ name }) => !elsewhere.has(name)) },
      'openshift-cnv',
    ),
  ];
  const isForHere = ({ verb, group, resource, name }: Access) =>
    here.some((one) => one.verb === verb && one.group === group && one.resource === resource && one.name === name);
  const isFixture = ({ verb, resource, name }: Access) =>
    verb === 'create' && resource === 'namespaces' && name === 'openshift-workload-availability';
  const unused = permissions.filter(
    (permission) =>
      isForHere(permission) && !isFixture(permission) && !requests.some((request) => allows(permission, request)),
  );
  t.deepEqual(unused, []);
  const doubly = requests.filter((request) => permissions.filter((one) => allows(one, request)).length > 1);
  t.deepEqual(doubly, []);
});

test.serial('a permission that is missing is missed', async (t) => {
  const role = { apiVersion: rbac, kind: 'Role', namespace: 'openshift-cnv', name: autopilotName };
  const { rules } = (await cluster.get(role)) as AnyObject;
  await cluster.patch(role, { rules: rules.filter(({ resources }: AnyObject) => !resources.includes('services')) });
  await waitFor(
    async () => {
      const plan = await planNow(t.context.client);
      return plan.items.some(({ asset, decision }) => asset === 'metrics-service' && decision === 'unreadable');
    },
    { what: 'the plan to miss what it may not read' },
  );
  await cluster.patch(role, { rules });
  await waitFor(
    async () => (await planNow(t.context.client)).items.every(({ decision }) => decision !== 'unreadable'),
    { what: 'the permission to be back' },
  );
  t.pass();
});

type Forbidden = {
  readonly method?: string;
  readonly path: string;
  readonly body?: AnyObject;
  readonly contentType?: string;
  /** Who refuses it. Default: both, each by itself. */
  readonly by?: 'both' | 'rbac' | 'policy';
};

const apply = (path: string, object: AnyObject): Forbidden => ({
  method: 'PATCH',
  path: `${path}?fieldManager=${autopilotName}&force=true`,
  body: object,
  contentType: 'application/apply-patch+yaml',
});
const configMap = (namespace: string, name: string): Forbidden =>
  apply(`/api/v1/namespaces/${namespace}/configmaps/${name}`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name },
  });
const merge = (path: string, body: AnyObject): Forbidden => ({
  method: 'PATCH',
  path,
  body,
  contentType: 'application/merge-patch+json',
});
const rbac = 'rbac.authorization.k8s.io/v1';
const annotated = { metadata: { annotations: { a: 'b' } } };
const machineConfigs = '/apis/machineconfiguration.openshift.io/v1/machineconfigs';
const hyperConvergeds = '/apis/hco.kubevirt.io/v1/namespaces/openshift-cnv/hyperconvergeds';

const forbidden: Readonly<Record<string, Forbidden>> = {
  'another ConfigMap beside one that is kept': configMap('openshift-monitoring', 'user-workload-monitoring-config'),
  // ADR 6: RBAC can't say in which namespace of another operator, and the policy does.
  'a ConfigMap of the same name in another namespace': {
    ...configMap('openshift-cnv', 'cluster-monitoring-config'),
    by: 'policy',
  },
  'a Secret': apply('/api/v1/namespaces/openshift-cnv/secrets/s', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'openshift-cnv', name: 's' },
  }),
  'reading a Secret': { path: '/api/v1/namespaces/openshift-cnv/secrets/s', by: 'rbac' },
  'listing Secrets': { path: '/api/v1/secrets', by: 'rbac' },
  'listing ConfigMaps': { path: '/api/v1/namespaces/openshift-monitoring/configmaps', by: 'rbac' },
  'listing what is kept by name': {
    path: '/apis/machineconfiguration.openshift.io/v1/kubeletconfigs',
    by: 'rbac',
  },
  'another MachineConfig': apply(`${machineConfigs}/99-worker-ssh`, {
    apiVersion: 'machineconfiguration.openshift.io/v1',
    kind: 'MachineConfig',
    metadata: { name: '99-worker-ssh' },
  }),
  'deleting what is kept': { method: 'DELETE', path: `${machineConfigs}/90-worker-swap-online` },
  'deleting all of a kind': { method: 'DELETE', path: machineConfigs },
  'deleting HyperConverged': { method: 'DELETE', path: `${hyperConvergeds}/kubevirt-hyperconverged` },
  'the status of what is kept': merge(`${hyperConvergeds}/kubevirt-hyperconverged/status`, { status: {} }),
  'a HyperConverged in another namespace': {
    method: 'POST',
    path: '/apis/hco.kubevirt.io/v1/namespaces/openshift-monitoring/hyperconvergeds',
    body: { apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged', metadata: { name: 'kubevirt-hyperconverged' } },
  },
  'a namespace': {
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'another' } },
  },
  'a node': merge('/api/v1/nodes/worker-0', annotated),
  'a CRD': merge('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/hyperconvergeds.hco.kubevirt.io', annotated),
  'the Lease of another': apply('/apis/coordination.k8s.io/v1/namespaces/openshift-cnv/leases/another', {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: 'openshift-cnv', name: 'another' },
  }),
  'an event elsewhere': {
    method: 'POST',
    path: '/apis/events.k8s.io/v1/namespaces/openshift-monitoring/events',
    body: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'c',
      reportingInstance: 'i',
      action: 'a',
      reason: 'r',
      type: 'Normal',
      regarding: { kind: 'ConfigMap', namespace: 'openshift-monitoring', name: 'c' },
    },
  },
  'more permissions for itself': merge(`/apis/${rbac}/clusterroles/${autopilotName}`, {
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  }),
  'being bound to another role': {
    method: 'POST',
    path: `/apis/${rbac}/clusterrolebindings`,
    body: {
      apiVersion: rbac,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'take-over' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', namespace: 'openshift-cnv', name: autopilotName }],
    },
  },
  'a token of another ServiceAccount': {
    method: 'POST',
    path: `/api/v1/namespaces/openshift-cnv/serviceaccounts/${autopilotName}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  },
  // The API server keeps policies from being guarded by policies.
  'the admission policy itself': {
    ...merge(`/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/${autopilotName}`, annotated),
    by: 'rbac',
  },
};

for (const [what, { by = 'both', ...request }] of Object.entries(forbidden)) {
  test.serial(`${what} is refused to the ServiceAccount, by ${by}`, async (t) => {
    const { as, asIfAllowed, user } = t.context.autopilot;
    for (const dryRun of request.method === undefined ? [false] : [true, false]) {
      if (by !== 'policy') {
        const { status, body } = await send(request, as, dryRun);
        t.is(status, 403, body.message);
        t.true(body.message.includes(`User "${user}" cannot`), body.message);
      }
      if (by !== 'rbac') {
        const { status, body } = await send(request, by === 'policy' ? as : asIfAllowed, dryRun);
        t.is(status, 422, body.message);
        t.regex(body.message, /ValidatingAdmissionPolicy 'virt-platform-autopilot'.* denied request/);
      }
    }
  });
}

test.serial('a tombstone that lost its label is not deleted, whoever thinks it should be', async (t) => {
  const [tombstone] = catalog.tombstones;
  if (tombstone === undefined) return t.fail();
  const { plural, ...ref } = tombstone.target;
  await makeTombstone(ref, {});
  const path = await cluster.controlPlane.client.pathOf(ref);
  const { status, body } = await cluster.request('DELETE', path, { as: t.context.autopilot.as });
  t.is(status, 422);
  t.regex(body.message, /does not carry the label of virt-platform-autopilot/);

  await makeTombstone(ref);
  t.is((await cluster.request('DELETE', path, { as: t.context.autopilot.as })).status, 200);
});

test.serial('whoever else writes is none of the policy’s business', async (t) => {
  const name = 'somebody-elses';
  await t.notThrowsAsync(
    cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'openshift-cnv', name } }),
  );
});

const ours = { fieldManager: autopilotName };

async function planNow(client: Client): Promise<Plan> {
  return (await observe(client, catalog, makePlan, { images })).plan;
}

/** Plans and carries out until nothing is left to do: requests of what the controller otherwise learns from watches. */
async function converge(client: Client): Promise<{ plan: Plan; outcomes: Outcome[] }> {
  const outcomes: Outcome[] = [];
  for (;;) {
    const plan = await planNow(client);
    const before = outcomes.length;
    for (const item of plan.items) {
      const outcome = await perform(client, item);
      if (outcome.result === 'failed') throw new Error(`${item.asset}: ${outcome.error.message}`);
      if (outcome.result !== 'nothing') outcomes.push(outcome);
    }
    if (outcomes.length === before) return { plan, outcomes };
  }
}

async function makeTombstone(
  { apiVersion, kind, namespace, name }: ObjectRef,
  labels: Record<string, string> = { [managedByLabel]: autopilotName },
): Promise<void> {
  const metadata = { name, labels, ...(namespace !== undefined && { namespace }) };
  await cluster.apply({ apiVersion, kind, metadata }, { manager: autopilotName });
}

async function send({ method = 'GET', path, body, contentType }: Forbidden, as: As, dryRun: boolean): Promise<Answer> {
  const url = dryRun ? `${path}${path.includes('?') ? '&' : '?'}dryRun=All` : path;
  return cluster.request(method, url, {
    as,
    ...(body !== undefined && { body }),
    ...(contentType !== undefined && { contentType }),
  });
}

/** What the controller watches, by the architecture: whole collections, and objects by a field selector. */
async function watched(client: Client): Promise<string[]> {
  const plan = await planNow(client);
  const targets = plan.items.filter(({ asset }) => !ofPlainKubernetes.has(asset)).map(({ target }) => target);
  const objects: ObjectRef[] = targets.filter(({ kind }) => kind !== 'HyperConverged');
  for (const kind of ['Infrastructure', 'Scheduler']) {
    objects.push({ apiVersion: 'config.openshift.io/v1', kind, name: 'cluster' });
  }
  for (const { namespace } of targets) {
    if (namespace !== undefined) objects.push({ apiVersion: 'v1', kind: 'Namespace', name: namespace });
  }
  const collections = [
    '/apis/hco.kubevirt.io/v1/hyperconvergeds',
    '/api/v1/nodes',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  ];
  for (const { reads, params } of catalogFor(catalog, 'openshift').assets) {
    const context = { params, hyperConverged: { namespace: 'openshift-cnv' } } as unknown as RenderContext;
    for (const read of Object.values(reads)) {
      if (read.read === 'list') {
        collections.push(`/apis/${read.apiVersion}/${read.plural}`);
      } else if (read.kind !== 'CustomResourceDefinition') {
        const [apiVersion = ''] = read.apiVersions;
        const place = read.namespace === undefined ? {} : { namespace: read.namespace.render(context) };
        objects.push({ apiVersion, kind: read.kind, ...place, name: read.name.render(context) });
      }
    }
  }
  const selections = objects.map(async (object) => {
    const path = await cluster.controlPlane.client.pathOf(object);
    return `${path.slice(0, path.lastIndexOf('/'))}?fieldSelector=metadata.name%3D${object.name}`;
  });
  return [...new Set([...collections, ...(await Promise.all(selections))])];
}

/** What somebody asked for, in the API server's words. */
async function audited(user: string): Promise<AnyObject[]> {
  const log = await readFile(cluster.controlPlane.auditLog, 'utf8');
  const events: AnyObject[] = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return events.filter((event) => event.user.username === user && event.responseStatus !== undefined);
}

/** A request, or a permission, as RBAC compares them; without a name it is about all of a kind. */
type Access = { verb: string; group: string; resource: string; namespace?: string; name?: string };

/** What had to be allowed for a request of the audit log. */
function requestsOf({ verb, objectRef, responseStatus, requestURI }: AnyObject): Access[] {
  if (objectRef === undefined) return [];
  const { apiGroup: group = '', resource, namespace, name } = objectRef;
  // A POST tells the name of what it made, which RBAC was not asked about.
  const isByName = name !== undefined && verb !== 'create';
  const access = { group, resource, ...(namespace && { namespace }), ...(isByName && { name }) };
  const isAppliedAnew = verb === 'patch' && responseStatus.code === 201;
  if (verb === 'list' || verb === 'watch') {
    const isSelected = String(requestURI).includes('fieldSelector=metadata.name%3D');
    if (isSelected !== (name !== undefined)) throw new Error(`The audit log tells another name than ${requestURI}`);
  }
  return [{ ...access, verb }, ...(isAppliedAnew ? [{ ...access, verb: 'create' }] : [])];
}

/** The roles that were bound: nobody asks for `bind`, it has to be held when a binding is made. */
async function bindings(done: readonly AnyObject[]): Promise<Access[]> {
  const made = done.filter(
    ({ objectRef, responseStatus }) => objectRef?.resource.endsWith('rolebindings') && responseStatus.code === 201,
  );
  return Promise.all(
    made.map(async ({ objectRef: { resource, namespace, name } }): Promise<Access> => {
      const kind = resource === 'rolebindings' ? 'RoleBinding' : 'ClusterRoleBinding';
      const binding = await cluster.get({ apiVersion: rbac, kind, name, ...(namespace && { namespace }) });
      const { apiGroup, kind: bound, name: role } = binding?.roleRef ?? {};
      const place = namespace === undefined ? {} : { namespace };
      return { verb: 'bind', group: apiGroup, resource: `${bound}s`.toLowerCase(), ...place, name: role };
    }),
  );
}

/** What the roles that were made grant: nobody asks for it, it has to be held to grant it. */
async function grants(done: readonly AnyObject[]): Promise<Access[]> {
  const made = done.filter(
    ({ objectRef, responseStatus }) => /^(cluster)?roles$/.test(objectRef?.resource) && responseStatus.code === 201,
  );
  const roles = made.map(async ({ objectRef: { resource, namespace, name } }) => {
    const kind = resource === 'roles' ? 'Role' : 'ClusterRole';
    const role = await cluster.get({ apiVersion: rbac, kind, name, ...(namespace && { namespace }) });
    return allowedBy(role as AnyObject);
  });
  return (await Promise.all(roles)).flat();
}

/** What the ClusterRole and the Role allow, one verb on one object at a time. */
async function grantedTo(): Promise<Access[]> {
  const roles = [
    { apiVersion: rbac, kind: 'ClusterRole', name: autopilotName },
    { apiVersion: rbac, kind: 'Role', namespace: 'openshift-cnv', name: autopilotName },
  ];
  const granted = await Promise.all(roles.map(async (role) => allowedBy((await cluster.get(role)) as AnyObject)));
  return granted.flat();
}

function allowedBy({ rules, metadata: { namespace } }: AnyObject): Access[] {
  const place = namespace === undefined ? {} : { namespace };
  return rules.flatMap(
    ({ apiGroups = [''], resources, nonResourceURLs, resourceNames = [undefined], verbs }: AnyObject) =>
      apiGroups.flatMap((group: string) =>
        (resources ?? nonResourceURLs).flatMap((resource: string) =>
          resourceNames.flatMap((name: string | undefined) =>
            verbs.map((verb: string) => ({ verb, group, resource, ...place, ...(name !== undefined && { name }) })),
          ),
        ),
      ),
  );
}

function allows(permission: Access, request: Access): boolean {
  const isSame = (['verb', 'group', 'resource'] as const).every((key) => permission[key] === request[key]);
  const isThere = permission.namespace === undefined || permission.namespace === request.namespace;
  return isSame && isThere && (permission.name === undefined || permission.name === request.name);
}
