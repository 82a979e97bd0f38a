import { clusterAnnotation } from '../api/annotations.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { versionOf } from '../api/object-ref.ts';
import type { HardwareFacts, HyperConvergedFacts, RenderContext, TopologyFacts } from '../catalog/asset.ts';
import type { Answers } from './answers.ts';
import { isMap } from './json.ts';
import type { UnknownFact } from './plan-item.ts';
import type { Snapshot } from './snapshot.ts';

/** What assets may read of a cluster, besides their own params and reads. */
export type Facts = Omit<RenderContext, 'params' | 'objects'>;

/**
 * The facts of a cluster, from the effective HyperConverged and what the snapshot holds of nodes, Infrastructure and
 * Scheduler. What couldn't be known has a value that means "none", and is listed in `unknown`.
 */
export function factsOf(
  hyperConverged: KubernetesObject,
  snapshot: Snapshot,
  answers: Answers,
): { readonly facts: Facts; readonly unknown: readonly UnknownFact[] } {
  const unknown: UnknownFact[] = [];
  const note = (facts: readonly string[], why: string | undefined, assumed: boolean) => {
    if (why !== undefined) unknown.push(...facts.map((fact) => ({ fact, why, assumed })));
  };

  const infrastructure = answers.object({
    apiVersion: 'config.openshift.io/v1',
    kind: 'Infrastructure',
    name: 'cluster',
  });
  note(infrastructureFacts, infrastructure.why, infrastructure.assumed);
  const scheduler = answers.object({ apiVersion: 'config.openshift.io/v1', kind: 'Scheduler', name: 'cluster' });
  note(['topology.hasSchedulableMasters'], scheduler.why, scheduler.assumed);
  const nodes = answers.list({ apiVersion: 'v1', kind: 'Node' });
  note(['hardware', ...nodeFacts], nodes.why, nodes.assumed);
  const openShift = isOpenShift(hyperConverged, snapshot);
  note(['topology.isOpenShift'], openShift.why, true);

  const v1 = v1Shape(hyperConverged);
  const facts: Facts = {
    hyperConverged: v1,
    annotations: hyperConverged.metadata.annotations ?? {},
    featureGates: featureGatesOf(hyperConverged),
    hardware: hardwareOf(nodes.items, v1),
    topology: topologyOf({
      infrastructure: infrastructure.object,
      scheduler: scheduler.object,
      nodes: nodes.items,
      isOpenShift: openShift.value,
    }),
    images: snapshot.images,
  };
  return {
    facts: force(facts, snapshot.forced ?? {}),
    unknown: unknown.filter(({ fact }) => !isForced(fact, snapshot)),
  };
}

/** Whether HyperConverged says so, else whether OpenShift's configuration API is served. */
function isOpenShift(
  hyperConverged: KubernetesObject,
  { apis }: Snapshot,
): { readonly value: boolean; readonly why?: string } {
  const said = hyperConverged.metadata.annotations?.[clusterAnnotation.openshift];
  if (said === 'true' || said === 'false') return { value: said === 'true' };
  if (apis.known) return { value: apis.resources.some(({ group }) => group === 'config.openshift.io') };
  return { value: true, why: 'which APIs are served is not known; OpenShift is assumed' };
}

/**
 * HyperConverged in v1's shape. v1 moved what v1beta1 keeps at `spec.X` to `spec.virtualization.X`, and node placement
 * to `spec.deployment.nodePlacements`; what assets read is found at v1's places whatever version was read.
 */
export function v1Shape({ apiVersion, metadata, spec }: KubernetesObject): HyperConvergedFacts {
  const fields = isMap(spec) ? spec : {};
  const shaped = versionOf(apiVersion) === 'v1beta1' ? fromV1Beta1(fields) : fields;
  return {
    apiVersion,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    metadata: { ...metadata },
    spec: shaped,
  };
}

function fromV1Beta1(fields: { readonly [key: string]: unknown }): { readonly [key: string]: unknown } {
  const moved = virtualizationFields.flatMap((name) => (Object.hasOwn(fields, name) ? [[name, fields[name]]] : []));
  const placements = { infra: placementOf(fields.infra), workloads: placementOf(fields.workloads) };
  const quota = isMap(fields.applicationAwareConfig) ? fields.applicationAwareConfig : {};
  return {
    ...fields,
    virtualization: Object.fromEntries(moved),
    deployment: {
      nodePlacements: Object.fromEntries(Object.entries(placements).filter(([, placement]) => placement !== undefined)),
      applicationAwareConfig: { ...quota, enable: fields.enableApplicationAwareQuota === true },
    },
  };
}

function placementOf(component: unknown): unknown {
  return isMap(component) ? component.nodePlacement : undefined;
}

