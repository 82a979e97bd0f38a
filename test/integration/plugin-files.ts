import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { parseYaml, parseYamlDocuments } from '../../shared/yaml/parse-yaml.ts';
import { activated, failsWith, hyperConverged, rowsOf, succeeds } from './_plugin.ts';

const launcher = path.resolve(import.meta.dirname, '../../plugin/kubectl-virt_platform');
const fixtures = path.resolve(import.meta.dirname, '../fixtures/clusters');
const folder = mkdtempSync(path.join(tmpdir(), 'plugin-files-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

writeFileSync(path.join(folder, 'hco.json'), JSON.stringify(hyperConverged(activated)));

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
  succeeds(t, ran);
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
  t.notRegex(offline, /plugin\/commands\/(?:status|version)\.ts$/m);
  t.regex(await loadedBy('status', '--server', 'https://127.0.0.1:1'), network);
});

const fails = test.macro(async (t, args: string[], message: RegExp) => failsWith(t, await run(args), message));
writeFileSync(path.join(folder, 'broken.yaml'), 'apiVersion: v1\nkind: [\n');
writeFileSync(path.join(folder, 'node.yaml'), 'apiVersion: v1\nkind: Node\nmetadata: {name: x}\n');
writeFileSync(path.join(folder, 'list.yaml'), '- 1\n- 2\n');
writeFileSync(path.join(folder, 'binary.yaml'), new Uint8Array([0, 1, 2, 255]));
writeFileSync(path.join(folder, 'big.yaml'), 'x');
truncateSync(path.join(folder, 'big.yaml'), 50_000_000);
mkdirSync(path.join(folder, 'empty'));
mkdirSync(path.join(folder, 'broken-catalog/area'), { recursive: true });
writeFileSync(
  path.join(folder, 'broken-catalog/area/one.yaml.hbs'),
  'format: 1\ntarget: {apiVersion: v1, kind: ConfigMap, nme: a}\n---\ndata: {{#if\n',
);
writeFileSync(
  path.join(folder, 'two.json'),
  JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [hyperConverged({}, 'a'), hyperConverged({}, 'b')] }),
);

test('a file that does not exist', fails, ['render', '-f', 'none.yaml'], /^error: none\.yaml does not exist/);
test('a file that is no YAML', fails, ['render', '-f', 'broken.yaml'], /^error: broken\.yaml:\d+: not YAML or JSON/);
test(
  'a file that holds no objects',
  fails,
  ['status', '-f', 'list.yaml'],
  /^error: list\.yaml:1: not a Kubernetes object but a list/,
);
test(
  'a file without a HyperConverged',
  fails,
  ['status', '-f', 'node.yaml'],
  /^error: there is no HyperConverged \(hco\.kubevirt\.io\) in node\.yaml.*kubectl get hyperconverged/,
);
test(
  'files with two HyperConverged',
  fails,
  ['status', '-f', 'two.json'],
  /^error: there are 2 HyperConverged \(a\/.*, b\/.*\)/,
);
test('a binary file', fails, ['status', '-f', 'binary.yaml'], /^error: binary\.yaml is no text but binary/);
test('a file of 50 MB', fails, ['status', '-f', 'big.yaml'], /^error: big\.yaml is 48 MiB large/);
test('an empty folder', fails, ['status', '-f', 'empty'], /^error: there is no \.yaml, \.yml or \.json file in empty/);
test('an unknown asset', fails, ['render', 'swap-enabel', '-f', 'hco.json'], /did you mean "swap-enable"\?/);
test(
  'an unknown format',
  fails,
  ['render', '-o', 'xml', '-f', 'hco.json'],
  /^error: --output=xml isn't known: it is one of yaml, json, name/,
);
test('an unknown flag', fails, ['status', '--contxt', 'x'], /^error: unknown flag --contxt: did you mean --context\?/);
test(
  'an unknown command',
  fails,
  ['statsu'],
  /^error: unknown command "statsu": did you mean "status"\?; see "kubectl virt-platform --help"/,
);
test(
  'a time that is none',
  fails,
  ['status', '--request-timeout', 'soon'],
  /^error: --request-timeout=soon isn't a time/,
);
test(
  'a catalog that is no folder',
  fails,
  ['render', '--catalog', 'none', '-f', 'hco.json'],
  /^error: none is no folder/,
);
test(
  'a catalog without assets',
  fails,
  ['render', '--catalog', 'empty', '-f', 'hco.json'],
  /^error: empty holds no asset/,
);

test('a broken catalog: every mistake, with file and line', async (t) => {
  const { stdout, stderr, code } = await run(['render', '--catalog', 'broken-catalog', '-f', 'hco.json']);
  t.is(stdout, '');
  t.is(code, 2);
  const [first, ...mistakes] = stderr.trimEnd().split('\n');
  t.regex(first ?? '', /^error: broken-catalog can't be used, it has \d+ mistakes:$/);
  t.true(mistakes.length > 1);
  for (const mistake of mistakes) t.regex(mistake, /^ {2}broken-catalog\/area\/one\.yaml\.hbs:\d+: /);
});

test('no stack trace, unless -v asks for one', async (t) => {
  t.regex(
    (await run(['render', '-f', 'none.yaml', '-v'])).stderr,
    /^error: none\.yaml does not exist[^\n]*\n.*\n {4}at /,
  );
});

test('without arguments there is help on stdout', async (t) => {
  for (const args of [[], ['--help'], ['-h'], ['help']]) {
    const ran = await run(args);
    succeeds(t, ran);
    t.regex(ran.stdout, /Usage:\n {2}kubectl virt-platform COMMAND/);
  }
  for (const args of [
    ['status', '--help'],
    ['help', 'status'],
    ['status', 'x', '-h'],
  ]) {
    const ran = await run(args);
    succeeds(t, ran);
    t.regex(ran.stdout, /Usage:\n {2}kubectl virt-platform status /);
  }
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
  t.is(ran.stderr, '');
});

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
