import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { build } from 'esbuild';
import { digests, machineConfigs, textOf } from './_digests.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../../../..');
const pinned = JSON.parse(await readFile(path.join(import.meta.dirname, '_digests.json'), 'utf8'));

// Every node of a pool reboots when one changes: change it only together with what nodes are to get.
test('not a byte of what nodes get has changed', (t) => {
  t.deepEqual(digests(), pinned);
});

test('nothing that nodes get is compressed: other compressors give other bytes', (t) => {
  for (const asset of machineConfigs) {
    const body = textOf(asset);
    t.notRegex(body, /gzip|"compression"/, asset.name);
    for (const [, data = ''] of body.matchAll(/;base64,([^"]*)"/g))
      t.not(Buffer.from(data, 'base64').subarray(0, 2).toString('hex'), '1f8b', asset.name);
  }
});

test('another version of Node gives nodes the same bytes', async (t) => {
  const others = await otherNodes();
  if (others.length === 0) {
    t.log(`Skipped: there is no Node on PATH but ${process.version}`);
    t.pass();
    return;
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'digests-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const outfile = path.join(folder, 'print-digests.mjs');
  await build({
    entryPoints: [path.join(import.meta.dirname, '_print-digests.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
    // Where the sources are, the assets are.
    define: { 'import.meta.dirname': JSON.stringify(path.join(root, 'test/unit/assets')) },
    packages: 'external',
  });
  for (const { file, version } of others) {
    const { stdout } = await run(file, [outfile]);
    t.deepEqual(JSON.parse(stdout), pinned, version);
    t.log(version);
  }
});

/** Programs called node on PATH, of other versions than this one, each once. */
async function otherNodes(): Promise<{ file: string; version: string }[]> {
  const files = (process.env.PATH ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, 'node'))
    .filter((file) => existsSync(file));
  const real = new Set(await Promise.all(files.map((file) => realpath(file))));
  const found = await Promise.all(
    [...real].map(async (file) => ({ file, version: (await run(file, ['--version'])).stdout.trim() })),
  );
  return found.filter(({ version }) => version !== process.version);
}
