import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { demoCluster } from '../harness/demo-cluster.ts';
import { type AnyObject, useCluster, waitFor } from '../helpers/cluster.ts';
import { type ControllerProcess, startControllerProcess } from '../helpers/controller-process.ts';
import { installAutopilot } from './_controller-manifests.ts';
import { failsWith } from './_plugin.ts';

// One cluster from the first look at it to its end, in this order. Each finding is provoked, found, and put right with the
// very command that it comes with.
const test = anyTest as TestFn<{ running: { controller?: ControllerProcess } }>;
const cluster = useCluster(test, { crds: 'none' });
const root = path.resolve(import.meta.dirname, '../..');
const namespace = 'openshift-cnv';
const prefix = 'platform.kubevirt.io';
const running: { controller?: ControllerProcess } = {};

const hyperConverged = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  namespace,
  name: 'kubevirt-hyperconverged',
};
const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: 'virt-platform-autopilot' };
const machineConfig = {
  apiVersion: 'machineconfiguration.openshift.io/v1',
  kind: 'MachineConfig',
  name: '90-worker-swap-online',
};
const monitoring = { apiVersion: 'observability.openshift.io/v1alpha1', kind: 'UIPlugin', name: 'monitoring' };

test.serial.before('a cluster with HyperConverged, and no controller yet', async () => {
  await demoCluster(cluster.controlPlane);
});
test.after.always('the controller ends', async () => {
  await running.controller?.end('SIGKILL');
});

type Finding = { id: string; severity: string; what: string; where: string; fix: string; note?: string };

/** What the doctor finds, and how it ends. */
async function doctor(args: readonly string[] = [], options: Parameters<typeof cluster.kubectl>[1] = {}) {
  const { stdout, stderr, code } = await cluster.kubectl(['virt-platform', 'doctor', '-o', 'json', ...args], options);
  if (stderr !== '') throw new Error(`the doctor said ${stderr}`);
  const report = JSON.parse(stdout) as { summary: Record<string, number>; items: Finding[] };
  return { ...report, code, ids: report.items.map(({ id }) => id) };
}

/** The finding, once it is there, or the place that it is about too. */
async function finds(id: string, where?: string, options: Parameters<typeof doctor>[1] = {}): Promise<Finding> {
  return await waitFor(
    async () => {
      const { items } = await doctor([], options);
      return items.find((item) => item.id === id && (where === undefined || item.where === where));
    },
    { what: `the doctor to find ${id}`, timeoutMs: 60_000 },
  );
}

