import test from 'ava';
import { RenderError } from '../../../../shared/catalog/render-error.ts';
import { assetNamed, type Body, bodyOf, contextOf, type Facts, unmetConditions } from '../_assets.ts';

const role = 'machineconfiguration.openshift.io/role';

for (const [name, fact, kernelArguments] of [
  ['numa-tuning', 'numaNodesPresent', ['numa_balancing=disable']],
  ['usb-passthrough', 'usbDevicesPresent', ['usbcore.autosuspend=-1']],
  ['vfio-assign', 'vfioCapable', undefined],
] as const) {
  const enabled = { annotations: { [`platform.kubevirt.io/enable-${name}`]: 'true' }, hardware: { [fact]: true } };

  for (const pool of ['worker', 'master'] as const) {
    const asset = assetNamed(pool === 'worker' ? name : `${name}-master`);

    test(`${asset.name} is for the ${pool} pool`, (t) => {
      t.is(asset.target.name.render(contextOf(asset)), `99-${pool}-${name}`);
      if (kernelArguments === undefined) return;
      t.deepEqual(bodyOf(asset.name), {
        metadata: { labels: { [role]: pool } },
        spec: { kernelArguments: [...kernelArguments] },
      });
    });
  }

  test(`${name} takes the annotation and the hardware; on masters they must be schedulable, too`, (t) => {
    t.deepEqual(unmetConditions(name, enabled), []);
    t.deepEqual(unmetConditions(name), [`enabled('${name}')`, `hardware.${fact}`]);
    t.deepEqual(unmetConditions(`${name}-master`, enabled), ['topology.hasSchedulableMasters']);
    t.deepEqual(unmetConditions(`${name}-master`, { ...enabled, topology: { hasSchedulableMasters: true } }), []);
  });
}

function permitted(...selectors: string[]): Facts {
  const pciHostDevices = selectors.map((pciDeviceSelector) => ({ pciDeviceSelector, resourceName: 'vendor/device' }));
  return { spec: { virtualization: { permittedHostDevices: { pciHostDevices } } } };
}

function filesOf(body: Body): [string, number, boolean, string][] {
  return body.spec.config.storage.files.map(({ path, mode, overwrite, contents }: Body) => {
    const [type, base64] = contents.source.split(';base64,');
    if (type !== 'data:text/plain;charset=utf-8') throw new Error(type);
    return [path, mode, overwrite, Buffer.from(base64, 'base64').toString()];
  });
}

test('permitted devices are bound at boot: in lower case, sorted, each once', (t) => {
  t.deepEqual(filesOf(bodyOf('vfio-assign', permitted('8086:1572', '10DE:1EB8', '10de:1eb8'))), [
    ['/etc/modprobe.d/vfio.conf', 0o644, true, 'options vfio-pci ids=10de:1eb8,8086:1572\n'],
    ['/etc/modules-load.d/vfio-pci.conf', 0o644, true, 'vfio-pci\n'],
  ]);
});

test('a device that is disabled is left to the host', (t) => {
  const devices = (...disabled: (boolean | undefined)[]): Facts => ({
    spec: {
      virtualization: {
        permittedHostDevices: {
          pciHostDevices: disabled.map((value, index) => ({
            pciDeviceSelector: `8086:157${index}`,
            resourceName: 'vendor/device',
            ...(value !== undefined && { disabled: value }),
          })),
        },
      },
    },
  });
  t.is(
    filesOf(bodyOf('vfio-assign', devices(undefined, true, false)))[0]?.[3],
    'options vfio-pci ids=8086:1570,8086:1572\n',
  );
  t.is(bodyOf('vfio-assign', devices(true)), undefined);
});

test('the order in which devices are listed changes not a byte', (t) => {
  t.deepEqual(
    bodyOf('vfio-assign', permitted('8086:1572', '10de:1eb8')),
    bodyOf('vfio-assign', permitted('10de:1eb8', '8086:1572', '8086:1572')),
  );
});

test('the pool is that of the variant', (t) => {
  t.is(bodyOf('vfio-assign', permitted('8086:1572')).metadata.labels[role], 'worker');
  t.is(bodyOf('vfio-assign-master', permitted('8086:1572')).metadata.labels[role], 'master');
});

test('without a permitted device it renders to nothing', (t) => {
  t.is(bodyOf('vfio-assign'), undefined);
  t.is(bodyOf('vfio-assign', permitted()), undefined);
});

for (const selector of ['10de', '10de:1eb8:0', '10de-1eb8', 'g0de:1eb8', '10de:1eb8 options kvm', '10de:1eb8\n', '']) {
  test(`the selector ${JSON.stringify(selector)} is refused, by name`, (t) => {
    t.throws(() => bodyOf('vfio-assign', permitted('8086:1572', selector)), {
      instanceOf: RenderError,
      message: /pciDeviceSelector .* isn't four hexadecimal digits, a colon, and four more/,
    });
  });
}
