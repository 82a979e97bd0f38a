import test from 'ava';
import { hasRealCrds, readCrds } from '../harness/install-crds.ts';
import { useCluster } from '../helpers/cluster.ts';

const cluster = useCluster(test, { crds: 'none' });

test.serial('our own CRDs are established and served as soon as they are installed', async (t) => {
  const names = await cluster.installCrds('own');
  t.deepEqual(
    names,
    (await readCrds('own')).map((crd) => crd.metadata.name),
  );
  t.deepEqual(await established(), names);
});

(hasRealCrds() ? test.serial : test.serial.skip)('upstream CRDs win over ours, and ours fill the gaps', async (t) => {
  const names = await cluster.installCrds('real');
  const own = (await readCrds('own')).map((crd) => crd.metadata.name);
  t.deepEqual(
    own.filter((name) => !names.includes(name)),
    [],
  );
  t.is(new Set(names).size, names.length);
  t.deepEqual(await established(), names);
});

test.serial('a CRD that is not in the set is named', async (t) => {
  await t.throwsAsync(cluster.installCrds('own', { only: ['unicorns.example.com'] }), {
    message: 'No such CRD in the own set: unicorns.example.com',
  });
});

async function established(): Promise<string[]> {
  const crds = await cluster.list({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' });
  const isEstablished = (crd: (typeof crds)[number]) =>
    crd.status.conditions.some(
      ({ type, status }: Record<string, string>) => type === 'Established' && status === 'True',
    );
  return crds
    .filter(isEstablished)
    .map((crd) => crd.metadata.name)
    .sort((a, b) => a.localeCompare(b));
}
