import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../harness/wait-for.ts';

const root = path.resolve(import.meta.dirname, '../..');

test.serial('the demo tells its story to the end, succeeds, and leaves nothing behind', async (t) => {
  t.timeout(300_000, 'the demo should be through');
  const { child, folder } = await startDemo(t, ['--once']);
  const [output, errors, code] = await Promise.all([
    text(child.stdout ?? []),
    text(child.stderr ?? []),
    exitCodeOf(child),
  ]);
  t.is(code, 0, errors);

  const [before = '', converged = '', paused = '', resumed = '', deviating = ''] = statusesIn(output);
  t.regex(before, /^controller: not found/m);
  t.regex(before, /\d+ create, 1 adopt/);
  t.notRegex(before, /in-sync/);
  // The end of its first pass is on the Lease with the next renewal: until then it was only seen.
  t.regex(converged, /^controller: version v\S+, leader \S+, last (pass|seen) \d+s ago$/m);
  t.regex(converged, /\n\d+ assets: \d+ in-sync, /);
  // What is left is what this cluster hasn't the API for.
  for (const state of statesIn(converged)) t.true(['in-sync', 'missing-crd', 'empty'].includes(state), state);
  t.regex(output, /# It was put right \d+ ms after/);
  t.regex(output, /^Warning +DriftDetected +UIPlugin\/monitoring .*\(set by night-shift\)$/m);
  t.regex(output, /^Normal +DriftCorrected +UIPlugin\/monitoring /m);
  t.regex(paused, / paused .* tuning-script keeps changing \/spec\/deschedulingIntervalSeconds\n/);
  t.regex(output, /^Warning +ThrashingDetected .* by tuning-script: \/spec\/deschedulingIntervalSeconds\. /m);
  t.regex(resumed, /\n1 asset: 1 in-sync\n/);
  t.regex(deviating, /in-sync .*ignore\(1\)/);
  t.is(output.trimEnd().split('\n').at(-1), 'false');

  t.deepEqual(readdirSync(folder), []);
  t.deepEqual(processesAbout(folder), []);
});

test.serial('without --once it stays up, can be used from another shell as it says, and ends on Ctrl-C', async (t) => {
  t.timeout(300_000, 'the demo should be through');
  const { child, folder } = await startDemo(t, []);
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const exited = exitCodeOf(child);
  await waitFor(() => output.includes('Ctrl-C here stops it') || child.exitCode !== null, {
    what: 'the demo to say how to go on',
    timeoutMs: 240_000,
  });

  const exports = output.split('\n').filter((line) => line.startsWith('export '));
  t.is(exports.length, 2);
  const commands = output.slice(output.indexOf('# Now it is yours')).match(/^kubectl .*$/gm) ?? [];
  t.true(commands.length > 3);
  const shell = spawn('bash', ['-e', '-c', [...exports, ...commands].join('\n')], {
    env: { HOME: folder, PATH: [path.dirname(process.execPath), process.env.PATH].join(path.delimiter) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, complained, code] = await Promise.all([text(shell.stdout), text(shell.stderr), exitCodeOf(shell)]);
  t.is(code, 0, complained);
  t.regex(said, /^autopilot: active$/m);

  child.kill('SIGINT');
  t.is(await exited, 0);
  t.deepEqual(processesAbout(folder), []);
  t.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('virt-platform-')),
    [],
  );
});

test.serial('with --empty there is only the cluster, until Ctrl-C', async (t) => {
  t.timeout(300_000, 'the cluster should be there');
  const { child, folder } = await startDemo(t, ['--empty']);
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const exited = exitCodeOf(child);
  await waitFor(() => output.includes('Ctrl-C here stops it') || child.exitCode !== null, {
    what: 'the cluster',
    timeoutMs: 240_000,
  });
  const exports = output.split('\n').filter((line) => line.startsWith('export '));
  const shell = spawn('bash', ['-e', '-c', [...exports, 'kubectl virt-platform status'].join('\n')], {
    env: { HOME: folder, PATH: [path.dirname(process.execPath), process.env.PATH].join(path.delimiter) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, complained, code] = await Promise.all([text(shell.stdout), text(shell.stderr), exitCodeOf(shell)]);
  t.is(code, 0, complained);
  t.regex(said, /^controller: not found/m);

  child.kill('SIGINT');
  t.is(await exited, 0);
  t.deepEqual(processesAbout(folder), []);
});

test.serial('npm that is told to end in the middle of it ends all of it', async (t) => {
  t.timeout(300_000, 'the demo should be through');
  const { child, folder } = await startDemo(t, ['run', 'demo'], 'npm');
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  await waitFor(() => output.includes('controller.log'), { what: 'the controller to start', timeoutMs: 240_000 });
  t.true(processesAbout(folder).some((commandLine) => commandLine.includes('controller/main.ts')));
  child.kill('SIGTERM');
  await waitFor(() => processesAbout(folder).length === 0, { what: 'everything to end', timeoutMs: 30_000 });
  const left = () => readdirSync(folder).filter((name) => name.startsWith('virt-platform-'));
  await waitFor(() => left().length === 0, { what: 'everything to be removed', timeoutMs: 30_000 });
  t.pass();
});

/** With a folder for temporary files of its own, in which the control plane keeps its. */
async function startDemo(t: ExecutionContext, args: readonly string[], command = process.execPath) {
  const folder = await mkdtemp(path.join(tmpdir(), 'virt-platform-demo-'));
  const script = command === process.execPath ? [path.join(root, 'test/harness/demo.ts')] : [];
  const child = spawn(command, [...script, ...args], {
    cwd: root,
    env: {
      ...process.env,
      TMPDIR: folder,
      PATH: [path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(async () => {
    child.kill('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  });
  return { child, folder };
}

/** What each `$ kubectl virt-platform status…` printed. */
function statusesIn(output: string): string[] {
  return output
    .split(/^\$ /m)
    .filter((part) => part.startsWith('kubectl virt-platform status'))
    .map((part) => part.slice(part.indexOf('\n')));
}

/** The column STATE. */
function statesIn(status: string): string[] {
  const lines = status.split('\n');
  const head = lines.findIndex((line) => line.startsWith('ASSET '));
  return lines.slice(head + 1, lines.indexOf('', head)).map((line) => line.split(/ {3,}/)[1] ?? '');
}

function exitCodeOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

/** Linux: processes whose command line names the folder, such as an etcd that keeps its data there. */
function processesAbout(folder: string): string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((commandLine) => commandLine.includes(folder));
}
