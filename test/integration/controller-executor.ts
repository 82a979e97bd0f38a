import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { Executor, type ExecutorOptions } from '../../controller/executor.ts';
import type { Happening } from '../../controller/happening.ts';
import type { Plan } from '../../shared/engine/plan-item.ts';
import { systemClock } from '../../shared/kube/clock.ts';
import { useCluster, waitFor } from '../helpers/cluster.ts';
import { catalogOf, openClient, planNow } from '../helpers/engine.ts';
import { activated, hyperConverged } from './_plugin.ts';

// What is carried out of plans, and what no more.
const test = anyTest as TestFn;
const cluster = useCluster(test);

test.serial.before(async () => {
  for (const name of ['openshift-cnv', 'tests']) {
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  await cluster.apply(hyperConverged(activated));
});

/** What a plan says about ConfigMaps of these names. */
async function planOf(t: ExecutionContext, ...names: string[]): Promise<Plan> {
  const asset = (name: string) =>
    `format: 1\ntarget: {apiVersion: v1, kind: ConfigMap, namespace: tests, name: ${name}}\n---\ndata: {a: "1"}`;
  const client = openClient(cluster.kubeconfig);
  t.teardown(() => client.close());
  return await planNow(client, catalogOf(Object.fromEntries(names.map((name) => [`${name}.yaml.hbs`, asset(name)]))));
}

function executor(t: ExecutionContext, options: Partial<ExecutorOptions> = {}) {
  const client = openClient(cluster.kubeconfig);
  t.teardown(() => client.close());
  const told: Happening[] = [];
  let done = 0;
  const it = new Executor(client, {
    clock: systemClock,
    concurrency: 1,
    stopping: new AbortController().signal,
    mayWrite: () => true,
    lead: () => undefined,
    onWritten: () => {},
    onDone: () => {
      done += 1;
    },
    wakeIn: () => {},
    ...options,
    tell: (happening) => {
      told.push(happening);
      options.tell?.(happening);
    },
  });
  return { it, told, until: (count: number) => waitFor(() => done >= count, { what: `${count} to be done with` }) };
}

const exists = async (name: string) =>
  (await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'tests', name })) !== undefined;

test.serial('a newer plan replaces what an older one asked for and nobody has begun', async (t) => {
  const { items: older } = await planOf(t, 'old-1', 'old-2', 'old-3');
  const { items: newer } = await planOf(t, 'new-1');
  const { it, until } = executor(t);
  it.replaceQueue(older);
  t.deepEqual([it.inFlight, it.waiting], [1, 2]);
  it.replaceQueue(newer);
  t.deepEqual([it.inFlight, it.waiting], [1, 1], 'what is being written is finished');
  await until(2);
  t.deepEqual(await Promise.all(['old-1', 'old-2', 'old-3', 'new-1'].map(exists)), [true, false, false, true]);
});

test.serial('an object that is being written is not begun a second time', async (t) => {
  const { items } = await planOf(t, 'once');
  const { it, told, until } = executor(t, { concurrency: 4 });
  it.replaceQueue(items);
  it.replaceQueue(items);
  t.deepEqual([it.inFlight, it.waiting], [1, 0]);
  t.true(items[0] !== undefined && it.isWriting(items[0].target));
  await until(1);
  t.is(told.length, 1);
});

test.serial('with the lead writing ends: what is queued is not begun', async (t) => {
  const { items } = await planOf(t, 'led-1', 'led-2', 'led-3');
  let isLeader = true;
  const { it, until } = executor(t, {
    mayWrite: () => isLeader,
    tell: () => {
      isLeader = false;
    },
  });
  it.replaceQueue(items);
  await until(3);
  t.deepEqual(await Promise.all(['led-1', 'led-2', 'led-3'].map(exists)), [true, false, false]);
  t.is(it.waiting, 0);
});

test.serial('with the lead a write that is under way is not tried again', async (t) => {
  const { items } = await planOf(t, 'cut-1', 'cut-2');
  const lead = new AbortController();
  const { it, told, until } = executor(t, { mayWrite: () => !lead.signal.aborted, lead: () => lead.signal });
  it.replaceQueue(items);
  lead.abort(new Error('the lead is lost'));
  await until(2);
  t.is(it.inFlight, 0);
  t.false(await exists('cut-2'));
  t.false(told.some(({ happening }) => happening === 'performed'));
});

test.serial('once it is to stop, it begins nothing, and what is being written is finished', async (t) => {
  const { items } = await planOf(t, 'last-1', 'last-2');
  const stopping = new AbortController();
  const { it } = executor(t, { stopping: stopping.signal });
  it.replaceQueue(items);
  stopping.abort();
  await it.idle();
  t.deepEqual(await Promise.all(['last-1', 'last-2'].map(exists)), [true, false]);
  t.is(it.inFlight, 0);
});

test.serial('what fails waits before it is tried again, and holds up nobody else', async (t) => {
  const { items } = await planOf(t, 'fails', 'works');
  const broken = items.map((item) =>
    item.asset === 'fails' && item.desired !== undefined
      ? { ...item, desired: { ...item.desired, data: 'no map' } }
      : item,
  );
  const waits: number[] = [];
  const { it, told, until } = executor(t, { wakeIn: (ms) => waits.push(ms) });
  it.replaceQueue(broken);
  await until(2);
  t.true(await exists('works'));
  t.like(told[0], { happening: 'performed', outcome: { result: 'failed' } });
  t.true((waits[0] ?? 0) > 0);
  it.replaceQueue(broken.filter(({ asset }) => asset === 'fails'));
  t.is(it.inFlight, 0, 'its time has not come');
});

test.serial('nothing is remembered of objects that no plan names any more', async (t) => {
  const plan = await planOf(t, 'made', 'failing');
  const { it, until } = executor(t, { concurrency: 2 });
  it.replaceQueue(plan.items.map((item) => (item.asset === 'failing' ? { ...item, desired: {} as never } : item)));
  await until(2);
  it.notice(plan);
  t.is(it.remembered, 2);
  it.notice(await planOf(t, 'another'));
  t.is(it.remembered, 0);
});
