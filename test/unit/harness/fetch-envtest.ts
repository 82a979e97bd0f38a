import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { fetchEnvtest } from '../../harness/control-plane/fetch-envtest.ts';

const quiet = { platform: 'linux-amd64', log: () => {} };

test('our version is taken when it is there, and unpacked', async (t) => {
  const url = await releases(t, ['v1.36.0', 'v1.36.3', 'v1.36.9', 'v1.37.0']);
  const { version, directory } = await fetchEnvtest(folder(t), { ...quiet, url });
  t.is(version, 'v1.36.3');
  t.is(readFileSync(path.join(directory, 'kubectl'), 'utf8'), 'kubectl v1.36.3');
});

test('otherwise the newest of the same minor', async (t) => {
  const url = await releases(t, ['v1.35.9', 'v1.36.2', 'v1.36.10', 'v1.36.9', 'v1.37.0']);
  const { version } = await fetchEnvtest(folder(t), { ...quiet, url });
  t.is(version, 'v1.36.10');
});

test('an archive with another checksum is refused', async (t) => {
  const url = await releases(t, ['v1.36.3'], 'f'.repeat(128));
  await t.throwsAsync(fetchEnvtest(folder(t), { ...quiet, url }), { message: /SHA-512.*not used/ });
});

test('a platform without an archive is told so', async (t) => {
  const url = await releases(t, ['v1.36.3']);
  await t.throwsAsync(fetchEnvtest(folder(t), { ...quiet, url, platform: 'plan9-mips' }), {
    message: 'There is no envtest archive of Kubernetes v1.36 for plan9-mips.',
  });
});

test('a network that is not there is told with its address', async (t) => {
  await t.throwsAsync(fetchEnvtest(folder(t), { ...quiet, url: 'http://127.0.0.1:1/releases.yaml' }), {
    message: /could not be had: GET http:\/\/127\.0\.0\.1:1\/releases\.yaml: /,
  });
});

/** Serves an index and archives as kubebuilder publishes them; returns the index's URL. */
async function releases(t: ExecutionContext, versions: readonly string[], hash?: string): Promise<string> {
  const server = createServer((request, response) => {
    const file = path.basename(request.url ?? '');
    if (file !== 'releases.yaml') return response.end(archiveOf(t, file));
    const entries = versions.map((version) => {
      const name = `envtest-${version}-linux-amd64.tar.gz`;
      const digest = hash ?? createHash('sha512').update(archiveOf(t, name)).digest('hex');
      return `  ${version}:\n    ${name}:\n      hash: ${digest}\n      selfLink: ${base}/${name}\n`;
    });
    return response.end(`releases:\n${entries.join('')}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return `${base}/releases.yaml`;
}

const archives = new Map<string, Buffer>();

/** Made once: the index's checksum and the download must be of the same bytes. */
function archiveOf(t: ExecutionContext, file: string): Buffer {
  const known = archives.get(file);
  if (known !== undefined) return known;
  const content = folder(t);
  const binaries = path.join(content, 'controller-tools/envtest');
  mkdirSync(binaries, { recursive: true });
  const version = /v[\d.]+\d/.exec(file)?.[0];
  for (const name of ['etcd', 'kube-apiserver', 'kubectl']) {
    writeFileSync(path.join(binaries, name), `${name} ${version}`);
  }
  const archive = execFileSync('tar', ['-czf', '-', '-C', content, 'controller-tools']);
  archives.set(file, archive);
  return archive;
}

function folder(t: ExecutionContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'envtest-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}