/** Runs the command that a finding suggests in a shell, in the checkout, as a person would who copies it. */
async function fix(t: ExecutionContext, command: string, env: Record<string, string> = {}): Promise<void> {
  t.log(command);
  const { binDir, kubectl, directory } = cluster.controlPlane;
  const child = spawn('sh', ['-c', command], {
    cwd: root,
    env: {
      PATH: [
        path.dirname(kubectl),
        binDir,
        path.join(root, 'plugin'),
        path.dirname(process.execPath),
        process.env.PATH,
      ].join(path.delimiter),
      HOME: directory,
      KUBECONFIG: cluster.kubeconfig,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'close');
  const said = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await exit;
  t.is(code, 0, said.join(''));
}

/** Until the doctor finds it no more. */
async function isGone(id: string): Promise<void> {
  await waitFor(async () => !(await doctor()).ids.includes(id), {
    what: `the doctor to find ${id} no more`,
    timeoutMs: 60_000,
  });
}

async function annotate(id: AnyObject, annotations: Record<string, string | null>): Promise<void> {
  await cluster.patch(id as typeof machineConfig, { metadata: { annotations } });
}

test.serial('without activation that is said, and no controller is missed; the command activates', async (t) => {
  await annotate(hyperConverged, { [`${prefix}/autopilot`]: null });
  const before = await doctor();
  t.deepEqual([before.code, before.ids.includes('controller-missing')], [0, false]);
  const finding = await finds('inactive', `HyperConverged/${namespace}/kubevirt-hyperconverged`);
  t.is(finding.severity, 'info');
  // Where a controller runs, the command has consequences at once, and status tells none of them before.
  t.is(finding.note, 'then everything is kept; names of assets in the place of true begin with a part');
  await fix(t, finding.fix);
  await isGone('inactive');
});

test.serial('a controller that was never installed is an error; the command installs it', async (t) => {
  const finding = await finds('controller-missing', `Lease/${namespace}/virt-platform-autopilot`);
  t.like(finding, { severity: 'error', what: 'no controller was ever here: nothing is kept in sync' });
  t.is((await doctor()).code, 1);
  await fix(t, finding.fix);
  // Nothing runs pods here, so it is installed and not at work.
  const installed = await finds('controller-missing', `Deployment/${namespace}/virt-platform-autopilot`);
  t.regex(installed.what, /installed, and was never at work/);
  await fix(t, installed.fix);
});

test.serial('a healthy cluster gives no error and no warning', async (t) => {
  const { kubeconfig } = await installAutopilot(cluster);
  running.controller = await startControllerProcess({ kubeconfig });
  await running.controller.converged();
  await isGone('controller-missing');
  const { items, summary, code } = await doctor();
  t.deepEqual(summary, { error: 0, warning: 0, info: 1 }, JSON.stringify(items, null, 1));
  t.like(items, [{ id: 'alerts-unreachable', where: 'the cluster' }]);
  t.is(code, 0);

  const forPeople = await cluster.kubectl(['virt-platform', 'doctor']);
  t.is(
    forPeople.stdout,
    `info   alerts-unreachable   the cluster
  no Prometheus could be asked: there is no service with the label operated-prometheus=true
  note: look at the alerts in the console, or in Alertmanager
  fix: kubectl --context=admin get services -A -l operated-prometheus=true

1 info found by 15 checks
`,
  );
  t.is((await cluster.kubectl(['virt-platform', 'doctor', '-o', 'name'])).stdout, 'alerts-unreachable\n');
});

type Provoked = {
  readonly title: string;
  readonly id: string;
  readonly severity: string;
  readonly where: string;
  readonly what: RegExp;
  /** Makes it so, while the controller is at work. */
  readonly provoke: () => Promise<unknown>;
  /** What a person does beside the command: its `--yes`, or the editor. */
  readonly yes?: string;
  readonly env?: Record<string, string>;
  /** What is left to be put back afterwards. */
  readonly after?: () => Promise<unknown>;
};

const editor = (line: string) => ({ KUBE_EDITOR: `sed -i -e /${line}/d` });
const perses = (name: string) => ({ apiVersion: 'perses.dev/v1alpha2', kind: 'PersesDashboard', namespace, name });
const psi = { ...machineConfig, name: '99-openshift-machineconfig-worker-psi-karg' };
const rules = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  namespace,
  name: 'virt-platform-autopilot-alerts',
};
const metrics = { apiVersion: 'v1', kind: 'Service', namespace, name: 'virt-platform-autopilot-metrics' };
const descheduler = {
  apiVersion: 'operator.openshift.io/v1',
  kind: 'KubeDescheduler',
  namespace: 'openshift-kube-descheduler-operator',
  name: 'cluster',
};
const webhookConfiguration = (name: string, webhooks: readonly object[]) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name },
  webhooks: webhooks.map((webhook, index) => ({
    name: `number${index}.example.com`,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    clientConfig: { service: { namespace, name: 'nobody', path: '/' } },
    rules: [onRules],
    ...webhook,
  })),
});
const onRules = {
  apiGroups: ['monitoring.coreos.com'],
  apiVersions: ['v1'],
  operations: ['UPDATE'],
  resources: ['prometheusrules'],
};
const rbac = 'rbac.authorization.k8s.io';
const role = (name: string, rule: { resources: string[]; verbs: string[]; resourceNames?: string[] }) => ({
  apiVersion: `${rbac}/v1`,
  kind: 'ClusterRole',
  metadata: { name },
  rules: [{ apiGroups: ['hco.kubevirt.io'], ...rule }],
});
/** Gives a ClusterRole to somebody, everywhere or in one namespace. */
const binding = (name: string, to: string, subjects: readonly object[], where?: { readonly namespace: string }) => ({
  apiVersion: `${rbac}/v1`,
  kind: where === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
  metadata: { name, ...where },
  roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: to },
  subjects,
});
const user = (name: string) => ({ apiGroup: rbac, kind: 'User', name });
const group = (name: string) => ({ apiGroup: rbac, kind: 'Group', name });
const account = (ofNamespace: string, name: string) => ({ kind: 'ServiceAccount', namespace: ofNamespace, name });
const thp = { ...machineConfig, name: '99-worker-thp-tuning' };
const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  name: 'servicemonitors.monitoring.coreos.com',
};

