import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
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

const machineConfigs = catalog.assets.filter(({ target }) => target.kind === 'MachineConfig');
const pinned = JSON.parse(await readFile(path.join(import.meta.dirname, '_digests.json'), 'utf8'));

// Every node of a pool reboots when one changes: change it only together with what nodes are to get.
test('not a byte of what nodes get has changed', (t) => {
  const digests = machineConfigs.map((asset) => {
    const body = JSON.stringify(asset.body.render(contextOf(asset, facts)));
    return [asset.name, createHash('sha256').update(body).digest('hex')];
  });
  t.deepEqual(Object.fromEntries(digests), pinned);
});

test('nothing that nodes get is compressed: other compressors give other bytes', (t) => {
  for (const asset of machineConfigs) {
    const body = JSON.stringify(asset.body.render(contextOf(asset, facts)));
    t.notRegex(body, /gzip|"compression"/, asset.name);
    for (const [, data = ''] of body.matchAll(/;base64,([^"]*)"/g))
      t.not(Buffer.from(data, 'base64').subarray(0, 2).toString('hex'), '1f8b', asset.name);
  }
});
