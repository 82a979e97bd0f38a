import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { demoCluster } from './demo-cluster.ts';
import { DemoController } from './demo-controller.ts';
import { healTime } from './demo-heal-time.ts';
import { waitFor } from './wait-for.ts';

const usage = `Usage: npm run demo [-- --once | --empty]

Shows the main job on a control plane of its own: the controller brings a cluster to the baseline, heals a drift, leaves
an edit war and names its rival, is resumed, and respects a deviation. It then stays up to be tried out, until Ctrl-C;
with --once it ends. With --empty it shows nothing: there is only the cluster, without a controller, to try things on.`;

const status = 'kubectl virt-platform status';
const dashboards = 'uiplugin monitoring';
const noDashboards = `kubectl patch ${dashboards} --type=merge --field-manager=night-shift -p '{"spec":{"monitoring":{"perses":{"enabled":false}}}}'`;
const descheduler = 'kubedescheduler cluster -n openshift-kube-descheduler-operator';
const interval = '/spec/deschedulingIntervalSeconds';
const war = `seconds=600
until kubectl get ${descheduler} -o yaml | grep -q reconcile-paused; do
  seconds=$((seconds + 1))
  kubectl patch ${descheduler} --type=merge --field-manager=tuning-script -p "{\\"spec\\":{\\"deschedulingIntervalSeconds\\":$seconds}}"
done`;

const howItEnds = 'Ctrl-C here stops it and removes everything.';

const root = path.resolve(import.meta.dirname, '../..');
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    process.exitCode = 128 + constants.signals[signal];
    interrupted.abort();
  });
}
process.exitCode = await main();

