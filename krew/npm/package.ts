import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import type { BuildInfo } from '../../plugin/build-info.ts';
import { commitDate, headCommit } from '../executable/commit.ts';
import { npmManifest, program } from './npm-manifest.ts';

const root = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/**
 * Makes the npm package: our sources as JavaScript with their types, the catalog, and the plugin as a program.
 *
 * @param out - the folder to put it in; made where there is none
 * @returns the file's path
 */
export async function packageForNpm({ out, commit }: { out: string; commit: string }): Promise<string> {
  const gitVersion = `v${packageJson.version}`;
  const info: BuildInfo = { gitVersion, gitCommit: commit, buildDate: await commitDate(commit) };
  const folder = await mkdtemp(path.join(tmpdir(), 'virt-platform-npm-'));
  try {
    await compile(folder);
    for (const name of ['assets', 'LICENSE', 'README.md', 'CHANGELOG.md']) {
      await cp(path.join(root, name), path.join(folder, name), { recursive: true });
    }
    await writeFile(path.join(folder, 'package.json'), `${JSON.stringify(npmManifest(packageJson), undefined, 2)}\n`);
    const file = path.join(folder, program.file);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, starter(info));
    await chmod(file, 0o755);

    await mkdir(out, { recursive: true });
    const { stdout } = await run(
      'npm',
      ['pack', '--json', '--ignore-scripts', `--pack-destination=${path.resolve(out)}`],
      {
        cwd: folder,
        shell: process.platform === 'win32',
      },
    );
    return path.join(out, JSON.parse(stdout)[0].filename);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Everything that is exported, and the plugin, with all that they import: nothing else of ours is published. */
async function compile(folder: string): Promise<void> {
  const exported = Object.values(packageJson.exports).filter((file) => file.endsWith('.ts'));
  const config = {
    extends: path.join(root, 'tsconfig.json'),
    compilerOptions: {
      ...{ noEmit: false, declaration: true, rewriteRelativeImportExtensions: true },
      ...{ rootDir: root, outDir: folder, typeRoots: [path.join(root, 'node_modules/@types')] },
      // What the oldest Node of npm-manifest.ts knows.
      ...{ target: 'es2024', lib: ['es2024'] },
    },
    files: [...exported, 'plugin/main.ts'].map((file) => path.join(root, file)),
    ...{ include: [], exclude: [] },
  };
  const configFile = path.join(folder, 'tsconfig.json');
  await writeFile(configFile, JSON.stringify(config));
  await run(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', configFile]).catch((error) => {
    throw new Error(`The sources don't compile:\n${error.stdout}`, { cause: error });
  });
  await rm(configFile);
}

function starter(info: BuildInfo): string {
  return `#!/usr/bin/env node
globalThis.VIRT_PLATFORM_BUILD = ${JSON.stringify(info)};
await import('../plugin/main.js');
`;
}

const usage = `Usage: node krew/npm/package.ts --out DIR [--commit COMMIT]

Makes the npm package and prints its path. COMMIT is what is checked out by default.`;

if (import.meta.main) await main();

async function main(): Promise<void> {
  try {
    const { values } = parseArgs({
      options: { out: { type: 'string' }, commit: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(usage);
      return;
    }
    if (values.out === undefined) throw new Error('--out is needed; see --help');
    console.log(await packageForNpm({ out: values.out, commit: values.commit ?? (await headCommit()) }));
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 2;
  }
}