// Each is about another object, so that all of it is there at once, and one look finds it. Put right from the last to the
// first: some stand in the way of others.
const provoked: readonly Provoked[] = [
  {
    title: 'an annotation that is nearly right is written as it was meant',
    id: 'override-invalid',
    severity: 'error',
    where: 'MachineConfig/90-worker-swap-online',
    what: /^swap-enable: mode "unmanged" isn't known/,
    provoke: () => annotate(machineConfig, { [`${prefix}/mode`]: 'unmanged' }),
    after: async () => {
      const live = await cluster.get(machineConfig);
      await annotate(machineConfig, { [`${prefix}/mode`]: null });
      if (live?.metadata.annotations[`${prefix}/mode`] !== 'unmanaged') throw new Error('it was not written right');
    },
  },
  {
    title: 'an annotation that says nothing to us is taken away',
    id: 'override-invalid',
    severity: 'error',
    where: 'KubeDescheduler/openshift-kube-descheduler-operator/cluster',
    what: /the patch isn't JSON/,
    provoke: () => annotate(descheduler, { [`${prefix}/patch`]: 'no JSON' }),
  },
  {
    title: 'a date beside an override that is none is taken away',
    id: 'note-invalid',
    severity: 'warning',
    where: `PrometheusRule/${namespace}/virt-platform-autopilot-alerts`,
    what: /mode-until/,
    provoke: () => annotate(rules, { [`${prefix}/mode`]: 'unmanaged', [`${prefix}/mode-until`]: 'soon' }),
    after: () => annotate(rules, { [`${prefix}/mode`]: null }),
  },
  {
    title: 'an override past its date is ended',
    id: 'override-expired',
    severity: 'warning',
    where: `MachineConfig/${psi.name}`,
    what: /unmanaged was meant until 2020-01-31 \(for a test\)/,
    provoke: () =>
      annotate(psi, {
        [`${prefix}/mode`]: 'unmanaged',
        [`${prefix}/mode-until`]: '2020-01-31',
        [`${prefix}/mode-reason`]: 'for a test',
      }),
    yes: ' --yes',
  },
  {
    title: 'a paused object is resumed',
    id: 'paused',
    severity: 'warning',
    where: `Service/${namespace}/virt-platform-autopilot-metrics`,
    what: /^metrics-service: /,
    provoke: () => annotate(metrics, { [`${prefix}/reconcile-paused`]: 'true' }),
    yes: ' --yes',
  },
  {
    title: 'a patch whose result the API server refuses is taken away',
    id: 'rejected',
    severity: 'error',
    where: 'UIPlugin/monitoring',
    what: /spec\.type/,
    provoke: () =>
      annotate(monitoring, { [`${prefix}/patch`]: JSON.stringify([{ op: 'replace', path: '/spec/type', value: 5 }]) }),
    yes: ' --yes',
  },
  {
    title: 'an annotation on HyperConverged that is not known is taken away, in an editor',
    id: 'hyperconverged-warning',
    severity: 'warning',
    where: `HyperConverged/${namespace}/kubevirt-hyperconverged`,
    what: /enable-nonsense/,
    provoke: () => annotate(hyperConverged, { [`${prefix}/enable-nonsense`]: 'true' }),
    env: editor('enable-nonsense'),
  },
  {
    title: 'an object with our label that nothing is about is deleted',
    id: 'leftover',
    severity: 'warning',
    where: `ConfigMap/${namespace}/of-last-year`,
    what: /carries our label/,
    provoke: () =>
      cluster.apply({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'of-last-year', namespace, labels: { [`${prefix}/managed-by`]: 'virt-platform-autopilot' } },
      }),
  },
  {
    title: 'what stays behind when a feature is switched off is deleted',
    id: 'switched-off',
    severity: 'info',
    where: `MachineConfig/${thp.name}`,
    what: /^thp-tuning isn't wanted: /,
    provoke: async () => {
      await annotate(hyperConverged, { [`${prefix}/enable-thp-tuning`]: 'true' });
      await waitFor(() => cluster.get(thp), { what: 'the feature', timeoutMs: 60_000 });
      await annotate(hyperConverged, { [`${prefix}/enable-thp-tuning`]: null });
    },
  },
  {
    title: 'an object that Argo CD tracks is left to it',
    id: 'gitops-tracked',
    severity: 'warning',
    where: `PersesDashboard/${namespace}/autopilot-asset-health`,
    what: /Argo CD \(apps\) tracks it/,
    provoke: () =>
      annotate(perses('autopilot-asset-health'), {
        'argocd.argoproj.io/tracking-id': 'apps:perses.dev/PersesDashboard:openshift-cnv/autopilot-asset-health',
      }),
    yes: ' --yes',
    after: () => annotate(perses('autopilot-asset-health'), { 'argocd.argoproj.io/tracking-id': null }),
  },
  {
    title: 'an object that Flux tracks is left to it',
    id: 'gitops-tracked',
    severity: 'warning',
    where: `PersesDashboard/${namespace}/descheduler-memory-aware-rebalancing`,
    what: /Flux \(kustomize flux-system\/apps\) tracks it/,
    provoke: () =>
      cluster.patch(perses('descheduler-memory-aware-rebalancing'), {
        metadata: {
          labels: {
            'kustomize.toolkit.fluxcd.io/name': 'apps',
            'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
          },
        },
      }),
    yes: ' --yes',
  },
  {
    title: 'a webhook on our kinds whose service is gone',
    id: 'webhook-unreachable',
    severity: 'error',
    where: 'ValidatingWebhookConfiguration/without-service',
    what: /must be asked about prometheusrules, and its service openshift-cnv\/nobody doesn't exist/,
    provoke: () => cluster.apply(webhookConfiguration('without-service', [{}])),
  },
  {
    title: 'a webhook on our kinds without a pod behind its service',
    id: 'webhook-unreachable',
    severity: 'error',
    where: 'ValidatingWebhookConfiguration/without-pods',
    what: /no pod behind its service openshift-cnv\/idle is ready/,
    provoke: () =>
      cluster.apply([
        { apiVersion: 'v1', kind: 'Service', metadata: { name: 'idle', namespace }, spec: { ports: [{ port: 443 }] } },
        webhookConfiguration('without-pods', [{ clientConfig: { service: { namespace, name: 'idle', path: '/' } } }]),
        // On other kinds, or where it may fail, a webhook is nobody's trouble.
        webhookConfiguration('harmless', [
          { failurePolicy: 'Ignore' },
          { rules: [{ ...onRules, apiGroups: ['example.com'], resources: ['*'] }] },
          { rules: [{ ...onRules, operations: ['DELETE'] }] },
        ]),
      ]),
  },
  {
    title: 'a webhook that may leave out what is kept, by the labels of objects, is no error',
    id: 'webhook-unreachable',
    severity: 'warning',
    where: 'ValidatingWebhookConfiguration/selecting',
    what: /is refused, as far as its selectors and conditions don't leave it out$/,
    provoke: () => cluster.apply(webhookConfiguration('selecting', [{ objectSelector: { matchLabels: { a: 'b' } } }])),
  },
  {
    title: 'everybody may change HyperConverged, until they are taken out of the binding, in an editor',
    id: 'anybody-steers',
    severity: 'warning',
    where: 'ClusterRoleBinding/for-everybody',
    what: /^Group\/system:authenticated may change HyperConverged/,
    provoke: () => cluster.apply(binding('for-everybody', 'virt-platform-author', [group('system:authenticated')])),
    env: { KUBE_EDITOR: "sed -i -e '/^subjects:/,$d'" },
  },
  {
    title: 'a CRD of something wanted that is gone, which an operator brings back',
    id: 'crd-missing',
    severity: 'warning',
    where: crd.name,
    what: /^metrics-servicemonitor: /,
    provoke: () => cluster.delete(crd),
    yes: ' || true',
    after: () => cluster.installCrds('own', { only: [crd.name] }),
  },
];

