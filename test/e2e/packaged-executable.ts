import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { parse } from 'yaml';
import { buildExecutable } from '../../krew/executable/build.ts';
import { commitDate, headCommit } from '../../krew/executable/commit.ts';
import { targets } from '../../krew/executable/targets.ts';
import { demoCluster } from '../harness/demo-cluster.ts';
import { isOnPath } from '../harness/tools.ts';
import { useCluster, waitFor } from '../helpers/cluster.ts';

// The executable beside the sources that it was built from: both are run through the real kubectl, and say the same.
const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const fixture = path.join(root, 'test/fixtures/clusters/openshift');
const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const host = targets.find(({ platform, arch }) => platform === process.platform && arch === process.arch);
// One after the other: each is a process or two that keeps a processor busy.
const onHost = host === undefined ? test.skip : test.serial;

const commit = await headCommit();
const folder = await mkdtemp(path.join(tmpdir(), 'virt-platform-executable-'));
const packaged = path.join(folder, 'bin');
const executable = path.join(packaged, 'kubectl-virt_platform');
const cluster = useCluster(test, { crds: 'none' });
test.after.always('nothing is left', () => rm(folder, { recursive: true, force: true }));

test.serial.before('the executable is built, and a cluster is there to look at', async (t) => {
  t.timeout(300_000, 'it takes seconds of work');
  if (host !== undefined) await buildExecutable({ ...host, version, commit, out: packaged });
  await demoCluster(cluster.controlPlane);
});

for (const words of [
  [],
  ['--help'],
  ['status', '--help'],
  ['status'],
  ['status', '-o', 'wide'],
  ['status', '-o', 'json'],
  ['status', '-o', 'yaml'],
  ['status', '-o', 'name'],
  ['status', '--check'],
  ['status', 'MachineConfig/90-worker-swap-online'],
  ['render'],
  ['render', '-o', 'json', '--baseline', '--show-excluded'],
  ['render', '--metadata'],
  ['render', '--check'],
  ['diff'],
  ['diff', '-o', 'json'],
  ['explain', 'swap-enable'],
  ['explain', 'descheduler-loadaware', '--graph'],
  ['features'],
  ['version', '--client'],
  ['enable', 'mtv', '--dry-run=server'],
  ['unmanage', 'swap-enable', '--dry-run=client', '-o', 'yaml'],
  ['render', '-f', fixture],
  ['render', '-f', fixture, '--force-pci', '-o', 'json'],
  ['status', '-f', fixture],
  ['diff', '-f', fixture],
  ['explain', 'psi-enable', '-f', fixture],
  ['render', '-f', fixture, '--catalog', path.join(root, 'assets')],
  ['render', '--catalog', path.join(root, 'assets'), '--check'],
  ['completion', 'bash'],
  ['__complete', 'explain', 'swap'],
  ['__complete', 'status', 'UIPlugin/'],
  ['sttus'],
  ['status', '--ouput', 'json'],
  ['explain', 'no-such-asset'],
  ['render', '-f', 'no-such-file.yaml'],
  ['status', '--context', 'no-such-context'],
]) {
  onHost(
    `it says what the checkout says: ${['kubectl virt-platform', ...words].join(' ').replaceAll(root, '.')}`,
    async (t) => {
      const [ours, theirs] = await Promise.all([runPackaged(words), runCheckout(words)]);
      t.deepEqual(timeless(ours), timeless(theirs));
      t.not(ours.stdout + ours.stderr, '');
    },
  );
}

onHost('its version names the release, the commit and when that was made', async (t) => {
  const { stdout } = await runPackaged(['version', '--client', '-o', 'json']);
  const { clientVersion } = JSON.parse(stdout);
  t.is(clientVersion.gitVersion, `v${version}`);
  t.is(clientVersion.gitCommit, commit);
  t.is(clientVersion.buildDate, await commitDate(commit));
});

