import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { autopilotName, managedByLabel } from '../../shared/api/names.ts';
import { type AnyObject, useCluster, waitFor } from '../helpers/cluster.ts';
import { assetNamed, type Body, catalog, contextOf, type Facts } from '../unit/assets/_assets.ts';

const root = path.resolve(import.meta.dirname, '../..');
const isReal = process.env.VIRT_PLATFORM_TEST_CRDS === 'real';
const cluster = useCluster(test);

const recordingRule = 'descheduler:node:linear_amplified_ideal_point_positive_distance:k3:avg1m';

test.before('the fixtures are on the cluster', async () => {
  // Where upstream's operators are.
  for (const name of ['operators', 'konveyor-forklift'])
    await applyStrictly({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, 'fixtures');
  for (const object of await manifests('test/fixtures/clusters/openshift')) {
    await applyStrictly(object, 'fixtures');
    if (object.status !== undefined) await applyStrictly(object, 'fixtures', 'status');
  }
});

const images = { 'kubevirt-metrics-exporter': 'registry.example/kubevirt-metrics-exporter:v1' };

/** Everything that an asset may render to, besides what it does with no facts at all. */
const facts: Record<string, Record<string, Facts>> = {
  'pci-passthrough': { 'a device': { hardware: { pciDevicesPresent: true } } },
  'vfio-assign': {
    'a permitted device': {
      spec: {
        virtualization: {
          permittedHostDevices: { pciHostDevices: [{ pciDeviceSelector: '10de:1eb8', resourceName: 'nvidia.com/t4' }] },
        },
      },
    },
  },
  'application-aware-quota': {
    'a place for infrastructure': {
      spec: {
        deployment: {
          nodePlacements: {
            infra: {
              nodeSelector: { 'node-role.kubernetes.io/infra': '' },
              tolerations: [{ key: 'node-role.kubernetes.io/infra', operator: 'Exists', effect: 'NoSchedule' }],
            },
          },
        },
      },
    },
  },
  'nhc-far': { 'plain Kubernetes': { topology: { isOpenShift: false } } },
  'nhc-snr': { 'plain Kubernetes': { topology: { isOpenShift: false } } },
  'kubevirt-metrics-exporter-datasource': { 'plain Kubernetes': { topology: { isOpenShift: false } } },
  'monitoring-ui-plugin': {
    incidents: { annotations: { 'platform.kubevirt.io/enable-incident-detection': 'true' } },
  },
  'kubelet-perf-settings': {
    'the CPU manager on': { featureGates: ['CPUManager'] },
    'another number of pods': { annotations: { 'platform.kubevirt.io/kubelet-max-pods': '250' } },
  },
  'kubelet-cpu-manager': {
    'dense hosts': { annotations: { 'platform.kubevirt.io/enable-kubelet-performance-settings': 'true' } },
  },
  'logging-lokistack': {
    'hosted control planes': { topology: { isHCP: true } },
    'three nodes': { topology: { totalNodeCount: 3 } },
    'many nodes': { topology: { totalNodeCount: 11 } },
    AWS: { topology: { isBareMetal: false, isAWS: true } },
    Azure: { topology: { isBareMetal: false, isAzure: true } },
    GCP: { topology: { isBareMetal: false, isGCP: true } },
    VSphere: { topology: { isBareMetal: false, isVSphere: true } },
  },
  'logging-collector': {
    'audit logs': { annotations: { 'platform.kubevirt.io/enable-audit-logging': 'true' } },
  },
  'kubevirt-metrics-exporter': {
    'another environment': {
      annotations: { 'platform.kubevirt.io/kubevirt-metrics-exporter-env': '{"ENABLE_QMP": false}' },
    },
  },
  'kubevirt-metrics-exporter-prometheusrule': {
    'another environment': {
      annotations: { 'platform.kubevirt.io/kubevirt-metrics-exporter-env': '{"ENABLE_QMP": false}' },
    },
  },
  'sbr-detection-config': {
    'a storage class': { annotations: { 'platform.kubevirt.io/sbr-storage-class': 'nfs' } },
  },
  'ksm-cluster-monitoring': {
    "an admin's settings": { objects: { settings: { data: { 'config.yaml': 'prometheusK8s:\n  retention: 30d\n' } } } },
  },
};

for (const { name } of catalog.assets.filter(({ target }) => target.kind !== 'KubeDescheduler')) {
  for (const [what, given] of Object.entries({ nothing: {}, ...facts[name] })) {
    test.serial(`${name} with ${what} is accepted, and taken as it is`, async (t) => {
      const object = objectOf(name, given);
      if (object === undefined) t.true(['pci-passthrough', 'vfio-assign', 'vfio-assign-master'].includes(name));
      else t.deepEqual(partOf(await applyStrictly(object), object), object);
    });
  }
}

test.serial('the golden configuration owns no setting of HyperConverged', async (t) => {
  const { metadata, spec } = await applyStrictly(objectOf('hco-golden-config', {}, 'hco.kubevirt.io/v1') as AnyObject);
  const ours = metadata.managedFields.filter(({ manager }: Body) => manager === autopilotName);
  t.deepEqual(
    ours.flatMap(({ fieldsV1 }: Body) => Object.keys(fieldsV1)),
    ['f:metadata'],
  );
  t.is(spec.virtualization.liveMigrationConfig.parallelMigrationsPerCluster, 6);
});

test.serial("the console's monitoring plugin keeps what multicluster management set", async (t) => {
  const acm = {
    enabled: true,
    alertmanager: { url: 'https://a.example' },
    thanosQuerier: { url: 'https://b.example' },
  };
  const ours = objectOf('monitoring-ui-plugin', {}) as AnyObject;
  await applyStrictly(
    { ...ours, metadata: { name: 'monitoring' }, spec: { type: 'Monitoring', monitoring: { acm } } },
    'acm',
  );
  const { spec } = await applyStrictly(ours);
  t.deepEqual(spec.monitoring.acm, acm);
});

test.serial(
  'a LokiStack without a storage class is refused, so its annotation is needed on other platforms',
  async (t) => {
    const elsewhere = { topology: { isBareMetal: false } };
    await t.throwsAsync(applyStrictly(objectOf('logging-lokistack', elsewhere) as AnyObject), {
      message: /storageClassName: Required value/,
    });
    const annotations = { 'platform.kubevirt.io/logging-storage-class': 'fast' };
    const object = objectOf('logging-lokistack', { ...elsewhere, annotations }) as AnyObject;
    t.is((await applyStrictly(object)).spec.storageClassName, 'fast');
  },
);

test.serial('the golden configuration is accepted where only v1beta1 is served', async (t) => {
  await replaceCrd(
    isReal ? await realV1beta1() : await definition('test/crds/testdata/hyperconvergeds-v1beta1-only.yaml'),
  );
  const object = objectOf('hco-golden-config', {}, 'hco.kubevirt.io/v1beta1') as AnyObject;
  t.like(await applyStrictly(object), object);
});

const editions = isReal
  ? Object.fromEntries(
      ['4-17', '4-19', '4-21'].map((edition) => [
        edition.replace('-', '.'),
        `../shared/crds/testdata/kube-descheduler-operator-${edition}.crd.yaml`,
      ]),
    )
  : Object.fromEntries(
      ['4.17', '4.19', '4.21'].map((edition) => [edition, `test/crds/testdata/kubedeschedulers-${edition}.yaml`]),
    );

for (const [edition, file] of Object.entries({
  ...editions,
  current: isReal
    ? '../shared/crds/openshift/operator.openshift.io_kubedeschedulers.yaml'
    : 'test/crds/kubedeschedulers.yaml',
})) {
  test.serial(`the descheduler's settings are accepted by edition ${edition} of its CRD`, async (t) => {
    const crd = await definition(file);
    await replaceCrd(crd);
    const rules = (...records: string[]) => ({ spec: { groups: [{ rules: records.map((record) => ({ record })) }] } });
    for (const given of [{}, { rules: rules() }, { rules: rules(recordingRule) }]) {
      const object = objectOf('descheduler-loadaware', { objects: { crd, ...given } }) as AnyObject;
      const { spec } = await applyStrictly(object);
      t.like(spec, object.spec);
      t.deepEqual(spec.profiles, object.spec.profiles);
    }
  });
}

test.serial('a field that an edition does not declare is really refused', async (t) => {
  const crd = await definition(Object.values(editions)[0] ?? '');
  await replaceCrd(crd);
  const object = objectOf('descheduler-loadaware', { objects: { crd } }) as AnyObject;
  const tooMuch = { ...object, spec: { ...object.spec, evictionLimits: { total: 5, node: 2 } } };
  await t.throwsAsync(applyStrictly(tooMuch), { message: /evictionLimits\.node/ });
});

/** What the engine would apply: the rendered body with the target's identity and our label. */
function objectOf(name: string, given: Facts, apiVersion?: string): AnyObject | undefined {
  const asset = assetNamed(name);
  const context = contextOf(asset, { images, ...given });
  const body: Body = asset.body.render(context);
  if (body === undefined) return undefined;
  const namespace = asset.target.namespace?.render(context);
  return {
    ...body,
    apiVersion: apiVersion ?? asset.target.apiVersions[0] ?? '',
    kind: asset.target.kind,
    metadata: {
      ...body.metadata,
      name: asset.target.name.render(context),
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...body.metadata?.labels, [managedByLabel]: autopilotName },
    },
  };
}

