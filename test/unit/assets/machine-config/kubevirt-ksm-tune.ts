import test from 'ava';
import { NodeTree, type Runtime, runtimes } from '../_node-tree.ts';

const script = 'ksm-zero-only/kubevirt-ksm-tune.sh';
const ksm = 'sys/kernel/mm/ksm';
const defaults = { redhat_only_zero_pages: '0', pages_to_scan: '100', sleep_millisecs: '20', run: '0' };

async function host(
  t: Parameters<typeof NodeTree.create>[0],
  runtime: Runtime,
  { gib = 16, knobs = defaults }: { gib?: number; knobs?: Record<string, string> } = {},
): Promise<NodeTree> {
  const tree = await NodeTree.create(t, runtime);
  await tree.write('proc/meminfo', `MemTotal:       ${Math.floor(gib * 1048576)} kB\nMemFree:        1024 kB\n`);
  for (const [knob, value] of Object.entries(knobs)) await tree.write(`${ksm}/${knob}`, `${value}\n`);
  return tree;
}

async function knobsOf(tree: NodeTree): Promise<Record<string, string | undefined>> {
  const entries = Object.keys(defaults).map(async (knob) => [knob, (await tree.read(`${ksm}/${knob}`))?.trim()]);
  return Object.fromEntries(await Promise.all(entries));
}

for (const runtime of runtimes) {
  const title = (text: string) => `KSM: ${text} [${runtime.name}]`;

  // Minutes of a full sweep, as far as they are promised.
  for (const [gib, sleep, pagesPerSecond, mib, minutes] of [
    [0.5, 50, 20_000, 78],
    [1, 50, 20_000, 78],
    [16, 50, 20_000, 78, 3.5],
    [96, 50, 20_000, 78, 21],
    [256, 50, 20_000, 78, 56],
    [512, 50, 20_000, 78, 112],
    [513, 49, 20_408, 79],
    [1024, 25, 40_000, 156, 112],
    [2327, 11, 90_909, 355],
    [2328, 10, 100_000, 390],
    [2560, 10, 100_000, 390],
    [12_288, 10, 100_000, 390],
  ] as const) {
    test(title(`a node of ${gib} GiB scans 1000 pages every ${sleep} ms`), async (t) => {
      const tree = await host(t, runtime, { gib });
      const { code, stdout, stderr } = await tree.run(script);
      t.is(stderr, '');
      t.is(code, 0);
      t.deepEqual(await knobsOf(tree), {
        redhat_only_zero_pages: '1',
        pages_to_scan: '1000',
        sleep_millisecs: `${sleep}`,
        run: '1',
      });
      t.is(
        stdout,
        `node of ${Math.floor(gib)} GiB: 1000 pages every ${sleep} ms, ${pagesPerSecond} pages/s (${mib} MiB/s), KSM is on for pages that hold only zeroes\n`,
      );
      if (minutes !== undefined) {
        const sweep = (gib * 1024 ** 3) / 4096 / pagesPerSecond / 60;
        t.true(Math.abs(sweep - minutes) < 0.5, `${sweep}`);
      }
    });
  }

  test(title('a node that holds a little less than its nominal memory counts as the GiB below'), async (t) => {
    const tree = await host(t, runtime, { gib: 1023.9 });
    t.regex((await tree.run(script)).stdout, /^node of 1023 GiB: 1000 pages every 25 ms/);
  });

  test(title('without redhat_only_zero_pages KSM is never switched on'), async (t) => {
    const { redhat_only_zero_pages: _, ...knobs } = defaults;
    const tree = await host(t, runtime, { knobs });
    const { code, stdout, stderr } = await tree.run(script);
    t.is(code, 0);
    t.deepEqual(await knobsOf(tree), {
      redhat_only_zero_pages: undefined,
      pages_to_scan: '1000',
      sleep_millisecs: '50',
      run: '0',
    });
    t.regex(stderr, /^warning: there is no .*\/redhat_only_zero_pages; skipped$/m);
    t.regex(stderr, /^warning: KSM isn't switched on: /m);
    t.regex(stdout, /, KSM is off\n$/);
  });

  test(title('nor where the kernel refuses the limit'), async (t) => {
    const tree = await host(t, runtime);
    await tree.remove(`${ksm}/redhat_only_zero_pages`);
    await tree.folder(`${ksm}/redhat_only_zero_pages`);
    const { code, stderr } = await tree.run(script);
    t.is(code, 0);
    t.is(await tree.read(`${ksm}/run`), '0\n');
    t.regex(stderr, /^warning: could not write 1 to .*\/redhat_only_zero_pages$/m);
  });

  test(title('KSM that somebody else has switched on in full is left, and said'), async (t) => {
    const { redhat_only_zero_pages: _, ...knobs } = defaults;
    const tree = await host(t, runtime, { knobs: { ...knobs, run: '1' } });
    const { stdout } = await tree.run(script);
    t.is(await tree.read(`${ksm}/run`), '1\n');
    t.regex(stdout, /, KSM is on, for all pages, by somebody else\n$/);
  });

  test(title('a file that is missing is skipped, and the rest goes on'), async (t) => {
    const { pages_to_scan: _, ...knobs } = defaults;
    const tree = await host(t, runtime, { knobs });
    const { code, stderr } = await tree.run(script);
    t.is(code, 0);
    t.regex(stderr, /^warning: there is no .*\/pages_to_scan; skipped\n$/);
    t.is(await tree.read(`${ksm}/pages_to_scan`), undefined);
    t.is(await tree.read(`${ksm}/run`), '1\n');
  });

  test(title('a value that the kernel refuses is reported, and the rest goes on'), async (t) => {
    const { sleep_millisecs: _, ...knobs } = defaults;
    const tree = await host(t, runtime, { knobs });
    await tree.device(`${ksm}/sleep_millisecs`, 'full');
    const { code, stdout, stderr } = await tree.run(script);
    t.is(code, 0);
    t.regex(stderr, /^warning: could not write 50 to .*\/sleep_millisecs\n$/);
    t.is(await tree.read(`${ksm}/run`), '1\n');
    t.is(stdout.split('\n').length, 2);
  });

  for (const [what, text] of [
    ['no MemTotal', 'MemFree: 1024 kB\n'],
    ['a MemTotal of nothing', 'MemTotal:\n'],
  ] as const) {
    test(title(`with ${what} it fails, and changes nothing`), async (t) => {
      const tree = await host(t, runtime);
      await tree.write('proc/meminfo', text);
      const { code, stderr } = await tree.run(script);
      t.is(code, 1);
      t.regex(stderr, /error: could not read MemTotal from /);
      t.deepEqual(await knobsOf(tree), defaults);
    });
  }

  test(title('without KSM in the kernel it only warns'), async (t) => {
    const tree = await host(t, runtime, { knobs: {} });
    const { code, stdout, stderr } = await tree.run(script);
    t.is(code, 0);
    t.is(stderr.match(/skipped/g)?.length, 3);
    t.regex(stdout, /, KSM is off\n$/);
  });
}
