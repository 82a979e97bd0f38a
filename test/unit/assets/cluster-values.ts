import test from 'ava';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import type { KubernetesObject } from '../../../shared/api/kubernetes-object.ts';
import { nastyText } from '../shared/yaml/helpers/nasty-strings.ts';
import { type Body, catalog } from './_assets.ts';
import { type GoldenCluster, goldenClusters, planOf } from './_golden-clusters.ts';

// What somebody may write into a cluster takes the place of values of clusters whose features are switched on: there it
// comes as far into the manifests as any value can.
const clusters: Readonly<Record<string, GoldenCluster>> = {
  ...goldenClusters,
  ...Object.fromEntries(
    Object.entries(goldenClusters).map(([name, cluster]) => [`${name}, with every setting`, withSettings(cluster)]),
  ),
};
const untouched = new Map(Object.entries(clusters).map(([name, cluster]) => [name, planOf(cluster)]));

test('every asset is rendered in one of the clusters whose values are changed', (t) => {
  const rendered = new Set(
    [...untouched.values()].flat().flatMap(({ asset, baseline }) => (baseline === undefined ? [] : asset)),
  );
  t.deepEqual(
    catalog.assets.map(({ name }) => name).filter((name) => !rendered.has(name)),
    [],
  );
});

test('no value of a cluster changes an identity, becomes a key, or changes how a manifest is built', (t) => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(changes, ({ name, places, text }) => {
      const cluster = clusters[name] as GoldenCluster;
      const original = untouched.get(name) ?? [];
      const [hostile, harmless] = [text, mark].map((value) => planOf(withValue(cluster, places, value)));
      for (const [index, { asset, target, why, baseline }] of (hostile ?? []).entries()) {
        const where = `${asset}, with ${JSON.stringify(text)} at ${places.join(' and ')}`;
        t.deepEqual(target, original[index]?.target, where);
        t.false(why.startsWith('internal error'), `${where}: ${why}`);
        if (baseline === undefined) continue;
        const shapes = [original, harmless ?? []].flatMap((items) => items[index]?.baseline ?? []).map(shapeOf);
        t.true(shapes.includes(shapeOf(baseline)), `${where}: ${JSON.stringify(baseline)}`);
        if (JSON.stringify(baseline).includes(mark)) reached.add(asset);
      }
    }),
    { numRuns: 300, seed: 20_261_121 },
  );
  // Or nothing was tried.
  for (const asset of ['application-aware-quota', 'descheduler-loadaware', 'ksm-cluster-monitoring'])
    t.true(reached.has(asset), asset);
  for (const asset of ['kubevirt-metrics-exporter', 'logging-lokistack']) t.true(reached.has(asset), asset);
});

/** Makes a text one that is nowhere else, and never empty. */
const mark = 'changed7c1f';

const changes = fc.constantFrom(...Object.keys(clusters)).chain((name) =>
  fc.record({
    name: fc.constant(name),
    places: fc.subarray([...placesOf(clusters[name] as GoldenCluster)], { minLength: 1, maxLength: 3 }),
    text: fc.tuple(nastyText, fc.boolean()).map(([text, before]) => (before ? text + mark : mark + text)),
  }),
);

