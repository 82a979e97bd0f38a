import test from 'ava';
import { parse } from 'yaml';
import { assetNamed, type Body, bodyOf, catalog, contextOf, type Facts } from './_assets.ts';
import { dashboard, kubeletConfiguration, machineConfig } from './_schemas.ts';

// The API server takes anything in these parts: an invented key would be noticed by nobody.
const enable = (name: string) => ({ [`platform.kubevirt.io/enable-${name}`]: 'true' });
const facts: readonly Facts[] = [
  {},
  {
    featureGates: ['CPUManager'],
    annotations: { ...enable('kubelet-performance-settings'), 'platform.kubevirt.io/kubelet-max-pods': '250' },
    hardware: { pciDevicesPresent: true },
    spec: {
      virtualization: {
        permittedHostDevices: { pciHostDevices: [{ pciDeviceSelector: '10DE:20B5', resourceName: 'vendor/device' }] },
      },
    },
  },
];

for (const asset of catalog.assets) {
  const bodies = () => facts.flatMap((given) => (asset.body.render(contextOf(asset, given)) ?? []) as Body);
  switch (asset.target.kind) {
    case 'KubeletConfig':
      test(`${asset.name} holds what kubelets know`, (t) => {
        for (const { spec } of bodies()) t.deepEqual(kubeletConfiguration(spec.kubeletConfig, 'kubeletConfig'), []);
      });
      break;
    case 'MachineConfig':
      test(`${asset.name} holds what Ignition, the kernel and systemd know`, (t) => {
        for (const { spec } of bodies()) t.deepEqual(machineConfig(spec, 'spec'), []);
      });
      break;
    case 'PersesDashboard':
      test(`${asset.name} holds what Perses knows, every panel in one place, and nothing overlaps`, (t) => {
        for (const { spec } of bodies()) {
          t.deepEqual(dashboard(spec.config, 'config'), []);
          const placed = spec.config.layouts.flatMap((row: Body) =>
            row.spec.items.map(({ content }: Body) => content.$ref.replace('#/spec/panels/', '')),
          );
          t.deepEqual(placed.toSorted(), Object.keys(spec.config.panels).sort());
          for (const { spec: row } of spec.config.layouts) t.deepEqual(overlapsIn(row.items), [], row.display.title);
        }
      });
      break;
  }
}

test("kubelet's drop-in that ships with swap holds what kubelets know", (t) => {
  const [file] = bodyOf('swap-enable').spec.config.storage.files;
  const text = Buffer.from(file.contents.source.split(';base64,')[1], 'base64').toString();
  t.deepEqual(kubeletConfiguration(parse(text), '90-swap.conf'), []);
});

test('what is reserved for the static memory manager adds up, or kubelet would not start', (t) => {
  const { kubeletConfig } = bodyOf('kubelet-cpu-manager').spec;
  const mebibytes = (text = '0Mi') => Number.parseInt(text, 10) * (text.endsWith('Gi') ? 1024 : 1);
  const reserved = kubeletConfig.reservedMemory.map(({ limits }: Body) => mebibytes(limits.memory));
  const { kubeReserved, systemReserved, evictionHard = { 'memory.available': '100Mi' } } = kubeletConfig;
  t.is(
    reserved.reduce((a: number, b: number) => a + b, 0),
    mebibytes(kubeReserved.memory) + mebibytes(systemReserved.memory) + mebibytes(evictionHard['memory.available']),
  );
});

for (const [what, schema, value, mistake] of [
  ['a kubelet setting', kubeletConfiguration, { maxPod: 5 }, 'x has no maxPod'],
  ['a kubelet policy', kubeletConfiguration, { cpuManagerPolicy: 'Static' }, /must be one of none, static/],
  ['automatic sizing among kubelet settings', kubeletConfiguration, { autoSizingReserved: true }, /has no autoSizing/],
  ['a compressed file', machineConfig, fileWith({ source: 'data:,', compression: 'gzip' }), /has no compression/],
  ['an octal mode read as decimal', machineConfig, fileWith({}, 644), /mode must be one of/],
  ['a misspelt key of a unit', machineConfig, unitWith('[Unit]\nAfterr=x\n'), /\[Unit\] has no Afterr=x/],
  ['a kernel argument with a blank', machineConfig, { kernelArguments: ['a b'] }, /must be a text that matches/],
  [
    'a panel of another kind',
    dashboard,
    { panels: { a: { kind: 'Panel', spec: { plugin: { kind: 'Pie' } } } } },
    /not Pie/,
  ],
] as const) {
  test(`${what} is found out`, (t) => {
    const mistakes = schema(value, 'x');
    t.true(
      mistakes.some((found) => (typeof mistake === 'string' ? found === mistake : mistake.test(found))),
      mistakes.join('\n'),
    );
  });
}

test('every kind with a schemaless part is looked at', (t) => {
  const kinds = new Set(catalog.assets.map(({ target }) => target.kind));
  for (const kind of ['KubeletConfig', 'MachineConfig', 'PersesDashboard']) t.true(kinds.has(kind));
  t.is(assetNamed('kubevirt-metrics-exporter-datasource').target.kind, 'PersesDatasource');
});

function fileWith(contents: Record<string, string>, mode = 0o644): unknown {
  const files = [{ path: '/etc/x', mode, overwrite: true, contents }];
  return { config: { ignition: { version: '3.5.0' }, storage: { files } } };
}

function unitWith(contents: string): unknown {
  return { config: { ignition: { version: '3.5.0' }, systemd: { units: [{ name: 'x.service', contents }] } } };
}

function overlapsIn(items: Body[]): string[] {
  const cells = items.flatMap(({ x, y, width, height, content }) => {
    if (x + width > 24) return [`${content.$ref} is wider than the grid`];
    return Array.from({ length: width * height }, (_, i) => `${x + (i % width)},${y + Math.floor(i / width)}`);
  });
  return cells.filter((cell, index) => cell.includes('grid') || cells.indexOf(cell) < index);
}
