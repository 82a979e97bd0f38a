import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { parse } from 'yaml';
import { headCommit } from '../../krew/executable/commit.ts';
import { nodeProgram } from '../../krew/executable/node-program.ts';
import { type Target, targets } from '../../krew/executable/targets.ts';
import { type Lock, productionPackages } from '../../krew/notices/production-packages.ts';
import { goPlatform } from '../../plugin/build-info.ts';
import { findKrew } from '../harness/krew.ts';
import { isOnPath } from '../harness/tools.ts';
import { useCluster } from '../helpers/cluster.ts';
import { activated, hyperConverged, makeNamespaces } from '../integration/_plugin.ts';
import { verifySignature } from '../unit/krew/macos/_verify-signature.ts';

// What a release has of the plugin, made here, installed by the real krew and by hand, and run through the real kubectl.
const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));

// Both may need the internet, once; what can't be had is skipped, by name.
const krew = await findKrew();
const host = targets.find(({ platform, arch }) => platform === process.platform && arch === process.arch);
const available = new Set<Target>();
for (const target of targets) {
  await nodeProgram(target).then(
    () => available.add(target),
    () => {},
  );
}
const withKrew = krew === undefined ? test.skip : test;
const onHost = host === undefined || !available.has(host) ? test.skip : test;
const onHostWithKrew = krew === undefined ? test.skip : onHost;

const commit = await headCommit();
const folder = await mkdtemp(path.join(tmpdir(), 'virt-platform-packaged-'));
const checkout = path.join(folder, 'checkout');
const dist = path.join(folder, 'dist');
const cluster = useCluster(test);
test.after.always('nothing is left', () => rm(folder, { recursive: true, force: true }));

test.serial.before('the plugin is packaged', async (t) => {
  t.timeout(400_000, 'it takes half a minute of work');
  await copyCheckout();
  const platforms = [...available].flatMap((target) => ['--platform', goPlatform(target)]);
  await run(process.execPath, ['krew/package.ts', '--out', dist, '--commit', commit, ...platforms], { cwd: checkout });
});

/** The sources as they are now, whatever is edited meanwhile. Files, not links: what is bundled is found by its path. */
async function copyCheckout(): Promise<void> {
  const lock: Lock = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8'));
  const dependencies = productionPackages(lock).map(({ folder: installed }) => installed);
  const files = ['LICENSE', 'package-lock.json', 'package.json'];
  const sources = ['assets', 'controller', 'krew', 'plugin', 'shared', 'test/fixtures', ...files];
  for (const name of [...sources, ...dependencies]) {
    await cp(path.join(root, name), path.join(checkout, name), { recursive: true });
  }
  // These are only run.
  for (const name of ['esbuild', '@esbuild', ...targets.map(({ nodePackage }) => nodePackage)]) {
    const installed = path.join(root, 'node_modules', name);
    if (existsSync(installed)) await symlink(installed, path.join(checkout, 'node_modules', name));
  }
  const { stdout: gitFolder } = await run('git', ['rev-parse', '--absolute-git-dir'], { cwd: root });
  await writeFile(path.join(checkout, '.git'), `gitdir: ${gitFolder}`);
}

const inDist = (file: string) => path.join(dist, file);
const archiveFor = (target: Target) => {
  const [os, arch] = goPlatform(target).split('/');
  return `virt-platform_v${version}_${os}_${arch}.${os === 'windows' ? 'zip' : 'tar.gz'}`;
};

/** Only what krew and kubectl need: no Node to be found. */
function surroundings(...folders: readonly string[]): Record<string, string> {
  return { PATH: [...folders, '/usr/bin', '/bin'].join(path.delimiter), HOME: folder, TMPDIR: folder };
}

async function install(
  target: Target,
  { name, archive = inDist(archiveFor(target)) }: { name: string; archive?: string },
): Promise<{ env: Record<string, string>; root: string; said: string }> {
  const krewRoot = path.join(folder, name);
  const [os = '', arch = ''] = goPlatform(target).split('/');
  const env = {
    ...surroundings(path.join(krewRoot, 'bin'), krew ?? '', cluster.controlPlane.binDir),
    ...{ KREW_ROOT: krewRoot, KREW_OS: os, KREW_ARCH: arch },
  };
  const args = ['krew', 'install', `--manifest=${inDist('virt-platform.yaml')}`, `--archive=${archive}`];
  const { stderr } = await run('kubectl', args, { env });
  return { env, root: krewRoot, said: stderr };
}

withKrew("the manifest passes the checks of krew's index", async (t) => {
  const { stderr } = await run(path.join(krew ?? '', 'validate-krew-manifest'), [
    ...['-manifest', inDist('virt-platform.yaml'), '-skip-install'],
  ]);
  t.regex(stderr, /structural validation OK/);
  t.regex(stderr, /no overlapping/);
});

