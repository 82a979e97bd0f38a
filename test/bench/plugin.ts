import path from 'node:path';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { plan } from '../../shared/engine/plan.ts';
import { observe } from '../../shared/kube/observe.ts';
import type { ControlPlane } from '../harness/control-plane.ts';
import { openClient } from '../helpers/engine.ts';
import { type Figure, timeProcesses } from './measure.ts';

const root = path.resolve(import.meta.dirname, '../..');
const runs = 15;

/** What a person waits for, with the plugin run from its sources, and what each command asks of the API server. */
export async function pluginFigures({ kubectl, kubeconfig }: ControlPlane, catalog: Catalog): Promise<Figure[]> {
  const plugin = { command: process.execPath, env: { ...process.env, KUBECONFIG: kubeconfig } };
  const main = path.join(root, 'plugin', 'main.ts');
  const fixture = path.join(root, 'test', 'fixtures', 'clusters', 'openshift');
  const [start = 0, render = 0, get = 0, status = 0] = await timeProcesses(
    [
      { ...plugin, args: [main, 'version', '--client'] },
      { ...plugin, args: [main, 'render', '-f', fixture] },
      { ...plugin, command: kubectl, args: ['get', 'hyperconvergeds', '-A'] },
      { ...plugin, args: [main, 'status'] },
    ],
    runs,
  );
  const how = `median of ${runs} processes, run in turn with the others; from the sources, which are parsed at each start`;
  const client = openClient(kubeconfig);
  const { requests } = await observe(client, catalog, plan, { images: {} }).finally(() => client.close());
  return [
    { what: 'version --client, cold start from a checkout', value: start, unit: 'ms', how },
    { what: 'render of the whole catalog from files, cold start from a checkout', value: render, unit: 'ms', how },
    { what: 'kubectl get of one kind', value: get, unit: 'ms', how: `median of ${runs} processes` },
    { what: 'status on a live cluster, from a checkout', value: status, unit: 'ms', how },
    { what: 'status from a checkout, as against kubectl get of one kind', value: status / get, unit: '×', how },
    {
      what: `requests of status and render, everything in sync (${catalog.assets.length} assets)`,
      value: requests,
      unit: 'requests',
      how: 'counted by the client; discovery takes two of them',
    },
  ];
}
