import test from 'ava';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { Answers } from '../../../../shared/engine/answers.ts';
import { factsOf, featureGatesOf, projectNode, v1Shape } from '../../../../shared/engine/facts.ts';
import { questionKey, type Snapshot } from '../../../../shared/engine/snapshot.ts';
import { cluster, frozen, hyperConverged, served } from './_snapshot.ts';

type NodeParts = { labels?: Record<string, string>; annotations?: Record<string, string>; capacity?: object };

let nodes = 0;
function node({ labels = {}, annotations = {}, capacity = {} }: NodeParts = {}): KubernetesObject {
  const metadata = { name: `node-${++nodes}`, labels, annotations };
  return frozen({ apiVersion: 'v1', kind: 'Node', metadata, status: { capacity } });
}

function facts(snapshot: Snapshot, hco: KubernetesObject = hyperConverged()) {
  return factsOf(hco, snapshot, new Answers(snapshot));
}

const nfd = (name: string, value = 'true') => ({ labels: { [`feature.node.kubernetes.io/${name}`]: value } });
const none = {
  pciDevicesPresent: false,
  gpuPresent: false,
  vfioCapable: false,
  usbDevicesPresent: false,
  numaNodesPresent: false,
};
const pci = { ...none, pciDevicesPresent: true };
const gpu = { ...pci, gpuPresent: true };

const hardware: Record<string, [node: NodeParts, facts: typeof none]> = {
  'nothing but what every KubeVirt node has': [
    {
      capacity: {
        'devices.kubevirt.io/kvm': '1k',
        'devices.kubevirt.io/tun': '1k',
        'devices.kubevirt.io/vhost-net': '1k',
        'devices.kubevirt.io/sev': '5',
        'hugepages-1Gi': '4Gi',
        'hugepages-2Mi': '1Gi',
        'hugepages-64Ki': '1Mi',
        'attachable-volumes-aws-ebs': '39',
        cpu: '8',
        memory: '32Gi',
        pods: '250',
        'ephemeral-storage': '100Gi',
      },
    },
    none,
  ],
  'a device of an unknown vendor that nobody permits': [{ capacity: { 'vendor.example/card': '4' } }, none],
  'an NVIDIA GPU': [{ capacity: { 'nvidia.com/gpu': '2' } }, gpu],
  'no NVIDIA GPU left': [{ capacity: { 'nvidia.com/gpu': '0' } }, none],
  'a number for a quantity': [{ capacity: { 'nvidia.com/gpu': 1 } }, gpu],
  'nonsense for a quantity': [{ capacity: { 'nvidia.com/gpu': 'many' } }, none],
  'a slice of a GPU': [{ capacity: { 'nvidia.com/mig-1g.5gb': '7' } }, gpu],
  'an AMD GPU': [{ capacity: { 'amd.com/gpu': '1' } }, gpu],
  'an Intel GPU': [{ capacity: { 'gpu.intel.com/i915': '1' } }, gpu],
  'a newer Intel GPU': [{ capacity: { 'gpu.intel.com/xe': '1' } }, gpu],
  'the GPU label': [{ labels: { 'nvidia.com/gpu.present': 'true' } }, gpu],
  'a GPU label that says no': [{ labels: { 'nvidia.com/gpu.present': 'false' } }, none],
  'pci-present': [nfd('pci-present'), pci],
  'pci-present that says false': [nfd('pci-present', 'false'), none],
  'a vendor of PCI devices': [nfd('pci-10de.present'), pci],
  'a discovered device that is not there': [nfd('pci-10de.present', 'false'), none],
  'a class and vendor that are a GPU': [nfd('pci-0302_10de.present'), gpu],
  'an AMD display': [nfd('pci-0300_1002.present'), gpu],
  'an Intel display': [nfd('pci-0300_8086.present'), gpu],
  'a display of another vendor': [nfd('pci-0300_15ad.present'), pci],
  'a display class without a vendor': [nfd('pci-0300.present'), pci],
  'the display of an ASPEED management board': [nfd('pci-0300_1a03.present'), none],
  'the display of a Matrox management board': [nfd('pci-0300_102b.present'), none],
  'the vendor of a management board alone': [nfd('pci-1a03.present'), none],
  'another device of that vendor': [nfd('pci-0604_1a03.present'), pci],
  'a network card': [nfd('pci-0200_8086.present'), pci],
  'a label that only looks like one': [nfd('pci-0302_10de.sriov.capable'), none],
  'a label of somebody else': [{ labels: { 'example.com/pci-present': 'true' } }, none],
  'an IOMMU': [nfd('iommu-enabled'), { ...none, vfioCapable: true }],
  'an IOMMU that is off': [nfd('iommu-enabled', 'false'), none],
  'an IOMMU label with another value': [nfd('iommu-enabled', 'yes'), none],
  'usb-present': [nfd('usb-present'), { ...none, usbDevicesPresent: true }],
  'a USB device': [nfd('usb-ef_0fce_1234.present'), { ...none, usbDevicesPresent: true }],
  'more than one NUMA node': [nfd('memory-numa'), { ...none, numaNodesPresent: true }],
  'a topology policy': [
    { annotations: { 'kubevirt.io/topology-manager-policy': 'single-numa-node' } },
    { ...none, numaNodesPresent: true },
  ],
  'an empty topology policy': [{ annotations: { 'kubevirt.io/topology-manager-policy': '' } }, none],
  'hyper-threading': [nfd('cpu-hardware_multithreading'), none],
};
for (const [title, [parts, expected]] of Object.entries(hardware)) {
  test(`a node with ${title} shows what it should`, (t) => {
    t.deepEqual(facts(cluster([node(), node(parts)])).facts.hardware, expected);
    t.deepEqual(facts(cluster([projectNode(node(parts))])).facts.hardware, expected, 'in a cache too');
  });
}

