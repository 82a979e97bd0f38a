import { clusterAnnotation } from '../api/annotations.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { hyperConvergedNamespace } from '../api/names.ts';
import { versionOf } from '../api/object-ref.ts';
import type { HardwareFacts, HyperConvergedFacts, RenderContext, TopologyFacts } from '../catalog/asset.ts';
import type { Answers } from './answers.ts';
import { isMap } from './json.ts';
import type { UnknownFact } from './plan-item.ts';
import { isOpenShiftServed } from './served-api.ts';
import type { Question, Snapshot } from './snapshot.ts';

/** What assets may read of a cluster, besides their own params and reads. */
export type Facts = Omit<RenderContext, 'params' | 'objects'>;

const infrastructureRef = { apiVersion: 'config.openshift.io/v1', kind: 'Infrastructure', name: 'cluster' };
const schedulerRef = { apiVersion: 'config.openshift.io/v1', kind: 'Scheduler', name: 'cluster' };
const allNodes = { apiVersion: 'v1', kind: 'Node' };

/** What facts are taken from, besides HyperConverged. */
export const factQuestions: readonly Question[] = [
  { ask: 'get', ref: infrastructureRef },
  { ask: 'get', ref: schedulerRef },
  { ask: 'list', ...allNodes },
];

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

  const infrastructure = answers.object(infrastructureRef);
  note(infrastructureFacts, infrastructure.why, infrastructure.assumed);
  const scheduler = answers.object(schedulerRef);
  note(['topology.hasSchedulableMasters'], scheduler.why, scheduler.assumed);
  const nodes = answers.list(allNodes);
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
    unknown: unknown.flatMap((entry) => withoutForced(entry, snapshot.forced ?? {}, facts)),
  };
}

