import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { compileCatalog } from '../../shared/catalog/compile-catalog.ts';
import { prerender } from '../../shared/catalog/prerender.ts';
import { readCatalogFiles } from '../../shared/catalog/read-catalog-files.ts';
import { bundlePlugin } from './bundle.ts';
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
    await writeFile(path.join(folder, 'plugin.cjs'), await bundlePlugin(buildInfo));
    await writeFile(path.join(folder, 'catalog.json'), await catalogJson());
    const config = {
      // Relative, since they end up in the executable.
      main: 'plugin.cjs',
      output: name,
      executable: node,
      assets: { 'catalog.json': 'catalog.json' },
      disableExperimentalSEAWarning: true,
      // It can only be made by the Node that reads it.
      useCodeCache: target === host,
      // What somebody's shell sets for programs of their own (NODE_OPTIONS) is nothing to a plugin of kubectl.
      execArgvExtension: 'none',
    };
    await writeFile(path.join(folder, 'sea.json'), JSON.stringify(config));
    // The code cache holds hashes, which are seeded: with the same seed it is the same bytes each time.
    await run(builder, ['--random-seed=1', '--build-sea', 'sea.json'], { cwd: folder, env: {} });

    const file = path.resolve(out, name);
    await mkdir(path.dirname(file), { recursive: true });
    await moveInto(path.join(folder, name), file);
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function catalogJson(): Promise<string> {
  return JSON.stringify(prerender(compileCatalog(await readCatalogFiles(path.join(root, 'assets')))));
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
