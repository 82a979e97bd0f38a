import anyTest, { type TestFn } from 'ava';
import { type AnyObject, waitFor } from '../helpers/cluster.ts';
import { auditedOf, freePort, shortLead, spawnController, writesOf } from '../helpers/controller-process.ts';
import { annotate, hyperConverged, type Survivor, survivors } from './_survives.ts';

// Controllers are killed, frozen and stopped, as their ServiceAccount.
const test = anyTest as TestFn<Survivor>;
const { cluster, scenario } = survivors(test);
const ruleSets = { apiVersion: 'ifo.kubevirt.io/v1alpha1', kind: 'OperationRuleSet' };
const lease = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  namespace: 'openshift-cnv',
  name: 'virt-platform-autopilot',
};
const holder = async () => (await cluster.get(lease))?.spec.holderIdentity as string | undefined;

scenario('killed with -9 in the middle of converging, its replica takes over and finishes', async (t, { start }) => {
  const first = await start({ name: 'first' });
  await first.converged();
  const second = await start({ name: 'second' });
  await waitFor(async () => (await second.unready()) === '', { what: 'the replica to be ready', timeoutMs: 60_000 });
  t.is(await second.plan(), undefined, 'it waits');

  const from = Date.now();
  await annotate(cluster, hyperConverged, { 'enable-in-flight-operations': 'true' });
  await waitFor(async () => (await cluster.list(ruleSets)).length >= 5, {
    what: 'some rule sets',
    timeoutMs: 60_000,
    intervalMs: 1,
  });
  t.is(await first.end('SIGKILL'), 'SIGKILL');
  const made = (await cluster.list(ruleSets)).length;
  await second.leading();
  t.regex((await holder()) ?? '', /^second_/);
  const plan = await second.converged();
  const wanted = plan.items.filter(
    ({ target, decision }: AnyObject) => target.kind === ruleSets.kind && decision === 'in-sync',
  );
  t.log(`${made} of ${wanted.length} were made before the kill`);
  t.true(wanted.length > 30);
  t.is((await cluster.list(ruleSets)).length, wanted.length);
  // Neither made anything twice.
  const written = (await writesOf(cluster, { from })).filter(
    ({ resource, code }) => resource === 'operationrulesets' && code < 300,
  );
  t.is(new Set(written.map(({ name }) => name)).size, wanted.length);
  return second;
});

scenario('a leader that is frozen past its lease and thawed overwrites nothing', async (t, { start }) => {
  const first = await start({ name: 'frozen' });
  await first.converged();
  const second = await start({ name: 'awake' });
  await waitFor(async () => (await second.unready()) === '', { what: 'the replica to be ready', timeoutMs: 60_000 });

  const names = (await cluster.list(ruleSets)).map(({ metadata }) => metadata.name as string);
  await Promise.all(names.map((name) => cluster.delete({ ...ruleSets, name })));
  await waitFor(async () => (await cluster.list(ruleSets)).length >= 3, {
    what: 'some',
    timeoutMs: 60_000,
    intervalMs: 1,
  });
  first.child.kill('SIGSTOP');
  await second.leading();
  await second.converged();
  // What a person sets now, the frozen one has never seen.
  const unmanaged = { ...ruleSets, name: names[0] ?? '' };
  const { metadata } = await annotate(cluster, unmanaged, { mode: 'unmanaged' });
  const mine = await cluster.patch(unmanaged, { metadata: { labels: { mine: 'true' } } }, { manager: 'person' });
  t.not(mine.metadata.resourceVersion, metadata.resourceVersion);
  const from = Date.now();
  first.child.kill('SIGCONT');
  // It tells so itself, once it has read the Lease again.
  await waitFor(async () => (await first.unready()) === '' && /^virt_platform_leader 0$/m.test(await first.metrics()), {
    what: 'the thawed one to follow',
    timeoutMs: 60_000,
  });
  await waitFor(
    async () => (await auditedOf(cluster, { from })).filter(({ resource }) => resource === 'leases').length >= 6,
    {
      what: 'it to look at the Lease some times',
      timeoutMs: 60_000,
    },
  );
  t.deepEqual(
    (await writesOf(cluster, { from })).filter(({ code }) => code < 300),
    [],
    'nothing was written',
  );
  t.is((await cluster.get(unmanaged))?.metadata.resourceVersion, mine.metadata.resourceVersion);
  t.regex((await holder()) ?? '', /^awake_/);
  return second;
});

