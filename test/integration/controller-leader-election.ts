import anyTest, { type TestFn } from 'ava';
import { LeaderElection, type LeaderTimes, leaderPresets, leaseRef } from '../../controller/leader-election.ts';
import type { Cluster as Client } from '../../shared/kube/client.ts';
import { type Clock, systemClock } from '../../shared/kube/clock.ts';
import { useCluster, waitFor } from '../helpers/cluster.ts';
import { openClient } from '../helpers/engine.ts';

const test = anyTest as TestFn<{ client: Client }>;
const cluster = useCluster(test, { crds: 'none' });

test.serial.before((t) => {
  t.context.client = openClient(cluster.kubeconfig);
});
test.after.always((t) => t.context.client?.close());

/** Time that passes when a test says so; tries follow one another at once. */
function testClock() {
  let now = 0;
  const clock: Clock = { ...systemClock, now: () => now, sleep: (_, signal) => systemClock.sleep(5, signal) };
  return {
    clock,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

const times = leaderPresets.default;

async function namespaceOf(name: string): Promise<string> {
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  return name;
}

function contender(
  client: Client,
  namespace: string,
  identity: string,
  clock: Clock,
  times: LeaderTimes = leaderPresets.default,
) {
  const errors: unknown[] = [];
  const annotations = () => ({ 'platform.kubevirt.io/version': identity });
  const election = new LeaderElection(client, {
    identity,
    namespace,
    times,
    clock,
    annotations,
    onError: (error) => errors.push(error),
  });
  const stop = new AbortController();
  const changes: boolean[] = [];
  const running = election.run(stop.signal, (isLeader) => changes.push(isLeader));
  return {
    election,
    changes,
    errors,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

test('of two, one leads; when it hands over, the other follows at once', async (t) => {
  const namespace = await namespaceOf('hand-over');
  const { clock } = testClock();
  const a = contender(t.context.client, namespace, 'a', clock);
  await waitFor(() => a.election.isLeader, { what: 'a leads' });
  const b = contender(t.context.client, namespace, 'b', clock);
  await a.stop();
  t.true(a.election.isLeader, 'it may still finish its writes');
  t.false(b.election.isLeader);
  await a.election.release();
  t.false(a.election.isLeader);
  await waitFor(() => b.election.isLeader, { what: 'b leads' });
  const lease = await cluster.get(leaseRef(namespace));
  t.like(lease, {
    spec: { holderIdentity: 'b', leaseTransitions: 1, leaseDurationSeconds: 15 },
    metadata: { annotations: { 'platform.kubevirt.io/version': 'b' } },
  });
  await b.stop();
  t.deepEqual([a.errors, b.errors], [[], []]);
});

test('where renewals are rare, a lead that is let go is taken over within seconds all the same', async (t) => {
  const namespace = await namespaceOf('rare');
  const a = contender(t.context.client, namespace, 'a', systemClock, leaderPresets.openshift);
  await waitFor(() => a.election.isLeader, { what: 'a leads' });
  const b = contender(t.context.client, namespace, 'b', systemClock, leaderPresets.openshift);
  await waitFor(() => b.election.holder === 'a', { what: 'b has looked' });
  await a.stop();
  await a.election.release();
  await waitFor(() => b.election.isLeader, { what: 'b leads', timeoutMs: 15_000 });
  t.is((await cluster.get(leaseRef(namespace)))?.spec.holderIdentity, 'b');
  await b.stop();
});

test('a leader that falls silent is replaced after its lease, by the other one’s clock', async (t) => {
  const namespace = await namespaceOf('silent');
  const frozen = testClock();
  const other = testClock();
  const a = contender(t.context.client, namespace, 'a', frozen.clock);
  await waitFor(() => a.election.isLeader, { what: 'a leads' });
  await a.stop();
  const b = contender(t.context.client, namespace, 'b', other.clock);
  await t.throwsAsync(waitFor(() => b.election.isLeader, { what: 'b leads too early', timeoutMs: 500 }));
  other.pass(times.leaseDurationMs);
  await waitFor(() => b.election.isLeader, { what: 'b leads' });
  await b.stop();
});

test('a leader that was frozen past its deadline knows the moment it thaws, and takes nothing back', async (t) => {
  const namespace = await namespaceOf('frozen');
  const { clock, pass } = testClock();
  const a = contender(t.context.client, namespace, 'a', clock);
  await waitFor(() => a.election.isLeader, { what: 'a leads' });
  await a.stop();
  pass(times.renewDeadlineMs);
  t.false(a.election.isLeader);
  await a.election.release();
  t.like(
    await cluster.get(leaseRef(namespace)),
    { spec: { holderIdentity: 'a' } },
    'what it no longer holds it does not release',
  );
});

test('who may not touch the Lease never leads, and is told why', async (t) => {
  const namespace = await namespaceOf('failing');
  const { clock } = testClock();
  const nobody = openClient(await cluster.user('nobody'));
  const a = contender(nobody, namespace, 'a', clock);
  await waitFor(() => a.errors.length > 0, { what: 'an error' });
  t.false(a.election.isLeader);
  await a.stop();
  nobody.close();
});
