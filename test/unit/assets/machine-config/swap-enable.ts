import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { assetNamed, type Body, bodyOf, contextOf, unmetConditions } from '../_assets.ts';

const folder = path.resolve(import.meta.dirname, '../../../../assets/machine-config/swap-enable');
const body: Body = bodyOf('swap-enable');
const { storage, systemd, ignition } = body.spec.config;

test('it is for the workers', (t) => {
  t.deepEqual(body.metadata, { labels: { 'machineconfiguration.openshift.io/role': 'worker' } });
  t.deepEqual(ignition, { version: '3.5.0' });
});

for (const [file, source, mode] of [
  ['/etc/openshift/kubelet.conf.d/90-swap.conf', '90-swap.conf', 0o644],
  ['/usr/local/bin/kubevirt-tune-watermarks', 'kubevirt-tune-watermarks.sh', 0o755],
  ['/usr/local/bin/kubevirt-io-latency-setup', 'kubevirt-io-latency-setup.sh', 0o755],
] as const) {
  test(`${file} is ${source}, uncompressed`, async (t) => {
    const { contents, ...rest } = storage.files.find((candidate: Body) => candidate.path === file);
    t.deepEqual(rest, { path: file, mode, overwrite: true });
    t.deepEqual(Object.keys(contents), ['source']);
    const [type, base64] = contents.source.split(';base64,');
    t.is(type, 'data:text/plain;charset=utf-8');
    t.deepEqual(Buffer.from(base64, 'base64'), await readFile(path.join(folder, source)));
  });
}

test('masters that run workloads get the same', (t) => {
  const asset = assetNamed('swap-enable-master');
  t.is(asset.target.name.render(contextOf(asset)), '90-master-swap-online');
  t.deepEqual(bodyOf('swap-enable-master'), {
    ...body,
    metadata: { labels: { 'machineconfiguration.openshift.io/role': 'master' } },
  });
  t.deepEqual(unmetConditions('swap-enable'), []);
  t.deepEqual(unmetConditions('swap-enable-master'), ['topology.hasSchedulableMasters']);
  t.deepEqual(unmetConditions('swap-enable-master', { topology: { hasSchedulableMasters: true } }), []);
});

test('nodes that OpenShift does not configure, or another cluster does, are not its business', (t) => {
  const hosted = { topology: { isHCP: true, hasSchedulableMasters: true } };
  const elsewhere = { topology: { isOpenShift: false, hasSchedulableMasters: true } };
  for (const name of ['swap-enable', 'swap-enable-master', 'psi-enable', 'psi-enable-master']) {
    t.deepEqual(unmetConditions(name, hosted), ['!topology.isHCP'], name);
    t.deepEqual(unmetConditions(name, elsewhere), ['topology.isOpenShift'], name);
  }
});

test('there are no other files', (t) => {
  t.is(storage.files.length, 3);
});

test('kubelet tolerates swap, and lets only pods of the Burstable class use it', async (t) => {
  t.deepEqual(parse(await readFile(path.join(folder, '90-swap.conf'), 'utf8')), {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failSwapOn: false,
    memorySwap: { swapBehavior: 'LimitedSwap' },
  });
});

test('units are enabled in their order; of slices there are drop-ins only', async (t) => {
  const names = [
    'swap-disk-enable.service',
    'ocpswap-file-enable.service',
    'kubevirt-tune-watermarks.service',
    'kubevirt-io-latency-setup.service',
    'remove-swap-for-burstable-hook.service',
    'remove-oci-hook-swap.service',
  ];
  const services = names.map(async (name) => ({
    name,
    enabled: true,
    contents: await readFile(path.join(folder, name), 'utf8'),
  }));
  t.deepEqual(systemd.units, [
    ...(await Promise.all(services)),
    {
      name: 'system.slice',
      dropins: [
        { name: '10-kubevirt-protect.conf', contents: '[Slice]\nMemorySwapMax=0\nIOWeight=800\nCPUWeight=800\n' },
      ],
    },
    {
      name: 'kubepods.slice',
      dropins: [{ name: '10-kubevirt-io-priority.conf', contents: '[Slice]\nIOWeight=100\n' }],
    },
  ]);
});

for (const [name, device, priority] of [
  ['swap-disk-enable', '/dev/disk/by-partlabel/OCPSWAP', 100],
  ['ocpswap-file-enable', '/var/tmp/ocpswap.file', 10],
] as const) {
  test(`${name} swaps to ${device} with priority ${priority}, not on first boot, and before kubelet`, (t) => {
    const unit = settings(name);
    t.true(unit.includes('ConditionFirstBoot=no'));
    t.true(unit.includes(`ConditionPathExists=${device}`));
    t.true(unit.includes('Type=oneshot'));
    t.true(unit.includes(`ExecStart=/usr/sbin/swapon --priority ${priority} ${device}`));
    t.true(unit.includes('RequiredBy=kubelet-dependencies.target'));
  });
}

for (const [name, after] of [
  ['kubevirt-tune-watermarks', 'kubelet.service'],
  ['kubevirt-io-latency-setup', 'local-fs.target swap.target'],
] as const) {
  test(`${name} runs once after ${after}, and says so in the journal`, (t) => {
    const unit = settings(name);
    t.true(unit.includes(`After=${after}`));
    t.is(unit.includes('Wants=swap.target'), after.includes('swap.target'));
    for (const line of ['Type=oneshot', 'RemainAfterExit=yes', 'StandardOutput=journal', 'StandardError=journal']) {
      t.true(unit.includes(line), line);
    }
    t.true(unit.includes(`ExecStart=/usr/local/bin/${name}`));
    t.true(unit.includes('WantedBy=multi-user.target'));
  });
}

for (const [name, file] of [
  ['remove-swap-for-burstable-hook', '/run/containers/oci/hooks.d/swap-for-burstable.json'],
  ['remove-oci-hook-swap', '/opt/oci-hook-swap.sh'],
] as const) {
  test(`${name} deletes ${file} where it is, before kubelet`, (t) => {
    const unit = settings(name);
    t.true(unit.includes(`ConditionPathExists=${file}`));
    t.true(unit.includes(`ExecStart=/usr/bin/rm --force ${file}`));
    t.true(unit.includes('RequiredBy=kubelet-dependencies.target'));
  });
}

test('every file beside the asset is used', async (t) => {
  const asset = await readFile(path.join(folder, '../swap-enable.yaml.hbs'), 'utf8');
  for (const file of await readdir(folder)) t.true(asset.includes(`"swap-enable/${file}"`), file);
});

function settings(name: string): string[] {
  return systemd.units.find((unit: Body) => unit.name === `${name}.service`).contents.split('\n');
}
