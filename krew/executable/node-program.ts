import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Target } from './targets.ts';

const root = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/**
 * The Node program of a platform, of exactly the bytes that package-lock.json pins: the one that `npm ci` installed and
 * checked, or else the package from the registry, checked here and kept in the user's cache.
 *
 * @returns its absolute path
 * @throws where the package can't be had, or isn't the pinned one
 */
export async function nodeProgram({ nodePackage, nodePath }: Target): Promise<string> {
  const { version, integrity } = await pinned(nodePackage);
  const installed = path.join(root, 'node_modules', nodePackage);
  if ((await versionIn(installed)) === version && existsSync(path.join(installed, nodePath))) {
    return path.join(installed, nodePath);
  }

  const cache = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'virt-platform', 'node');
  const kept = path.join(cache, `${nodePackage}-${version}`);
  if (!existsSync(path.join(kept, nodePath))) await fetchInto(kept, `${nodePackage}@${version}`, integrity);
  return path.join(kept, nodePath);
}

async function pinned(nodePackage: string): Promise<{ version: string; integrity: string }> {
  const lock = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8'));
  const { version, integrity } = lock.packages[`node_modules/${nodePackage}`] ?? {};
  if (typeof version !== 'string' || typeof integrity !== 'string')
    throw new Error(`package-lock.json pins no ${nodePackage}: run "npm install" and look at what it changes`);
  return { version, integrity };
}

async function versionIn(folder: string): Promise<string | undefined> {
  try {
    return JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}

async function fetchInto(destination: string, spec: string, integrity: string): Promise<void> {
  await mkdir(path.dirname(destination), { recursive: true });
  const temporary = await mkdtemp(`${destination}-`);
  try {
    const archive = path.join(temporary, await pack(spec, temporary));
    checkIntegrity(await readFile(archive), { spec, integrity });
    await run('tar', ['-xzf', archive, '-C', temporary]);
    // In one step, so that nobody finds half of it. Who was quicker has put the same bytes there.
    await rename(path.join(temporary, 'package'), destination).catch((error: unknown) => {
      if (!existsSync(destination)) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function pack(spec: string, folder: string): Promise<string> {
  try {
    const { stdout } = await run('npm', ['pack', spec, '--json', '--ignore-scripts'], {
      cwd: folder,
      shell: process.platform === 'win32',
    });
    return JSON.parse(stdout)[0].filename;
  } catch (error) {
    throw new Error(
      `Could not get ${spec} from the npm registry: ${(error as Error).message.trim().replaceAll(/\s*\n\s*/g, '; ')}`,
      { cause: error },
    );
  }
}

/** @throws unless the bytes are those of a lockfile's integrity (`sha512-…`) */
export function checkIntegrity(
  archive: Uint8Array,
  { spec, integrity }: { readonly spec: string; readonly integrity: string },
): void {
  const [algorithm = '', digest] = integrity.split('-', 2);
  const got = createHash(algorithm).update(archive).digest('base64');
  if (algorithm !== 'sha512' || got !== digest)
    throw new Error(`${spec} isn't what package-lock.json pins: its digest is ${algorithm}-${got}, not ${integrity}`);
}