/** The cluster with a value wherever assets look for one. */
function withSettings({ objects, ...cluster }: GoldenCluster): GoldenCluster {
  const ours = (annotations: Record<string, string>) =>
    Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`platform.kubevirt.io/${key}`, value]));
  // What the golden clusters don't have together with everything else.
  const switches = ['fence-agents', 'ksm-zero-only', 'numa-tuning', 'usb-passthrough', 'vfio-assign'];
  const settings = ours({
    ...Object.fromEntries(switches.map((feature) => [`enable-${feature}`, 'true'])),
    'kubelet-max-pods': '250',
    'kubevirt-metrics-exporter-env': '{"QMP_POLL_INTERVAL":"2m","LOG_LEVEL":"debug"}',
    'logging-storage-class': 'fast',
    'sbr-storage-class': 'shared',
  });
  const hardware = {
    'feature.node.kubernetes.io/memory-numa': 'true',
    'feature.node.kubernetes.io/iommu-enabled': 'true',
  };
  const capacity = { cpu: '64', 'vendor.com/pci': '1', 'vendor.com/usb': '1' };
  const spec = {
    featureGates: [{ name: 'CPUManager', state: 'Enabled' }],
    deployment: {
      nodePlacements: { infra: { nodeSelector: { zone: 'a' }, tolerations: [{ key: 'infra', operator: 'Exists' }] } },
    },
    virtualization: {
      liveMigrationConfig: { parallelMigrationsPerCluster: 6, parallelOutboundMigrationsPerNode: 3 },
      permittedHostDevices: {
        pciHostDevices: [{ pciDeviceSelector: '10DE:20B5', resourceName: 'vendor.com/pci' }],
        usbHostDevices: [{ resourceName: 'vendor.com/usb' }],
      },
    },
  };
  return {
    ...cluster,
    objects: [
      ...objects.map((object): Body => {
        const { kind, metadata } = object;
        if (kind === 'HyperConverged')
          return { ...object, spec, metadata: { ...metadata, annotations: { ...metadata.annotations, ...settings } } };
        if (kind !== 'Node') return object;
        const labels = { ...metadata.labels, ...hardware };
        return { ...object, metadata: { ...metadata, labels }, status: { capacity } };
      }),
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'cluster-monitoring-config', namespace: 'openshift-monitoring' },
        data: { 'config.yaml': 'prometheusK8s:\n  retention: 30d\n' },
      },
      {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PrometheusRule',
        metadata: { name: 'descheduler-rules', namespace: 'openshift-kube-descheduler-operator' },
        spec: { groups: [{ name: 'descheduler', rules: [{ record: 'a', expr: 'b' }] }] },
      },
    ],
  };
}

/** Where values are, as KIND/NAME/NAME…, identities left out; inside texts that are JSON or YAML themselves as well. */
function placesOf({ objects }: GoldenCluster): ReadonlySet<string> {
  const places = (value: Body, at: string): string[] => {
    if (typeof value !== 'object' || value === null) {
      const inner = embedded(value);
      return inner === undefined ? [at] : [at, ...places(inner, `${at}/${inText}`)];
    }
    return Object.entries(value).flatMap(([name, inner]) => places(inner, `${at}/${name.replaceAll('/', '~1')}`));
  };
  return new Set(
    objects.flatMap(({ apiVersion: _, kind, metadata: { name: __, namespace: ___, ...metadata }, ...fields }) =>
      places({ metadata, ...fields }, kind),
    ),
  );
}

const inText = '(in its text)';

/** The map that a text holds. */
function embedded(text: unknown): object | undefined {
  if (typeof text !== 'string' || !/^\{|\n/.test(text)) return undefined;
  const value: unknown = parse(text);
  return typeof value === 'object' && value !== null ? value : undefined;
}

/** The cluster with another value at these places, in every object of their kinds. */
function withValue(cluster: GoldenCluster, places: readonly string[], value: string): GoldenCluster {
  const objects = structuredClone(cluster.objects) as Body[];
  for (const place of places) {
    const [kind, ...names] = place.split('/').map((name) => name.replaceAll('~1', '/'));
    for (const object of objects) if (object.kind === kind) put(object, names, value);
  }
  return { ...cluster, objects: objects as KubernetesObject[] };
}

function put(container: Body, [name = '', ...rest]: readonly string[], value: string): void {
  if (typeof container !== 'object' || container === null || !Object.hasOwn(container, name)) return;
  const [next, ...inner] = rest;
  if (next === undefined) container[name] = value;
  else if (next !== inText) put(container[name], rest, value);
  else {
    const map = embedded(container[name]);
    if (map === undefined) return;
    put(map, inner, value);
    container[name] = container[name].startsWith('{') ? JSON.stringify(map) : stringify(map);
  }
}

/** What a value is made of, names of maps included, without its scalars. */
function shapeOf(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === 'object' && inner !== null ? inner : 0));
}