/** The gates that are on: v1 lists `{name, state}` (no state counts as on), v1beta1 maps names to booleans. */
export function featureGatesOf({ spec }: KubernetesObject): Readonly<Record<string, true>> {
  const gates = isMap(spec) ? spec.featureGates : undefined;
  const names = Array.isArray(gates)
    ? gates
        .filter((gate) => isMap(gate) && typeof gate.name === 'string' && gate.state !== 'Disabled')
        .map(({ name }) => name)
    : Object.entries(isMap(gates) ? gates : {}).flatMap(([name, state]) => (state === true ? [name] : []));
  return Object.fromEntries(names.map((name) => [name, true]));
}

function topologyOf({
  infrastructure,
  scheduler,
  nodes,
  isOpenShift,
}: {
  infrastructure: KubernetesObject | undefined;
  scheduler: KubernetesObject | undefined;
  nodes: readonly KubernetesObject[];
  isOpenShift: boolean;
}): TopologyFacts {
  const status = isMap(infrastructure?.status) ? infrastructure.status : {};
  const platform = isMap(status.platformStatus) ? textOf(status.platformStatus.type) : '';
  const isMaster = (node: KubernetesObject) => masterLabels.some((label) => hasLabel(node, label));
  const isWorker = (node: KubernetesObject) => hasLabel(node, workerLabel);
  const masters = nodes.filter(isMaster);
  const workerCount = nodes.filter((node) => isWorker(node) && !isMaster(node)).length;
  return {
    isOpenShift,
    isHCP: status.controlPlaneTopology === 'External',
    isCompact: masters.length > 0 && masters.every(isWorker) && workerCount === 0,
    hasSchedulableMasters: isMap(scheduler?.spec) && scheduler.spec.mastersSchedulable === true,
    controlPlaneTopology: textOf(status.controlPlaneTopology),
    cloudProvider: platform,
    isAWS: platform === 'AWS',
    isAzure: platform === 'Azure',
    isGCP: platform === 'GCP',
    isBareMetal: platform === 'BareMetal',
    isVSphere: platform === 'VSphere',
    isOpenStack: platform === 'OpenStack',
    masterCount: masters.length,
    workerCount,
    totalNodeCount: nodes.length,
  };
}

/** Each is true when at least one node shows it. Presence of an extended resource alone says nothing. */
function hardwareOf(nodes: readonly KubernetesObject[], { spec }: HyperConvergedFacts): HardwareFacts {
  const virtualization = isMap(spec.virtualization) ? spec.virtualization : {};
  const permitted = isMap(virtualization.permittedHostDevices) ? virtualization.permittedHostDevices : {};
  const pciResources = new Set([
    ...resourceNames(permitted.pciHostDevices),
    ...resourceNames(permitted.mediatedDevices),
  ]);
  const usbResources = new Set(resourceNames(permitted.usbHostDevices));

  const found = { pci: false, gpu: false, vfio: false, usb: false, numa: false };
  for (const node of nodes) {
    for (const [label, value] of Object.entries(node.metadata.labels ?? {})) {
      if (value === 'false') continue;
      const name = label.startsWith(nfdPrefix) ? label.slice(nfdPrefix.length) : undefined;
      found.pci ||= name === 'pci-present' || (name !== undefined && isPciDevice(name));
      found.gpu ||= (label === gpuLabel && value === 'true') || (name !== undefined && isDisplayOfGpu(name));
      found.usb ||= name === 'usb-present' || (name?.startsWith('usb-') === true && name.endsWith('.present'));
      found.vfio ||= name === 'iommu-enabled' && value === 'true';
      found.numa ||= name === 'memory-numa' && value === 'true';
    }
    for (const [resource, quantity] of Object.entries(capacityOf(node))) {
      if (!isPositive(quantity)) continue;
      found.gpu ||=
        gpuResources.includes(resource) || gpuResourcePrefixes.some((prefix) => resource.startsWith(prefix));
      found.pci ||= pciResources.has(resource);
      found.usb ||= usbResources.has(resource);
    }
    found.numa ||= (node.metadata.annotations?.[topologyPolicyAnnotation] ?? '') !== '';
  }
  return {
    pciDevicesPresent: found.pci || found.gpu,
    gpuPresent: found.gpu,
    vfioCapable: found.vfio,
    usbDevicesPresent: found.usb,
    numaNodesPresent: found.numa,
  };
}

/** `pci-CLASS_VENDOR….present`; the displays of a board's management controller don't count. */
function isPciDevice(name: string): boolean {
  const parts = pciParts(name);
  if (parts === undefined) return false;
  const isManagement = parts.some((part) => managementVendors.includes(part));
  return !(isManagement && (parts.length === 1 || isDisplay(parts)));
}