onHost('a catalog with mistakes is refused as from the checkout: templates, YAML and CEL are read', async (t) => {
  const catalog = path.join(folder, 'catalog');
  await mkdir(path.join(catalog, 'area'), { recursive: true });
  const asset = (when: string, body: string) =>
    `format: 1\ntarget: {apiVersion: v1, kind: ConfigMap, namespace: openshift-cnv, name: about-the-platform}\nwhen: ["${when}"]\n---\ndata: {a: ${body}}\n`;
  await writeFile(path.join(catalog, 'area', 'one.yaml.hbs'), asset('topology.isAWS &&', '{{nothing}}'));
  const words = ['render', '--catalog', catalog, '--check'];
  const [ours, theirs] = await Promise.all([runPackaged(words), runCheckout(words)]);
  t.deepEqual(ours, theirs);
  t.is(ours.code, 2);

  const condition = "topology.masterCount + 1 > 2 && ['BareMetal'].exists(p, p == topology.cloudProvider)";
  await writeFile(path.join(catalog, 'area', 'one.yaml.hbs'), asset(condition, '"{{topology.cloudProvider}}"'));
  const rendering = ['render', '--catalog', catalog, '-f', fixture];
  const rendered = await runPackaged(rendering);
  t.deepEqual(rendered, await runCheckout(rendering));
  t.regex(rendered.stdout, /a: BareMetal/);
});

onHost('a program that gives credentials is run', async (t) => {
  const program = path.join(folder, 'login.sh');
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: cluster.controlPlane.adminToken },
  };
  await writeFile(program, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
  await chmod(program, 0o755);
  const exec = { apiVersion: credential.apiVersion, command: program, interactiveMode: 'Never' };
  const config = parse(await readFile(cluster.kubeconfig, 'utf8'));
  const users = config.users.map(({ name }: { name: string }) => ({ name, user: { exec } }));
  const kubeconfig = path.join(folder, 'kubeconfig.json');
  await writeFile(kubeconfig, JSON.stringify({ ...config, users }));
  const { code, stdout, stderr } = await runPackaged(['status', '-o', 'name'], { KUBECONFIG: kubeconfig });
  t.is(code, 0, stderr);
  t.regex(stdout, /^machineconfig\.machineconfiguration\.openshift\.io\//m);
});

onHost('a program that shows differences is run', async (t) => {
  const words = ['diff', 'hco-golden-config'];
  const { code, stdout } = await runPackaged(words, { KUBECTL_EXTERNAL_DIFF: 'diff -u' });
  t.is(code, 1);
  t.regex(stdout, /^\+\+\+ /m);
});

onHost('an editor is run', async (t) => {
  const editor = path.join(folder, 'editor.sh');
  await writeFile(
    editor,
    '#!/bin/sh\nsed -i "s/deschedulingIntervalSeconds: .*/deschedulingIntervalSeconds: 77/" "$1"\n',
  );
  await chmod(editor, 0o755);
  const descheduler = { namespace: 'openshift-kube-descheduler-operator', name: 'cluster' };
  await cluster.apply({
    apiVersion: 'operator.openshift.io/v1',
    kind: 'KubeDescheduler',
    metadata: descheduler,
    spec: {},
  });
  const words = ['patch', 'descheduler-loadaware', '--edit', '--dry-run=client', '-o', 'yaml'];
  const { code, stdout, stderr } = await runPackaged(words, { KUBE_EDITOR: editor });
  t.is(code, 0, stderr);
  t.regex(stdout, /deschedulingIntervalSeconds.*77/);
});

onHost('it watches until Ctrl-C', async (t) => {
  const child = spawn(executable, ['status', '--watch', '--interval', '200ms'], {
    env: { KUBECONFIG: cluster.kubeconfig, HOME: folder },
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk;
  });
  await waitFor(() => printed.includes('swap-enable'), { what: 'the first look is printed' });
  child.kill('SIGINT');
  t.is(await exitCodeOf(child), 130);
});

onHost("what a shell sets for somebody's own programs in Node is nothing to it", async (t) => {
  const env = { NODE_OPTIONS: '--require=/no/such/file.js --no-such-option' };
  const { code, stderr } = await runPackaged(['version', '--client'], env);
  t.is(code, 0, stderr);
});