/** Of a value only the fields that another has: what the server adds, defaults and times, is left out. */
function partOf(value: Body, wanted: Body): Body {
  if (typeof wanted !== 'object' || wanted === null || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(wanted))
    return wanted.map((item, index) => partOf(value[index], item)).concat(value.slice(wanted.length));
  return Object.fromEntries(
    Object.keys(wanted)
      .filter((key) => key in value)
      .map((key) => [key, partOf(value[key], wanted[key])]),
  );
}

async function applyStrictly(
  object: AnyObject,
  manager: string = autopilotName,
  subresource?: string,
): Promise<AnyObject> {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace } = metadata;
  const url = await cluster.controlPlane.client.pathOf({ apiVersion, kind, name, namespace });
  const { status, body } = await cluster.request(
    'PATCH',
    `${url}${subresource === undefined ? '' : `/${subresource}`}?fieldManager=${manager}&force=true&fieldValidation=Strict`,
    { body: object, contentType: 'application/apply-patch+yaml' },
  );
  if (status >= 300) throw new Error(`${kind} ${name} was refused with ${status}: ${body.message}`);
  return body;
}

/** Puts another edition of a CRD in the place of the one that is there, with none of its objects. */
async function replaceCrd(crd: AnyObject): Promise<void> {
  const { client } = cluster.controlPlane;
  const id = { apiVersion: crd.apiVersion, kind: crd.kind, name: crd.metadata.name };
  await cluster.delete(id);
  await waitFor(async () => (await cluster.get(id)) === undefined, { what: `${id.name} to be gone` });
  await cluster.apply(crd);
  const { group, names, versions } = crd.spec;
  for (const version of versions.filter(({ served }: Body) => served)) {
    const apiVersion = `${group}/${version.name}`;
    await waitFor(() => client.isServed(apiVersion, names.kind), {
      what: `${names.kind} of ${apiVersion} to be served`,
    });
    await waitFor(
      async () => (await cluster.request('GET', `/apis/${apiVersion}/${names.plural}?limit=1`)).status === 200,
      { what: `${names.kind} of ${apiVersion} to be listable` },
    );
  }
}

