import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { compileCatalog } from '../../shared/catalog/compile-catalog.ts';
import { prerender } from '../../shared/catalog/prerender.ts';
import { readCatalogFiles } from '../../shared/catalog/read-catalog-files.ts';
import { bundleMain, bundlePlugin } from './bundle.ts';
import { commitDate, headCommit } from './commit.ts';
import { nodeProgram } from './node-program.ts';
import { executableName, type TargetName, targetOf, targets } from './targets.ts';

const root = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

export type ExecutableOptions = TargetName & {
  /** Without `v`, as in package.json. */
  readonly version: string;
  /** The commit that the sources are of; its time is the build's date. */
  readonly commit: string;
  /** The folder to put it in; made where there is none. */
  readonly out: string;
};

/**
 * Builds the plugin as one executable file that needs nothing else. The same commit gives the same bytes, whenever and
 * in whatever folder it is built.
 *
 * @returns the file's absolute path: `kubectl-virt_platform`, on Windows with `.exe`
 * @throws where it can't be built; then nothing is left in `out`
 */
export async function buildExecutable({ platform, arch, version, commit, out }: ExecutableOptions): Promise<string> {
  const target = targetOf({ platform, arch });
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?(\+[\w.]+)?$/.test(version))
    throw new Error(`"${version}" is no version: expected one like ${packageJson.version}, without v`);
  const buildInfo = { gitVersion: `v${version}`, gitCommit: commit, buildDate: await commitDate(commit) };
  const node = await nodeProgram(target);
  const host = targets.find((known) => known.platform === process.platform && known.arch === process.arch);
  const builder = host === undefined ? process.execPath : await nodeProgram(host);

  const folder = await mkdtemp(path.join(tmpdir(), 'virt-platform-build-'));
  try {
    const name = executableName(target);
    const write = (file: string, content: string) => writeFile(path.join(folder, file), content);
    await write('main.cjs', await bundleMain());
    await write('plugin.cjs', await bundlePlugin(buildInfo));
    await write('catalog.json', await catalogJson());
    await write('plugin.cache', '');
    // It can only be made by the Node that reads it.
    if (target === host) await makeCodeCache(node, folder);
    const config = {
      // Relative, since the paths end up in the executable.
      main: 'main.cjs',
      output: name,
      executable: node,
      assets: Object.fromEntries(['plugin.cjs', 'plugin.cache', 'catalog.json'].map((file) => [file, file])),
      disableExperimentalSEAWarning: true,
      // A short program has no time to collect garbage, and on a small machine threads that compile for later take the
      // processor from it.
      execArgv: ['--min-semi-space-size=16', '--v8-pool-size=1'],
      // What somebody's shell sets for programs of their own (NODE_OPTIONS) is nothing to a plugin of kubectl.
      execArgvExtension: 'none',
    };
    await write('sea.json', JSON.stringify(config));
    await run(builder, ['--build-sea', 'sea.json'], { cwd: folder, env: {} });

    const file = path.resolve(out, name);
    await mkdir(path.dirname(file), { recursive: true });
    await moveInto(path.join(folder, name), file);
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// Of the same bundle the same bytes: nothing may differ by a seed, by the environment, or by when memory is collected
// (with as much as this it never is).
const sameEachTime = ['--random-seed=1', '--predictable', '--min-semi-space-size=256', '--max-semi-space-size=256'];

async function makeCodeCache(node: string, folder: string): Promise<void> {
  const warmUp = path.join(import.meta.dirname, 'warm-up.ts');
  await run(node, [...sameEachTime, warmUp, folder], { env: {} });
}

async function catalogJson(): Promise<string> {
  const catalog = prerender(compileCatalog(await readCatalogFiles(path.join(root, 'assets'))));
  // Plain ASCII is read faster.
  return JSON.stringify(catalog).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

// The temporary folder may be another file system. What is run from `file` now keeps its own bytes.
async function moveInto(from: string, file: string): Promise<void> {
  const beside = `${file}.tmp-${process.pid}`;
  try {
    await copyFile(from, beside);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

const usage = `Usage: node krew/executable/build.ts --platform PLATFORM --arch ARCH --out DIR [--version VERSION] [--commit COMMIT]

Builds the plugin as one executable and prints its path. Platforms: ${targets.map(({ platform, arch }) => `${platform} ${arch}`).join(', ')}.
VERSION is package.json's without it, COMMIT the one that is checked out.`;

if (import.meta.main) await main();

async function main(): Promise<void> {
  try {
    const { values } = parseArgs({
      options: {
        platform: { type: 'string' },
        arch: { type: 'string' },
        out: { type: 'string' },
        version: { type: 'string' },
        commit: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      console.log(usage);
      return;
    }
    const { platform, arch, out, version = packageJson.version, commit = await headCommit() } = values;
    if (platform === undefined || arch === undefined || out === undefined)
      throw new Error('--platform, --arch and --out are needed; see --help');
    console.log(await buildExecutable({ platform, arch, version, commit, out }));
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 2;
  }
}
