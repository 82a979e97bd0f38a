import { isDeepStrictEqual } from 'node:util';
import type { ExecutionContext } from 'ava';
import { demoCluster } from '../harness/demo-cluster.ts';
import { type AnyObject, type Cluster, type ObjectId, waitFor } from '../helpers/cluster.ts';
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
export const monitoring = { apiVersion: 'observability.openshift.io/v1alpha1', kind: 'UIPlugin', name: 'monitoring' };
export const dashboard = {
  apiVersion: 'perses.dev/v1alpha2',
  kind: 'PersesDashboard',
  namespace: 'openshift-cnv',
  name: 'descheduler-memory-aware-rebalancing',
};
export const service = {
  apiVersion: 'v1',
  kind: 'Service',
  namespace: 'openshift-cnv',
  name: 'virt-platform-autopilot-metrics',
};
const notOurs = {
  apiVersion: 'remediation.medik8s.io/v1alpha1',
  kind: 'NodeHealthCheck',
  name: 'virt-node-health-check',
};

/** The fixture cluster, with the controller's ServiceAccount and its permissions, and nothing more. */
export async function prepare(cluster: Cluster): Promise<InstalledAutopilot> {
  await demoCluster(cluster.controlPlane);
  return await installAutopilot(cluster);
}

/** Starts a controller that ends with the test. */
export async function start(t: ExecutionContext, options: ControllerProcessOptions): Promise<ControllerProcess> {
  const controller = await startControllerProcess(options);
  t.teardown(async () => {
    controller.child.kill('SIGCONT');
    await controller.end('SIGKILL');
    if (!t.passed) t.log(controller.stderr.slice(-6000));
  });
  return controller;
}

/** Writes annotations of ours, each without its prefix; null removes one. */
export async function annotate(cluster: Cluster, id: ObjectId, annotations: Record<string, string | null>) {
  const keyed = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [key(name), value]));
  return await cluster.patch(id, { metadata: { annotations: keyed } }, { manager: 'person' });
}

/** What nobody may write to: excluded, unmanaged, paused, held and not ours; each differs from the baseline. */
const handsOff: readonly (ObjectId & { resource: string })[] = [
  { ...monitoring, resource: 'uiplugins' },
  { ...psi, resource: 'machineconfigs' },
  { ...descheduler, resource: 'kubedeschedulers' },
  { ...dashboard, resource: 'persesdashboards' },
  { ...notOurs, resource: 'nodehealthchecks' },
];

/** Takes objects out of the controller's hands in every way there is, on a cluster that has converged. */
export async function takeHandsOff(cluster: Cluster, controller: ControllerProcess): Promise<HandsOff> {
  await annotate(cluster, hyperConverged, { 'disabled-resources': '- {kind: UIPlugin, name: monitoring}' });
  await annotate(cluster, psi, { mode: 'unmanaged' });
  await annotate(cluster, descheduler, { 'reconcile-paused': 'true' });
  await annotate(cluster, dashboard, { mode: 'unmanged' });
  await cluster.apply({
    apiVersion: notOurs.apiVersion,
    kind: notOurs.kind,
    metadata: { name: notOurs.name },
    spec: {},
  });
  const wanted = { 'monitoring-ui-plugin': 'excluded', 'psi-enable': 'unmanaged', 'descheduler-loadaware': 'paused' };
  await controller.planWhere(({ items }) => {
    const decided = Object.fromEntries(items.map(({ asset, decision }: AnyObject) => [asset, decision]));
    return Object.entries(wanted).every(([asset, decision]) => decided[asset] === decision);
  }, 'a plan that leaves alone what it is told to');
  await cluster.patch(monitoring, { spec: { type: 'Logging' } }, { manager: 'person' });
  await cluster.patch(psi, { spec: { kernelArguments: ['psi=0'] } }, { manager: 'person' });
  await cluster.patch(descheduler, { spec: { deschedulingIntervalSeconds: 4711 } }, { manager: 'person' });
  await cluster.patch(dashboard, { metadata: { labels: { [key('managed-by')]: 'person' } } }, { manager: 'person' });
  const versions = async () =>
    await Promise.all(handsOff.map(async (id) => (await cluster.get(id))?.metadata.resourceVersion));
  return { from: Date.now(), before: await versions(), versions };
}

export type HandsOff = {
  readonly from: number;
  readonly before: readonly string[];
  readonly versions: () => Promise<readonly string[]>;
};

/** Nothing that is to be left alone was written, by what the objects and the API server's audit log say. */
export async function leftAlone(
  t: ExecutionContext,
  cluster: Cluster,
  { from, before, versions }: HandsOff,
): Promise<void> {
  t.deepEqual(await versions(), before, 'what is to be left alone is as it was');
  const written = (await writesOf(cluster, { from })).filter(({ resource, name }) =>
    handsOff.some((id) => id.resource === resource && id.name === name),
  );
  t.deepEqual(written, [], 'nobody even tried to write it');
}

/** The plugin's `status` and the controller's own plan are the same plan. */
export async function oneView(t: ExecutionContext, cluster: Cluster, controller: ControllerProcess): Promise<void> {
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
