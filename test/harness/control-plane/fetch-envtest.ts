import { createHash } from 'node:crypto';
import { chmod, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { runCommand } from './run-command.ts';
import { binaryNames, kubernetesVersion } from './versions.ts';

/** Where kubebuilder's envtest archives are listed with their checksums; setup-envtest reads the same file. */
const releasesUrl = 'https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml';

type Index = { releases?: Record<string, Record<string, { hash: string; selfLink: string }>> };

/** Downloads and unpacks the envtest archive of our version, or the newest of the same minor, into `temporary`. */
export async function fetchEnvtest(
  temporary: string,
  { platform, log, url = releasesUrl }: { platform: string; log: (line: string) => void; url?: string },
): Promise<{ version: string; directory: string }> {
  // Short: where the internet is not reachable, the next way must not wait for a TCP time-out.
  const index = parse(await (await get(url, { timeoutMs: 4_000 })).text()) as Index;
  const release = pickRelease(index, platform);

  log(`downloading ${release.link}`);
  const archive = Buffer.from(await (await get(release.link, { timeoutMs: 300_000 })).arrayBuffer());
  const digest = createHash('sha512').update(archive).digest('hex');
  if (digest !== release.hash) {
    throw new Error(`${release.link} has the SHA-512 ${digest}, and its index says ${release.hash}: not used.`);
  }

  const file = path.join(temporary, 'envtest.tar.gz');
  await writeFile(file, archive);
  await runCommand('tar', ['-xzf', file, '-C', temporary, '--strip-components=2']);
  const directory = path.join(temporary, 'bin');
  await runCommand('mkdir', ['-p', directory]);
  for (const name of binaryNames) {
    await rename(path.join(temporary, name), path.join(directory, name));
    await chmod(path.join(directory, name), 0o755);
  }
  return { version: release.version, directory };
}

function pickRelease(index: Index, platform: string): { version: string; link: string; hash: string } {
  const minor = kubernetesVersion.replace(/\.\d+$/, '');
  const versions = Object.keys(index.releases ?? {})
    .filter((version) => new RegExp(`^${minor.replace('.', '\\.')}\\.\\d+$`).test(version))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  for (const version of [kubernetesVersion, ...versions]) {
    const entry = index.releases?.[version]?.[`envtest-${version}-${platform}.tar.gz`];
    if (entry !== undefined) return { version, link: entry.selfLink, hash: entry.hash };
  }
  throw new Error(`There is no envtest archive of Kubernetes ${minor} for ${platform}.`);
}

async function get(url: string, { timeoutMs }: { timeoutMs: number }): Promise<Response> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return response;
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error && cause.message ? cause.message : message;
    throw new Error(`The envtest archive could not be had: GET ${url}: ${reason}.`, { cause: error });
  }
}
