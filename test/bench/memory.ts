import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ControlPlane } from '../harness/control-plane.ts';
import type { AnyObject } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { Figure } from './measure.ts';

const root = path.resolve(import.meta.dirname, '../..');
const nodes = 5000;
const foreign = 10_000;
const changes = 100_000;

/** What the program holds in memory beside a large cluster, and whether it stays so. */
export async function memoryFigures(controlPlane: ControlPlane): Promise<Figure[]> {
  const { client } = controlPlane;
  await inParallel(nodes, (index) => client.create(nodeOf(index)));
  await inParallel(foreign, (index) => client.create(foreignConfigMap(index)));

  const port = '127.0.0.1:18082';
  const metrics = '127.0.0.1:18080';
  const program = spawn(
    process.execPath,
    [
      // As the image starts it.
      '--disable-proto=delete',
      '--max-semi-space-size=2',
      '--optimize-for-size',
      path.join(root, 'controller', 'main.ts'),
      '--leader-elect=false',
      `--metrics-bind-address=${metrics}`,
      '--debug-bind-address=0',
      `--health-probe-bind-address=${port}`,
      '--log-level=error',
    ],
    { env: { ...process.env, KUBECONFIG: controlPlane.kubeconfig }, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  try {
    await waitFor(async () => (await fetch(`http://${port}/readyz`).catch(() => undefined))?.ok === true, {
      what: 'the controller is ready',
      timeoutMs: 120_000,
    });
    const first = await residentMegabytes(program.pid);
    const how = `the program from its sources, ${nodes} nodes, ${foreign} ConfigMaps that aren't ours; resident set`;
    const before = await highWaterAfterQuiet(program.pid);
    const plansBefore = await plansOf(metrics);
    const beats = async (from: number, count: number) =>
      await inParallel(count, (index) => client.patch(nodeId((from + index) % nodes), heartbeat(from + index)));
    // Memory grows until the collector has found its size: what counts is what comes after that.
    await beats(0, changes / 2);
    const half = await highWaterAfterQuiet(program.pid);
    await beats(changes / 2, changes / 2);
    const after = await highWaterAfterQuiet(program.pid);
    const plans = (await plansOf(metrics)) - plansBefore;
    const heartbeats = `after ${changes} changes of nodes`;
    return [
      { what: 'resident memory once in sync', value: Math.max(first, before), unit: 'MB', bar: 150, how },
      { what: `resident memory ${heartbeats}`, value: after, unit: 'MB', bar: 150, how },
      { what: 'what the second half of them added to it', value: after - half, unit: 'MB', how },
      {
        what: `plans made ${heartbeats}`,
        value: plans,
        unit: 'plans',
        how: 'those of the five-minute resync included, by its own metrics',
      },
    ];
  } finally {
    program.kill('SIGTERM');
  }
}

async function plansOf(metrics: string): Promise<number> {
  const text = await (await fetch(`http://${metrics}/metrics`)).text();
  return Number(/^virt_platform_plan_duration_seconds_count (\d+)$/m.exec(text)?.[1] ?? 0);
}

async function residentMegabytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

/** The largest of some samples, so that a moment right after a collection doesn't flatter. */
async function highWaterAfterQuiet(pid: number | undefined): Promise<number> {
  let most = 0;
  for (let sample = 0; sample < 10; sample++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    most = Math.max(most, await residentMegabytes(pid));
  }
  return most;
}

async function inParallel(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

function nodeId(index: number) {
  return { apiVersion: 'v1', kind: 'Node', name: `node-${index}` };
}

/** About what a node of a cluster with node feature discovery looks like. */
function nodeOf(index: number): AnyObject {
  const features = Array.from({ length: 60 }, (_, feature) => [
    `feature.node.kubernetes.io/cpu-cpuid.F${feature}`,
    'true',
  ]);
  const { apiVersion, kind, name } = nodeId(index);
  const labels = { 'node-role.kubernetes.io/worker': '', ...Object.fromEntries(features) };
  return { apiVersion, kind, metadata: { name, labels, annotations: { filler: 'x'.repeat(6000) } } };
}

function heartbeat(index: number) {
  return { metadata: { annotations: { heartbeat: `${index}` } } };
}

function foreignConfigMap(index: number): AnyObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'default', name: `foreign-${index}` },
    data: { text: 'x'.repeat(1000) },
  };
}
