import test from 'ava';
import { NodeTree, type Runtime, runtimes } from '../_node-tree.ts';

const script = 'swap-enable/kubevirt-io-latency-setup.sh';
const systemSlice = 'run/systemd/system/system.slice.d/20-io-latency.conf';
const kubepodsSlice = 'run/systemd/system/kubepods.slice.d/20-io-latency.conf';

type Disks = {
  /** Lines of /proc/swaps below its heading, as [path, type]. */
  swaps?: readonly (readonly [path: string, type: string])[];
  /** Lines of /proc/mounts, as [device, mount point]. */
  mounts?: readonly (readonly [device: string, point: string])[];
  /** Partitions by disk; a disk without any is still a disk. */
  disks?: Readonly<Record<string, readonly string[]>>;
  /** Mapped devices (LVM, LUKS, RAID) and what they lie on. */
  mapped?: Readonly<Record<string, readonly string[]>>;
  /** Links in /dev and their targets. */
  links?: Readonly<Record<string, string>>;
};

async function node(
  t: Parameters<typeof NodeTree.create>[0],
  runtime: Runtime,
  { swaps = [], mounts = [], disks = {}, mapped = {}, links = {} }: Disks,
): Promise<NodeTree> {
  const tree = await NodeTree.create(t, runtime);
  const swapLines = swaps.map(([path, type]) => `${path.padEnd(40)}${type}\t8388604\t0\t-2\n`);
  await tree.write('proc/swaps', `Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n${swapLines.join('')}`);
  await tree.write('proc/mounts', mounts.map(([device, point]) => `${device} ${point} xfs rw 0 0\n`).join(''));

  const device = async (name: string, folder: string) => {
    await tree.write(`dev/${name.replaceAll('!', '/')}`, '');
    await tree.folder(`sys/devices/${folder}/slaves`);
    await tree.link(`sys/class/block/${name}`, `../../devices/${folder}`);
  };
  for (const [disk, partitions] of Object.entries(disks)) {
    await device(disk, `pci0/block/${disk}`);
    for (const partition of partitions) {
      await device(partition, `pci0/block/${disk}/${partition}`);
      await tree.remove(`sys/devices/pci0/block/${disk}/${partition}/slaves`);
      await tree.write(`sys/devices/pci0/block/${disk}/${partition}/partition`, '1\n');
    }
  }
  for (const [name, slaves] of Object.entries(mapped)) {
    await device(name, `virtual/block/${name}`);
    for (const slave of slaves) {
      await tree.link(`sys/devices/virtual/block/${name}/slaves/${slave}`, `/sys/class/block/${slave}`);
    }
  }
  for (const [link, target] of Object.entries(links)) await tree.link(`dev/${link}`, target);
  await tree.command('systemctl', `echo "$*" >>"${tree.root}/systemctl.log"`);
  return tree;
}

async function disksOf(tree: NodeTree): Promise<string[] | undefined> {
  const lines = (await tree.read(systemSlice))?.trimEnd().split('\n').slice(1);
  return lines?.map((line) => line.replace(/^IODeviceLatencyTargetSec=\/dev\/(.*) 5ms$/, '$1'));
}

