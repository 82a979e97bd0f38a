import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { assetNamed, type Body, bodyOf, contextOf, unmetConditions } from '../_assets.ts';

const folder = path.resolve(import.meta.dirname, '../../../../assets/machine-config/thp-tuning');
const annotations = { 'platform.kubevirt.io/enable-thp-tuning': 'true' };

for (const [name, role] of [
  ['thp-tuning', 'worker'],
  ['thp-tuning-master', 'master'],
] as const) {
  const body: Body = bodyOf(name);

  test(`the ${role} pool gets the program, uncompressed, and a unit that runs it once at boot`, async (t) => {
    const asset = assetNamed(name);
    t.is(asset.target.name.render(contextOf(asset)), `99-${role}-thp-tuning`);
    t.is(asset.group, 'thp-tuning');
    t.deepEqual(body.metadata, { labels: { 'machineconfiguration.openshift.io/role': role } });
    const { ignition, storage, systemd } = body.spec.config;
    t.deepEqual(ignition, { version: '3.5.0' });

    t.is(storage.files.length, 1);
    const [{ contents, ...file }] = storage.files;
    t.deepEqual(file, { path: '/usr/local/bin/kubevirt-thp-tune', mode: 0o755, overwrite: true });
    const [type, base64] = contents.source.split(';base64,');
    t.is(type, 'data:text/plain;charset=utf-8');
    t.deepEqual(Buffer.from(base64, 'base64'), await readFile(path.join(folder, 'kubevirt-thp-tune.sh')));

    t.is(systemd.units.length, 1);
    const [{ contents: unit, ...rest }] = systemd.units;
    t.deepEqual(rest, { name: 'kubevirt-thp-tune.service', enabled: true });
    for (const line of [
      'After=sys-kernel-mm-transparent_hugepage.mount',
      'Type=oneshot',
      'RemainAfterExit=yes',
      'ExecStart=/usr/local/bin/kubevirt-thp-tune',
      'StandardOutput=journal',
      'StandardError=journal',
      'WantedBy=multi-user.target',
    ]) {
      t.true(unit.split('\n').includes(line), line);
    }
  });

  test(`${name} is opt-in`, (t) => {
    const topology = { hasSchedulableMasters: true };
    t.deepEqual(unmetConditions(name, { annotations, topology }), []);
    t.deepEqual(unmetConditions(name, { topology }), ["enabled('thp-tuning')"]);
  });
}

test('masters get it only where they are schedulable', (t) => {
  t.deepEqual(unmetConditions('thp-tuning', { annotations }), []);
  t.deepEqual(unmetConditions('thp-tuning-master', { annotations }), ['topology.hasSchedulableMasters']);
});

test('every file beside the asset is used', async (t) => {
  const asset = await readFile(path.join(folder, '../thp-tuning.yaml.hbs'), 'utf8');
  for (const file of await readdir(folder)) t.true(asset.includes(`"thp-tuning/${file}"`), file);
});