let found: readonly Finding[] = [];

test.serial('whatever is wrong is found at one look, and nothing else', async (t) => {
  for (const { provoke } of provoked) await provoke();
  const wanted = provoked.map(({ id, where }) => `${id} ${where}`).sort();
  const seen = () => found.filter(({ id }) => id !== 'alerts-unreachable').map(({ id, where }) => `${id} ${where}`);
  await waitFor(
    async () => {
      found = (await doctor()).items;
      return seen().length >= wanted.length;
    },
    { what: 'all of it to be found', timeoutMs: 60_000 },
  ).catch(() => {});
  t.deepEqual(seen().sort(), wanted);
});

for (const { title, id, severity, where, what, yes = '', env, after } of provoked.toReversed()) {
  test.serial(title, async (t) => {
    const finding = found.find((one) => one.id === id && one.where === where);
    t.is(finding?.severity, severity);
    t.regex(finding?.what ?? '', what);
    await fix(t, `${finding?.fix}${yes}`, env);
    await after?.();
  });
}

test.serial('after all these commands nothing is found any more', async (t) => {
  await waitFor(async () => (await doctor()).ids.length === 1, {
    what: 'nothing to be found',
    timeoutMs: 60_000,
  }).catch(() => {});
  t.deepEqual((await doctor()).ids, ['alerts-unreachable']);
});

