import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { leaseAnnotation } from '../../shared/api/lease.ts';
import { autopilotName } from '../../shared/api/names.ts';
import { rehearsalKubeconfig, rehearsalModules, stored } from './rehearsal-server.ts';

// A program of its own: runs in a bundle what people run, and writes the code that V8 has made of it by then.
//
//   node krew/executable/warm-up.ts FOLDER
//
// reads plugin.cjs and catalog.json there, and writes plugin.cache. build.ts says with which options of node.

const cluster = path.resolve(import.meta.dirname, '../../test/fixtures/clusters/openshift');
const fromFiles = [
  ['version', '--client'],
  ['render', '-f', cluster],
  ['status', '-f', cluster],
  ['diff', '-f', cluster],
  ['explain', 'swap-enable', '-f', cluster],
  ['status', '--help'],
];
const live = [['version'], ['status'], ['explain', 'swap-enable'], ['__complete', 'status', 'UIPlugin/']];

const [folder = ''] = process.argv.slice(2);
const kubeconfig = path.join(folder, 'kubeconfig');
// Code that wasn't used for a while would be thrown away, and what counts as a while depends on the machine.
setFlagsFromString('--no-flush-bytecode');
const source = readFileSync(path.join(folder, 'plugin.cjs'), 'utf8');
const script = new Script(source, { filename: 'plugin.cjs' });
const start = script.runInThisContext();
for (const command of fromFiles) await ran(command);
const modules = rehearsalModules(await objectsOfCluster());
writeFileSync(kubeconfig, rehearsalKubeconfig);
for (const command of live) await ran(command, modules);
// V8 takes no cache that was made with other flags than its own.
setFlagsFromString('--flush-bytecode');
const cachedData = script.createCachedData();
if (new Script(source, { filename: 'plugin.cjs', cachedData }).cachedDataRejected)
  throw new Error('V8 takes no code cache of its own');
writeFileSync(path.join(folder, 'plugin.cache'), cachedData);

/** The cluster of the files with a controller beside it; something is as it should be, something drifted or missing. */
async function objectsOfCluster(): Promise<KubernetesObject[]> {
  const { items } = JSON.parse(await ran(['render', '-f', cluster, '-o', 'json'])) as { items: KubernetesObject[] };
  const [, ...applied] = items.filter(({ kind }) => kind !== 'HyperConverged');
  const given = globSync('*.yaml', { cwd: cluster })
    .sort()
    .flatMap((file) => parseAllDocuments(readFileSync(path.join(cluster, file), 'utf8')))
    .map((document) => document.toJS() as KubernetesObject);
  const hyperConverged = given.find(({ kind }) => kind === 'HyperConverged');
  const controller = { name: autopilotName, namespace: hyperConverged?.metadata.namespace ?? '' };
  const time = '2026-01-01T00:00:00.000000Z';
  return [
    ...given.map((object) => stored(object, 'kubectl')),
    ...applied.map((object) => stored(object, autopilotName)),
    {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...controller, annotations: { [leaseAnnotation.version]: 'v0.0.0', [leaseAnnotation.images]: '{}' } },
      spec: { holderIdentity: 'rehearsal', renewTime: time, leaseDurationSeconds: 15 },
    },
    {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: controller,
      reason: 'ApplyFailed',
      note: 'rehearsed',
      eventTime: time,
      regarding: hyperConverged,
    },
  ];
}

/**
 * Runs a command in this process, as if it had one of its own.
 *
 * @returns what it printed on stdout
 */
function ran(command: readonly string[], modules: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const stdout = collecting();
    const stderr = collecting();
    let isStarted = false;
    const own = Object.create(process, {
      argv: { value: [process.execPath, process.execPath, ...command] },
      argv0: { value: 'kubectl-virt_platform' },
      env: { value: { KUBECONFIG: kubeconfig } },
      stdout: { value: stdout },
      stderr: { value: stderr },
      once: { value: () => own },
      exit: { value: () => {} },
      // First what it is to be if the program ends too early.
      exitCode: {
        set: (code: number) => {
          if (isStarted && code > 1) reject(new Error(`"${command.join(' ')}" ended with ${code}: ${stderr.text()}`));
          else if (isStarted) resolve(stdout.text());
          isStarted = true;
        },
      },
    });
    const builtIn = createRequire(import.meta.url);
    const getAsset = (name: string) => readFileSync(path.join(folder, name), 'utf8');
    const replaced: Readonly<Record<string, unknown>> = { ...modules, 'node:process': own, 'node:sea': { getAsset } };
    start((name: string) => replaced[name] ?? builtIn(name));
  });
}

function collecting() {
  let text = '';
  const write = (more: string) => {
    text += more;
    return true;
  };
  const stream = { write, on: () => stream, isTTY: false, text: () => text };
  return stream;
}
