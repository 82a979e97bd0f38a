import { createHash } from 'node:crypto';
import type { Asset } from '../../../../shared/catalog/asset.ts';
import { catalog, contextOf, type Facts } from '../_assets.ts';

/** What those render from that have nothing to say otherwise. */
const facts: Facts = {
  hardware: { pciDevicesPresent: true },
  spec: {
    virtualization: {
      permittedHostDevices: { pciHostDevices: [{ pciDeviceSelector: '10DE:20B5', resourceName: 'vendor/device' }] },
    },
  },
};

export const machineConfigs: readonly Asset[] = catalog.assets.filter(({ target }) => target.kind === 'MachineConfig');

/** What nodes get of it, as text. */
export function textOf(asset: Asset): string {
  return JSON.stringify(asset.body.render(contextOf(asset, facts)));
}

/** Of each MachineConfig, by asset. */
export function digests(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    machineConfigs.map((asset) => [asset.name, createHash('sha256').update(textOf(asset)).digest('hex')]),
  );
}