test.serial('exclusions that cannot be read hold everything, until they are put right in an editor', async (t) => {
  await annotate(hyperConverged, { [`${prefix}/disabled-resources`]: 'nonsense' });
  const finding = await finds('exclusions-invalid', `HyperConverged/${namespace}/kubevirt-hyperconverged`);
  t.is(finding.severity, 'error');
  t.regex(finding.what, /it isn't a list.*; this holds \d\d objects$/);
  t.false((await doctor()).ids.includes('hyperconverged-warning'), 'which is told once');
  await fix(t, finding.fix, editor('disabled-resources'));
  await isGone('exclusions-invalid');

  await annotate(hyperConverged, { [`${prefix}/disabled-resources`]: '{kind: UIPlugin, name: x}' });
  const nearly = await finds('exclusions-invalid');
  await fix(t, nearly.fix);
  t.is(
    (await cluster.get(hyperConverged))?.metadata.annotations[`${prefix}/disabled-resources`],
    '[{"kind": "UIPlugin", "name": "x"}]',
  );
  await annotate(hyperConverged, { [`${prefix}/disabled-resources`]: null });
  await isGone('exclusions-invalid');
});

test.serial('who may do nothing is told what is not checked, and which permission that needs', async (t) => {
  const { items, code } = await doctor([], { as: 'nobody' });
  t.is(code, 0);
  t.deepEqual([...new Set(items.map(({ id }) => id))], ['not-checked']);
  const fixes = items.map((item) => item.fix);
  t.true(fixes.includes('kubectl --context=nobody auth can-i list hyperconvergeds.hco.kubevirt.io'), fixes.join('\n'));
  for (const { what } of items) t.regex(what, /^not checked: .* permission to /);
});

test.serial('who may only see HyperConverged is given what it takes to see more, and then to steer', async (t) => {
  await cluster.apply([
    role('hyperconverged-view', { resources: ['hyperconvergeds'], verbs: ['get', 'list', 'watch'] }),
    binding('viewer-hyperconverged', 'hyperconverged-view', [user('viewer')]),
  ]);
  const as = { as: 'viewer' };
  t.is((await doctor([], as)).code, 0, 'what may not be seen is no error');
  const see = await finds('cannot-see', 'User/viewer', as);
  await fix(t, see.fix.replace('--context=viewer', '--context=admin'));
  await waitFor(async () => !(await doctor([], as)).ids.includes('cannot-see'), {
    what: 'the viewer to see',
    timeoutMs: 60_000,
  });

  const steer = await finds('cannot-steer', 'User/viewer', as);
  await fix(t, steer.fix.replace('--context=viewer', '--context=admin'));
  t.teardown(() =>
    cluster.delete({ apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', name: 'virt-platform-author-viewer' }),
  );
  await waitFor(async () => !(await doctor([], as)).ids.includes('cannot-steer'), {
    what: 'the author to steer',
    timeoutMs: 60_000,
  });
  t.regex((await finds('others-steer')).what, /: User\/viewer$/);
  t.true(
    (await doctor([], as)).items.some(({ what }) =>
      /^not checked: the controller's permissions: .*create subjectaccessreviews/.test(what),
    ),
  );
});

test.serial(
  'who may change HyperConverged is listed, unless they are the platform itself or administer it',
  async (t) => {
    const edit = { resources: ['hyperconvergeds'], verbs: ['update'] };
    const here = { namespace };
    const bindings = [
      binding('steer-1', 'hyperconverged-edit', [user('jane'), group('devs'), account('ci', 'robot')]),
      binding('steer-2', 'hyperconverged-edit-this', [user('joe'), user('system:serviceaccount:cd:robot')], here),
      binding('steer-3', 'cluster-admin', [user('admin-here'), group('system:serviceaccounts:ci')], here),
      // None of these:
      binding('steer-4', 'hyperconverged-edit-another', [user('of-another-name')]),
      binding('steer-5', 'hyperconverged-status', [user('of-the-status')]),
      binding('steer-6', 'hyperconverged-view', [user('who-looks')]),
      binding('steer-7', 'hyperconverged-edit', [user('elsewhere')], { namespace: 'openshift-monitoring' }),
      binding('steer-8', 'cluster-admin', [user('root'), account('argocd', 'gitops')]),
      binding('steer-9', 'hyperconverged-edit', [user('root'), account('argocd', 'gitops')]),
      binding('steer-10', 'hyperconverged-edit', [
        account(namespace, 'operator'),
        account('openshift-gitops', 'gitops'),
        account('kube-system', 'collector'),
        group(`system:serviceaccounts:${namespace}`),
        user('system:kube-controller-manager'),
      ]),
    ];
    await cluster.apply([
      role('hyperconverged-view', { resources: ['hyperconvergeds'], verbs: ['get', 'list', 'watch'] }),
      role('hyperconverged-edit', edit),
      role('hyperconverged-edit-this', { ...edit, verbs: ['patch'], resourceNames: [hyperConverged.name] }),
      role('hyperconverged-edit-another', { ...edit, resourceNames: ['another'] }),
      role('hyperconverged-status', { ...edit, resources: ['hyperconvergeds/status'] }),
      ...bindings,
    ]);
    const { items, code } = await doctor();
    const finding = items.find(({ id }) => id === 'others-steer');
    t.like(finding, {
      severity: 'info',
      where: `HyperConverged/${namespace}/kubevirt-hyperconverged`,
      what: 'as they may change HyperConverged, these steer what runs on every node: User/jane, Group/devs, ServiceAccount/ci/robot, User/joe, ServiceAccount/cd/robot, User/admin-here, Group/system:serviceaccounts:ci',
      fix: `kubectl --context=admin describe clusterrolebinding/steer-1 rolebinding/steer-2 rolebinding/steer-3 -n ${namespace}`,
    });
    t.is(code, 0);
    await fix(t, finding?.fix ?? '');
    for (const { apiVersion, kind, metadata } of bindings) await cluster.delete({ apiVersion, kind, ...metadata });
    t.false((await doctor()).ids.includes('others-steer'));
  },
);

const address = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
// The API server's proxy leads nowhere on its own machine, so it takes another address than localhost.
const withAddress = address === undefined ? test.serial.skip : test.serial;

withAddress('alerts of ours that fire are found through the proxy of the API server', async (t) => {
  const alert = (alertname: string, severity: string, state = 'firing') => ({
    state,
    labels: { alertname, severity, kind: 'MachineConfig', name: 'x', namespace: '' },
    annotations: { summary: `${alertname} has happened`, runbook_url: `https://example.com/${alertname}` },
  });
  const answers = createServer((_, response) => {
    response.setHeader('Content-Type', 'application/json');
    const all = [
      alert('VirtPlatformSyncFailed', 'critical'),
      alert('VirtPlatformThrashingDetected', 'warning'),
      alert('VirtPlatformDependencyMissing', 'warning', 'pending'),
      alert('SomebodyElses', 'critical'),
    ];
    response.end(JSON.stringify({ status: 'success', data: { alerts: all } }));
  }).listen(0, '0.0.0.0');
  await once(answers, 'listening');
  t.teardown(() => answers.close());
  const { port } = answers.address() as { port: number };
  const service = { apiVersion: 'v1', kind: 'Service', namespace: 'openshift-monitoring', name: 'prometheus-operated' };
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: service.name, namespace: service.namespace, labels: { 'operated-prometheus': 'true' } },
    spec: { ports: [{ name: 'web', port: 9090 }] },
  });
  const unreached = await finds('alerts-unreachable');
  t.regex(
    unreached.what,
    /openshift-monitoring\/prometheus-operated: (no endpoints available for service|services .* not found)/,
  );

  // The proxy leads only to what is a pod, by its address.
  const pod = { apiVersion: 'v1', kind: 'Pod', namespace: service.namespace, name: 'prometheus-0' };
  const here = { name: service.name, namespace: service.namespace };
  const targetRef = { kind: pod.kind, namespace: pod.namespace, name: pod.name };
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: service.namespace },
  });
  await cluster.apply([
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: pod.name, namespace: pod.namespace },
      spec: { automountServiceAccountToken: false, containers: [{ name: 'prometheus', image: 'none' }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: here,
      subsets: [{ addresses: [{ ip: address, targetRef }], ports: [{ name: 'web', port }] }],
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...here, labels: { 'kubernetes.io/service-name': service.name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [address], conditions: { ready: true }, targetRef }],
      ports: [{ name: 'web', port, protocol: 'TCP' }],
    },
  ]);
  const status = { podIP: address, podIPs: [{ ip: address }] };
  await cluster.patch(pod, { status }, { subresource: 'status' });
  const { items, code } = await waitFor(
    async () => {
      const report = await doctor();
      return report.ids.includes('alert-firing') ? report : undefined;
    },
    { what: 'the alerts', timeoutMs: 60_000 },
  );
  t.deepEqual(
    items.map(({ id, severity, what, where, note }) => [id, severity, what, where, note]),
    [
      [
        'alert-firing',
        'error',
        'VirtPlatformSyncFailed is firing: VirtPlatformSyncFailed has happened',
        'MachineConfig/x',
        'runbook: https://example.com/VirtPlatformSyncFailed',
      ],
      [
        'alert-firing',
        'warning',
        'VirtPlatformThrashingDetected is firing: VirtPlatformThrashingDetected has happened',
        'MachineConfig/x',
        'runbook: https://example.com/VirtPlatformThrashingDetected',
      ],
    ],
  );
  t.is(code, 1);
  await cluster.delete(service);
});

