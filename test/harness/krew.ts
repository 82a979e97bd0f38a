import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { withFileLock } from './control-plane/file-lock.ts';
import { runCommand } from './control-plane/run-command.ts';

/** Its newest. */
export const krewVersion = 'v0.5.0';
const programs = [
  ['kubectl-krew', 'sigs.k8s.io/krew/cmd/krew'],
  ['validate-krew-manifest', 'sigs.k8s.io/krew/cmd/validate-krew-manifest'],
] as const;

/**
 * The folder that holds the real krew, as `kubectl-krew`, and what its index checks manifests with: from our cache, or
 * built with Go from the published module, once. Undefined where neither can be had, with the reason told to `log`.
 */
export async function findKrew({
  env = process.env,
  log = (line: string) => console.error(`krew: ${line}`),
}: {
  env?: NodeJS.ProcessEnv;
  log?: (line: string) => void;
} = {}): Promise<string | undefined> {
  const cache = path.join(env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'virt-platform', 'krew');
  const folder = path.join(cache, `${krewVersion}-${process.platform}-${process.arch}`);
  if (await isThere(folder)) return folder;

  await mkdir(cache, { recursive: true });
  return withFileLock(path.join(cache, 'lock'), async () => {
    if (await isThere(folder)) return folder;
    const temporary = path.join(cache, `tmp-${process.pid}`);
    try {
      log(`building ${krewVersion} with Go, once, about a minute`);
      await build(temporary, env);
      await rename(path.join(temporary, 'bin'), folder);
      return folder;
    } catch (error) {
      log(error instanceof Error ? error.message : String(error));
      return undefined;
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  });
}

async function build(temporary: string, env: NodeJS.ProcessEnv): Promise<void> {
  const module = path.join(temporary, 'module');
  await mkdir(module, { recursive: true });
  await writeFile(path.join(module, 'go.mod'), `module krew\n\ngo 1.25\n\nrequire sigs.k8s.io/krew ${krewVersion}\n`);
  const go = (...args: string[]) =>
    runCommand('go', args, { cwd: module, env: { ...env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=mod' } });
  for (const [name, importPath] of programs) {
    await go('build', '-trimpath', '-ldflags', '-s -w', '-o', path.join(temporary, 'bin', name), importPath);
  }
}

async function isThere(folder: string): Promise<boolean> {
  const checks = programs.map(([name]) => access(path.join(folder, name)));
  return Promise.all(checks).then(
    () => true,
    () => false,
  );
}
