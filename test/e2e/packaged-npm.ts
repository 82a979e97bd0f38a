import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { headCommit } from '../../krew/executable/commit.ts';
import { npmManifest } from '../../krew/npm/npm-manifest.ts';
import { packageForNpm } from '../../krew/npm/package.ts';
import { demoCluster } from '../harness/demo-cluster.ts';
import { useCluster } from '../helpers/cluster.ts';
import { docBlocks } from '../unit/docs/_doc-blocks.ts';

// The npm package, made here, and a fresh project that installs it with npm and the registry that npm is configured for.
const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const packageJson = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const commit = await headCommit();
const folder = await mkdtemp(path.join(tmpdir(), 'virt-platform-npm-'));
const project = path.join(folder, 'project');
const archive = await packageForNpm({ out: path.join(folder, 'dist'), commit });
const isInstalled = await installed();

const cluster = useCluster(test, { crds: 'none' });
const inProject = isInstalled ? test : test.skip;
test.after.always('nothing is left', () => rm(folder, { recursive: true, force: true }));

/** False where there is no network; whatever else goes wrong is a failure of ours. */
async function installed(): Promise<boolean> {
  const { typescript, '@types/node': nodeTypes } = packageJson.devDependencies;
  await mkdir(project);
  await writeFile(path.join(project, 'package.json'), '{ "private": true, "type": "module" }');
  const wanted = [archive, `typescript@${typescript}`, `@types/node@${nodeTypes}`];
  try {
    await run('npm', ['install', '--ignore-scripts', '--prefer-offline', ...wanted], { cwd: project });
    return true;
  } catch (error) {
    const { stderr } = error as { stderr: string };
    if (/\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b/.test(stderr)) return false;
    throw error;
  }
}

async function filesIn(archive_: string): Promise<string[]> {
  const { stdout } = await run('tar', ['-tzf', archive_]);
  return stdout.trim().split('\n').sort();
}

async function typeCheck(...files: readonly string[]): Promise<void> {
  const compilerOptions = { target: 'es2024', module: 'nodenext', strict: true, types: ['node'], outDir: 'out' };
  // The types of the package themselves are checked, too.
  const config = { compilerOptions: { ...compilerOptions, skipLibCheck: false }, files };
  await writeFile(path.join(project, 'tsconfig.json'), JSON.stringify(config));
  await run(process.execPath, ['node_modules/typescript/bin/tsc'], { cwd: project });
}

