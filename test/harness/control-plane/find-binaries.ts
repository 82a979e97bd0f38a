import { constants } from 'node:fs';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { buildWithGo } from './build-with-go.ts';
import { fetchEnvtest } from './fetch-envtest.ts';
import { withFileLock } from './file-lock.ts';
import { binaryNames, kubernetesVersion } from './versions.ts';

export type FindBinariesOptions = {
  /** Honoured: `KUBEBUILDER_ASSETS`, `XDG_CACHE_HOME`, and what `go` reads. Default: this process's environment. */
  env?: NodeJS.ProcessEnv;
  /** Told in one line what is going on, when it takes longer than a look. Default: a line on stderr. */
  log?: (line: string) => void;
};

/**
 * The folder that holds etcd, kube-apiserver and kubectl: `$KUBEBUILDER_ASSETS`, our cache, the envtest release archive,
 * or a build with Go, in this order. Safe to call from several processes at once: one fetches, the others wait.
 */
export async function findBinaries({
  env = process.env,
  log = (line) => console.error(`control plane: ${line}`),
}: FindBinariesOptions = {}): Promise<string> {
  const given = env.KUBEBUILDER_ASSETS;
  if (given) {
    const missing = await missingIn(given);
    if (missing.length === 0) return path.resolve(given);
    throw new Error(`KUBEBUILDER_ASSETS is ${given}, which has no ${missing.join(', ')}: correct it, or unset it.`);
  }

  const cache = path.join(env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'virt-platform', 'control-plane');
  const cached = await newestCached(cache);
  if (cached !== undefined) return cached;

  await mkdir(cache, { recursive: true });
  return withFileLock(
    path.join(cache, 'lock'),
    async () => (await newestCached(cache)) ?? (await provide(cache, env, log)),
    { onWait: (pid) => log(`waiting for process ${pid}, which is getting the binaries`) },
  );
}

async function provide(cache: string, env: NodeJS.ProcessEnv, log: (line: string) => void): Promise<string> {
  const temporary = path.join(cache, `tmp-${process.pid}`);
  const failures: string[] = [];
  for (const source of [fetchEnvtest, buildWithGo]) {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary);
    try {
      const { version, directory } = await source(temporary, { platform: platform(), env, log });
      const destination = path.join(cache, `${version}-${platform()}`);
      await rename(directory, destination);
      log(`ready in ${destination}`);
      return destination;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(reason);
      log(reason);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
  throw new Error(
    `No etcd, kube-apiserver and kubectl to test on:\n${failures.map((reason) => `  - ${reason}`).join('\n')}\n` +
      'Install Go (https://go.dev/dl), or allow access to github.com, or set KUBEBUILDER_ASSETS to a folder that has them.',
  );
}

async function newestCached(cache: string): Promise<string | undefined> {
  const minor = kubernetesVersion.replace(/\.\d+$/, '');
  const found = (await readdir(cache).catch(() => []))
    .filter((name) => name.startsWith(`${minor}.`) && name.endsWith(`-${platform()}`))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  for (const name of found) {
    const directory = path.join(cache, name);
    if ((await missingIn(directory)).length === 0) return directory;
  }
  return undefined;
}

async function missingIn(directory: string): Promise<string[]> {
  const checks = binaryNames.map(async (name) => {
    const isThere = await access(path.join(directory, name), constants.X_OK).then(
      () => true,
      () => false,
    );
    return isThere ? [] : [name];
  });
  return (await Promise.all(checks)).flat();
}

/** Go's words for this machine, as in the names of the envtest archives. */
function platform(): string {
  return `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
}
