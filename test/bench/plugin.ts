import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildExecutable } from '../../krew/executable/build.ts';
import { headCommit } from '../../krew/executable/commit.ts';
import { targets } from '../../krew/executable/targets.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { ControlPlane } from '../harness/control-plane.ts';
import { type Figure, median, type Process, quantile, runInTurn, timeProcesses } from './measure.ts';

const root = path.resolve(import.meta.dirname, '../..');
const fixture = path.join(root, 'test', 'fixtures', 'clusters', 'openshift');
const runs = 15;
const packagedRuns = 40;

/** What a person waits for, packaged, and what is measured beside it. */
export async function packagedFigures({ kubectl, kubeconfig }: ControlPlane): Promise<Figure[]> {
  const host = targets.find(({ platform, arch }) => platform === process.platform && arch === process.arch);
  if (host === undefined) return [];
  const folder = await mkdtemp(path.join(tmpdir(), 'virt-platform-bench-'));
  try {
    const { version } = packageJson;
    const plugin = await buildExecutable({ ...host, version, commit: await headCommit(), out: folder });
    const env = { ...withoutNodeSettings(process.env), KUBECONFIG: kubeconfig };
    const commands: Measured[] = [
      { what: 'kubectl version --client', command: kubectl, args: ['version', '--client'] },
      { what: 'version --client, packaged', command: plugin, args: ['version', '--client'], bar: 60 },
      {
        what: 'render of the whole catalog from a file, packaged',
        command: plugin,
        args: ['render', '-f', path.join(fixture, 'hyperconverged.yaml')],
        bar: 60,
      },
      { what: 'render from seven files of a cluster, packaged', command: plugin, args: ['render', '-f', fixture] },
      { what: 'kubectl get of one kind', command: kubectl, args: ['get', 'hyperconvergeds', '-A'] },
      { what: 'status on a live cluster, packaged', command: plugin, args: ['status'] },
      { what: 'completion of commands, packaged', command: plugin, args: ['__complete', ''], bar: 100 },
      {
        what: 'completion of names in the cluster, packaged',
        command: plugin,
        args: ['__complete', 'status', 'UIPlugin/'],
        bar: 100,
      },
    ];
    const times = await runInTurn(
      commands.map(({ command, args }) => ({ command, args, env })),
      packagedRuns,
    );
    const figures = commands.map(({ what, bar }, index): Figure => {
      const own = times[index] ?? [];
      const how = `median of ${packagedRuns} processes, run in turn with the others; 95 % of them took at most ${quantile(own, 0.95).toFixed(1)} ms`;
      return { what, value: median(own), unit: 'ms', ...(bar !== undefined && { bar }), how };
    });
    const [get, status] = ['kubectl get of one kind', 'status on a live cluster, packaged'].map(
      (name) => figures.find(({ what }) => what === name)?.value ?? Number.NaN,
    );
    const ratio = (status ?? Number.NaN) / (get ?? Number.NaN);
    const how = 'the two medians above';
    return [
      ...figures,
      { what: 'status, packaged, as against kubectl get of one kind', value: ratio, unit: '×', bar: 2, how },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** NODE_EXTRA_CA_CERTS, say, is read at each start of Node, and few shells set it: it would be measured of ours alone. */
function withoutNodeSettings(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith('NODE_')));
}

type Measured = Process & { readonly what: string; readonly bar?: number };

/** What a person waits for, with the plugin run from its sources. */
export async function pluginFigures({ kubectl, kubeconfig }: ControlPlane): Promise<Figure[]> {
  const plugin = { command: process.execPath, env: { ...withoutNodeSettings(process.env), KUBECONFIG: kubeconfig } };
  const main = path.join(root, 'plugin', 'main.ts');
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
  return [
    { what: 'version --client, cold start from a checkout', value: start, unit: 'ms', how },
    { what: 'render of the whole catalog from files, cold start from a checkout', value: render, unit: 'ms', how },
    { what: 'kubectl get of one kind', value: get, unit: 'ms', how: `median of ${runs} processes` },
    { what: 'status on a live cluster, from a checkout', value: status, unit: 'ms', how },
    { what: 'status from a checkout, as against kubectl get of one kind', value: status / get, unit: '×', how },
  ];
}
