import test from 'ava';
import { RenderError } from '../../../../shared/catalog/render-error.ts';
import { assetNamed, type Body, bodyOf, contextOf, type Facts, unmetConditions } from '../_assets.ts';

const prefix = 'platform.kubevirt.io/';
const dense = { [`${prefix}enable-kubelet-performance-settings`]: 'true' };
const withPods = (value: string) => ({ annotations: { ...dense, [`${prefix}kubelet-max-pods`]: value } });
const both: Facts = { annotations: dense, featureGates: ['CPUManager'] };
const there = { metadata: { name: 'whatever' } };

const pinning = {
  cpuManagerPolicy: 'static',
  cpuManagerPolicyOptions: { 'full-pcpus-only': 'true' },
  cpuManagerReconcilePeriod: '5s',
  topologyManagerPolicy: 'best-effort',
  memoryManagerPolicy: 'Static',
  reservedSystemCPUs: '0-1',
  kubeReserved: { cpu: '1' },
  systemReserved: { memory: '1Gi' },
  reservedMemory: [{ numaNode: 0, limits: { memory: '1124Mi' } }],
};
const machineConfigPoolSelector = {
  matchLabels: { 'pools.operator.machineconfiguration.openshift.io/worker': '' },
};

test('dense hosts take 500 pods, report all images, and size their reservation by themselves', (t) => {
  t.deepEqual(bodyOf('kubelet-perf-settings', { annotations: dense }), {
    spec: {
      autoSizingReserved: true,
      kubeletConfig: { nodeStatusMaxImages: -1, maxPods: 500 },
      machineConfigPoolSelector,
    },
  });
});

test('the CPU manager pins CPUs and memory, with a reservation that is said', (t) => {
  t.deepEqual(bodyOf('kubelet-cpu-manager', { featureGates: ['CPUManager'] }), {
    spec: { autoSizingReserved: false, kubeletConfig: pinning, machineConfigPoolSelector },
  });
});

test("the memory that is pinned away is what the reservations come to, or kubelet wouldn't start", (t) => {
  const { kubeletConfig } = bodyOf('kubelet-cpu-manager').spec;
  const mebibytes = (quantity: string) => Number.parseInt(quantity, 10) * (quantity.endsWith('Gi') ? 1024 : 1);
  const reserved = kubeletConfig.reservedMemory.map(({ limits }: Body) => mebibytes(limits.memory));
  const hardEviction = 100;
  t.is(kubeletConfig.kubeReserved.memory, undefined);
  t.is(
    reserved.reduce((a: number, b: number) => a + b),
    mebibytes(kubeletConfig.systemReserved.memory) + hardEviction,
  );
});

for (const [what, facts] of [
  ['500 pods', both],
  ['another number of pods', { ...both, ...withPods('250') }],
] as const) {
  test(`with both features on, and ${what}, the two say the same, so it doesn't matter which one wins`, (t) => {
    const settings = bodyOf('kubelet-perf-settings', facts);
    t.deepEqual(settings, bodyOf('kubelet-cpu-manager', facts));
    t.like(settings.spec.kubeletConfig, { nodeStatusMaxImages: -1, ...pinning });
    t.false(settings.spec.autoSizingReserved);
    const objects = { cpuManager: there, perfSettings: there };
    t.deepEqual(bodyOf('kubelet-perf-settings', { ...facts, objects }), settings);
    t.deepEqual(bodyOf('kubelet-cpu-manager', { ...facts, objects }), settings);
  });
}

test("an object that a feature left behind holds the other's, and it says what to delete", (t) => {
  t.throws(() => bodyOf('kubelet-perf-settings', { annotations: dense, objects: { cpuManager: there } }), {
    instanceOf: RenderError,
    message: /KubeletConfig virt-cpu-manager is still there.*: delete it/,
  });
  t.throws(() => bodyOf('kubelet-cpu-manager', { featureGates: ['CPUManager'], objects: { perfSettings: there } }), {
    instanceOf: RenderError,
    message: /KubeletConfig virt-perf-settings is still there.*: delete it/,
  });
});

test('each looks at the object that the other makes', (t) => {
  for (const [name, other, alias] of [
    ['kubelet-perf-settings', 'kubelet-cpu-manager', 'cpuManager'],
    ['kubelet-cpu-manager', 'kubelet-perf-settings', 'perfSettings'],
  ] as const) {
    const read = assetNamed(name).reads[alias];
    const { target } = assetNamed(other);
    t.like(read, { read: 'object', apiVersions: target.apiVersions, kind: target.kind });
    const nameOf = (template: typeof target.name) => template.render(contextOf(assetNamed(other)));
    t.is(read?.read === 'object' ? nameOf(read.name) : '', nameOf(target.name));
  }
});

for (const [text, maxPods] of [
  ['10', 10],
  ['250', 250],
  ['2500', 2500],
  ['', 500],
] as const) {
  test(`kubelet-max-pods "${text}" means ${maxPods}`, (t) => {
    t.is(bodyOf('kubelet-perf-settings', withPods(text)).spec.kubeletConfig.maxPods, maxPods);
  });
}

for (const text of ['0', '9', '2501', '99999', '-1', '1e2', '250.5', '0250', ' 250', '250\n', 'many', '٢٥٠', '0x100']) {
  test(`kubelet-max-pods ${JSON.stringify(text)} is no number of pods: nothing is guessed`, (t) => {
    const expectation = { instanceOf: RenderError, message: /kubelet-max-pods must be a whole number from 10 to 2500/ };
    t.throws(() => bodyOf('kubelet-perf-settings', withPods(text)), expectation);
    t.throws(() => bodyOf('kubelet-cpu-manager', { ...withPods(text), featureGates: ['CPUManager'] }), expectation);
  });
}

test("the number of pods doesn't matter to the CPU manager alone", (t) => {
  const facts = { annotations: { [`${prefix}kubelet-max-pods`]: 'many' }, featureGates: ['CPUManager'] };
  t.is(bodyOf('kubelet-cpu-manager', facts).spec.kubeletConfig.maxPods, undefined);
});

test('one is switched on by its annotation, the other by the feature gate', (t) => {
  t.deepEqual(unmetConditions('kubelet-perf-settings', { annotations: dense }), []);
  t.deepEqual(unmetConditions('kubelet-perf-settings', { featureGates: ['CPUManager'] }), [
    "enabled('kubelet-performance-settings')",
  ]);
  t.deepEqual(unmetConditions('kubelet-cpu-manager', { featureGates: ['CPUManager'] }), []);
  t.deepEqual(unmetConditions('kubelet-cpu-manager', { annotations: dense }), ["'CPUManager' in featureGates"]);
});
