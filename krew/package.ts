import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };
import { goPlatform } from '../plugin/build-info.ts';
import type { ArchiveEntry } from './archive/entry.ts';
import { tarGz } from './archive/tar-gz.ts';
import { zip } from './archive/zip.ts';
import { buildExecutable } from './executable/build.ts';
import { commitDate, headCommit } from './executable/commit.ts';
import { nodeProgram } from './executable/node-program.ts';
import { executableName, type Target, targets } from './executable/targets.ts';
import { krewManifest, type PluginArchive, pluginName } from './krew-manifest.ts';
import { signAdHoc } from './macos/sign-ad-hoc.ts';
import { licenceNotice } from './notices/licence-notice.ts';
import { directDependencies, type Lock, productionPackages } from './notices/production-packages.ts';
import { sbom } from './notices/sbom.ts';

const root = path.resolve(import.meta.dirname, '..');
const noticeName = 'THIRD-PARTY-LICENSES';

export type PackageOptions = {
  /** The folder for everything that is made; made where there is none. */
  readonly out: string;
  /** Default: all that can be built. */
  readonly platforms?: readonly Target[];
  /** The commit that the sources are of. Default: the one that is checked out. */
  readonly commit?: string;
  /** Told in a line what is being done. */
  readonly log?: (line: string) => void;
};

/**
 * Makes what a release has of the plugin: an archive for each platform, checksums, SBOM, and krew's manifest. The same
 * commit gives the same bytes, in whatever folder, time zone and umask.
 *
 * @returns names of the files in `out`
 */
export async function packagePlugin({
  out,
  platforms = targets,
  commit: given,
  log = () => {},
}: PackageOptions): Promise<string[]> {
  const { version, homepage } = packageJson;
  const commit = given ?? (await headCommit());
  const modified = new Date(await commitDate(commit));
  const files = new Map<string, string | Buffer>();
  const archives: PluginArchive[] = [];

  const texts = await textsOf(platforms, { version, homepage, modified });
  const temporary = await mkdtemp(path.join(tmpdir(), 'virt-platform-package-'));
  try {
    for (const target of platforms) {
      log(`building for ${goPlatform(target)}`);
      const built = await buildExecutable({ ...target, version, commit, out: temporary });
      const executable = { name: executableName(target), content: await readFile(built), isExecutable: true };
      const entries = [signed(executable, target), ...texts.entries];
      const [os = '', arch = ''] = goPlatform(target).split('/');
      const format = os === 'windows' ? 'zip' : 'tar.gz';
      const file = `${pluginName}_v${version}_${os}_${arch}.${format}`;
      const archive = format === 'zip' ? zip(entries, { modified }) : tarGz(entries, { modified });
      files.set(file, archive);
      const names = entries.map(({ name }) => name).sort();
      archives.push({ os, arch, file, sha256: sha256(archive), executable: executable.name, files: names });
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }

  files.set(`${pluginName}_v${version}.cdx.json`, texts.sbom);
  files.set(`${pluginName}.yaml`, krewManifest(archives, { version, homepage }));
  files.set('SHA256SUMS', checksums(files));
  await mkdir(out, { recursive: true });
  for (const [file, content] of files) await writeFile(path.join(out, file), content);
  return [...files.keys()];
}

async function textsOf(
  platforms: readonly Target[],
  { version, homepage, modified }: { version: string; homepage: string; modified: Date },
): Promise<{ entries: ArchiveEntry[]; sbom: string }> {
  const lock: Lock = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8'));
  const packages = productionPackages(lock);
  const node = await nodeOf(platforms, lock);
  const notice = licenceNotice(packages, { root, node });
  return {
    entries: [
      { name: 'LICENSE', content: await readFile(path.join(root, 'LICENSE')), isExecutable: false },
      { name: noticeName, content: Buffer.from(notice), isExecutable: false },
    ],
    sbom: sbom(packages, { version, direct: directDependencies(lock), homepage, modified, node }),
  };
}

/** Of all platforms, whichever are built now: what is said of them is the same. */
async function nodeOf(platforms: readonly Target[], lock: Lock) {
  const packages = targets.map(({ nodePackage }) => ({
    name: nodePackage,
    ...lock.packages[`node_modules/${nodePackage}`],
  }));
  const versions = [...new Set(packages.map(({ version }) => version))];
  const [version] = versions;
  const [first] = platforms;
  if (version === undefined || versions.length > 1)
    throw new Error(`Not one Node for all: package-lock.json pins ${versions.join(', ')}`);
  if (first === undefined) throw new Error('There is no platform to build for');
  const license = await readFile(path.join(await nodeProgram(first), '../../LICENSE'), 'utf8');
  return { version, license, packages: packages.map(({ name, integrity = '' }) => ({ name, integrity })) };
}

/** For macOS, where building takes Node's signature away and an Apple silicon Mac runs nothing without one. */
function signed(executable: ArchiveEntry & { content: Buffer }, { platform }: Target): ArchiveEntry {
  if (platform !== 'darwin') return executable;
  return { ...executable, content: signAdHoc(executable.content, { identifier: executable.name }) };
}

/** As `sha256sum --check` and `shasum --check` read it. */
function checksums(files: ReadonlyMap<string, string | Buffer>): string {
  const lines = [...files].map(([file, content]) => `${sha256(content)}  ${file}\n`);
  return lines.join('');
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

const usage = `Usage: node krew/package.ts --out DIR [--platform OS/ARCH]… [--commit COMMIT]

Makes the plugin's archives, their checksums, SBOM and krew manifest. Platforms, all by default:
${targets.map(goPlatform).join(', ')}. COMMIT is what is checked out by default.`;

if (import.meta.main) await main();

async function main(): Promise<void> {
  try {
    const { values } = parseArgs({
      options: {
        out: { type: 'string' },
        platform: { type: 'string', multiple: true },
        commit: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      console.log(usage);
      return;
    }
    const { out, platform, commit } = values;
    if (out === undefined) throw new Error('--out is needed; see --help');
    const made = await packagePlugin({
      out,
      ...(platform !== undefined && { platforms: platform.map(targetNamed) }),
      ...(commit !== undefined && { commit }),
      log: (line) => console.error(line),
    });
    for (const file of made) console.log(path.join(out, file));
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 2;
  }
}

function targetNamed(name: string): Target {
  const target = targets.find((known) => goPlatform(known) === name);
  if (target === undefined) {
    throw new Error(`--platform is "${name}": there is a pinned Node for ${targets.map(goPlatform).join(', ')}`);
  }
  return target;
}