/** Whether HyperConverged says so, else whether OpenShift's configuration API is served. */
function isOpenShift(
  hyperConverged: KubernetesObject,
  { apis }: Snapshot,
): { readonly value: boolean; readonly why?: string } {
  const said = hyperConverged.metadata.annotations?.[clusterAnnotation.openshift];
  if (said === 'true' || said === 'false') return { value: said === 'true' };
  const value = isOpenShiftServed(apis);
  return apis.known ? { value } : { value, why: 'which APIs are served is not known; OpenShift is assumed' };
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
    namespace: metadata.namespace ?? hyperConvergedNamespace,
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
  const { masters, workers, masterWorkers } = nodeTotalsOf(nodes);
  return {
    isOpenShift,
    isHCP: status.controlPlaneTopology === 'External',
    isCompact: masters > 0 && masterWorkers === masters && workers === masters,
    hasSchedulableMasters: isMap(scheduler?.spec) && scheduler.spec.mastersSchedulable === true,
    controlPlaneTopology: textOf(status.controlPlaneTopology),
    cloudProvider: platform,
    isAWS: platform === 'AWS',
    isAzure: platform === 'Azure',
    isGCP: platform === 'GCP',
    isBareMetal: platform === 'BareMetal',
    isVSphere: platform === 'VSphere',
    isOpenStack: platform === 'OpenStack',
    masterCount: masters,
    workerCount: workers - masterWorkers,
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

  const { pci, gpu, vfio, usb, numa, resources } = nodeTotalsOf(nodes);
  const hasAny = (permitted: ReadonlySet<string>) => [...permitted].some((resource) => resources.has(resource));
  return {
    pciDevicesPresent: pci || gpu || hasAny(pciResources),
    gpuPresent: gpu,
    vfioCapable: vfio,
    usbDevicesPresent: usb || hasAny(usbResources),
    numaNodesPresent: numa,
  };
}

/** What one node shows, whatever HyperConverged permits. */
type NodeFacts = {
  readonly isMaster: boolean;
  readonly isWorker: boolean;
  readonly pci: boolean;
  readonly gpu: boolean;
  readonly vfio: boolean;
  readonly usb: boolean;
  readonly numa: boolean;
  /** Devices with a quantity above zero. */
  readonly resources: readonly string[];
};

/** What all nodes show together. */
type NodeTotals = Omit<NodeFacts, 'isMaster' | 'isWorker' | 'resources'> & {
  readonly masters: number;
  readonly workers: number;
  /** Nodes that are both. */
  readonly masterWorkers: number;
  readonly resources: ReadonlySet<string>;
};

// A snapshot's objects never change, and of thousands of nodes hardly any is new from one plan to the next.
const factsOfNodes = new WeakMap<KubernetesObject, NodeFacts>();
const totalsOfNodes = new WeakMap<readonly KubernetesObject[], NodeTotals>();

function nodeTotalsOf(nodes: readonly KubernetesObject[]): NodeTotals {
  const known = totalsOfNodes.get(nodes);
  if (known !== undefined) return known;
  const totals = {
    masters: 0,
    workers: 0,
    masterWorkers: 0,
    pci: false,
    gpu: false,
    vfio: false,
    usb: false,
    numa: false,
  };
  const resources = new Set<string>();
  for (const node of nodes) {
    const facts = nodeFactsOf(node);
    if (facts.isMaster) totals.masters++;
    if (facts.isWorker) totals.workers++;
    if (facts.isMaster && facts.isWorker) totals.masterWorkers++;
    totals.pci ||= facts.pci;
    totals.gpu ||= facts.gpu;
    totals.vfio ||= facts.vfio;
    totals.usb ||= facts.usb;
    totals.numa ||= facts.numa;
    for (const resource of facts.resources) resources.add(resource);
  }
  const result = { ...totals, resources };
  totalsOfNodes.set(nodes, result);
  return result;
}

function nodeFactsOf(node: KubernetesObject): NodeFacts {
  const known = factsOfNodes.get(node);
  if (known !== undefined) return known;
  const found = { pci: false, gpu: false, vfio: false, usb: false, numa: false };
  for (const [label, value] of Object.entries(node.metadata.labels ?? {})) {
    if (value === 'false') continue;
    const name = label.startsWith(nfdPrefix) ? label.slice(nfdPrefix.length) : undefined;
    found.pci ||= name === 'pci-present' || (name !== undefined && isPciDevice(name));
    found.gpu ||= (label === gpuLabel && value === 'true') || (name !== undefined && isDisplayOfGpu(name));
    found.usb ||= name === 'usb-present' || (name?.startsWith('usb-') === true && name.endsWith('.present'));
    found.vfio ||= name === 'iommu-enabled' && value === 'true';
    found.numa ||= name === 'memory-numa' && value === 'true';
  }
  const resources = Object.entries(capacityOf(node)).flatMap(([name, quantity]) =>
    isDeviceName(name) && isPositive(quantity) ? [name] : [],
  );
  found.gpu ||= resources.some(isGpuResource);
  found.numa ||= (node.metadata.annotations?.[topologyPolicyAnnotation] ?? '') !== '';
  const isMaster = masterLabels.some((label) => hasLabel(node, label));
  const facts = { ...found, isMaster, isWorker: hasLabel(node, workerLabel), resources };
  factsOfNodes.set(node, facts);
  return facts;
}

/** Not cpu, memory or hugepages, and not what KubeVirt itself puts on every node. */
function isDeviceName(name: string): boolean {
  return name.includes('/') && !name.startsWith('devices.kubevirt.io/');
}

function isGpuResource(name: string): boolean {
  return gpuResources.includes(name) || gpuResourcePrefixes.some((prefix) => name.startsWith(prefix));
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

/** What stays unknown of an entry; of all hardware facts, those that nobody forces. */
function withoutForced(
  entry: UnknownFact,
  forced: Readonly<Record<string, unknown>>,
  { hardware }: Facts,
): readonly UnknownFact[] {
  if (entry.fact !== 'hardware') return Object.hasOwn(forced, entry.fact) ? [] : [entry];
  const names = Object.keys(hardware).map((name) => `hardware.${name}`);
  if (!names.some((name) => Object.hasOwn(forced, name))) return [entry];
  return names.filter((name) => !Object.hasOwn(forced, name)).map((fact) => ({ ...entry, fact }));
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
