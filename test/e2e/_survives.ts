import { isDeepStrictEqual } from 'node:util';
import type { ExecutionContext, TestFn } from 'ava';
import { demoCluster } from '../harness/demo-cluster.ts';
import { type AnyObject, type Cluster, type ObjectId, useCluster, waitFor } from '../helpers/cluster.ts';
import {
  type ControllerProcess,
  type ControllerProcessOptions,
  startControllerProcess,
  writesOf,
} from '../helpers/controller-process.ts';
import { type InstalledAutopilot, installAutopilot } from '../integration/_controller-manifests.ts';

export const key = (name: string) => `platform.kubevirt.io/${name}`;

export const hyperConverged = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};
const machineConfig = { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfig' };
export const swap = { ...machineConfig, name: '90-worker-swap-online' };
export const psi = { ...machineConfig, name: '99-openshift-machineconfig-worker-psi-karg' };
export const descheduler = {
  apiVersion: 'operator.openshift.io/v1',
  kind: 'KubeDescheduler',
  namespace: 'openshift-kube-descheduler-operator',
  name: 'cluster',
};
export const service = {
  apiVersion: 'v1',
  kind: 'Service',
  namespace: 'openshift-cnv',
  name: 'virt-platform-autopilot-metrics',
};

export type Survivor = { autopilot: InstalledAutopilot; handsOff: HandsOff };

type Scene = {
  readonly autopilot: InstalledAutopilot;
  /** Starts a controller, by default as its ServiceAccount, that ends with the test. */
  readonly start: (options?: Partial<ControllerProcessOptions>) => Promise<ControllerProcess>;
};

/** What happens, and which controller is to have everything in order afterwards. */
type Act = (t: ExecutionContext<Survivor>, scene: Scene) => Promise<ControllerProcess>;

/**
 * Before the first test: the fixture cluster, with the controller's ServiceAccount and its permissions and nothing more,
 * converged, and with objects taken out of its hands in every way there is. Then `scenario` is a test of something that
 * happens to controllers, at whose end all of this holds:
 *
 * - the plan leaves nothing to do, and the controller says that it is ready;
 * - nothing was ever written that is excluded, unmanaged, paused, held or not ours, or that no plan names;
 * - the plugin and the controller have the same view;
 * - no log line tells of an error inside.
 */
export function survivors(test: TestFn<Survivor>): {
  cluster: Cluster;
  scenario: (title: string, act: Act) => void;
} {
  const cluster = useCluster(test, { crds: 'none' });
  test.serial.before(async (t) => {
    t.timeout(200_000, 'a converged cluster');
    await demoCluster(cluster.controlPlane);
    const autopilot = await installAutopilot(cluster);
    const controller = await startControllerProcess({ kubeconfig: autopilot.kubeconfig });
    try {
      await controller.converged();
      Object.assign(t.context, { autopilot, handsOff: await takeHandsOff(cluster, controller) });
    } finally {
      await controller.end();
    }
  });
  const sceneOf = (t: ExecutionContext<Survivor>): Scene & { readonly started: ControllerProcess[] } => {
    const { autopilot } = t.context;
    const started: ControllerProcess[] = [];
    const start = async (options: Partial<ControllerProcessOptions> = {}) => {
      const controller = await startControllerProcess({ kubeconfig: autopilot.kubeconfig, ...options });
      started.push(controller);
      t.teardown(async () => {
        controller.child.kill('SIGCONT');
        // Asked first, so that the next one needn't wait for the end of its lease.
        const forced = setTimeout(() => controller.child.kill('SIGKILL'), 10_000);
        await controller.end();
        clearTimeout(forced);
        if (!t.passed) t.log(controller.stderr.slice(-6000));
      });
      return controller;
    };
    return { autopilot, start, started };
  };
  return {
    cluster,
    scenario: (title, act) =>
      test.serial(title, async (t) => {
        t.timeout(400_000, title);
        const scene = sceneOf(t);
        const controller = await act(t, scene);
        await allIsWell(t, cluster, controller);
        for (const { lines } of scene.started) {
          const inside = lines.filter((line) => /TypeError|ReferenceError|internal error/.test(JSON.stringify(line)));
          t.deepEqual(inside, [], 'no error inside');
        }
      }),
  };
}

async function allIsWell(
  t: ExecutionContext<Survivor>,
  cluster: Cluster,
  controller: ControllerProcess,
): Promise<void> {
  const { handsOff } = t.context;
  const { items } = await controller.converged(120_000);
  t.deepEqual(await handsOff.versions(), handsOff.before, 'what is to be left alone is as it was');
  const wanted = new Set(items.map(({ target }: AnyObject) => target.name));
  const written = (await writesOf(cluster, { from: handsOff.from })).filter(
    ({ resource, name }) => !wanted.has(name) || leftAlone.some((id) => id.resource === resource && id.name === name),
  );
  t.deepEqual(written, [], 'nobody even tried to write what is excluded, unmanaged, paused, held or not ours');
  await oneView(t, cluster, controller);
}

/** Writes annotations of ours, each without its prefix; null removes one. */
export async function annotate(cluster: Cluster, id: ObjectId, annotations: Record<string, string | null>) {
  const keyed = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [key(name), value]));
  return await cluster.patch(id, { metadata: { annotations: keyed } }, { manager: 'person' });
}

