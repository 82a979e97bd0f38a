import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import type { KubernetesObject } from '../../../shared/api/kubernetes-object.ts';
import { goldenClusters, goldenText, planOf } from './_golden-clusters.ts';

const folder = path.resolve(import.meta.dirname, '../../fixtures/golden');
const isUpdating = process.env.UPDATE_GOLDEN === '1';

for (const [name, cluster] of Object.entries(goldenClusters)) {
  test(`${name} gets what was reviewed`, async (t) => {
    const text = goldenText(name, cluster);
    const file = path.join(folder, `${name}.yaml`);
    if (isUpdating) {
      await mkdir(folder, { recursive: true });
      await writeFile(file, text);
    }
    t.is(text, await readFile(file, 'utf8'), 'UPDATE_GOLDEN=1 writes it anew; review what changes');
  });
}

test('nothing of a whole cluster fails to render', (t) => {
  for (const [name, cluster] of Object.entries(goldenClusters)) {
    const failed = planOf(cluster).filter(({ decision }) => /failed|error|invalid/.test(decision));
    t.deepEqual(
      failed.map(({ asset, why }) => `${asset}: ${why}`),
      [],
      name,
    );
  }
});

test('the order of objects, and of the keys in them, changes nothing', (t) => {
  const names = Object.keys(goldenClusters);
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.integer(), (name, seed) => {
      const cluster = goldenClusters[name];
      if (cluster === undefined) return false;
      const random = numbersFrom(seed);
      const objects = shuffled(cluster.objects, random).map((object) => reordered(object, random) as KubernetesObject);
      return goldenText(name, { ...cluster, objects }) === goldenText(name, cluster);
    }),
    { numRuns: 10 },
  );
  t.pass();
});

for (const [what, env, clock] of [
  ['a Turkish locale', { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }, undefined],
  ['no locale', { LANG: 'C', LC_ALL: 'C' }, undefined],
  ['another time zone', { TZ: 'Pacific/Kiritimati' }, undefined],
  ['another time', {}, 'Date.now = () => 0; Math.random = () => 0.5;'],
] as const) {
  test(`${what} changes nothing`, async (t) => {
    const here = Object.entries(goldenClusters).map(([name, cluster]) => goldenText(name, cluster));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        ...(clock === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(clock)}`]),
        path.join(import.meta.dirname, '_golden-digest.ts'),
      ],
      { env: { PATH: process.env.PATH, ...env } },
    );
    t.is(stdout, createHash('sha256').update(here.join('\n')).digest('hex'));
  });
}

function reordered(value: unknown, random: () => number): unknown {
  // The order of lists is somebody's wish.
  if (Array.isArray(value)) return value.map((item) => reordered(item, random));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    shuffled(Object.entries(value), random).map(([key, inner]) => [key, reordered(inner, random)]),
  );
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

/** Mulberry32: as many numbers from 0 to 1 as needed, the same for the same seed. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