for (const target of targets) {
  const withBoth = available.has(target) ? withKrew : test.skip;
  withBoth(`krew installs the archive for ${goPlatform(target)}`, async (t) => {
    const suffix = target.platform === 'win32' ? '.exe' : '';
    const installed = await install(target, { name: `krew-${target.platform}-${target.arch}` });
    t.regex(installed.said, /Installed plugin: virt-platform/);
    const store = path.join(installed.root, 'store/virt-platform', `v${version}`);
    t.deepEqual((await readdir(store)).sort(), ['LICENSE', 'THIRD-PARTY-LICENSES', `kubectl-virt_platform${suffix}`]);
    t.is((await lstat(path.join(store, `kubectl-virt_platform${suffix}`))).mode & 0o111, 0o111);
    t.true((await lstat(path.join(installed.root, 'bin', `kubectl-virt_platform${suffix}`))).isSymbolicLink());
  });
}

onHostWithKrew('krew refuses an archive of which one byte is another', async (t) => {
  if (host === undefined) return t.fail();
  const content = await readFile(inDist(archiveFor(host)));
  content[1000] = (content[1000] ?? 0) ^ 1;
  const archive = path.join(folder, 'tampered.tar.gz');
  await writeFile(archive, content);
  const error = await t.throwsAsync(() => install(host, { name: 'krew-tampered', archive }));
  t.regex(error?.message ?? '', /checksum does not match/);
});

onHostWithKrew(
  'installed by krew, it is kubectl virt-platform, without any Node beside it, and goes again',
  async (t) => {
    if (host === undefined) return t.fail();
    await makeNamespaces(cluster);
    await cluster.apply([hyperConverged(activated)]);
    const { env, root: krewRoot } = await install(host, { name: 'krew-used' });
    const kubectl = (...args: string[]) => cluster.kubectl(args, { env });

    const client = await kubectl('virt-platform', 'version', '--client', '-o', 'json');
    t.is(client.stderr, '');
    t.like(JSON.parse(client.stdout).clientVersion, {
      gitVersion: `v${version}`,
      gitCommit: commit,
      platform: goPlatform(host),
    });
    const status = await kubectl('virt-platform', 'status', 'psi-enable', '-o', 'json');
    t.is(status.stderr, '');
    t.like(JSON.parse(status.stdout), { kind: 'Status', activation: { state: 'active' }, summary: { create: 1 } });

    const completion = await kubectl('virt-platform', 'completion', 'install');
    t.is(completion.stdout, `${path.join(krewRoot, 'bin/kubectl_complete-virt_platform')} created\n`);
    t.regex((await kubectl('__complete', 'virt-platform', 'stat')).stdout, /^status\t/);

    // To list and uninstall krew wants an index, cloned from the internet; docs/install.md says what helps without.
    t.regex((await kubectl('krew', 'uninstall', 'virt-platform')).stderr, /krew local plugin index is not initialized/);
    await run('git', ['init', '--quiet', path.join(krewRoot, 'index/default')]);
    t.is((await kubectl('krew', 'list')).stdout, 'detached/virt-platform\n');
    t.is((await kubectl('krew', 'uninstall', 'virt-platform')).code, 0);
    t.regex((await kubectl('virt-platform', 'version', '--client')).stderr, /unknown command "virt-platform"/);
  },
);

onHostWithKrew(
  'the verification that a release has to pass, passes, and one for another platform does not',
  async (t) => {
    if (host === undefined) return t.fail();
    const env = surroundings(krew ?? '');
    const verify = path.join(root, 'krew/verify-archive.sh');
    const { stdout } = await run(verify, [dist, goPlatform(host)], { env });
    t.true(stdout.endsWith(`${archiveFor(host)} is fine\n`));
    const error = await t.throwsAsync(() => run(verify, [dist, 'plan9/amd64'], { env }));
    t.regex(error?.message ?? '', /error: not one archive for plan9\/amd64/);
  },
);

onHost('by hand: its checksum is right, it is unpacked and linked, and it is kubectl virt-platform', async (t) => {
  if (host === undefined) return t.fail();
  const sums = await readFile(inDist('SHA256SUMS'), 'utf8');
  t.is(sums.trim().split('\n').length, (await readdir(dist)).length - 1, 'one for every other file');
  const check = isOnPath('sha256sum') ? ['sha256sum', '--check'] : ['shasum', '-a', '256', '--check'];
  await run(check[0] ?? '', [...check.slice(1), 'SHA256SUMS'], { cwd: dist });

  const [unpacked, bin] = [path.join(folder, 'unpacked'), path.join(folder, 'bin')];
  for (const made of [unpacked, bin]) await mkdir(made);
  await run('tar', ['-xzf', inDist(archiveFor(host)), '-C', unpacked]);
  await symlink(path.join(unpacked, 'kubectl-virt_platform'), path.join(bin, 'kubectl-virt_platform'));
  const { stdout } = await cluster.kubectl(['virt-platform', 'version', '--client'], { env: surroundings(bin) });
  t.true(stdout.includes(`v${version}`));
});