test.serial('a controller that ended, fell silent, is late, or is behind', async (t) => {
  t.is(await running.controller?.end(), 0);
  delete running.controller;
  const pods = `kubectl --context=admin get pods -n ${namespace} -l app=virt-platform-autopilot`;
  t.like(await finds('controller-no-leader'), { severity: 'error', fix: pods });

  const micro = (date: number) => new Date(date).toISOString().replace('Z', '000Z');
  const set = async (renewed: number, annotations: Record<string, string>) => {
    await cluster.patch(lease, {
      metadata: { annotations },
      spec: { holderIdentity: 'a-pod', renewTime: micro(renewed), leaseDurationSeconds: 3600 },
    });
  };
  await set(Date.now() - 10_800_000, {});
  t.like(await finds('controller-silent'), { severity: 'error', fix: pods });
  await set(Date.now(), { [`${prefix}/last-pass`]: '2026-01-01T00:00:00Z' });
  const logs = `kubectl --context=admin logs -n ${namespace} -l app=virt-platform-autopilot --tail=50`;
  t.like(await finds('controller-late'), { severity: 'warning', fix: logs });
  await set(Date.now(), { [`${prefix}/last-pass`]: new Date().toISOString(), [`${prefix}/planned-generation`]: '0' });
  t.like(await finds('controller-behind'), { severity: 'warning', fix: logs });
  await set(Date.now(), { [`${prefix}/planned-generation`]: '9999', [`${prefix}/version`]: 'v9.9.9' });
  t.like(await finds('version-skew'), { severity: 'info', where: `Lease/${namespace}/virt-platform-autopilot` });
  await set(Date.now(), { [`${prefix}/catalog-digest`]: 'sha256:other' });
  t.like(await finds('catalog-skew'), {
    severity: 'warning',
    fix: 'kubectl --context=admin apply --server-side -k controller/manifests/overlays/openshift',
  });
  await cluster.delete(lease);
  t.like(await finds('controller-missing'), { severity: 'error', fix: pods });
  const { name, ...rest } = lease;
  const spec = { holderIdentity: 'a-pod', renewTime: micro(Date.now()), leaseDurationSeconds: 3600 };
  await cluster.apply({ ...rest, namespace: undefined, metadata: { name, namespace }, spec });
});

