import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Json, KubernetesObject } from '../../../shared/api/kubernetes-object.ts';
import { plan } from '../../../shared/engine/plan.ts';
import type { PlanItem } from '../../../shared/engine/plan-item.ts';
import type { Snapshot } from '../../../shared/engine/snapshot.ts';
import { snapshotFromObjects } from '../../../shared/engine/snapshot-from-objects.ts';
import { printYaml } from '../../../shared/yaml/print-yaml.ts';
import { type Body, catalog } from './_assets.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** What a whole cluster holds, as far as anything of it is looked at; definitions come besides. */
export type GoldenCluster = {
  readonly about: string;
  readonly objects: readonly KubernetesObject[];
  /** Groups of definitions that aren't there. */
  readonly without: readonly string[];
};

const gpu = { 'feature.node.kubernetes.io/pci-0302_10de.present': 'true', 'nvidia.com/gpu.present': 'true' };
const server = { 'feature.node.kubernetes.io/memory-numa': 'true', 'feature.node.kubernetes.io/iommu-enabled': 'true' };

export const goldenClusters: Readonly<Record<string, GoldenCluster>> = {
  'openshift-bare-metal-gpus': {
    about: 'OpenShift on bare metal with GPUs, everything switched on that goes together',
    objects: [
      ...nodes({ masters: 3, workers: 4, labels: { ...server, ...gpu }, capacity: { 'nvidia.com/gpu': '2' } }),
      ...openShift({ platform: 'BareMetal', controlPlane: 'HighlyAvailable' }),
      hyperConverged({
        enable: [
          ...['in-flight-operations', 'kubelet-performance-settings', 'ksm-zero-only', 'kubevirt-metrics-exporter'],
          ...['logging', 'audit-logging', 'mtv', 'metallb', 'node-remediation', 'pci-passthrough', 'thp-tuning'],
          ...['korrel8r', 'incident-detection', 'vm-drain-shutdown-inhibitor', 'numa-tuning', 'vfio-assign'],
          ...['application-aware-quota', 'node-maintenance', 'fence-agents'],
        ],
        spec: {
          featureGates: [{ name: 'CPUManager', state: 'Enabled' }],
          virtualization: {
            permittedHostDevices: {
              pciHostDevices: [{ pciDeviceSelector: '10DE:20B5', resourceName: 'nvidia.com/GA100GL_A100' }],
            },
          },
        },
      }),
    ],
    without: [],
  },
  'compact-three-node': {
    about:
      'OpenShift on three nodes that are masters and workers; swap is always there, drain and huge pages are switched on',
    objects: [
      ...nodes({ masters: 3, workers: 0, areBoth: true, labels: server }),
      ...openShift({ platform: 'VSphere', controlPlane: 'HighlyAvailable', mastersSchedulable: true }),
      hyperConverged({ enable: ['thp-tuning', 'vm-drain-shutdown-inhibitor', 'logging', 'node-self-remediation'] }),
    ],
    without: [],
  },
  'hosted-control-plane': {
    about: 'OpenShift whose control plane is hosted elsewhere: nodes are workers only',
    objects: [
      ...nodes({ masters: 0, workers: 5 }),
      ...openShift({ platform: 'KubeVirt', controlPlane: 'External' }),
      hyperConverged({ enable: ['logging'], annotations: { 'logging-storage-class': 'kubevirt-csi-infra-default' } }),
    ],
    // Node configuration belongs to the hosting cluster.
    without: ['machineconfiguration.openshift.io'],
  },
  'single-node': {
    about: 'OpenShift on a single node, with nothing switched on',
    objects: [
      ...nodes({ masters: 1, workers: 0, areBoth: true }),
      ...openShift({ platform: 'None', controlPlane: 'SingleReplica', mastersSchedulable: true }),
      hyperConverged({}),
    ],
    without: ['operator.openshift.io', 'loki.grafana.com'],
  },
  'plain-kubernetes': {
    about: "Kubernetes without anything of OpenShift's, with upstream's operators",
    objects: [
      ...nodes({ masters: 1, workers: 2 }),
      ...namespaces('kubevirt-hyperconverged', 'konveyor-forklift', 'metallb-system', 'operators', 'olm'),
      hyperConverged({
        namespace: 'kubevirt-hyperconverged',
        enable: ['mtv', 'metallb', 'node-remediation', 'node-maintenance', 'kubevirt-metrics-exporter', 'thp-tuning'],
      }),
    ],
    without: ['openshift.io'],
  },
};

/** Every definition of test/crds. */
export const definitions: readonly Body[] = globSync('test/crds/*.yaml', { cwd: root })
  .sort()
  .flatMap((file) => parseAllDocuments(readFileSync(path.join(root, file), 'utf8')))
  .map((document) => document.toJS() as Body);

export function planOf(cluster: GoldenCluster): readonly PlanItem[] {
  return plan(catalog, snapshotOf(cluster)).plan.items;
}

export function snapshotOf({ objects, without }: GoldenCluster): Snapshot {
  const crds = definitions.filter(
    ({ spec }) => !without.some((group) => spec.group === group || spec.group.endsWith(`.${group}`)),
  );
  const images = { 'kubevirt-metrics-exporter': 'registry.example/kubevirt-metrics-exporter:v1' };
  return snapshotFromObjects([...crds, ...objects], { images });
}