async function main(): Promise<number> {
  const { once, empty } = readArguments();
  let controlPlane: ControlPlane | undefined;
  let controller: DemoController | undefined;
  try {
    say('A control plane of its own starts: a real etcd and kube-apiserver, with CRDs and a small OpenShift cluster.');
    controlPlane = await startControlPlane({ signal: interrupted.signal, log: (line) => console.log(`  ${line}`) });
    await demoCluster(controlPlane);
    if (empty) {
      console.log(`${howToGoOn(controlPlane)}\n${howItEnds}`);
      await untilInterrupted();
      return 0;
    }
    const $ = (command: string) => run(command, controlPlane as ControlPlane);
    await tellBefore($);
    controller = await DemoController.start(controlPlane);
    await tell($, controlPlane, controller);
    if (once) return 0;

    console.log(`${howToGoOn(controlPlane)}\n${whatToTry(controller)}\n${howItEnds}`);
    await untilInterrupted();
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return Number(process.exitCode ?? 1);
    console.error(`The demo failed: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    await controller?.stop();
    await controlPlane?.stop();
  }
}

function readArguments(): { readonly once: boolean; readonly empty: boolean } {
  try {
    const { values } = parseArgs({
      options: { once: { type: 'boolean' }, empty: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    const { once = false, empty = false, help = false } = values;
    if (once && empty)
      throw new Error('--once and --empty exclude each other: without the demo there is nothing to end.');
    if (!help) return { once, empty };
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

type Shell = (command: string) => Promise<void>;

async function tellBefore($: Shell): Promise<void> {
  say(
    'HyperConverged asks for the autopilot, but nothing keeps the baseline yet: this is what would be done, and why.',
  );
  await $(status);

  say('The controller is installed: its permissions, the policy that pins what it may write, its Deployment.');
  await $('kubectl apply --server-side -k controller/manifests/overlays/openshift');
}

/** The story, one step after another. */
async function tell($: Shell, controlPlane: ControlPlane, controller: DemoController): Promise<void> {
  say('This cluster has no nodes to run pods on, so the demo runs the same program, as that ServiceAccount. Its log:');
  console.log(`  ${controller.logFile}`);
  const started = performance.now();
  await controller.settled();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`It took ${seconds} s from the start of its process until everything was as it should be.`);
  await $(status);

  say('Somebody switches dashboards off.');
  await $(noDashboards);
  const ms = await waitFor(
    () => healTime(controlPlane, { resource: 'uiplugins', name: 'monitoring', rival: 'night-shift' }),
    { what: 'the drift to be healed', timeoutMs: 60_000 },
  );
  say(`It was put right ${ms} ms after that was written, as the API server's audit log has it. Two events tell of it:`);
  await waitFor(() => hasEvent(controlPlane, 'DriftCorrected'), { what: 'the events', timeoutMs: 60_000 });
  await $(events('DriftDetected|DriftCorrected'));

  say('A script insists on a value of its own, again and again. Five times it is put right; then it is held back.');
  await $(war);
  say('The controller has left the war, and says so on the object: who, over which field, since when.');
  await $('kubectl virt-platform status KubeDescheduler/cluster');
  await waitFor(() => hasEvent(controlPlane, 'ThrashingDetected'), { what: 'the events', timeoutMs: 60_000 });
  await $(events('Throttled|ThrashingDetected'));
  say('The script is stopped by now. Without the annotation the controller goes on, with clean counters.');
  await $('kubectl virt-platform unpause KubeDescheduler/cluster --yes');
  await waitFor(async () => (await intervalNow(controlPlane)) === 60, {
    what: `${interval} to be put right`,
    timeoutMs: 60_000,
  });
  await controller.settled();
  await $('kubectl virt-platform status KubeDescheduler/cluster');

  say('What if this cluster is to have no dashboards? Then the field is yielded, in the open, on the object itself.');
  await $(`kubectl annotate ${dashboards} platform.kubevirt.io/ignore-fields=/spec/monitoring/perses/enabled`);
  await $(noDashboards);
  await controller.settled();
  say('It is respected: in sync, with the deviation shown, and the value is theirs.');
  await $('kubectl virt-platform status UIPlugin/monitoring');
  await $(`kubectl get ${dashboards} -o jsonpath='{.spec.monitoring.perses.enabled}{"\\n"}'`);
}

function say(line: string): void {
  console.log(`\n# ${line}`);
}

function events(reasons: string): string {
  const columns = 'TYPE:.type,REASON:.reason,NOTE:.note';
  return `kubectl get events.events.k8s.io -n openshift-cnv --sort-by=.eventTime -o custom-columns=${columns} | grep -E '${reasons}'`;
}

async function hasEvent({ client }: ControlPlane, reason: string): Promise<boolean> {
  const { body } = await client.request(
    'GET',
    `/apis/events.k8s.io/v1/namespaces/openshift-cnv/events?fieldSelector=reason%3D${reason}`,
  );
  return body.items.length > 0;
}

async function intervalNow({ client }: ControlPlane): Promise<unknown> {
  const [name, namespace] = ['cluster', 'openshift-kube-descheduler-operator'];
  const object = await client.get({ apiVersion: 'operator.openshift.io/v1', kind: 'KubeDescheduler', name, namespace });
  return object?.spec.deschedulingIntervalSeconds;
}

/** Runs a line as a shell would, with the real kubectl and our plugin on the path; its output is shown as it comes. */
async function run(command: string, controlPlane: ControlPlane): Promise<void> {
  interrupted.signal.throwIfAborted();
  console.log(`\n$ ${command.replaceAll('\n', '\n> ')}`);
  const child = spawn('bash', ['-o', 'pipefail', '-c', command], {
    cwd: root,
    env: { ...process.env, PATH: searchPath(controlPlane), KUBECONFIG: controlPlane.kubeconfig },
    stdio: ['ignore', 'inherit', 'inherit'],
    signal: interrupted.signal,
    timeout: 120_000,
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`"${command}" ended with exit code ${code}`);
}

function searchPath({ binDir }: ControlPlane): string {
  return [path.join(root, 'plugin'), binDir, process.env.PATH].join(path.delimiter);
}

function howToGoOn({ binDir, kubeconfig }: ControlPlane): string {
  return `
# Now it is yours. In another terminal:

export KUBECONFIG=${quote(kubeconfig)}
export PATH=${quote(path.join(root, 'plugin'))}:${quote(binDir)}:"$PATH"
`;
}

function whatToTry({ logFile, debug, metrics }: DemoController): string {
  return `kubectl virt-platform status
kubectl virt-platform explain pci-passthrough
kubectl virt-platform enable pci-passthrough --yes
kubectl delete machineconfig 90-worker-swap-online
kubectl virt-platform status -o wide
kubectl get events.events.k8s.io -n openshift-cnv --sort-by=.eventTime
kubectl virt-platform --help

The controller's log:       ${logFile}
What it sees and decides:   ${debug}/debug/
Its metrics:                ${metrics}/metrics
`;
}

function quote(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function untilInterrupted(): Promise<void> {
  const { signal } = interrupted;
  if (signal.aborted) return Promise.resolve();
  // Servers are in sessions of their own and keep no program alive: this does.
  const alive = setInterval(() => {}, 1 << 30);
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearInterval(alive);
      console.log('\nEverything is being stopped and removed.');
      resolve();
    });
  });
}