test.serial('a permission of the controller that somebody took away comes back with the manifests', async (t) => {
  const { items } = await doctor();
  t.deepEqual(
    items.filter(({ id }) => id === 'controller-permission-missing'),
    [],
  );
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    name: 'virt-platform-autopilot',
  };
  t.true(await cluster.delete(binding));
  const finding = await finds('controller-permission-missing', `ServiceAccount/${namespace}/virt-platform-autopilot`);
  t.regex(
    finding.what,
    /^the controller may not do what it takes for .*: list, watch hyperconvergeds\.hco\.kubevirt\.io/,
  );
  await fix(t, finding.fix);
  await isGone('controller-permission-missing');
});

test.serial('what another catalog wants, the controller may not do yet', async (t) => {
  const folder = path.join(cluster.controlPlane.directory, 'catalog');
  await mkdir(path.join(folder, 'area'), { recursive: true });
  await writeFile(
    path.join(folder, 'area/extra.yaml.hbs'),
    `format: 1\ntarget: {apiVersion: v1, kind: ConfigMap, namespace: ${namespace}, name: extra}\n---\ndata: {a: b}\n`,
  );
  const { items } = await doctor(['--catalog', folder]);
  const missing = items.filter(({ id }) => id === 'controller-permission-missing');
  t.like(missing, [
    {
      severity: 'error',
      what: `the controller may not do what it takes for extra: get, patch, list, watch, create configmaps/extra in ${namespace}`,
    },
  ]);
  t.regex(missing[0]?.note ?? '', /another catalog needs permissions generated from it$/);
});

