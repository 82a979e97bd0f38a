import test from 'ava';
import { NodeTree, type Runtime, runtimes } from '../_node-tree.ts';

const script = 'swap-enable/kubevirt-tune-watermarks.sh';
const scaleFactor = 'proc/sys/vm/watermark_scale_factor';
const mib = 1024 ** 2;
const gib = 1024 ** 3;

/** In bytes. */
type Watermarks = { min: number; low: number; high: number; managed: number };

type Host = {
  total?: number;
  before?: Partial<Watermarks>;
  /** What the kernel makes of a new factor; by default what it would: LOW that far above MIN. */
  after?: Partial<Watermarks>;
  /** The kubelet's configuration files; by default one that evicts at 100Mi. */
  kubelet?: Record<string, string>;
  pageSize?: number;
};

const small: Watermarks = { min: 66 * mib, low: 83 * mib, high: 100 * mib, managed: 15800 * mib };

async function host(
  t: Parameters<typeof NodeTree.create>[0],
  runtime: Runtime,
  { total = 16 * gib, before = {}, after, kubelet = evictionHard('100Mi'), pageSize = 4096 }: Host = {},
): Promise<NodeTree> {
  const tree = await NodeTree.create(t, runtime);
  const watermarks = { ...small, ...before };
  await tree.write('proc/meminfo', `MemTotal:       ${total / 1024} kB\nMemFree:        1024 kB\n`);
  await tree.write('proc/zoneinfo', zoneinfo(watermarks, pageSize));
  await tree.write(scaleFactor, '10\n');
  for (const [file, content] of Object.entries(kubelet)) await tree.write(file, content);
  if (after !== undefined) await playKernel(tree, runtime, zoneinfo({ ...watermarks, ...after }, pageSize));
  return tree;
}

/** As soon as a factor is written, /proc/zoneinfo is another. */
async function playKernel(tree: NodeTree, runtime: Runtime, content: string): Promise<void> {
  await tree.write('zoneinfo.after', content);
  const awk = (await tree.read('.bin/awk'))?.split('\n')[1];
  await tree.command(
    'awk',
    `read -r factor <"${tree.root}/${scaleFactor}"
    [ "$factor" = 10 ] || cp "${tree.root}/zoneinfo.after" "${tree.root}/proc/zoneinfo"
    ${awk ?? runtime.awk.join(' ')}`,
  );
}

/** Two zones, an empty third, and the per-CPU page sets that also have a "high". */
function zoneinfo({ min, low, high, managed }: Watermarks, pageSize = 4096): string {
  const zone = (name: string, share: (value: number) => number) => `Node 0, zone ${name.padStart(8)}
  pages free     1234
        boost    0
        min      ${share(min)}
        low      ${share(low)}
        high     ${share(high)}
        spanned  999999
        present  888888
        managed  ${share(managed)}
        cma      0
        protection: (0, 2881, 15871, 15871, 15871)
      nr_free_pages 1234
  pagesets
    cpu: 0
              count:    325
              high:     5000
              batch:    63
              high_min: 5000
  vm stats threshold: 6
`;
  const pages = (value: number) => Math.floor(value / pageSize);
  const part = (value: number) => Math.floor(pages(value) / 8);
  return [
    zone('DMA32', part),
    zone('Normal', (value) => pages(value) - part(value)),
    'Node 0, zone  Movable\n  pages free     0\n        min      0\n        low      0\n        high     0\n        managed  0\n',
  ].join('');
}

function evictionHard(quantity: string): Record<string, string> {
  return { 'var/lib/kubelet/config.json': JSON.stringify({ evictionHard: { 'memory.available': quantity } }) };
}

