import { performance } from 'node:perf_hooks';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { watchObjects } from '../../shared/kube/watch.ts';
import type { ControlPlane } from '../harness/control-plane.ts';
import { waitFor } from '../harness/wait-for.ts';
import { type Running, runController } from '../helpers/controller.ts';
import { openClient, planNow } from '../helpers/engine.ts';
import { type Figure, median } from './measure.ts';
import { syntheticCatalog, syntheticNames } from './synthetic-catalog.ts';

const heals = 25;
const quietMs = 60;

/** What the controller does and costs, run in this process against the real API server, which shares the machine. */
export async function controllerFigures(controlPlane: ControlPlane, builtIn: Catalog): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of [20, 200]) {
    const running = runController(controlPlane.kubeconfig, syntheticCatalog(size), { limits: generous });
    const observer = await observe(controlPlane.kubeconfig);
    try {
      await running.settled();
      figures.push(...(await healFigures(controlPlane, running, observer, size)));
      if (size === 200) figures.push(await manyDriftsFigure(controlPlane, observer), await idleFigure(running));
    } finally {
      await observer.stop();
      await running.stop();
    }
  }
  figures.push(...(await convergenceFigures(controlPlane, builtIn)));
  return figures;
}

/** So that measuring the same heal again and again is no edit war. */
const generous = { burst: 10_000, updatesPerMinute: 10_000, healsPerHour: 10_000 };

async function healFigures(
  controlPlane: ControlPlane,
  running: Running,
  observer: Observer,
  size: number,
): Promise<Figure[]> {
  const name = syntheticNames(size)[0] ?? '';
  const before = running.requests();
  const cpuBefore = process.cpuUsage();
  const times: number[] = [];
  for (let run = 0; run < heals; run++) {
    // One drift is news after a quiet moment; what comes in a burst is the next figure's.
    await new Promise((resolve) => setTimeout(resolve, quietMs));
    times.push(await healTime(controlPlane, observer, [name]));
  }
  await running.settled();
  const requests = (running.requests() - before) / heals;
  const cpu = process.cpuUsage(cpuBefore).user / 1000 / heals;
  const how = `${heals} foreign writes, each after ${quietMs} ms of quiet, seen healed through a watch; no events are written`;
  return [
    { what: `one drift healed, ${size} synthetic assets, median`, value: median(times), unit: 'ms', bar: 25, how },
    {
      what: `user CPU time of that, ${size} synthetic assets`,
      value: cpu,
      unit: 'ms',
      how: 'of this process, which also makes the drifts and watches for them',
    },
    { what: `requests for one heal, ${size} synthetic assets`, value: requests, unit: 'requests', bar: 4, how },
  ];
}

async function manyDriftsFigure(controlPlane: ControlPlane, observer: Observer): Promise<Figure> {
  const value = await healTime(controlPlane, observer, syntheticNames(200).slice(0, 40));
  return {
    what: '40 objects drifted at once, all healed',
    value,
    unit: 'ms',
    bar: 400,
    how: 'from before the foreign writes, sent at once',
  };
}

/** From just before the foreign writes are sent to the last healed object, as a watch of our own sees it. */
async function healTime({ client }: ControlPlane, observer: Observer, names: readonly string[]): Promise<number> {
  observer.healedAt.clear();
  const start = performance.now();
  await Promise.all(
    names.map((name) => client.patch({ ...configMap, name }, { data: { text: 'drifted' } }, { manager: 'rival' })),
  );
  await waitFor(() => names.every((name) => observer.healedAt.has(name)), { what: 'all is healed', intervalMs: 1 });
  return Math.max(...names.map((name) => observer.healedAt.get(name) ?? 0)) - start;
}

type Observer = { readonly healedAt: Map<string, number>; readonly stop: () => Promise<void> };

/** When each ConfigMap was seen healed last. */
async function observe(kubeconfig: string): Promise<Observer> {
  const client = openClient(kubeconfig);
  const healedAt = new Map<string, number>();
  const watch = watchObjects(
    client,
    { apiVersion: 'v1', kind: 'ConfigMap', namespace },
    {
      onChange: () => {
        for (const { metadata, data } of watch.items.values()) {
          if (Object(data).text === 'drifted') healedAt.delete(metadata.name);
          else if (!healedAt.has(metadata.name)) healedAt.set(metadata.name, performance.now());
        }
      },
    },
  );
  await waitFor(() => watch.isSynced, { what: 'the observer sees everything' });
  return {
    healedAt,
    stop: async () => {
      await watch.stop();
      client.close();
    },
  };
}

/** Requests within a while in which nothing happens; watches were opened before. */
async function idleFigure(running: Running): Promise<Figure> {
  const before = running.requests();
  await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1000));
  return {
    what: `requests while idle for ${idleSeconds} s, besides watches`,
    value: running.requests() - before,
    unit: 'requests',
    bar: 0,
    how: 'counted by the client, 200 synthetic assets in sync; no leader election',
  };
}

async function convergenceFigures({ kubeconfig, client }: ControlPlane, catalog: Catalog): Promise<Figure[]> {
  await prepareEverything(client, catalog, kubeconfig);
  const start = performance.now();
  const running = runController(kubeconfig, catalog);
  try {
    await running.settled();
    const value = performance.now() - start;
    const wanted = running.controller.state.plan?.items.filter(({ decision }) => decision === 'in-sync').length ?? 0;
    const what = `start to converged, ${wanted} assets of the built-in catalog, every feature on`;
    const how = 'no object of theirs existed; the process was running already';
    return [
      { what, value, unit: 'ms', bar: 2000, how },
      { what: `${what}: requests an asset`, value: running.requests() / wanted, unit: 'requests', bar: 3, how },
    ];
  } finally {
    await running.stop();
  }
}

/** Every feature asked for, the namespaces there, and none of the objects. */
async function prepareEverything(client: ControlPlane['client'], catalog: Catalog, kubeconfig: string): Promise<void> {
  const uses = catalog.assets.flatMap(({ when }) => when.flatMap((condition) => condition.uses));
  const features = uses.flatMap((use) => /^enabled\('(.*)'\)$/.exec(use)?.[1] ?? []);
  const annotations = Object.fromEntries(features.map((name) => [`platform.kubevirt.io/enable-${name}`, 'true']));
  const [hyperConverged] = await client.list({ apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged' });
  const { namespace, name } = hyperConverged?.metadata ?? {};
  const id = { apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged', namespace, name };
  await client.patch(id, { metadata: { annotations } });

  const ours = openClient(kubeconfig);
  try {
    const { items } = await planNow(ours, catalog);
    const namespaces = new Set(
      items.flatMap(({ target }) => (target.namespace === undefined ? [] : [target.namespace])),
    );
    for (const name of namespaces) await client.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    for (const { target, decision } of items) {
      if (decision === 'in-sync' && target.kind !== 'HyperConverged') await client.delete(target);
    }
  } finally {
    ours.close();
  }
}

const namespace = 'openshift-cnv';
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', namespace };
const idleSeconds = 5;