/** A display of a vendor whose displays compute; a bare display class says nothing. */
function isDisplayOfGpu(name: string): boolean {
  const parts = pciParts(name);
  return parts !== undefined && isDisplay(parts) && parts.some((part) => gpuVendors.includes(part));
}

function pciParts(name: string): readonly string[] | undefined {
  const match = /^pci-(.+)\.present$/.exec(name);
  return match?.[1]?.split('_');
}

/** The class comes first, and is longer than the two digits that name displays. */
function isDisplay(parts: readonly string[]): boolean {
  return parts.length > 1 && parts[0]?.startsWith('03') === true;
}

function capacityOf({ status }: KubernetesObject): { readonly [resource: string]: unknown } {
  return isMap(status) && isMap(status.capacity) ? status.capacity : {};
}

function isPositive(quantity: unknown): boolean {
  return Number.parseFloat(String(quantity)) > 0;
}

function resourceNames(devices: unknown): readonly string[] {
  const list = Array.isArray(devices) ? devices : [];
  return list.flatMap((device) =>
    isMap(device) && typeof device.resourceName === 'string' ? [device.resourceName] : [],
  );
}

function hasLabel(node: KubernetesObject, label: string): boolean {
  return Object.hasOwn(node.metadata.labels ?? {}, label);
}

/**
 * What the facts look at of a node, for caches: an object of some hundred bytes that doesn't change with heartbeats.
 * Facts of projected nodes are the facts of the nodes.
 */
export function projectNode({ apiVersion, kind, metadata, status }: KubernetesObject): KubernetesObject {
  const { name, labels = {}, annotations = {} } = metadata;
  const isUsed = (label: string) =>
    label.startsWith(nfdPrefix) || label === gpuLabel || label === workerLabel || masterLabels.includes(label);
  const used = Object.entries(labels).filter(([label]) => isUsed(label));
  const policy = annotations[topologyPolicyAnnotation];
  const capacity = isMap(status) && isMap(status.capacity) ? { status: { capacity: status.capacity } } : {};
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      labels: Object.fromEntries(used),
      ...(policy !== undefined && { annotations: { [topologyPolicyAnnotation]: policy } }),
    },
    ...capacity,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Puts in what a person wants to try: `hardware.X`, `topology.X` and `images.NAME`. */
function force(facts: Facts, forced: Readonly<Record<string, unknown>>): Facts {
  const chosen = (group: string) =>
    Object.fromEntries(
      Object.entries(forced).flatMap(([fact, value]) =>
        fact.startsWith(`${group}.`) ? [[fact.slice(group.length + 1), value]] : [],
      ),
    );
  return {
    ...facts,
    hardware: { ...facts.hardware, ...chosen('hardware') },
    topology: { ...facts.topology, ...chosen('topology') },
    images: { ...facts.images, ...mapTexts(chosen('images')) },
  };
}

function mapTexts(values: { readonly [name: string]: unknown }): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

function isForced(fact: string, { forced }: Snapshot): boolean {
  return Object.hasOwn(forced ?? {}, fact);
}

const nfdPrefix = 'feature.node.kubernetes.io/';
const gpuLabel = 'nvidia.com/gpu.present';
const workerLabel = 'node-role.kubernetes.io/worker';
const topologyPolicyAnnotation = 'kubevirt.io/topology-manager-policy';
const masterLabels = ['node-role.kubernetes.io/master', 'node-role.kubernetes.io/control-plane'];
const gpuResources = ['nvidia.com/gpu', 'amd.com/gpu'];
const gpuResourcePrefixes = ['nvidia.com/mig-', 'gpu.intel.com/'];
const gpuVendors = ['10de', '1002', '8086'];
const managementVendors = ['1a03', '102b'];
const nodeFacts = ['topology.isCompact', 'topology.masterCount', 'topology.workerCount', 'topology.totalNodeCount'];
const infrastructureFacts = [
  'topology.isHCP',
  'topology.controlPlaneTopology',
  'topology.cloudProvider',
  'topology.isAWS',
  'topology.isAzure',
  'topology.isGCP',
  'topology.isBareMetal',
  'topology.isVSphere',
  'topology.isOpenStack',
];
/** What v1 keeps at `spec.virtualization` under the same name as v1beta1 at `spec`. */
const virtualizationFields = [
  'changedBlockTrackingLabelSelectors',
  'evictionStrategy',
  'higherWorkloadDensity',
  'hypervisors',
  'ksmConfiguration',
  'liveMigrationConfig',
  'liveUpdateConfiguration',
  'mediatedDevicesConfiguration',
  'permittedHostDevices',
  'roleAggregationStrategy',
  'tuningPolicy',
  'virtualMachineOptions',
  'workloadUpdateStrategy',
];