for (const runtime of runtimes) {
  const title = (text: string) => `watermarks: ${text} [${runtime.name}]`;

  test(title('LOW is raised above the eviction threshold by the runway'), async (t) => {
    const tree = await host(t, runtime, { after: { low: 355 * mib, high: 644 * mib } });
    const { code, stdout, stderr } = await tree.run(script);
    t.is(stderr, '');
    t.is(code, 0);
    // (100 MiB + 256 MiB - 66 MiB) of 15800 MiB
    t.is(await tree.read(scaleFactor), '183\n');
    t.regex(stdout, /before: MIN 66 MiB, LOW 83 MiB, HIGH 100 MiB/);
    t.regex(stdout, /after: MIN 66 MiB, LOW 355 MiB, HIGH 644 MiB/);
    t.regex(stdout, /gap between LOW and the eviction threshold: 255 MiB/);
  });

  test(title('without any kubelet configuration it tries five times and fails'), async (t) => {
    const tree = await host(t, runtime, { kubelet: {} });
    const { code, stderr } = await tree.run(script);
    t.is(code, 1);
    t.is(stderr.match(/attempt \d of 5/g)?.join(), 'attempt 1 of 5,attempt 2 of 5,attempt 3 of 5,attempt 4 of 5');
    t.regex(stderr, /error: no kubelet configuration found in 5 attempts/);
    t.is(await tree.read(scaleFactor), '10\n');
  });

  test(title('a kubelet configuration that appears while it waits is used'), async (t) => {
    const tree = await host(t, runtime, { kubelet: {}, after: { low: 355 * mib } });
    await tree.command(
      'sleep',
      `mkdir -p "${tree.root}/etc/kubernetes"
      echo 'evictionHard: {memory.available: 100Mi}' >"${tree.root}/etc/kubernetes/kubelet.conf"`,
    );
    const { code, stderr } = await tree.run(script);
    t.is(code, 0);
    t.is(stderr.match(/attempt/g)?.length, 1);
    t.is(await tree.read(scaleFactor), '183\n');
  });

  test(title('the first configuration file found counts'), async (t) => {
    const kubelet = {
      'var/lib/kubelet/config.yaml': 'evictionHard:\n  memory.available: 200Mi\n',
      'etc/kubernetes/kubelet.conf': 'evictionHard:\n  memory.available: 300Mi\n',
    };
    t.regex((await (await host(t, runtime, { kubelet })).run(script)).stdout, /eviction threshold 200 MiB/);
    const all = { ...kubelet, ...evictionHard('100Mi') };
    t.regex((await (await host(t, runtime, { kubelet: all })).run(script)).stdout, /eviction threshold 100 MiB/);
  });

  for (const [what, text] of [
    ['no evictionHard', '{"kind":"KubeletConfiguration"}'],
    ['other signals only', '{"evictionHard":{"nodefs.available":"10%"},"evictionSoft":{"memory.available":"2Gi"}}'],
    ['other signals only, in YAML', 'evictionSoft:\n  memory.available: 2Gi\nevictionHard:\n  nodefs.available: 10%\n'],
    ['an empty evictionHard', 'evictionHard: {}\nevictionMinimumReclaim:\n  memory.available: 2Gi\n'],
    ['the field one level too deep', '{"evictionHard":{"nested":{"memory.available":"2Gi"}}}'],
    ['the field at the top', 'memory.available: 2Gi\nevictionHard:\nmaxPods: 1\n'],
    ['an empty file', ''],
  ] as const) {
    test(title(`a configuration with ${what} means 100 MiB, and it says so`), async (t) => {
      const tree = await host(t, runtime, {
        kubelet: { 'var/lib/kubelet/config.json': text },
        after: { low: 355 * mib },
      });
      const { code, stdout, stderr } = await tree.run(script);
      t.is(code, 0);
      t.regex(stderr, /sets no evictionHard\["memory.available"\]; assuming 100 MiB/);
      t.regex(stdout, /eviction threshold 100 MiB/);
    });
  }

  test(title('a configuration that cannot be read means 100 MiB, and it says so'), async (t) => {
    const tree = await host(t, runtime, { kubelet: {}, after: { low: 355 * mib } });
    // A folder can't be read by root either.
    await tree.folder('var/lib/kubelet/config.json');
    const { code, stderr } = await tree.run(script);
    t.is(code, 0);
    t.regex(stderr, /could not read .*config.json; assuming an eviction threshold of 100 MiB/);
    t.is(await tree.read(scaleFactor), '183\n');
  });

  // On 16 TiB nothing may be lost to rounding: the threshold shows in the factor's last digit.
  for (const [quantity, bytes] of [
    ['1Ti', 1024n ** 4n],
    ['3Gi', 3n * 1024n ** 3n],
    ['1.5Gi', 1536n * 1024n ** 2n],
    ['512Mi', 512n * 1024n ** 2n],
    ['524288Ki', 512n * 1024n ** 2n],
    ['1T', 1000n ** 4n],
    ['3G', 3n * 1000n ** 3n],
    ['700M', 700n * 1000n ** 2n],
    ['700000k', 700n * 1000n ** 2n],
    ['536870912', 512n * 1024n ** 2n],
    ['1', 1024n],
    ['1023', 1024n],
    ['0', 0n],
    ['10%', 17592186044416n / 10n],
    ['2.5%', 17592186044416n / 40n],
  ] as const) {
    test(title(`evictionHard of ${quantity} is understood`), async (t) => {
      const total = 16 * 1024 ** 4;
      const watermarks = { min: 64 * mib, low: 80 * mib, high: 96 * mib, managed: 16 * 1024 ** 4 - 300 * gib };
      const tree = await host(t, runtime, { total, before: watermarks, kubelet: evictionHard(quantity) });
      await tree.run(script);
      const target = bytes + BigInt(total) / 100n;
      const factor = ((target - BigInt(watermarks.min)) * 10000n) / BigInt(watermarks.managed);
      t.is(await tree.read(scaleFactor), `${factor > 1000n ? 1000n : factor}\n`);
    });
  }

  for (const quantity of [
    'much',
    '10Pi',
    '10Ei',
    '1e3',
    '100m',
    '-1Gi',
    '1 Gi',
    '10MiB',
    '101%',
    '',
    '%',
    '.',
    'Gi',
    '99999Ti',
  ]) {
    test(title(`evictionHard of "${quantity}" is an error`), async (t) => {
      const tree = await host(t, runtime, { kubelet: evictionHard(quantity) });
      const { code, stderr } = await tree.run(script);
      t.is(code, 1);
      t.regex(stderr, /error: evictionHard\["memory.available"\] in .*config.json isn't a quantity or a percentage/);
      t.is(await tree.read(scaleFactor), '10\n');
    });
  }

  for (const [what, text] of [
    [
      'compact JSON',
      '{"kind":"KubeletConfiguration","evictionHard":{"imagefs.available":"15%","memory.available":"7Gi"}}',
    ],
    ['printed JSON', JSON.stringify({ evictionHard: { 'memory.available': '7Gi' }, maxPods: 500 }, null, 2)],
    [
      'JSON with quotes inside strings',
      '{"a":"\\"evictionHard\\":{","b":["x",{"c":1}],"evictionHard":{"memory.available":"7Gi"}}',
    ],
    ['YAML', 'kind: KubeletConfiguration\nevictionHard:\n  memory.available: 7Gi\nmaxPods: 500\n'],
    ['YAML with quotes', '"evictionHard":\n    \'memory.available\': "7Gi" # seven\n'],
    [
      'YAML with comments',
      '# evictionHard:\nevictionHard: # hard\n\n# memory.available: 1Gi\n  nodefs.available: 10%\n  # x\n  memory.available: 7Gi # y\n',
    ],
    [
      'YAML with other indentation',
      '---\nevictionSoft:\n        memory.available: 9Gi\nevictionHard:\n        imagefs.available: 15%\n        memory.available: 7Gi\n',
    ],
    ['YAML that is indented as a whole', '  a: 1\n  evictionHard:\n    memory.available: 7Gi\n'],
    ['YAML with Windows line ends', 'evictionHard:\r\n  memory.available: 7Gi\r\n'],
    ['flow style', 'evictionHard: {memory.available: "7Gi"}\n'],
    ['flow style without quotes', 'evictionHard: {imagefs.available: 15%, memory.available: 7Gi}\nmaxPods: 500\n'],
    [
      'flow style over lines',
      "evictionHard: {\n  imagefs.available: 15%, # of the disk\n  'memory.available': 7Gi\n}\nmaxPods: 500\n",
    ],
    ['a whole document in flow style', '{kind: KubeletConfiguration, evictionHard: {memory.available: 7Gi}}\n'],
  ] as const) {
    test(title(`the threshold is found in ${what}`), async (t) => {
      const tree = await host(t, runtime, { kubelet: { 'etc/kubernetes/kubelet.conf': text } });
      t.regex((await tree.run(script)).stdout, /eviction threshold 7168 MiB/);
    });
  }

  test(title('no managed memory is an error'), async (t) => {
    const tree = await host(t, runtime, { before: { managed: 0 } });
    const { code, stderr } = await tree.run(script);
    t.is(code, 1);
    t.regex(stderr, /error: no managed pages/);
    t.is(await tree.read(scaleFactor), '10\n');
  });

  test(title('a MIN that is not below the eviction threshold is a warning'), async (t) => {
    const tree = await host(t, runtime, { before: { min: 100 * mib, low: 125 * mib }, after: { low: 355 * mib } });
    const { code, stderr } = await tree.run(script);
    t.is(code, 0);
    t.regex(
      stderr,
      /warning: MIN \(100 MiB\) isn't below the eviction threshold \(100 MiB\); direct reclaim will stall/,
    );
    // (356 - 100) of 15800
    t.is(await tree.read(scaleFactor), '162\n');
  });

  test(title('a LOW at its target is left alone'), async (t) => {
    const tree = await host(t, runtime, { before: { low: 356 * mib, high: 600 * mib } });
    const { code, stdout, stderr } = await tree.run(script);
    t.is(code, 0);
    t.is(stderr, '');
    t.regex(stdout, /LOW \(356 MiB\) is already at or above its target \(356 MiB\); nothing to change/);
    t.is(await tree.read(scaleFactor), '10\n');
  });

  test(title('beyond 25.6 GiB the runway is a hundredth of the memory'), async (t) => {
    const tree = await host(t, runtime, {
      total: 1024 * gib,
      before: { managed: 1000 * gib },
      after: { low: 10330 * mib },
    });
    t.regex((await tree.run(script)).stdout, /for LOW to reach 10585 MiB/);
    // (100 MiB + 1 % of 1 TiB - 66 MiB) of 1000 GiB
    t.is(await tree.read(scaleFactor), '102\n');
  });

  test(title('a factor above 1000 is clamped with a warning, and a short runway is told'), async (t) => {
    const tree = await host(t, runtime, {
      total: 2 * gib,
      before: { managed: 2000 * mib, min: 10 * mib, low: 12 * mib },
      after: { low: 210 * mib },
    });
    const { code, stdout, stderr } = await tree.run(script);
    t.is(code, 0);
    t.is(await tree.read(scaleFactor), '1000\n');
    t.regex(stderr, /warning: a factor of 1730 would be needed .* clamped to 1000/);
    t.regex(stderr, /warning: the runway is only 110 MiB instead of 256 MiB, because the factor is clamped/);
    t.regex(stdout, /gap between LOW and the eviction threshold: 110 MiB/);
  });

  test(title('a factor below 10 is raised to 10 without a word'), async (t) => {
    const tree = await host(t, runtime, { before: { min: 355 * mib, low: 355.5 * mib } });
    await tree.write(scaleFactor, '30\n');
    const { code, stderr } = await tree.run(script);
    t.is(code, 0);
    t.notRegex(stderr, /clamped/);
    t.is(await tree.read(scaleFactor), '10\n');
  });

  test(title('a factor that cannot be written is an error'), async (t) => {
    const tree = await host(t, runtime);
    await tree.remove(scaleFactor);
    await tree.folder(scaleFactor);
    const { code, stderr } = await tree.run(script);
    t.is(code, 1);
    t.regex(stderr, /error: could not write 183 to .*watermark_scale_factor; this needs root/);
  });

  test(title('a LOW that stays below the eviction threshold is an error'), async (t) => {
    const tree = await host(t, runtime, { kubelet: evictionHard('4Gi'), after: { low: 1646 * mib, high: 3226 * mib } });
    const { code, stderr } = await tree.run(script);
    t.is(code, 1);
    t.regex(stderr, /error: LOW \(1646 MiB\) isn't above the eviction threshold \(4096 MiB\)/);
    t.is(await tree.read(scaleFactor), '1000\n');
  });

  test(title('a kernel that falls short of a factor that was not clamped is a warning'), async (t) => {
    const tree = await host(t, runtime, { after: { low: 200 * mib } });
    const { code, stderr } = await tree.run(script);
    t.is(code, 0);
    t.regex(stderr, /warning: the runway is only 100 MiB instead of 256 MiB, although the factor is 183/);
  });

  test(title('pages of another size count with theirs'), async (t) => {
    const tree = await host(t, runtime, { pageSize: 65536, after: { low: 355 * mib } });
    await tree.command('getconf', 'echo 65536');
    t.regex((await tree.run(script)).stdout, /before: MIN 66 MiB, LOW 83 MiB/);
  });

  for (const answer of ['exit 1', 'echo unknown']) {
    test(title(`pages of unknown size (${answer}) are taken for 4 KiB`), async (t) => {
      const tree = await host(t, runtime);
      await tree.command('getconf', answer);
      t.regex((await tree.run(script)).stdout, /before: MIN 66 MiB, LOW 83 MiB/);
    });
  }

  test(title('an unknown amount of memory is an error'), async (t) => {
    const tree = await host(t, runtime);
    await tree.write('proc/meminfo', 'MemFree: 1 kB\n');
    const { code, stderr } = await tree.run(script);
    t.is(code, 1);
    t.regex(stderr, /error: could not read MemTotal/);
  });
}
