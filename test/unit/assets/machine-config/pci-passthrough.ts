import test from 'ava';
import { bodyOf, unmetConditions } from '../_assets.ts';

const enabled = { annotations: { 'platform.kubevirt.io/enable-pci-passthrough': 'true' } };
const device = { hardware: { pciDevicesPresent: true } };

test('the IOMMU of either vendor is switched on, in pass-through mode', (t) => {
  t.deepEqual(bodyOf('pci-passthrough', device), {
    metadata: { labels: { 'machineconfiguration.openshift.io/role': 'worker' } },
    spec: { kernelArguments: ['intel_iommu=on', 'amd_iommu=on', 'iommu=pt'] },
  });
});

test('without a device it renders to nothing', (t) => {
  t.is(bodyOf('pci-passthrough'), undefined);
  t.not(bodyOf('pci-passthrough', { hardware: { gpuPresent: true } }), undefined);
});

test('it takes OpenShift, the annotation and a device', (t) => {
  t.deepEqual(unmetConditions('pci-passthrough', { ...enabled, ...device }), []);
  t.deepEqual(unmetConditions('pci-passthrough', { ...enabled, hardware: { gpuPresent: true } }), []);
  t.deepEqual(unmetConditions('pci-passthrough', { topology: { isOpenShift: false } }), [
    'topology.isOpenShift',
    "enabled('pci-passthrough')",
    'hardware.pciDevicesPresent || hardware.gpuPresent',
  ]);
});