test.serial('a namespace that something wanted lives in', async (t) => {
  const name = 'metallb-system';
  await cluster.delete({ apiVersion: 'v1', kind: 'Namespace', name });
  // There is no controller here that finishes it.
  const finalize = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: { finalizers: [] } };
  await cluster.request('PUT', `/api/v1/namespaces/${name}/finalize`, { body: finalize });
  await annotate(hyperConverged, { [`${prefix}/enable-metallb`]: 'true' });
  const finding = await finds('namespace-missing', `MetalLB/${name}/metallb`);
  await fix(t, finding.fix);
  await isGone('namespace-missing');
});

test.serial('a second HyperConverged, and none', async (t) => {
  const { spec } = (await cluster.get(hyperConverged)) ?? {};
  const { apiVersion, kind, name } = hyperConverged;
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } },
    { apiVersion, kind, metadata: { name, namespace: 'elsewhere' }, spec },
  ]);
  t.like(await finds('hyperconverged-ambiguous'), { severity: 'error' });
  await cluster.delete({ ...hyperConverged, namespace: 'elsewhere' });
  await cluster.delete(hyperConverged);
  const { items, code } = await doctor();
  t.like(items, [
    { id: 'hyperconverged-missing', severity: 'error', fix: 'kubectl --context=admin get hyperconverged -A' },
  ]);
  t.is(code, 1);
});

test.serial('no server, and words that it does not take, are one clear line', async (t) => {
  const run = (...args: string[]) => cluster.kubectl(['virt-platform', 'doctor', ...args]);
  failsWith(t, await run('--server', 'https://127.0.0.1:1'), /^error: could not reach the API server/);
  failsWith(t, await run('--token', 'expired'), /does not accept the credentials/);
  failsWith(t, await run('swap-enable'), /doctor takes no "swap-enable": it looks at everything/);
  failsWith(t, await run('-o', 'wide'), /--output=wide isn't known: it is one of json, yaml, name/);
});
