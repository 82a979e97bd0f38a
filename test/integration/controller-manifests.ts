import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { leaderPresets } from '../../controller/leader-election.ts';
import { generatedManifests } from '../../controller/manifests/generated-manifests.ts';
import { parseProgramOptions } from '../../controller/program-options.ts';
import { autopilotName } from '../../shared/api/names.ts';
import { type AnyObject, useCluster, waitFor } from '../helpers/cluster.ts';
import { builtInCatalog, catalogOf, converge, openClient, planNow } from '../helpers/engine.ts';
import { installAutopilot, type Overlay, overlayFolder, overlays } from './_controller-manifests.ts';

const builtIn = await builtInCatalog();
const cluster = useCluster(test);

test.serial.before('the namespaces of HyperConverged, where nothing but restricted pods may run', async () => {
  for (const name of Object.values(overlays)) {
    const labels = Object.fromEntries(
      ['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
    );
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  }
});

for (const [overlay, namespace] of Object.entries(overlays) as [Overlay, string][]) {
  test.serial(`the overlay ${overlay} is accepted, strictly and without a warning`, async (t) => {
    const args = ['apply', '--server-side', '--validate=strict', '--force-conflicts', '-k', overlayFolder(overlay)];
    for (const more of [['--dry-run=server'], []]) {
      const { code, stderr } = await cluster.kubectl([...args, ...more]);
      t.is(stderr, '');
      t.is(code, 0);
    }
    const optional = await cluster.kubectl(['apply', '-f', `${overlayFolder(overlay)}/generated/flow-schema.yaml`]);
    t.is(optional.stderr, '');
  });

  test.serial(`the pods of the overlay ${overlay} are admitted where only restricted ones are`, async (t) => {
    const template = await podTemplate(namespace);
    const pod: AnyObject = { apiVersion: 'v1', kind: 'Pod', ...template };
    const tried = await tryPod(namespace, pod);
    t.is(tried.status, 201, tried.body.message);
    t.is(tried.headers.warning, undefined);
    t.is(tried.body.spec.priority, 2_000_000_000);

    const privileged = structuredClone(pod);
    privileged.spec.containers[0].securityContext.allowPrivilegeEscalation = true;
    const refused = await tryPod(namespace, privileged);
    t.is(refused.status, 403);
    t.regex(refused.body.message, /violates PodSecurity "restricted/);
  });

  test.serial(`the arguments of the overlay ${overlay} are those of the program`, async (t) => {
    const [container] = (await podTemplate(namespace)).spec.containers;
    const options = parseProgramOptions(container.args, {});
    t.true(options.leaderElect);
    t.deepEqual(options.leaderTimes, leaderPresets[overlay === 'openshift' ? 'openshift' : 'default']);
    const ports = Object.fromEntries(
      container.ports.map(({ name, containerPort }: AnyObject) => [name, `:${containerPort}`]),
    );
    t.deepEqual(ports, { metrics: options.metricsBindAddress, health: options.healthProbeBindAddress });
    t.deepEqual(
      ['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) => container[probe].httpGet),
      ['/livez', '/livez', '/readyz'].map((path) => ({ path, port: 'health', scheme: 'HTTP' })),
    );
  });

  test.serial(`the ServiceAccount of the overlay ${overlay} keeps the catalog in ${namespace}`, async (t) => {
    await cluster.apply({
      apiVersion: 'hco.kubevirt.io/v1',
      kind: 'HyperConverged',
      metadata: {
        name: 'kubevirt-hyperconverged',
        namespace,
        annotations: {
          'platform.kubevirt.io/autopilot': 'true',
          'platform.kubevirt.io/openshift': String(overlay === 'openshift'),
        },
      },
      spec: {},
    });
    const autopilot = await installAutopilot(cluster, overlay);
    const client = openClient(autopilot.kubeconfig);
    t.teardown(() => client.close());
    const { plan } = await converge(client, builtIn);
    t.deepEqual(plan.unknown, []);
    const decided = new Set(plan.items.map(({ decision }) => decision));
    for (const decision of ['unreadable', 'unverified', 'rejected'] as const) t.false(decided.has(decision));
    t.true(decided.has('in-sync'));

    const service = { apiVersion: 'v1', kind: 'Service', namespace, name: `${autopilotName}-metrics` };
    const { selector } = ((await cluster.get(service)) as AnyObject).spec;
    t.like((await podTemplate(namespace)).metadata.labels, selector);
    await cluster.delete({ apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged', namespace, name });
  });
}

test.serial('who has the viewer role is told everything by status, and may write nothing', async (t) => {
  const namespace = overlays.openshift;
  const metadata = { name, namespace, annotations: { 'platform.kubevirt.io/autopilot': 'true' } };
  await installAutopilot(cluster, 'openshift');
  await cluster.apply({ apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged', metadata, spec: {} });
  await cluster.apply([binding('virt-platform-viewer', 'viewer'), binding('virt-platform-author', 'author')]);
  const viewer = openClient(await cluster.user('viewer'));
  t.teardown(() => viewer.close());
  await waitFor(async () => (await planNow(viewer, builtIn)).unknown.length === 0, { what: 'the viewer role' });
  const plan = await planNow(viewer, builtIn);
  t.is(plan.activation.state, 'active');
  t.deepEqual(
    plan.items.flatMap(({ asset, decision }) => (decision === 'unreadable' ? [asset] : [])),
    [],
  );
  const { stdout, stderr } = await cluster.kubectl(['virt-platform', 'status'], { as: 'viewer' });
  t.is(stderr, '');
  t.notRegex(stdout, /no permission to (?!patch|create)/);
  t.is((await annotate('viewer', namespace)).status, 403);
});

test.serial('who has the author role may steer, and nothing else', async (t) => {
  const namespace = overlays.openshift;
  await waitFor(async () => (await annotate('author', namespace)).status === 200, { what: 'the author role' });
  const path = `/apis/hco.kubevirt.io/v1/namespaces/${namespace}/hyperconvergeds/${name}`;
  t.is((await cluster.request('DELETE', path, { as: 'author' })).status, 403);
  t.is((await cluster.request('GET', '/api/v1/secrets', { as: 'author' })).status, 403);
});

test.serial('a catalog that grants and binds roles works with what is held for it, and no more', async (t) => {
  const namespace = overlays.openshift;
  const catalog = catalogOf(granting);
  for (const manifest of Object.values(generatedManifests(catalog, { namespace }))) {
    await cluster.apply(documentsIn(manifest), { manager: 'kubectl' });
  }
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } },
    ...['bound-here', 'not-bound'].map((role) => ({
      apiVersion: rbac,
      kind: 'Role',
      metadata: { namespace: 'elsewhere', name: role },
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
    })),
  ]);
  const retired = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'retired', labels: ourLabel } };
  await cluster.apply(retired, { manager: autopilotName });
  const as = { token: await cluster.serviceAccountToken(namespace, autopilotName) };
  const client = openClient(await cluster.serviceAccount(namespace, autopilotName));
  t.teardown(() => client.close());
  // The policy takes a moment to be the new one.
  const made = `/api/v1/namespaces/made?dryRun=All&fieldManager=${autopilotName}`;
  await waitFor(
    async () => {
      const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'made' } };
      const answer = await cluster.request('PATCH', made, { as, body, contentType: applyPatch });
      if (answer.status !== 201) throw new Error(answer.body.message);
      return true;
    },
    { what: 'the new permissions' },
  );

  const { plan } = await converge(client, catalog);
  t.deepEqual(
    plan.items.flatMap(({ asset, decision, why }) =>
      ['in-sync', 'gone'].includes(decision) ? [] : [`${asset}: ${decision}, ${why}`],
    ),
    [],
  );

  const escalations: Record<string, AnyObject> = {
    'clusterroles/granted': { rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }] },
    [`namespaces/${namespace}/roles/granted-here`]: {
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['delete'] }],
    },
  };
  for (const [path, patch] of Object.entries(escalations)) {
    const { status, body } = await cluster.request('PATCH', `/apis/${rbac}/${path}`, {
      as,
      body: patch,
      contentType: 'application/merge-patch+json',
    });
    t.is(status, 403);
    t.regex(body.message, /is attempting to grant RBAC permissions not currently held/);
  }
  await cluster.delete({ apiVersion: rbac, kind: 'RoleBinding', namespace: 'elsewhere', name: 'binds' });
  const other = await cluster.request(
    'PATCH',
    `/apis/${rbac}/namespaces/elsewhere/rolebindings/binds?fieldManager=${autopilotName}`,
    {
      as,
      body: {
        apiVersion: rbac,
        kind: 'RoleBinding',
        metadata: { name: 'binds', namespace: 'elsewhere' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'not-bound' },
        subjects: [{ kind: 'ServiceAccount', namespace: 'elsewhere', name: 'x' }],
      },
      contentType: applyPatch,
    },
  );
  t.is(other.status, 403, other.body.message);
});

