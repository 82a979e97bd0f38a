import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { EventReason } from '../../../controller/event-words.ts';
import { Metrics } from '../../../controller/metrics.ts';
import { debugRoutes } from '../../../controller/servers/debug-routes.ts';
import { healthRoutes } from '../../../controller/servers/health-routes.ts';
import type { View } from '../../../controller/servers/view.ts';
import type { ThrottleLimits } from '../../../controller/throttle.ts';
import { leaseAnnotation } from '../../../shared/api/lease.ts';
import { keyPrefix } from '../../../shared/api/names.ts';
import type { Catalog } from '../../../shared/catalog/asset.ts';
import { root } from './_tracked-files.ts';

// Records, so that the compiler finds a word that is missing here.
const reasons = Object.keys({
  AssetApplied: true,
  AssetSkipped: true,
  ApplyFailed: true,
  DriftDetected: true,
  DriftCorrected: true,
  PatchApplied: true,
  InvalidPatch: true,
  InvalidIgnoreFields: true,
  InvalidExclusions: true,
  InvalidOverrideNote: true,
  OverrideExpired: true,
  Throttled: true,
  ThrashingDetected: true,
  ReconciliationResumed: true,
  CRDMissing: true,
  CRDDiscovered: true,
  UnmanagedMode: true,
  RenderFailed: true,
  ConditionFailed: true,
  HardwareDetectionFailed: true,
  NotReady: true,
  TombstoneDeleted: true,
  TombstoneSkipped: true,
  TombstoneFailed: true,
  ReconcileSucceeded: true,
} satisfies Record<EventReason, true>);
const limits = Object.keys({
  burst: true,
  updatesPerMinute: true,
  throttlesBeforePause: true,
  healsPerHour: true,
} satisfies Record<keyof ThrottleLimits, true>);

const catalog: Catalog = { digest: 'sha256:0', assets: [], tombstones: [], features: [] };

test('metrics-and-events.md has every metric of ours with its type, and no other', async (t) => {
  const none = () => [];
  const zero = () => 0;
  const metrics = new Metrics({
    version: 'v0.0.0',
    catalog,
    date: zero,
    isLeader: () => false,
    events: () => ({ created: 0, repeated: 0, dropped: 0, failed: 0 }),
    watches: none,
    inFlight: zero,
    waiting: zero,
    requests: zero,
    ofProcess: false,
  });
  const types = [...(await metrics.text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
  const rows = rowsIn('metrics-and-events.md').filter(([name = '']) => name.startsWith('virt_platform_'));
  t.deepEqual(rows.map(([name, type]) => [name, type]).sort(), types.sort());
});

test('metrics-and-events.md has every reason of an event, and no other', (t) => {
  const rows = rowsIn('metrics-and-events.md').filter(([, type = '']) => /\b(?:Normal|Warning)\b/.test(type));
  t.deepEqual(rows.map(([reason]) => reason).sort(), [...reasons].sort());
});

test('metrics-and-events.md has every annotation of the Lease', (t) => {
  const names = Object.values(leaseAnnotation).map((key) => key.slice(keyPrefix.length));
  const rows = rowsIn('metrics-and-events.md').map(([name = '']) => name);
  for (const name of names) t.true(rows.includes(name), name);
});

test('debug-endpoints.md has every path of the debug and health servers, and no other', (t) => {
  const view = { catalog, live: [], ready: [] } as unknown as View;
  const paths = [...debugRoutes(view), ...healthRoutes(view)].map(({ path }) => path);
  t.deepEqual(
    rowsIn('debug-endpoints.md')
      .map(([name]) => name)
      .sort(),
    paths.sort(),
  );
});

test('anti-thrashing.md has every limit', (t) => {
  const rows = rowsIn('anti-thrashing.md').map(([name]) => name);
  t.deepEqual(rows, limits);
});

/** Of all tables on a page, cell by cell, without code marks and without heads. */
function rowsIn(page: string): string[][] {
  const lines = readFileSync(path.join(root, 'docs', page), 'utf8').split('\n');
  return lines
    .filter((line, index) => line.startsWith('| ') && !/^\|-/.test(lines[index + 1] ?? ''))
    .map((line) =>
      line
        .replace(/^\| | \|$/g, '')
        .split(/ ?\| /)
        .map((cell) => cell.replaceAll('`', '')),
    );
}