const permittedHostDevices = {
  pciHostDevices: [{ resourceName: 'vendor.example/card' }, {}, 5],
  mediatedDevices: [{ resourceName: 'vendor.example/slice' }],
  usbHostDevices: [{ resourceName: 'kubevirt.io/key' }],
};
for (const [version, spec] of [
  ['v1', { virtualization: { permittedHostDevices } }],
  ['v1beta1', { permittedHostDevices }],
] as const) {
  for (const [resource, expected] of [
    ['vendor.example/card', pci],
    ['vendor.example/slice', pci],
    ['kubevirt.io/key', { ...none, usbDevicesPresent: true }],
  ] as const) {
    test(`what HyperConverged ${version} permits counts, as far as a node has it: ${resource}`, (t) => {
      const hco = { ...hyperConverged(undefined, spec), apiVersion: `hco.kubevirt.io/${version}` };
      t.deepEqual(facts(cluster([node({ capacity: { [resource]: '1' } })]), hco).facts.hardware, expected);
      t.deepEqual(facts(cluster([node({ capacity: { [resource]: '0' } })]), hco).facts.hardware, none);
    });
  }
}

const role = (...names: string[]) =>
  node({ labels: Object.fromEntries(names.map((name) => [`node-role.kubernetes.io/${name}`, ''])) });
const [master, controlPlane, worker] = ['master', 'control-plane', 'worker'];
const topologies: Record<string, [roles: string[][], facts: object]> = {
  'no nodes': [[], { isCompact: false, masterCount: 0, workerCount: 0, totalNodeCount: 0 }],
  'three masters and two workers': [
    [[master], [controlPlane], [master, controlPlane], [worker], [worker]],
    { isCompact: false, masterCount: 3, workerCount: 2, totalNodeCount: 5 },
  ],
  'three masters that work': [
    [
      [master, worker],
      [controlPlane, worker],
      [master, controlPlane, worker],
    ],
    { isCompact: true, masterCount: 3, workerCount: 0, totalNodeCount: 3 },
  ],
  'a single node': [[[master, worker]], { isCompact: true, masterCount: 1, workerCount: 0, totalNodeCount: 1 }],
  'masters that work and a dedicated worker': [
    [[master, worker], [worker]],
    { isCompact: false, masterCount: 1, workerCount: 1, totalNodeCount: 2 },
  ],
  'masters of which one does not work': [
    [[master, worker], [master]],
    { isCompact: false, masterCount: 2, workerCount: 0, totalNodeCount: 2 },
  ],
  'nodes without roles': [[[], ['infra']], { isCompact: false, masterCount: 0, workerCount: 0, totalNodeCount: 2 }],
  'workers only, as hosted clusters have': [
    [[worker], [worker]],
    { isCompact: false, masterCount: 0, workerCount: 2, totalNodeCount: 2 },
  ],
};
for (const [title, [roles, expected]] of Object.entries(topologies)) {
  test(`a cluster of ${title} is counted right`, (t) => {
    t.like(facts(cluster(roles.map((names) => role(...names)))).facts.topology, expected);
  });
}

test('a role counts by its label, whatever its value', (t) => {
  const labels = { 'node-role.kubernetes.io/worker': 'false' };
  t.is(facts(cluster([node({ labels })])).facts.topology.workerCount, 1);
});

const infrastructure = (status: object) => ({
  apiVersion: 'config.openshift.io/v1',
  kind: 'Infrastructure',
  metadata: { name: 'cluster' },
  status,
});

test('Infrastructure and Scheduler tell platform and control plane', (t) => {
  const scheduler = {
    apiVersion: 'config.openshift.io/v1',
    kind: 'Scheduler',
    metadata: { name: 'cluster' },
    spec: { mastersSchedulable: true },
  };
  const hosted = infrastructure({ controlPlaneTopology: 'External', platformStatus: { type: 'AWS' } });
  t.like(facts(cluster([hosted, scheduler])).facts.topology, {
    isHCP: true,
    controlPlaneTopology: 'External',
    cloudProvider: 'AWS',
    isAWS: true,
    isAzure: false,
    hasSchedulableMasters: true,
  });
});

