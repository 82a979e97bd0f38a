import anyTest, { type TestFn } from 'ava';
import { type AnyObject, waitFor } from '../helpers/cluster.ts';
import { type Audited, type ControllerProcess, writesOf } from '../helpers/controller-process.ts';
import { annotate, hyperConverged, type Survivor, service, survivors, swap } from './_survives.ts';

// API server and etcd are killed under a controller that runs as its ServiceAccount.
const test = anyTest as TestFn<Survivor>;
const { cluster, scenario } = survivors(test);
const ruleSets = { apiVersion: 'ifo.kubevirt.io/v1alpha1', kind: 'OperationRuleSet' };

async function unreadyOf(controller: ControllerProcess): Promise<string> {
  return await waitFor(async () => (await controller.unready()) || false, {
    what: 'readiness to tell that it is away',
    timeoutMs: 60_000,
  });
}

scenario('the API server is killed and comes back 20 times, in the middle of applies', async (t, { start }) => {
  const controller = await start();
  await controller.converged();
  await annotate(cluster, hyperConverged, { 'enable-in-flight-operations': 'true' });
  const inSync = ({ items }: AnyObject): string[] =>
    items
      .filter(({ target, decision }: AnyObject) => target.kind === ruleSets.kind && decision === 'in-sync')
      .map(({ target }: AnyObject) => target.name);
  const names = inSync(await controller.planWhere((plan) => inSync(plan).length > 30, 'the rule sets'));

  let startsMs = 0;
  const begun = Date.now();
  for (let round = 0; round < 20; round++) {
    const from = Date.now();
    const some = [0, 1, 2].map((index) => names[(3 * round + index) % names.length] ?? '');
    await Promise.all(some.map((name) => cluster.delete({ ...ruleSets, name })));
    // Now while it plans, now after so many writes.
    const writes = round % 4;
    await waitFor(async () => (await healing(from)).length >= writes, {
      what: 'writes',
      timeoutMs: 60_000,
      intervalMs: 1,
    });
    await cluster.controlPlane.stopApiServer();
    if (round === 0) t.regex(await unreadyOf(controller), /not up to date|not reach/);
    const startedAt = Date.now();
    await cluster.controlPlane.startApiServer();
    startsMs += Date.now() - startedAt;
  }
  t.log(`${Date.now() - begun} ms, of which the API server took ${startsMs} to start`);
  await controller.converged();
  for (const name of names) t.truthy(await cluster.get({ ...ruleSets, name }), `${name} is back`);
  return controller;
});

async function healing(from: number): Promise<readonly Audited[]> {
  return (await writesOf(cluster, { from })).filter(({ resource }) => resource === 'operationrulesets');
}

scenario('etcd is killed and comes back', async (t, { start }) => {
  const controller = await start();
  await controller.converged();
  await cluster.controlPlane.stopEtcd();
  t.regex(await unreadyOf(controller), /lease failed|not up to date/);
  t.truthy(await controller.plan(), 'its last plan is told all the while');
  await cluster.controlPlane.startEtcd();
  await waitFor(
    () =>
      cluster
        .patch(swap, { spec: { config: { ignition: { version: '1.1.1' } } } }, { manager: 'rival' })
        .then(() => true),
    {
      what: 'the API server to write again',
      timeoutMs: 60_000,
    },
  );
  await waitFor(async () => (await cluster.get(swap))?.spec.config.ignition.version !== '1.1.1', {
    what: 'it is healed',
    timeoutMs: 90_000,
  });
  return controller;
});

scenario('what it watched from is compacted while the API server is away', async (_t, { start }) => {
  const controller = await start();
  await controller.converged();
  await cluster.controlPlane.stopApiServer();
  const { header } = await etcd('kv/range', { key: Buffer.from('/').toString('base64') });
  await etcd('kv/compaction', { revision: header.revision, physical: true });
  await cluster.controlPlane.startApiServer();
  await cluster.patch(service, { spec: { selector: null } }, { manager: 'rival' });
  await waitFor(async () => (await cluster.get(service))?.spec.selector !== undefined, {
    what: 'it is healed',
    timeoutMs: 90_000,
  });
  return controller;
});

async function etcd(path: string, body: unknown) {
  const response = await fetch(`${cluster.controlPlane.etcdUrl}/v3/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`etcd: ${await response.text()}`);
  return (await response.json()) as { header: { revision: string } };
}
