import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { type AnyObject, useCluster } from '../helpers/cluster.ts';

const folder = path.resolve(import.meta.dirname, '../fixtures/clusters');
const cluster = useCluster(test);

for (const name of ['openshift', 'plain-kubernetes']) {
  test.serial(`kubectl applies the cluster ${name}, and then its status`, async (t) => {
    const files = path.join(folder, name);
    const strictly = ['apply', '--server-side', '--force-conflicts', '--validate=strict'];
    const objects = await cluster.kubectl([...strictly, '-f', files]);
    t.is(objects.code, 0, objects.stderr);
    for (const file of await filesWithStatus(files)) {
      const status = await cluster.kubectl([...strictly, '--subresource=status', '-f', file]);
      t.is(status.code, 0, status.stderr);
    }
  });
}

test.serial('then there are a GPU, and a platform', async (t) => {
  const worker = await cluster.get({ apiVersion: 'v1', kind: 'Node', name: 'worker-0' });
  t.is(worker?.status.capacity['nvidia.com/gpu'], '1');
  const infrastructure = { apiVersion: 'config.openshift.io/v1', kind: 'Infrastructure', name: 'cluster' };
  t.like((await cluster.get(infrastructure))?.status, {
    controlPlaneTopology: 'HighlyAvailable',
    platformStatus: { type: 'BareMetal' },
  });
});

test('the README names every file with a status', async (t) => {
  const readme = await readFile(path.join(folder, 'README.md'), 'utf8');
  for (const name of ['openshift', 'plain-kubernetes']) {
    for (const file of await filesWithStatus(path.join(folder, name))) {
      t.true(readme.includes(path.basename(file)), file);
    }
  }
});

async function filesWithStatus(cluster: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob('*.yaml', { cwd: cluster })) {
    const text = await readFile(path.join(cluster, file), 'utf8');
    const objects = parseAllDocuments(text).map((document) => document.toJS() as AnyObject);
    if (objects.some(({ status }) => status !== undefined)) files.push(path.join(cluster, file));
  }
  return files.sort();
}
