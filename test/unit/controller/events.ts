import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { EventRecorder, type EventRecorderOptions } from '../../../controller/events.ts';
import type { JsonObject } from '../../../shared/api/kubernetes-object.ts';
import { ApiError } from '../../../shared/kube/api-error.ts';
import type { Cluster } from '../../../shared/kube/client.ts';
import { item, live, planOf, testClock } from './_plans.ts';

const update = (name: string) => item(name, 'update', { live, drift: [] });
const throttled = (name = 'a') => ({ happening: 'throttled', item: update(name), retryAfterMs: 1000 }) as const;
const everyMinute = { seriesIntervalMs: 60_000 };

/** A recorder whose writes are kept; what the API server decides is tested on one. */
function recorder(options: Partial<EventRecorderOptions> = {}) {
  const { clock, pass } = testClock();
  const created: JsonObject[] = [];
  const patched: { readonly name: string; readonly patch: JsonObject }[] = [];
  const errors: unknown[] = [];
  let answer: () => Promise<unknown> = async () => {};
  const cluster = {
    create: async (body: JsonObject) => {
      await answer();
      created.push(body);
    },
    mergePatch: async ({ name }: { name: string }, patch: JsonObject) => {
      await answer();
      patched.push({ name, patch });
    },
  } as unknown as Cluster;
  const events = new EventRecorder(cluster, {
    reportingInstance: 'pod-1',
    clock,
    onError: (error) => errors.push(error),
    hyperConverged: () => ({ apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged', namespace: 'x', name: 'hco' }),
    ...options,
    limits: { ...everyMinute, ...options.limits },
  });
  return {
    events,
    created,
    patched,
    errors,
    pass,
    tell: events.listener,
    answers: (next: () => Promise<unknown>) => {
      answer = next;
    },
  };
}

/** Until everything that can go on has gone on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate();
}

function forbidden(): ApiError {
  return new ApiError({
    doing: 'create Event',
    code: 403,
    reason: 'Forbidden',
    serverMessage: 'no',
    details: {},
    server: 'a server',
    who: 'somebody',
  });
}

test('telling returns at once; the event is written afterwards', async (t) => {
  const { tell, created, events } = recorder();
  tell(throttled());
  t.is(created.length, 0);
  await settle();
  t.like(created, [{ reason: 'Throttled', type: 'Warning', related: { name: 'a' } }]);
  t.deepEqual(events.counts, { created: 1, repeated: 0, dropped: 0, failed: 0 });
});

test('events of one moment keep their order', async (t) => {
  const { tell, created } = recorder();
  for (const name of ['a', 'b', 'c']) tell(throttled(name));
  await settle();
  t.deepEqual(
    created.map(({ eventTime }) => eventTime),
    ['2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00.000002Z'],
  );
});

test('the same again is a series, whose count is written on a schedule', async (t) => {
  const { tell, created, patched, pass } = recorder();
  tell(throttled());
  await settle();
  for (let time = 0; time < 5; time++) {
    pass(1000);
    tell(throttled());
  }
  await settle();
  t.is(created.length, 1);
  t.is(patched.length, 0);
  pass(60_000);
  await settle();
  t.deepEqual(patched, [
    {
      name: String(Object(created[0]?.metadata).name),
      patch: { series: { count: 6, lastObservedTime: '2026-01-01T00:00:05.000000Z' } },
    },
  ]);
  pass(60_000);
  await settle();
  t.is(patched.length, 1, 'nothing new, no request');
});

test('after a quiet time the same is an event of its own', async (t) => {
  const { tell, created, pass } = recorder();
  tell(throttled());
  await settle();
  pass(6 * 60_000);
  tell(throttled());
  await settle();
  t.is(created.length, 2);
  t.not(Object(created[0]?.metadata).name, Object(created[1]?.metadata).name);
});

test('too many events are dropped and counted, and time brings more', async (t) => {
  const { tell, created, events, pass } = recorder({ limits: { burst: 2, perMinute: 1 } });
  for (const name of ['a', 'b', 'c', 'd']) tell(throttled(name));
  await settle();
  t.is(created.length, 2);
  t.is(events.counts.dropped, 2);
  pass(60_000);
  tell(throttled('e'));
  await settle();
  t.is(created.length, 3);
});

test('a server that does not answer holds up nobody, and the queue has an end', async (t) => {
  const { tell, events, answers } = recorder({ limits: { queue: 3 } });
  answers(() => new Promise(() => {}));
  tell(throttled('a'));
  await settle();
  for (const name of ['b', 'c', 'd', 'e', 'f']) tell(throttled(name));
  t.is(events.counts.dropped, 2);
});

test('without permission, it is said once, counted, and tried again later', async (t) => {
  const { tell, created, errors, events, answers, pass } = recorder();
  answers(() => Promise.reject(forbidden()));
  for (const name of ['a', 'b']) tell(throttled(name));
  await settle();
  tell(throttled('c'));
  await settle();
  t.is(errors.length, 1);
  t.deepEqual(events.counts, { created: 0, repeated: 0, dropped: 0, failed: 3 });
  answers(async () => {});
  pass(5 * 60_000);
  tell(throttled('d'));
  await settle();
  t.is(created.length, 1);
});

test('a failure concerns one event alone, and the next success ends the silence about failures', async (t) => {
  const { tell, created, errors, answers } = recorder();
  for (let time = 0; time < 2; time++) {
    answers(() => Promise.reject(new Error('no connection')));
    for (const name of ['a', 'b']) tell(throttled(`${name}${time}`));
    await settle();
    answers(async () => {});
    tell(throttled(`c${time}`));
    await settle();
  }
  t.is(errors.length, 2);
  t.is(created.length, 2);
});

test('flushing writes what waits and what is counted, and ends the recorder', async (t) => {
  const { tell, created, patched, events } = recorder();
  tell(throttled('a'));
  tell(throttled('a'));
  tell(throttled('b'));
  await events.flush(1000);
  t.is(created.length, 2);
  t.like(patched, [{ patch: { series: { count: 2 } } }]);
  tell(throttled('c'));
  await settle();
  t.is(created.length, 2);
  t.is(events.counts.dropped, 1);
});

test('flushing ends at its deadline, whatever the server does', async (t) => {
  const { tell, events, answers, pass } = recorder();
  answers(() => new Promise(() => {}));
  for (const name of ['a', 'b', 'c']) tell(throttled(name));
  await settle();
  const flushed = events.flush(1000);
  pass(1000);
  await t.notThrowsAsync(flushed);
  t.is(events.counts.dropped, 2);
});

test('events are on the HyperConverged of the last plan; without one there is nobody to tell', async (t) => {
  const { clock } = testClock();
  const created: JsonObject[] = [];
  const cluster = { create: async (body: JsonObject) => created.push(body) } as unknown as Cluster;
  const events = new EventRecorder(cluster, { reportingInstance: 'pod-1', clock, onError: () => t.fail() });
  events.listener(throttled());
  t.is(events.counts.dropped, 1);
  const own = item('golden', 'in-sync', {
    live: { uid: 'hco-uid', resourceVersion: '1' },
    target: { apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged', namespace: 'kubevirt', name: 'hco' },
  });
  events.listener({ happening: 'planned', plan: planOf([own]), previous: undefined, durationMs: 1 });
  await settle();
  t.like(created, [
    { reason: 'ReconcileSucceeded', regarding: { name: 'hco', namespace: 'kubevirt', uid: 'hco-uid' } },
  ]);
});