onHost('it works in a folder that is gone, with nothing on its PATH and without a home', async (t) => {
  const gone = path.join(folder, 'gone');
  await mkdir(gone);
  const script = `cd '${gone}' && rmdir '${gone}' && exec '${executable}' render -f '${fixture}' -o name`;
  const { stdout } = await run('/bin/sh', ['-c', script], { env: {} });
  t.regex(stdout, /^machineconfig\./m);
});

onHost('under another name it calls itself so', async (t) => {
  await symlink(executable, path.join(folder, 'kubectl-other_name'));
  const { stdout } = await run(path.join(folder, 'kubectl-other_name'), ['--help']);
  t.regex(stdout, /^ {2}kubectl other-name COMMAND/m);
});

onHost('the same commit gives the same bytes, in another folder and beside another build', async (t) => {
  t.timeout(300_000, 'it is built twice');
  const elsewhere = path.join(folder, 'some', 'other checkout');
  const temporary = path.join(folder, 'some', 'temporary');
  await mkdir(temporary, { recursive: true });
  const sources = ['assets', 'krew', 'plugin', 'shared', 'test/fixtures/clusters', 'package.json', 'package-lock.json'];
  for (const name of sources) await cp(path.join(root, name), path.join(elsewhere, name), { recursive: true });
  for (const name of ['node_modules', '.git']) await symlink(path.join(root, name), path.join(elsewhere, name));

  const build = async (checkout: string, out: string, env: Record<string, string>) => {
    const args = ['krew/executable/build.ts', '--platform', process.platform, '--arch', process.arch];
    const { stdout } = await run(process.execPath, [...args, '--commit', commit, '--out', path.join(folder, out)], {
      cwd: checkout,
      env: { PATH: process.env.PATH, ...env },
    });
    const content = await readFile(stdout.trim());
    t.is(content.indexOf(checkout), -1, 'it names the folder that it was built in');
    return createHash('sha256').update(content).digest('hex');
  };
  // From the copy both times: the sources here may be edited meanwhile.
  const again = path.join(folder, 'again');
  await cp(elsewhere, again, { recursive: true, verbatimSymlinks: true });
  const [one, other] = await Promise.all([
    build(elsewhere, 'one', { TMPDIR: temporary, TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8' }),
    build(again, 'other', { HOME: folder }),
  ]);
  t.is(one, other);
});

const arm64 = { platform: 'linux', arch: 'arm64' } as const;
// The emulator alone isn't enough: where Debian has the libraries of that architecture, as any Linux has its own.
const arm64Libraries = '/usr/aarch64-linux-gnu';
const canRunArm64 = isOnPath('qemu-aarch64') && existsSync(path.join(arm64Libraries, 'lib/libatomic.so.1'));
const onArm64 = canRunArm64 ? test.serial : test.skip;
onArm64('the one for linux/arm64 runs (needs qemu-user, libstdc++6-arm64-cross, libatomic1-arm64-cross)', async (t) => {
  t.timeout(300_000, 'it is emulated');
  const built = await buildExecutable({ ...arm64, version, commit, out: path.join(folder, 'arm64') });
  const words = ['render', '-f', fixture];
  const emulated = ['-L', arm64Libraries, built, ...words];
  const { stdout } = await run('qemu-aarch64', emulated, { maxBuffer: 64 * 1024 * 1024 });
  t.is(stdout, (await runCheckout(words)).stdout);
});

type Ran = Awaited<ReturnType<typeof cluster.kubectl>>;

/** As somebody has it who installed it: the real kubectl, and no Node. */
function runPackaged(words: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const PATH = [cluster.controlPlane.binDir, packaged, '/usr/bin', '/bin'].join(path.delimiter);
  return cluster.kubectl(['virt-platform', ...words], { env: { PATH, ...env } });
}

function runCheckout(words: readonly string[]): Promise<Ran> {
  return cluster.kubectl(['virt-platform', ...words]);
}

/** Both are run at about the same time, and not at the very same. */
function timeless({ stdout, stderr, code }: Ran): Ran {
  const without = (printed: string) => printed.replace(/\b\d+[smhd](\d+[smhd])?(?= ago)/g, 'AGE');
  return { stdout: without(stdout), stderr: without(stderr), code };
}

function exitCodeOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}