onHost('the same commit gives the same bytes: in another folder, time zone, umask and language', async (t) => {
  if (host === undefined) return t.fail();
  t.timeout(300_000);
  const elsewhere = path.join(folder, 'else/where');
  await cp(checkout, elsewhere, { recursive: true, verbatimSymlinks: true });
  const out = path.join(folder, 'again');
  const build = [process.execPath, 'krew/package.ts', '--out', out, '--platform', goPlatform(host), '--commit', commit];
  await run('sh', ['-c', 'umask 077; exec "$@"', 'sh', ...build], {
    cwd: elsewhere,
    env: { ...process.env, TZ: 'Pacific/Chatham', LC_ALL: 'tr_TR.UTF-8', NODE_OPTIONS: '' },
  });
  for (const file of [archiveFor(host), `virt-platform_v${version}.cdx.json`]) {
    t.true((await readFile(path.join(out, file))).equals(await readFile(inDist(file))), file);
  }
});

for (const target of targets.filter(({ platform }) => platform === 'darwin')) {
  const built = available.has(target) ? test : test.skip;
  built(`the executable for ${goPlatform(target)} is signed ad hoc, and each page has its hash`, async (t) => {
    const executable = await readFile(await unpackedFor(target));
    const { identifier, isAdHoc, mistakes } = verifySignature(executable);
    t.deepEqual(mistakes, []);
    t.true(isAdHoc);
    t.is(identifier, 'kubectl-virt_platform');
    // Apple signed the Node that it is made from: what reads our signature has to take theirs.
    t.deepEqual(verifySignature(await readFile(await nodeProgram(target))).mistakes, []);
  });

  const withGo = isOnPath('go') ? built : test.skip;
  withGo(`to Go, which reads Mach-O by itself, the executable for ${goPlatform(target)} is whole`, async (t) => {
    t.timeout(200_000);
    const program = path.join(folder, `read-${target.arch}.go`);
    await writeFile(program, readMachO);
    const { stdout } = await run('go', ['run', program, await unpackedFor(target)], {
      env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
    });
    const { segments, signature, symbols, size } = JSON.parse(stdout);
    const last = segments.at(-1);
    t.is(last.name, '__LINKEDIT');
    t.is(last.offset + last.filesz, size);
    t.is(signature.offset + signature.size, size);
    t.true(symbols > 10_000, 'the table of symbols is in its place');
    t.true(segments.some(({ name }: { name: string }) => name === 'NODE_SEA'));
  });
}

async function unpackedFor(target: Target): Promise<string> {
  const into = await mkdtemp(path.join(folder, 'darwin-'));
  await run('tar', ['-xzf', inDist(archiveFor(target)), '-C', into]);
  return path.join(into, 'kubectl-virt_platform');
}

/** Prints what Go's debug/macho makes of a file; it fails for one whose load commands or symbols don't add up. */
const readMachO = `package main

import (
	"debug/macho"
	"encoding/binary"
	"encoding/json"
	"os"
)

func main() {
	file, err := macho.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	info, err := os.Stat(os.Args[1])
	if err != nil {
		panic(err)
	}
	segments := []map[string]any{}
	signature := map[string]uint32{}
	for _, load := range file.Loads {
		if s, ok := load.(*macho.Segment); ok {
			if _, err := s.Data(); err != nil {
				panic(err)
			}
			segments = append(segments, map[string]any{"name": s.Name, "offset": s.Offset, "filesz": s.Filesz})
		}
		raw := load.Raw()
		if binary.LittleEndian.Uint32(raw) == 0x1d {
			signature["offset"] = binary.LittleEndian.Uint32(raw[8:])
			signature["size"] = binary.LittleEndian.Uint32(raw[12:])
		}
	}
	out := map[string]any{"segments": segments, "signature": signature, "symbols": len(file.Symtab.Syms), "size": info.Size()}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		panic(err)
	}
}
`;

test('the manifest names the archives that are there, and what is in them', async (t) => {
  const { spec } = parse(await readFile(inDist('virt-platform.yaml'), 'utf8'));
  const files: string[] = spec.platforms.map(({ uri }: { uri: string }) => path.basename(uri));
  t.deepEqual(files.sort(), [...available].map(archiveFor).sort());
});