const inOurNamespace = { namespace: 'openshift-cnv' };
const perses = { apiVersion: 'perses.dev/v1alpha2', kind: 'PersesDashboard', ...inOurNamespace };
const excluded = { apiVersion: 'observability.openshift.io/v1alpha1', kind: 'UIPlugin', name: 'monitoring' };
const unmanaged = { ...perses, name: 'autopilot-asset-health' };
const paused = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  ...inOurNamespace,
  name: 'virt-platform-autopilot-alerts',
};
const held = { ...perses, name: 'descheduler-memory-aware-rebalancing' };
// A tombstone's target, without our label.
const notOurs = {
  apiVersion: 'remediation.medik8s.io/v1alpha1',
  kind: 'NodeHealthCheck',
  name: 'virt-node-health-check',
};
const leftAlone: readonly (ObjectId & { resource: string })[] = [
  { ...excluded, resource: 'uiplugins' },
  { ...unmanaged, resource: 'persesdashboards' },
  { ...paused, resource: 'prometheusrules' },
  { ...held, resource: 'persesdashboards' },
  { ...notOurs, resource: 'nodehealthchecks' },
];

/** What stands in `disabled-resources`. */
export const exclusions = '- {kind: UIPlugin, name: monitoring}';

/** Takes objects out of the controller's hands in every way there is, and makes each differ from the baseline. */
async function takeHandsOff(cluster: Cluster, controller: ControllerProcess): Promise<HandsOff> {
  await annotate(cluster, hyperConverged, { 'disabled-resources': exclusions });
  await annotate(cluster, unmanaged, { mode: 'unmanaged' });
  await annotate(cluster, paused, { 'reconcile-paused': 'true' });
  await annotate(cluster, held, { mode: 'unmanged' });
  const { name, ...rest } = notOurs;
  await cluster.apply({ ...rest, metadata: { name }, spec: {} });
  const wanted = {
    'monitoring-ui-plugin': 'excluded',
    'autopilot-dashboard': 'unmanaged',
    'prometheus-alerts': 'paused',
    'descheduler-dashboard': 'override-invalid',
    'v0-virt-node-health-check': 'not-ours',
  };
  await controller.planWhere((plan) => {
    const decided = decisionsOf(plan);
    return Object.entries(wanted).every(([asset, decision]) => decided[asset] === decision);
  }, 'a plan that leaves alone what it is told to');
  for (const { resource, ...id } of leftAlone) {
    const labels = { 'app.kubernetes.io/part-of': 'theirs', [key('managed-by')]: 'person' };
    await cluster.patch(id, { metadata: { labels } }, { manager: 'person' });
  }
  await cluster.patch(excluded, { spec: { type: 'Logging' } }, { manager: 'person' });
  const versions = async () =>
    await Promise.all(leftAlone.map(async (id) => (await cluster.get(id))?.metadata.resourceVersion));
  return { from: Date.now(), before: await versions(), versions };
}

type HandsOff = {
  readonly from: number;
  readonly before: readonly string[];
  readonly versions: () => Promise<readonly string[]>;
};

/** The plugin's `status` and the controller's own plan are the same plan. */
export async function oneView(
  t: ExecutionContext<Survivor>,
  cluster: Cluster,
  controller: ControllerProcess,
): Promise<void> {
  const viewOf = ({ items, summary, activation }: AnyObject) => ({ items, summary, activation });
  const both = async () => {
    const { stdout, stderr, code } = await cluster.kubectl(['virt-platform', 'status', '-o', 'json']);
    if (code !== 0) throw new Error(stderr);
    return [viewOf(JSON.parse(stdout)), viewOf((await controller.plan()) ?? {})] as const;
  };
  // What is on its way to one of them may be known to the other.
  await waitFor(async () => isDeepStrictEqual(...(await both())), { what: 'one view', timeoutMs: 30_000 }).catch(
    () => {},
  );
  t.deepEqual(...(await both()));
}

/** What is decided about each asset. */
export function decisionsOf({ items }: AnyObject): Readonly<Record<string, string>> {
  return Object.fromEntries(items.map(({ asset, decision }: AnyObject) => [asset, decision]));
}

const drifts = {
  [swap.name]: { config: { ignition: { version: '1.1.1' } } },
  [psi.name]: { kernelArguments: ['psi=0'] },
};

/** Somebody changes one of the MachineConfigs. */
export async function drift(cluster: Cluster, id: ObjectId, manager = 'rival'): Promise<void> {
  await cluster.patch(id, { spec: drifts[id.name] }, { manager });
}

/** Whether it is as {@link drift} left it. */
export async function isDrifted(cluster: Cluster, id: ObjectId): Promise<boolean> {
  const { config, kernelArguments = [] } = (await cluster.get(id))?.spec ?? {};
  return config?.ignition?.version === '1.1.1' || kernelArguments.includes('psi=0');
}

export async function untilHealed(cluster: Cluster, id: ObjectId): Promise<void> {
  const what = `${id.name} to be healed`;
  await waitFor(async () => !(await isDrifted(cluster, id)), { what, timeoutMs: 120_000 });
}
