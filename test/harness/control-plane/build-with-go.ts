import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from './run-command.ts';
import { kubernetesVersion } from './versions.ts';

const packages = [
  ['etcd', 'go.etcd.io/etcd/server/v3', 'half a minute'],
  ['kubectl', 'k8s.io/kubernetes/cmd/kubectl', 'a minute'],
  ['kube-apiserver', 'k8s.io/kubernetes/cmd/kube-apiserver', 'up to four minutes'],
] as const;

/** Builds the three binaries from their published modules, into a folder inside `temporary`. */
export async function buildWithGo(
  temporary: string,
  { env, log }: { env: NodeJS.ProcessEnv; log: (line: string) => void },
): Promise<{ version: string; directory: string }> {
  const module = path.join(temporary, 'module');
  const directory = path.join(temporary, 'bin');
  await mkdir(module);
  await mkdir(directory);
  const go = (...args: string[]) =>
    runCommand('go', args, { cwd: module, env: { ...env, CGO_ENABLED: '0', GOWORK: 'off' } });

  const version = await go('env', 'GOVERSION').catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === 'ENOENT' ? 'There is no go on the PATH to build with.' : error.message);
  });
  log(`building with ${version.trim()}, once, about five minutes on two cores; fetching the sources`);
  await writeModule(module, JSON.parse(await go('mod', 'download', '-json', `k8s.io/kubernetes@${kubernetesVersion}`)));

  for (const [name, importPath, duration] of packages) {
    log(`building ${name} (${duration})`);
    // -mod=mod: go.sum lacks the staging modules, which upstream has in its own tree.
    await go(
      'build',
      '-mod=mod',
      '-buildvcs=false',
      '-trimpath',
      '-ldflags',
      stamp(),
      '-o',
      path.join(directory, name),
      importPath,
    );
  }
  return { version: kubernetesVersion, directory };
}

/** Upstream's own go.mod and go.sum, so that every dependency is the version that Kubernetes was released with. */
async function writeModule(module: string, download: { Dir: string }): Promise<void> {
  const upstream = await readFile(path.join(download.Dir, 'go.mod'), 'utf8');
  const staging = kubernetesVersion.replace(/^v1/, 'v0');
  await writeFile(
    path.join(module, 'go.mod'),
    `${upstream
      .replace(/^module .*$/m, 'module control-plane')
      .replace(/(\S+) => \.\/staging\/\S+/g, `$1 => $1 ${staging}`)}\nrequire k8s.io/kubernetes ${kubernetesVersion}\n`,
  );
  await copyFile(path.join(download.Dir, 'go.sum'), path.join(module, 'go.sum'));
  // Copied from the module cache, where everything is read-only.
  await chmod(path.join(module, 'go.sum'), 0o644);
}

/** Without it kubectl can't parse the server's version. */
function stamp(): string {
  const [major, minor] = kubernetesVersion.slice(1).split('.');
  const values = {
    gitVersion: kubernetesVersion,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
  };
  const flags = Object.entries(values).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ['-s', '-w', ...flags].join(' ');
}