test('it holds JavaScript with types, the catalog and the licence; no sources, no tests, nothing of a checkout', async (t) => {
  const files = (await filesIn(archive)).map((file) => file.replace(/^package\//, ''));
  const { exports, bin } = npmManifest(packageJson);
  const published = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  );
  for (const file of [...published, ...Object.values(bin)]) t.true(files.includes(path.posix.normalize(file)), file);

  const tops = [...new Set(files.map((file) => file.split('/')[0]))];
  t.deepEqual(tops, [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'assets',
    'bin',
    'controller',
    'package.json',
    'plugin',
    'shared',
  ]);
  t.deepEqual(
    files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts')),
    [],
  );
  const assets = await readdir(path.join(root, 'assets'), { recursive: true, withFileTypes: true });
  t.is(files.filter((file) => file.startsWith('assets/')).length, assets.filter((entry) => entry.isFile()).length);
});

test('npm pack in a checkout is refused, with the command that makes the package', async (t) => {
  const out = path.join(folder, 'checkout');
  await mkdir(out);
  const packing = run('npm', ['pack', '--dry-run', '--pack-destination', out], {
    cwd: root,
    env: { ...process.env, npm_config_ignore_scripts: 'false' },
  });
  const { stderr } = (await t.throwsAsync(packing)) as Error & { stderr: string };
  t.regex(stderr, /^error: npm was to pack the checkout, .*"node krew\/npm\/package\.ts --out DIR"$/m);
  t.deepEqual(await readdir(out), []);
});

test('the same commit gives the same bytes', async (t) => {
  const again = await packageForNpm({ out: path.join(folder, 'again'), commit });
  t.true((await readFile(again)).equals(await readFile(archive)));
});

inProject('installing it brings what it needs, and no Node', async (t) => {
  const modules = await readdir(path.join(project, 'node_modules'));
  for (const name of Object.keys(packageJson.dependencies))
    t.true(existsSync(path.join(project, 'node_modules', name)), name);
  t.deepEqual(
    modules.filter((name) => name.startsWith('node-') || name === '@kubernetes'),
    [],
  );
});

inProject('everything that is exported can be imported, and has types', async (t) => {
  const subpaths = Object.entries<string>(packageJson.exports)
    .filter(([, file]) => file.endsWith('.ts'))
    .map(([subpath]) => `virt-platform/${subpath.slice('./'.length)}`);
  const imports = subpaths.map((subpath, index) => `import * as m${index} from '${subpath}';\n`);
  const names = subpaths.map((subpath, index) => `  '${subpath}': Object.keys(m${index}),\n`);
  await writeFile(
    path.join(project, 'all.js'),
    `${imports.join('')}console.log(JSON.stringify({\n${names.join('')}}));\n`,
  );
  const { stdout, stderr } = await run(process.execPath, ['all.js'], { cwd: project });
  t.is(stderr, '');
  const exported: Record<string, string[]> = JSON.parse(stdout);
  t.like(exported, { 'virt-platform/engine': ['plan'], 'virt-platform/client-node': ['connectionOf'] });
  for (const subpath of subpaths) t.true((exported[subpath]?.length ?? 0) > 0, subpath);

  // What takes another library's object has types only beside that library.
  const typed = subpaths.filter((subpath) => subpath !== 'virt-platform/client-node');
  const uses = typed.map((subpath, index) => `import * as m${index} from '${subpath}';\n`);
  const wrong =
    "import { plan } from 'virt-platform/engine';\n// @ts-expect-error: a number is no catalog\nplan(1, 2);\n";
  await writeFile(
    path.join(project, 'all.ts'),
    `${uses.join('')}export const all = [${typed.map((_, index) => `m${index}`)}];\n`,
  );
  await writeFile(path.join(project, 'wrong.ts'), wrong);
  await t.notThrowsAsync(() => typeCheck('all.ts', 'wrong.ts'));
});

inProject("the documentation's controller runs on the package as it does in a checkout", async (t) => {
  t.timeout(120_000);
  await demoCluster(cluster.controlPlane);
  for (const { mark, text } of docBlocks(await readFile(path.join(root, 'docs/library.md'), 'utf8'))) {
    if (mark.mark !== 'file') continue;
    await mkdir(path.dirname(path.join(project, mark.path)), { recursive: true });
    await writeFile(path.join(project, mark.path), text);
  }
  await typeCheck('keep.ts');
  const { stdout } = await run(process.execPath, ['out/keep.js'], {
    cwd: project,
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
  });
  t.is(stdout, 'welcome created\ndone\n');
});

inProject('npx runs the plugin, which knows its version and commit', async (t) => {
  const { stdout, stderr } = await run(
    'npx',
    ['--no-install', 'kubectl-virt_platform', 'version', '--client', '-o', 'json'],
    {
      cwd: project,
    },
  );
  t.notRegex(stderr, /error|Warning:/);
  t.like(JSON.parse(stdout).clientVersion, { gitVersion: `v${packageJson.version}`, gitCommit: commit });
});

inProject('with its programs on the PATH it is kubectl virt-platform, with the catalog', async (t) => {
  const searchPath = [path.join(project, 'node_modules/.bin'), path.dirname(process.execPath), '/usr/bin', '/bin'];
  const env = { PATH: searchPath.join(path.delimiter) };
  const files = path.join(root, 'test/fixtures/clusters/openshift');
  const { stdout, stderr } = await cluster.kubectl(
    ['virt-platform', 'render', 'psi-enable', '-o', 'name', '-f', files],
    { env },
  );
  t.is(stderr, 'note: there is no CRD among the files: all are taken as installed\n');
  t.is(stdout, 'machineconfig.machineconfiguration.openshift.io/99-openshift-machineconfig-worker-psi-karg\n');
});
