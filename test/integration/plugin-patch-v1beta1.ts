import { readFile } from 'node:fs/promises';
import test from 'ava';
import { useCluster, waitFor } from '../helpers/cluster.ts';
import { builtInCatalog, converge, itemOf, openClient } from '../helpers/engine.ts';
import { activated, failsWith, makeNamespaces } from './_plugin.ts';

const cluster = useCluster(test, { crds: 'none' });
const hco = {
  apiVersion: 'hco.kubevirt.io/v1beta1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};
const key = 'platform.kubevirt.io/patch';
const patch = (...args: string[]) =>
  cluster.kubectl(['virt-platform', 'patch', 'HyperConverged/kubevirt-hyperconverged', ...args]);

async function live() {
  const object = await cluster.get(hco);
  if (object === undefined) throw new Error('HyperConverged is gone');
  return object;
}

/** All that the controller would do. */
async function converged() {
  const client = openClient(cluster.kubeconfig);
  try {
    return (await converge(client, await builtInCatalog())).plan;
  } finally {
    client.close();
  }
}

test.serial.before('HyperConverged is served as v1beta1 only, and adopted', async () => {
  await cluster.installCrds('own', {
    only: ['kubedeschedulers.operator.openshift.io', 'infrastructures.config.openshift.io'],
  });
  const crd = new URL('../crds/testdata/hyperconvergeds-v1beta1-only.yaml', import.meta.url);
  await cluster.apply(await readFile(crd, 'utf8'));
  await makeNamespaces(cluster);
  await waitFor(
    async () => (await cluster.request('GET', '/apis/hco.kubevirt.io/v1beta1/hyperconvergeds')).status === 200,
    { what: 'HyperConverged to be served' },
  );
  const metadata = { namespace: hco.namespace, name: hco.name, annotations: activated };
  await cluster.apply(
    {
      apiVersion: hco.apiVersion,
      kind: hco.kind,
      metadata,
      spec: { liveMigrationConfig: { parallelMigrationsPerCluster: 9 } },
    },
    { manager: 'person' },
  );
  await converged();
});

test.serial('a label and a setting are patched onto HyperConverged; what others set stays', async (t) => {
  const ran = await patch(
    '--set',
    'metadata.labels.team=blue',
    '--set',
    'spec.liveMigrationConfig.parallelOutboundMigrationsPerNode=4',
    '-y',
  );
  t.is(ran.code, 0, ran.stderr);
  t.regex(ran.stdout, /^HyperConverged\/openshift-cnv\/kubevirt-hyperconverged\n/);
  t.regex(ran.stdout, /\n- {4}parallelOutboundMigrationsPerNode: 1\n\+ {4}parallelOutboundMigrationsPerNode: 4\n/);
  t.deepEqual(JSON.parse((await live()).metadata.annotations[key]), [
    { op: 'add', path: '/metadata/labels/team', value: 'blue' },
    { op: 'add', path: '/spec', value: { liveMigrationConfig: { parallelOutboundMigrationsPerNode: 4 } } },
  ]);

  const plan = await converged();
  t.is(itemOf(plan, 'hco-golden-config').decision, 'in-sync');
  const { spec, metadata } = await live();
  t.is(spec.liveMigrationConfig.parallelOutboundMigrationsPerNode, 4);
  t.is(spec.liveMigrationConfig.parallelMigrationsPerCluster, 9, 'somebody else’s');
  t.is(metadata.labels.team, 'blue');
  t.is(metadata.annotations['platform.kubevirt.io/autopilot'], 'true');
});

test.serial('what the patched HyperConverged brings to other objects is shown with it', async (t) => {
  const ran = await patch('--set', 'spec.liveMigrationConfig.parallelMigrationsPerCluster=2', '--dry-run=client');
  t.is(ran.code, 0, ran.stderr);
  t.regex(ran.stdout, /\n- {4}parallelMigrationsPerCluster: 9\n\+ {4}parallelMigrationsPerCluster: 2\n/);
  t.regex(ran.stdout, /\ndescheduler-loadaware: [\s\S]*\n- {4}total: 9\n\+ {4}total: 2\n/);
});

test.serial('what steers the autopilot can’t be patched, nor a value of another type', async (t) => {
  failsWith(
    t,
    await patch('--set', "metadata.annotations['platform.kubevirt.io/autopilot']=false", '-y'),
    /a key of ours/,
  );
  failsWith(
    t,
    await patch('--set', 'spec.liveMigrationConfig=5', '-y'),
    /\/spec\/liveMigrationConfig is a map, and 5 is an integer/,
  );
});
