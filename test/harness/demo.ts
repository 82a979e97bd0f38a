import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { demoCluster } from './demo-cluster.ts';

const usage = `Usage: npm run demo [-- --once]

Shows the main job on a control plane of its own: what the autopilot would keep, the baseline applied, a drift found and
healed, a deviation respected. It then stays up to be tried out, until Ctrl-C; with --once it ends.`;

const apply =
  'kubectl virt-platform render | kubectl apply --server-side --field-manager virt-platform-autopilot --force-conflicts -f -';
const descheduler = 'kubedescheduler cluster -n openshift-kube-descheduler-operator';
const everyHour = `kubectl patch ${descheduler} --type=merge --field-manager=night-shift -p '{"spec":{"deschedulingIntervalSeconds":3600}}'`;

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
  const once = readArguments();
  let controlPlane: ControlPlane | undefined;
  try {
    say('A control plane of its own starts: a real etcd and kube-apiserver, with CRDs and a small OpenShift cluster.');
    controlPlane = await startControlPlane({ signal: interrupted.signal, log: (line) => console.log(`  ${line}`) });
    await demoCluster(controlPlane);
    await tell((command) => run(command, controlPlane as ControlPlane));
    if (once) return 0;

    console.log(howToGoOn(controlPlane));
    await untilInterrupted();
    console.log('\nEverything is being stopped and removed.');
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return Number(process.exitCode ?? 1);
    console.error(`The demo failed: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    await controlPlane?.stop();
  }
}

function readArguments(): boolean {
  try {
    const { values } = parseArgs({ options: { once: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
    if (values.help !== true) return values.once === true;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

/** The story, one step after another. */
async function tell($: (command: string) => Promise<void>): Promise<void> {
  say('HyperConverged asks for the autopilot. Nothing is applied yet: this is what it would do, and why.');
  await $('kubectl virt-platform status');

  say('There is no controller yet, so the baseline is applied by hand, as the autopilot would apply it.');
  await $(apply);
  await $('kubectl virt-platform status');

  say('Somebody sets a field to another value: the descheduler is to look once an hour rather than every minute.');
  await $(everyHour);
  say('Status names the field, who set it, and when.');
  await $('kubectl virt-platform status KubeDescheduler/cluster');

  say('The same pipe puts it right, and nothing else.');
  await $(apply);
  await $('kubectl virt-platform status KubeDescheduler/cluster');

  say('What if once an hour is what this cluster needs? Then the field is yielded, in the open, on the object itself.');
  await $(`kubectl annotate ${descheduler} platform.kubevirt.io/ignore-fields=/spec/deschedulingIntervalSeconds`);
  await $(everyHour);
  await $(apply);
  say('It is respected: in sync, with the deviation shown, and the value is theirs.');
  await $('kubectl virt-platform status KubeDescheduler/cluster');
  await $(`kubectl get ${descheduler} -o jsonpath='{.spec.deschedulingIntervalSeconds}{"\\n"}'`);
}

function say(line: string): void {
  console.log(`\n# ${line}`);
}

/** Runs a line as a shell would, with the real kubectl and our plugin on the path; its output is shown as it comes. */
async function run(command: string, controlPlane: ControlPlane): Promise<void> {
  interrupted.signal.throwIfAborted();
  console.log(`\n$ ${command}`);
  const child = spawn('bash', ['-o', 'pipefail', '-c', command], {
    cwd: root,
    env: { ...process.env, PATH: searchPath(controlPlane), KUBECONFIG: controlPlane.kubeconfig },
    stdio: ['ignore', 'inherit', 'inherit'],
    signal: interrupted.signal,
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

kubectl virt-platform status
kubectl virt-platform status -o wide
kubectl virt-platform render psi-enable
kubectl delete machineconfig 90-worker-swap-online
kubectl annotate hyperconverged kubevirt-hyperconverged -n openshift-cnv platform.kubevirt.io/enable-pci-passthrough=true
kubectl virt-platform --help

Ctrl-C here stops it and removes everything.`;
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
      resolve();
    });
  });
}