for (const provider of ['AWS', 'Azure', 'GCP', 'BareMetal', 'VSphere', 'OpenStack'] as const) {
  test(`${provider} is known by its name alone`, (t) => {
    const { topology } = facts(cluster([infrastructure({ platformStatus: { type: provider } })])).facts;
    const flags = ['isAWS', 'isAzure', 'isGCP', 'isBareMetal', 'isVSphere', 'isOpenStack'] as const;
    t.deepEqual(
      flags.filter((flag) => topology[flag]),
      [`is${provider}` as (typeof flags)[number]],
    );
  });
}

test('without Infrastructure and Scheduler there are zero values and nothing unknown', (t) => {
  const { facts: found, unknown } = facts(cluster([]));
  t.like(found.topology, { isHCP: false, controlPlaneTopology: '', cloudProvider: '', hasSchedulableMasters: false });
  t.deepEqual(unknown, []);
});

test('OpenShift is known by its API, and HyperConverged has the last word', (t) => {
  const plain = { known: true, resources: served.filter(({ group }) => !group.includes('openshift')) } as const;
  const isOpenShift = (apis: Snapshot['apis'], said?: string) =>
    facts(cluster([], { apis }), hyperConverged(said === undefined ? {} : { openshift: said })).facts.topology
      .isOpenShift;
  t.true(isOpenShift({ known: true, resources: served }));
  t.false(isOpenShift(plain));
  t.true(isOpenShift(plain, 'true'));
  t.false(isOpenShift({ known: true, resources: served }, 'false'));
  t.true(isOpenShift({ known: true, resources: served }, 'no'), 'another word says nothing');
  t.true(isOpenShift({ known: false }), 'assumed while nothing is known');
});

test('feature gates: a list of names and states in v1, a map in v1beta1', (t) => {
  const v1 = [{ name: 'a' }, { name: 'b', state: 'Enabled' }, { name: 'c', state: 'Disabled' }, {}, 5, { name: 6 }];
  t.deepEqual(featureGatesOf(hyperConverged({}, { featureGates: v1 })), { a: true, b: true });
  t.deepEqual(featureGatesOf(hyperConverged({}, { featureGates: { a: true, b: false, c: 'true' } })), { a: true });
  for (const featureGates of [undefined, null, 'a', 5])
    t.deepEqual(featureGatesOf(hyperConverged({}, { featureGates })), {});
});

test('v1beta1 reads as v1: what moved is found at its new place', (t) => {
  const spec = {
    liveMigrationConfig: { parallelMigrationsPerCluster: 9 },
    ksmConfiguration: {},
    infra: { nodePlacement: { maxPods: 300 } },
    other: 1,
  };
  const old = { ...hyperConverged({}, spec), apiVersion: 'hco.kubevirt.io/v1beta1' };
  t.like(v1Shape(old).spec, {
    virtualization: { liveMigrationConfig: { parallelMigrationsPerCluster: 9 }, ksmConfiguration: {} },
    deployment: { nodePlacements: { infra: { maxPods: 300 } } },
    other: 1,
  });
  t.deepEqual(v1Shape(hyperConverged({}, { virtualization: { a: 1 } })).spec, { virtualization: { a: 1 } });
});

test('a HyperConverged that a file gives no namespace is taken to be in the default one', (t) => {
  t.is(
    v1Shape({ apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged', metadata: { name: 'x' } }).namespace,
    'openshift-cnv',
  );
});

const nodesKey = questionKey({ ask: 'list', apiVersion: 'v1', kind: 'Node' });

test('facts that may not be read are named, with the reason, and are none meanwhile', (t) => {
  const answers = { [nodesKey]: { answer: 'unknown', why: 'list nodes is not allowed' } } as const;
  const { facts: found, unknown } = facts(cluster([], { answers }));
  t.is(found.topology.workerCount, 0);
  t.deepEqual(
    unknown.map(({ fact, assumed }) => `${fact} ${assumed}`),
    ['hardware', 'topology.isCompact', 'topology.masterCount', 'topology.workerCount', 'topology.totalNodeCount'].map(
      (fact) => `${fact} false`,
    ),
  );
});

test('a fact that somebody forces is known, and the others of its kind stay unknown', (t) => {
  const answers = { [nodesKey]: { answer: 'unknown', why: 'list nodes is not allowed' } } as const;
  const forced = { 'hardware.gpuPresent': true, 'topology.workerCount': 3, 'images.exporter': 'x/y:1' };
  const { facts: found, unknown } = facts(cluster([], { answers, forced }));
  t.true(found.hardware.gpuPresent);
  t.is(found.topology.workerCount, 3);
  t.is(found.images.exporter, 'x/y:1');
  const names = unknown.map(({ fact }) => fact);
  t.false(
    names.includes('hardware') || names.includes('hardware.gpuPresent') || names.includes('topology.workerCount'),
  );
  t.true(names.includes('hardware.pciDevicesPresent') && names.includes('topology.masterCount'));
});
