import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { parseYaml, parseYamlDocuments } from '../../shared/yaml/parse-yaml.ts';
import { waitFor } from '../helpers/cluster.ts';
import { activated, failsWith, hyperConverged, rowsOf, succeeds } from './_plugin.ts';

const launcher = path.resolve(import.meta.dirname, '../../plugin/kubectl-virt_platform');
const fixtures = path.resolve(import.meta.dirname, '../fixtures/clusters');
const folder = mkdtempSync(path.join(tmpdir(), 'plugin-files-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

writeFileSync(path.join(folder, 'hco.json'), JSON.stringify(hyperConverged(activated)));

const assumed = 'note: there is no CRD among the files: all are taken as installed\n';

type Options = { stdin?: string; env?: Record<string, string>; program?: string; cwd?: string };

/** The launcher as a shell runs it, with no cluster and hardly any environment. */
async function run(args: readonly string[], { stdin = '', env = {}, program = launcher, cwd = folder }: Options = {}) {
  const child = spawn(program, args, {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      ...(process.env.NODE_V8_COVERAGE !== undefined && { NODE_V8_COVERAGE: process.env.NODE_V8_COVERAGE }),
      ...env,
    },
  });
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  const exit = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { stdout, stderr, code };
}

test('render works on a file, from any folder, and prints manifests with our label', async (t) => {
  const ran = await run(['render', '-f', 'hco.json']);
  t.is(ran.code, 0);
  const objects = parseYamlDocuments(ran.stdout).map(({ value }) => value as ReturnType<typeof hyperConverged>);
  t.true(objects.length > 3);
  for (const { metadata } of objects)
    t.is(metadata.labels['platform.kubevirt.io/managed-by'], 'virt-platform-autopilot');
  const json = await run(['render', '-f', path.join(folder, 'hco.json'), '-o', 'json'], { cwd: '/' });
  t.deepEqual(JSON.parse(json.stdout), { apiVersion: 'v1', kind: 'List', items: objects });
});

test('render and status work on a folder and on standard input', async (t) => {
  const ran = await run(['status', '-f', fixtures.concat('/openshift')]);
  t.is(ran.code, 0);
  t.is(ran.stderr, assumed);
  t.regex(ran.stdout, /^autopilot: active\ncontroller: unknown: its Lease is not in the files\n/);
  t.false(ran.stdout.includes('hardware'));
  t.true(rowsOf(ran.stdout).length > 5);
  const piped = await run(['status', '-f', '-', '-o', 'yaml'], { stdin: JSON.stringify(hyperConverged(activated)) });
  t.is(piped.code, 0);
  t.like(parseYaml(piped.stdout), { kind: 'Status', activation: { state: 'active' } });
  t.regex(piped.stderr, /^note: unknown: hardware: /m);
});

test('work on files loads neither the Kubernetes client nor any network module; work on a cluster does', async (t) => {
  // `net` is there anyway: a pipe is a socket.
  const network =
    /^(?:NativeModule |node:)(?:https?|http2|tls)$|@kubernetes\/client-node|shared\/kube\/(?:client|transport|kubeconfig)\.ts$/m;
  const preload = pathToFileURL(path.join(import.meta.dirname, '_loaded-modules.mjs')).href;
  const loadedBy = async (...args: string[]) => {
    const file = path.join(folder, `loaded-${args[0]}`);
    await run(args, { env: { NODE_OPTIONS: `--import=${preload}`, LOADED_MODULES: file } });
    return readFileSync(file, 'utf8');
  };
  const offline = await loadedBy('render', '-f', 'hco.json');
  t.regex(offline, /plugin\/commands\/render\.ts$/m);
  t.notRegex(offline, network);
  t.notRegex(offline, /plugin\/commands\/(?:status|diff|explain|version)\.ts$/m);
  for (const command of [['status'], ['diff'], ['explain', 'swap-enable']])
    t.notRegex(await loadedBy(...command, '-f', 'hco.json'), network, command[0]);
  t.regex(await loadedBy('status', '--server', 'https://127.0.0.1:1'), network);
});

test('what goes wrong is one line and exit code 2', async (t) => {
  failsWith(t, await run(['render', '-f', 'none.yaml']), /^error: none\.yaml does not exist/);
});

test('no stack trace, unless -v asks for one', async (t) => {
  t.regex(
    (await run(['render', '-f', 'none.yaml', '-v'])).stderr,
    /^error: none\.yaml does not exist[^\n]*\n.*\n {4}at /,
  );
});

test('the launcher is found through links, and calls itself as it was called', async (t) => {
  mkdirSync(path.join(folder, 'bin'));
  symlinkSync(launcher, path.join(folder, 'bin/kubectl-virt_platform'));
  symlinkSync('bin/kubectl-virt_platform', path.join(folder, 'vp'));
  const ran = await run(['version', '--client'], { program: path.join(folder, 'bin/kubectl-virt_platform'), cwd: '/' });
  succeeds(t, ran);
  const other = await run([], { program: './vp' });
  t.regex(other.stdout, /Usage:\n {2}vp COMMAND/);
});

test('a launcher without its dependencies says how to get them', async (t) => {
  const checkout = path.join(folder, 'check out');
  mkdirSync(path.join(checkout, 'plugin'), { recursive: true });
  const copy = path.join(checkout, 'plugin/kubectl-virt_platform');
  writeFileSync(copy, readFileSync(launcher), { mode: 0o755 });
  failsWith(
    t,
    await run(['version'], { program: copy }),
    /dependencies aren't installed in .*check out: run "npm ci --ignore-scripts" there/,
  );
});

test('who reads only the first line is no failure', async (t) => {
  const script = `"$1" status -f "$2" | head -1; "$1" render -f "$2" 2>/dev/null | true; "$1" render -f "$2" >&- 2>&-; echo "$?"`;
  const ran = await run(['-c', script, 'sh', launcher, path.join(folder, 'hco.json')], { program: 'sh' });
  t.is(ran.stdout, 'autopilot: active\n0\n');
  t.is(ran.stderr, assumed);
});

test('what could not be written is an error', async (t) => {
  // A disk that is always full: only Linux has one.
  const script = `[ -e /dev/full ] || exit 9; for how in status 'render -o json'; do "$1" $how psi-enable -f "$2" > /dev/full; echo "$?"; done`;
  const ran = await run(['-c', script, 'sh', launcher, path.join(folder, 'hco.json')], { program: 'sh' });
  if (ran.code === 9) return t.pass();
  t.is(ran.stdout, '2\n2\n');
  const errors = ran.stderr.split('\n').filter((line) => line.startsWith('error: '));
  t.is(errors.length, 2);
  for (const error of errors) t.regex(error, /^error: could not write to standard output: ENOSPC: no space left/);
});

test('it works without a terminal, with stdin closed, and in a folder that is gone', async (t) => {
  const script = `mkdir gone; cd gone; rmdir ../gone; "$1" status -f "$2" --no-headers <&- | head -1; "$1" explain swap-enable -f "$2" <&- >&- 2>&-; echo "$?"`;
  const ran = await run(['-c', script, 'sh', launcher, path.join(folder, 'hco.json')], { program: 'sh' });
  t.regex(ran.stdout, /^\S+ {3,}\S.*\n0\n$/);
  // Some shells say so themselves, before the launcher's first line.
  t.is(ran.stderr.replace(/^sh: .*getcwd\(\) failed.*\n/gm, ''), assumed);
});

test('Ctrl-C is heard while a pipe says nothing', async (t) => {
  const pipe = path.join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const child = spawn(launcher, ['status', '-f', pipe], { stdio: 'ignore', env: { PATH: process.env.PATH } });
  t.teardown(() => child.kill('SIGKILL'));
  const exit = new Promise((resolve) => child.once('exit', resolve));
  // Somebody reads it once it can be opened for writing.
  const writing = await waitFor(() => openToWrite(pipe), { what: 'the pipe to be read', timeoutMs: 60_000 });
  t.teardown(() => closeSync(writing));
  child.kill('SIGINT');
  t.is(await exit, 130);
});

function openToWrite(pipe: string): number | undefined {
  try {
    return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

test('Ctrl-C and termination have the exit codes that shells expect', async (t) => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    // It waits for its input, which never comes.
    const child = spawn(launcher, ['status', '-f', '-'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        NODE_OPTIONS: `--import=data:text/javascript,process.on('newListener',(e)=>{if(e==='${signal}')setTimeout(()=>process.stderr.write('ready'),500)})`,
      },
    });
    child.stderr.once('data', () => child.kill(signal));
    const exit = await new Promise((resolve) => child.once('exit', resolve));
    t.is(exit, code);
  }
});