for (const runtime of runtimes) {
  const title = (text: string) => `I/O latency: ${text} [${runtime.name}]`;

  test(title('the disks of swap and root get 5 ms for the system and 50 ms for pods'), async (t) => {
    const tree = await node(t, runtime, {
      swaps: [['/dev/nvme0n1p5', 'partition']],
      mounts: [
        ['/dev/sda4', '/'],
        ['/dev/sdz1', '/data'],
      ],
      disks: { sda: ['sda4'], nvme0n1: ['nvme0n1p5'], sdz: ['sdz1'] },
    });
    const { code, stderr } = await tree.run(script);
    t.is(stderr, '');
    t.is(code, 0);
    t.is(
      await tree.read(systemSlice),
      '[Slice]\nIODeviceLatencyTargetSec=/dev/nvme0n1 5ms\nIODeviceLatencyTargetSec=/dev/sda 5ms\n',
    );
    t.is(
      await tree.read(kubepodsSlice),
      '[Slice]\nIODeviceLatencyTargetSec=/dev/nvme0n1 50ms\nIODeviceLatencyTargetSec=/dev/sda 50ms\n',
    );
    t.is(await tree.read('systemctl.log'), 'daemon-reload\n');
  });

  test(title('a disk that is used twice is there once, and the list is sorted'), async (t) => {
    const tree = await node(t, runtime, {
      swaps: [
        ['/dev/sdc', 'partition'],
        ['/dev/sdb2', 'partition'],
        ['/dev/sda2', 'partition'],
      ],
      mounts: [['/dev/sda4', '/']],
      disks: { sda: ['sda2', 'sda4'], sdb: ['sdb2'], sdc: [] },
    });
    await tree.run(script);
    t.deepEqual(await disksOf(tree), ['sda', 'sdb', 'sdc']);
  });

  for (const type of ['composefs', 'overlay']) {
    test(title(`with ${type} as the root it is the disk at /sysroot`), async (t) => {
      const tree = await node(t, runtime, {
        mounts: [
          [type, '/'],
          ['/dev/sda4', '/sysroot'],
          ['/dev/sda4', '/etc'],
          ['/dev/sdb1', '/sysroot'],
        ],
        disks: { sda: ['sda4'], sdb: ['sdb1'] },
      });
      await tree.run(script);
      t.deepEqual(await disksOf(tree), ['sda']);
    });
  }

  test(title('LVM on LUKS on RAID is followed down to every disk'), async (t) => {
    const tree = await node(t, runtime, {
      swaps: [['/dev/dm-2', 'partition']],
      disks: { sda: ['sda3'], sdb: ['sdb3'], sdc: [] },
      mapped: { 'dm-2': ['dm-1', 'sdc'], 'dm-1': ['md127'], md127: ['sda3', 'sdb3'] },
    });
    await tree.run(script);
    t.deepEqual(await disksOf(tree), ['sda', 'sdb', 'sdc']);
  });

  test(title('the partition of a RAID leads to the disks of the RAID'), async (t) => {
    const tree = await node(t, runtime, { mounts: [['/dev/md0p1', '/']], disks: { sda: [], md0: ['md0p1'] } });
    await tree.link('sys/devices/pci0/block/md0/slaves/sda', '/sys/class/block/sda');
    await tree.run(script);
    t.deepEqual(await disksOf(tree), ['sda']);
  });

  test(title('devices that lie on each other end somewhere'), async (t) => {
    const tree = await node(t, runtime, {
      swaps: [['/dev/dm-0', 'partition']],
      disks: { sda: [] },
      mapped: { 'dm-0': ['dm-1'], 'dm-1': ['dm-0', 'dm-1', 'sda'] },
    });
    t.is((await tree.run(script)).code, 0);
    t.deepEqual(await disksOf(tree), ['sda']);
  });

  test(title('swap files and zram have no disk of their own'), async (t) => {
    const tree = await node(t, runtime, {
      swaps: [
        ['/dev/zram0', 'partition'],
        ['/dev/sdb1', 'file'],
        ['/var/tmp/ocpswap.file', 'file'],
      ],
      mounts: [['/dev/sda4', '/']],
      disks: { sda: ['sda4'], sdb: ['sdb1'], zram0: [] },
    });
    await tree.run(script);
    t.deepEqual(await disksOf(tree), ['sda']);
  });

  test(title('links to devices are resolved'), async (t) => {
    const tree = await node(t, runtime, {
      swaps: [['/dev/disk/by-partlabel/OCPSWAP', 'partition']],
      mounts: [['/dev/mapper/root', '/']],
      disks: { sda: ['sda4'], sdb: ['sdb1'] },
      mapped: { 'dm-0': ['sdb1'] },
      links: { 'disk/by-partlabel/OCPSWAP': '../by-path/x', 'disk/by-path/x': '../../sda4', 'mapper/root': '../dm-0' },
    });
    await tree.run(script);
    t.deepEqual(await disksOf(tree), ['sda', 'sdb']);
  });

  test(title('only the first file system mounted at / counts'), async (t) => {
    const tree = await node(t, runtime, {
      mounts: [
        ['/dev/sdc', '/boot'],
        ['/dev/sda', '/'],
        ['/dev/sdb', '/'],
      ],
      disks: { sda: [], sdb: [], sdc: [] },
    });
    await tree.run(script);
    t.deepEqual(await disksOf(tree), ['sda']);
  });

  test(title('a device in a folder of its own keeps its name'), async (t) => {
    const tree = await node(t, runtime, {
      mounts: [['/dev/cciss/c0d0p2', '/']],
      disks: { 'cciss!c0d0': ['cciss!c0d0p2'] },
    });
    await tree.run(script);
    t.deepEqual(await disksOf(tree), ['cciss/c0d0']);
  });

  for (const device of ['composefs', 'tmpfs', '/dev/gone', '/dev/disk/by-label/gone', '//server/share']) {
    test(title(`without a known disk (${device}) there is a warning and nothing else`), async (t) => {
      const tree = await node(t, runtime, { mounts: [[device, '/']], disks: { sda: [] } });
      const { code, stderr } = await tree.run(script);
      t.is(code, 0);
      t.is(stderr, 'warning: no disk found below swap or the root file system; no I/O latency target set\n');
      t.is(await tree.read(systemSlice), undefined);
      t.is(await tree.read(kubepodsSlice), undefined);
      t.is(await tree.read('systemctl.log'), undefined);
    });
  }

  test(title('an unknown device does not keep the others from their target'), async (t) => {
    const tree = await node(t, runtime, {
      swaps: [
        ['/dev/gone', 'partition'],
        ['/dev/sdb', 'partition'],
      ],
      mounts: [['overlay', '/']],
      disks: { sdb: [] },
    });
    t.is((await tree.run(script)).code, 0);
    t.deepEqual(await disksOf(tree), ['sdb']);
  });

  test(title('what a drop-in said before is replaced'), async (t) => {
    const tree = await node(t, runtime, { mounts: [['/dev/sda', '/']], disks: { sda: [] } });
    await tree.write(systemSlice, '[Slice]\nIODeviceLatencyTargetSec=/dev/sdx 5ms\n# and more\n');
    await tree.run(script);
    t.is(await tree.read(systemSlice), '[Slice]\nIODeviceLatencyTargetSec=/dev/sda 5ms\n');
  });

  test(title('a drop-in that cannot be written is an error'), async (t) => {
    const tree = await node(t, runtime, { mounts: [['/dev/sda', '/']], disks: { sda: [] } });
    await tree.write('run/systemd/system/system.slice.d', 'in the way');
    const { code, stderr } = await tree.run(script);
    t.is(code, 1);
    t.regex(stderr, /error: could not write .*system.slice.d\/20-io-latency.conf/);
    t.is(await tree.read('systemctl.log'), undefined);
  });

  test(title('a systemd that cannot reload is an error'), async (t) => {
    const tree = await node(t, runtime, { mounts: [['/dev/sda', '/']], disks: { sda: [] } });
    await tree.command('systemctl', 'exit 1');
    const { code, stderr } = await tree.run(script);
    t.is(code, 1);
    t.regex(stderr, /error: systemctl daemon-reload failed, or took longer than 30 s/);
  });

  test(title('a systemd that does not answer is given up after 30 seconds'), async (t) => {
    const tree = await node(t, runtime, { mounts: [['/dev/sda', '/']], disks: { sda: [] } });
    await tree.command('systemctl', 'exec sleep 60');
    // The same limit, a hundred times faster.
    const timeout = tree.commandPath('timeout');
    await tree.command('timeout', `echo "$1" >"${tree.root}/limit"; shift; exec ${timeout} 0.3 "$@"`);
    const { code, stderr } = await tree.run(script);
    t.is(code, 1);
    t.is(await tree.read('limit'), '30\n');
    t.regex(stderr, /error: systemctl daemon-reload failed, or took longer than 30 s/);
  });
}