const name = 'kubevirt-hyperconverged';
const rbac = 'rbac.authorization.k8s.io/v1';
const applyPatch = 'application/apply-patch+yaml';
const ourLabel = { 'platform.kubevirt.io/managed-by': autopilotName };

/** One of each kind of thing that permissions are derived from and the built-in catalog may not have. */
const granting: Readonly<Record<string, string>> = {
  'cluster-role.yaml.hbs': `
format: 1
target: {apiVersion: ${rbac}, kind: ClusterRole, name: granted}
---
rules:
  - {apiGroups: [""], resources: [pods], verbs: [get, list]}
  - {nonResourceURLs: [/metrics], verbs: [get]}
`,
  'cluster-role-binding.yaml.hbs': `
format: 1
target: {apiVersion: ${rbac}, kind: ClusterRoleBinding, name: binds-granted}
dependsOn: [cluster-role]
---
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: granted}
subjects: [{kind: ServiceAccount, namespace: elsewhere, name: x}]
`,
  'role.yaml.hbs': `
format: 1
target: {apiVersion: ${rbac}, kind: Role, namespace: "{{hyperConverged.namespace}}", name: granted-here}
---
rules:
  - {apiGroups: [""], resources: [pods], resourceNames: ["{{hyperConverged.namespace}}"], verbs: [get]}
`,
  'role-binding.yaml.hbs': `
format: 1
target: {apiVersion: ${rbac}, kind: RoleBinding, namespace: elsewhere, name: binds}
params: {role: bound-here}
---
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "{{params.role}}"}
subjects: [{kind: ServiceAccount, namespace: elsewhere, name: x}]
`,
  'made.yaml.hbs': `
format: 1
target: {apiVersion: v1, kind: Namespace, name: made}
---
{}
`,
  'many.yaml.hbs': `
format: 1
target: {apiVersion: v1, kind: ConfigMap, namespace: made, name: "many-{{params.which}}"}
variants:
${Array.from({ length: 9 }, (_, which) => `  - {suffix: n${which}, params: {which: n${which}}}`).join('\n')}
---
data: {a: "1"}
`,
  'tombstones/retired.yaml': `
apiVersion: v1
kind: ConfigMap
metadata: {namespace: ${overlays.openshift}, name: retired, labels: {platform.kubevirt.io/managed-by: ${autopilotName}}}
`,
};

async function podTemplate(namespace: string): Promise<AnyObject> {
  const deployment = await cluster.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: autopilotName });
  return structuredClone((deployment as AnyObject).spec.template);
}

function tryPod(namespace: string, { metadata, ...pod }: AnyObject) {
  const { creationTimestamp: _, ...rest } = metadata;
  return cluster.request('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`, {
    body: { ...pod, metadata: { ...rest, name: 'tried' } },
  });
}

function binding(role: string, user: string): AnyObject {
  return {
    apiVersion: rbac,
    kind: 'ClusterRoleBinding',
    metadata: { name: role },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  };
}

function annotate(as: string, namespace: string) {
  return cluster.request('PATCH', `/apis/hco.kubevirt.io/v1/namespaces/${namespace}/hyperconvergeds/${name}`, {
    as,
    body: { metadata: { annotations: { 'platform.kubevirt.io/disabled-resources': '[]' } } },
    contentType: 'application/merge-patch+json',
  });
}

function documentsIn(text: string): AnyObject[] {
  return parseAllDocuments(text).map((document) => document.toJS());
}