/** The cluster that has the most; of the others' manifests only those that differ from its own are written out. */
const fullest = 'openshift-bare-metal-gpus';
let ofFullest: ReadonlySet<string> | undefined;

/** What is reviewed: what is left out and why, then every manifest. Of what is shipped in base64 only the digest is told. */
export function goldenText(name: string, cluster: GoldenCluster): string {
  const assets = planOf(cluster).filter(({ type }) => type === 'asset');
  const applied = assets.flatMap(({ desired }) => desired ?? []).map(manifest);
  const left = Object.groupBy(
    assets.filter(({ desired }) => desired === undefined),
    ({ decision }) => decision,
  );
  ofFullest ??= new Set(
    planOf(goldenClusters[fullest] as GoldenCluster).flatMap(({ desired }) =>
      desired === undefined ? [] : manifest(desired),
    ),
  );
  const known = name === fullest ? new Set<string>() : ofFullest;
  return [
    `# ${name}: ${cluster.about}.`,
    '# Written by test/unit/assets/golden.ts; bring it up to date with UPDATE_GOLDEN=1, and review what changes.',
    '#',
    `# ${applied.length} objects. Left out:`,
    ...Object.entries(left).map(([decision, items]) =>
      decision === 'condition-unmet'
        ? `#   ${decision}: ${items.length}`
        : `#   ${decision}: ${items.map(({ asset }) => asset).join(', ')}`,
    ),
    ...applied.map((text) => `---\n${known.has(text) ? `${identityOf(text)}# the rest as in ${fullest}.yaml` : text}`),
    '',
  ].join('\n');
}

function manifest(object: KubernetesObject): string {
  return printYaml(withDigests(object) as Json).trimEnd();
}

/** The first lines of a manifest: apiVersion, kind, name and namespace. */
function identityOf(text: string): string {
  const [identity = ''] =
    /^apiVersion: .*\nkind: .*\nmetadata:\n {2}name: .*\n(?: {2}namespace: .*\n)?/.exec(text) ?? [];
  return identity;
}

function withDigests(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replace(/;base64,([A-Za-z0-9+/=]+)$/, (_, data: string) => {
      const digest = createHash('sha256').update(Buffer.from(data, 'base64')).digest('hex');
      return `;base64,(sha256:${digest.slice(0, 16)})`;
    });
  if (Array.isArray(value)) return value.map(withDigests);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withDigests(inner)]));
}

function nodes({
  masters,
  workers,
  areBoth = false,
  labels = {},
  capacity = {},
}: {
  masters: number;
  workers: number;
  areBoth?: boolean;
  labels?: Record<string, string>;
  capacity?: Record<string, string>;
}): KubernetesObject[] {
  const role = (name: string) => ({ [`node-role.kubernetes.io/${name}`]: '' });
  const node = (name: string, more: Record<string, string>): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...more } },
    status: { capacity: { cpu: '64', 'devices.kubevirt.io/kvm': '1k', 'hugepages-1Gi': '0', ...capacity } },
  });
  return [
    ...Array.from({ length: masters }, (_, index) =>
      node(`master-${index}`, {
        ...role('master'),
        ...role('control-plane'),
        ...(areBoth ? { ...role('worker'), ...labels } : {}),
      }),
    ),
    ...Array.from({ length: workers }, (_, index) => node(`worker-${index}`, { ...role('worker'), ...labels })),
  ];
}

function openShift({
  platform,
  controlPlane,
  mastersSchedulable = false,
}: {
  platform: string;
  controlPlane: string;
  mastersSchedulable?: boolean;
}): KubernetesObject[] {
  return [
    {
      apiVersion: 'config.openshift.io/v1',
      kind: 'Infrastructure',
      metadata: { name: 'cluster' },
      status: { controlPlaneTopology: controlPlane, platformStatus: { type: platform } },
    },
    {
      apiVersion: 'config.openshift.io/v1',
      kind: 'Scheduler',
      metadata: { name: 'cluster' },
      spec: { mastersSchedulable },
    },
    ...namespaces(
      ...['openshift-cnv', 'openshift-monitoring', 'openshift-kube-descheduler-operator', 'openshift-logging'],
      ...['openshift-mtv', 'openshift-workload-availability', 'metallb-system'],
    ),
  ];
}

function namespaces(...names: string[]): KubernetesObject[] {
  return names.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
}

function hyperConverged({
  namespace = 'openshift-cnv',
  enable = [],
  annotations = {},
  spec = {},
}: {
  namespace?: string;
  enable?: readonly string[];
  annotations?: Record<string, string>;
  spec?: Record<string, Json>;
}): KubernetesObject {
  const switches = [...enable.map((name) => [`enable-${name}`, 'true']), ...Object.entries(annotations)];
  return {
    apiVersion: 'hco.kubevirt.io/v1',
    kind: 'HyperConverged',
    metadata: {
      name: 'kubevirt-hyperconverged',
      namespace,
      annotations: Object.fromEntries(
        [['autopilot', 'true'], ...switches].map(([name, value]) => [`platform.kubevirt.io/${name}`, value]),
      ),
    },
    spec,
  } as KubernetesObject;
}