scenario(
  'asked to stop while it writes, it leaves nothing half-written, hands over, and ends with 0',
  async (t, { start }) => {
    const controller = await start();
    await controller.converged();
    for (const { metadata } of await cluster.list(ruleSets)) await cluster.delete({ ...ruleSets, name: metadata.name });
    const from = Date.now();
    await waitFor(async () => (await writesOf(cluster, { from })).length > 2, {
      what: 'writes',
      timeoutMs: 60_000,
      intervalMs: 1,
    });
    t.is(await controller.end('SIGTERM'), 0);
    t.is(await holder(), '');
    const asked = await auditedOf(cluster, { from });
    const released = asked.findLastIndex(({ resource, verb }) => resource === 'leases' && verb === 'patch');
    const after = asked.slice(released + 1).filter(({ verb, resource }) => verb !== 'watch' && resource !== 'events');
    t.deepEqual(after, [], 'the Lease is let go after the last write');
    t.true(controller.lines.some(({ message }) => message === 'stopped'));

    // Its successor needs to wait for nothing.
    return await start({ args: ['--leader-elect-preset=openshift'] });
  },
);

scenario('a second signal is the last word', async (t, { start }) => {
  const controller = await start();
  await controller.leading();
  await cluster.controlPlane.stopApiServer();
  try {
    controller.child.kill('SIGTERM');
    await waitFor(() => controller.lines.some(({ message }) => message === 'stopping'), { what: 'it to stop' });
    const code = await controller.end('SIGINT');
    // It may have been done already: there was nothing to finish.
    t.true(code === 1 || code === 0, String(code));
  } finally {
    await cluster.controlPlane.startApiServer();
  }
  return await start({ name: 'successor' });
});

scenario('a port that is in use is one line and exit code 2', async (t, { start }) => {
  const one = await start();
  const ports = { metrics: one.ports.metrics, health: await freePort(), debug: await freePort() };
  const other = spawnController({ kubeconfig: t.context.autopilot.kubeconfig, name: 'other' }, ports);
  t.is(await other.exited, 2);
  t.regex(
    other.stderr
      .split('\n')
      .filter((line) => !line.startsWith('{'))
      .join('\n'),
    /^error: [^\n]*could not serve metrics on [^\n]+: another process listens there;[^\n]+\n$/,
  );
  t.deepEqual(
    other.lines.map(({ message }) => message),
    ['starting'],
  );
  return one;
});

scenario('idle, it asks for nothing but its Lease', async (t, { start }) => {
  const controller = await start({ args: [...shortLead] });
  await controller.converged();
  // Events of the start are written in the background.
  const quiet = async () => (await auditedOf(cluster, { from: Date.now() - 3000 })).every(isLease);
  await waitFor(quiet, { what: 'quiet', timeoutMs: 60_000 });
  const from = Date.now();
  const renewals = async () =>
    (await auditedOf(cluster, { from })).filter((asked) => isLease(asked) && asked.verb === 'patch');
  await waitFor(async () => (await renewals()).length >= 8, { what: 'renewals', timeoutMs: 90_000 });
  t.deepEqual(
    (await auditedOf(cluster, { from })).filter((asked) => !isLease(asked)),
    [],
  );
  return controller;
});

function isLease({ resource }: { resource: string }): boolean {
  return resource === 'leases';
}
