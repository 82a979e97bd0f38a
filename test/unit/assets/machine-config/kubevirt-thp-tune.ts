import test from 'ava';
import { NodeTree, type Runtime, runtimes } from '../_node-tree.ts';

const script = 'thp-tuning/kubevirt-thp-tune.sh';
const thp = 'sys/kernel/mm/transparent_hugepage';
const defaults = {
  enabled: 'always',
  'khugepaged/pages_to_scan': '4096',
  'khugepaged/scan_sleep_millisecs': '10000',
};

async function host(
  t: Parameters<typeof NodeTree.create>[0],
  runtime: Runtime,
  { gib = 16, knobs = defaults }: { gib?: number; knobs?: Record<string, string> } = {},
): Promise<NodeTree> {
  const tree = await NodeTree.create(t, runtime);
  await tree.write('proc/meminfo', `MemTotal:       ${Math.floor(gib * 1048576)} kB\nMemFree:        1024 kB\n`);
  for (const [knob, value] of Object.entries(knobs)) await tree.write(`${thp}/${knob}`, `${value}\n`);
  return tree;
}

async function knobsOf(tree: NodeTree): Promise<Record<string, string | undefined>> {
  const entries = Object.keys(defaults).map(async (knob) => [knob, (await tree.read(`${thp}/${knob}`))?.trim()]);
  return Object.fromEntries(await Promise.all(entries));
}

for (const runtime of runtimes) {
  const title = (text: string) => `THP: ${text} [${runtime.name}]`;

  // Minutes of a sweep over the memory of virtual machines, 80 % of the node's, as far as they are promised.
  for (const [gib, sleep, regionsPerSecond, minutes] of [
    [0.5, 65_000, 3],
    [1, 65_000, 3],
    [16, 5000, 50, 2.2],
    [32, 3000, 84],
    [64, 2000, 126],
    [96, 1666, 151],
    [256, 1250, 202],
    [512, 1125, 224],
    [1024, 1062, 238, 29],
    [65_536, 1000, 253],
  ] as const) {
    test(title(`a node of ${gib} GiB sleeps ${sleep} ms between scans`), async (t) => {
      const tree = await host(t, runtime, { gib });
      const { code, stdout, stderr } = await tree.run(script);
      t.is(stderr, '');
      t.is(code, 0);
      t.deepEqual(await knobsOf(tree), {
        enabled: 'madvise',
        'khugepaged/pages_to_scan': '130000',
        'khugepaged/scan_sleep_millisecs': `${sleep}`,
      });
      t.is(
        stdout,
        `node of ${Math.floor(gib)} GiB: 130000 pages every ${sleep} ms, ${regionsPerSecond} regions of 2 MiB per second\n`,
      );
      if (minutes !== undefined) {
        const sweep = (gib * 1024 * 0.8) / 2 / regionsPerSecond / 60;
        t.true(Math.abs(sweep - minutes) < 0.5, `${sweep}`);
      }
    });
  }

  test(title('a file that is missing is skipped, and the rest goes on'), async (t) => {
    const { enabled: _, ...knobs } = defaults;
    const tree = await host(t, runtime, { knobs });
    const { code, stderr } = await tree.run(script);
    t.is(code, 0);
    t.regex(stderr, /^warning: there is no .*\/enabled; skipped\n$/);
    t.is(await tree.read(`${thp}/enabled`), undefined);
    t.is(await tree.read(`${thp}/khugepaged/scan_sleep_millisecs`), '5000\n');
  });

  test(title('a value that the kernel refuses is reported, and the rest goes on'), async (t) => {
    const { enabled: _, ...knobs } = defaults;
    const tree = await host(t, runtime, { knobs });
    await tree.device(`${thp}/enabled`, 'full');
    const { code, stderr } = await tree.run(script);
    t.is(code, 0);
    t.regex(stderr, /^warning: could not write madvise to .*\/enabled\n$/);
    t.is(await tree.read(`${thp}/khugepaged/pages_to_scan`), '130000\n');
  });

  test(title('without MemTotal it fails, and changes nothing'), async (t) => {
    const tree = await host(t, runtime);
    await tree.write('proc/meminfo', 'MemFree: 1024 kB\n');
    const { code, stderr } = await tree.run(script);
    t.is(code, 1);
    t.regex(stderr, /error: could not read MemTotal from /);
    t.deepEqual(await knobsOf(tree), defaults);
  });
}