/** A CRD without what generators leave behind. */
async function definition(file: string): Promise<AnyObject> {
  const { status: _, metadata, ...crd } = (await manifests(file))[0] as AnyObject;
  return { ...crd, metadata: { name: metadata.name } } as AnyObject;
}

/** The upstream definition as it was before v1. */
async function realV1beta1(): Promise<AnyObject> {
  const crd = await definition('../shared/crds/kubevirt/hyperconverged-crd.yaml');
  const versions = crd.spec.versions.filter(({ name }: Body) => name === 'v1beta1');
  return { ...crd, spec: { ...crd.spec, versions: versions.map((version: Body) => ({ ...version, storage: true })) } };
}

/** The objects of a file, or of a folder's files; namespaces first. */
async function manifests(fileOrFolder: string): Promise<AnyObject[]> {
  const absolute = path.resolve(root, fileOrFolder);
  const files = absolute.endsWith('.yaml') ? [absolute] : [];
  if (files.length === 0)
    for await (const file of glob('*.yaml', { cwd: absolute })) files.push(path.join(absolute, file));
  const texts = await Promise.all(files.sort().map((file) => readFile(file, 'utf8')));
  const objects = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as AnyObject));
  return objects.sort((a, b) => Number(b.kind === 'Namespace') - Number(a.kind === 'Namespace'));
}
