import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { ApiError } from '../../../../shared/kube/api-error.ts';
import { ConnectionError } from '../../../../shared/kube/connection-error.ts';
import { RefusedError } from '../../../../shared/kube/refused-error.ts';
import { watchObjects } from '../../../../shared/kube/watch.ts';
import { WatchError } from '../../../../shared/kube/watch-error.ts';
import { status } from './_fake-api-server.ts';
import {
  added,
  bookmark,
  closed,
  configMaps,
  deleted,
  endOfList,
  line,
  modified,
  object,
  type Script,
  stream,
  until,
  watchServer,
} from './_watch-server.ts';

const list = (resourceVersion: number, items: unknown[], more = '') => ({
  json: {
    kind: 'ConfigMapList',
    apiVersion: 'v1',
    metadata: { resourceVersion: String(resourceVersion), continue: more },
    items,
  },
});
const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 5 (9)' };

test('the initial list is streamed, and changes follow on the same connection', async (t) => {
  const { watch, seen, told, phases } = await watchServer(t, [
    stream(added('a', 3), added('b', 2), endOfList(5), modified('a', 6, { x: 1 }), deleted('b', 7)),
  ]);
  const one = watch();
  t.is(one.state.phase, 'connecting');
  await until(() => one.state.resourceVersion === '7', 'all events');
  t.deepEqual(told(), ['added default/a', 'added default/b', 'updated default/a', 'deleted default/b']);
  t.deepEqual([...one.items.keys()], ['default/a']);
  t.deepEqual(phases(), ['synced']);
  t.deepEqual(Object.fromEntries(seen[0]?.query ?? []), {
    watch: 'true',
    allowWatchBookmarks: 'true',
    sendInitialEvents: 'true',
    resourceVersionMatch: 'NotOlderThan',
    timeoutSeconds: '600',
  });
  t.is(seen.length, 1);
});

test('one object is watched by its name, in its namespace', async (t) => {
  const { watch, seen } = await watchServer(t, [stream(endOfList(5))]);
  const one = watch({ ...configMaps, namespace: 'default', name: 'a' });
  await until(() => one.isSynced, 'sync');
  t.is(seen[0]?.path, '/api/v1/namespaces/default/configmaps');
  t.is(seen[0]?.query.get('fieldSelector'), 'metadata.name=a');
});

test('nothing is synced before the list is complete', async (t) => {
  let response: ServerResponse | undefined;
  const { watch } = await watchServer(t, [
    (seen, answer) => {
      response = answer;
      return stream(added('a', 3))(seen, answer);
    },
  ]);
  const one = watch();
  await until(() => one.items.size === 1, 'the first object');
  t.false(one.isSynced);
  t.is(one.state.resourceVersion, undefined);
  response?.write(endOfList(3));
  await until(() => one.isSynced, 'sync');
});

for (const [who, refusal] of [
  ['an older server', status(422, 'Invalid', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch')],
  ['a server that knows no such parameter', status(400, 'BadRequest', 'unknown parameter')],
  ['something in front of the server', { status: 403, text: 'no' }],
] as const) {
  test(`${who} that refuses to stream the list gives it in pages`, async (t) => {
    const { watch, seen, told, errors } = await watchServer(t, [
      () => refusal,
      () => list(5, [object('a', 1), object('b', 2)], 'more'),
      () => list(5, [object('c', 3)]),
      closed(added('d', 6)),
      stream(added('e', 7)),
    ]);
    const one = watch({ ...configMaps, name: 'x' });
    await until(() => one.items.size === 5, 'all objects');
    t.deepEqual(
      told(),
      ['a', 'b', 'c', 'd', 'e'].map((name) => `added default/${name}`),
    );
    t.deepEqual(
      seen.map(({ query }) => [query.get('limit'), query.get('continue'), query.get('resourceVersion')]),
      [
        [null, null, null],
        ['500', null, null],
        ['500', 'more', null],
        [null, null, '5'],
        [null, null, '6'],
      ],
    );
    t.true(seen.every(({ query }) => query.get('fieldSelector') === 'metadata.name=x'));
    t.deepEqual(errors, []);
  });
}

test('a server that takes the parameters and streams no list is asked for pages', async (t) => {
  const { watch, seen, errors } = await watchServer(t, [
    stream(added('a', 3), bookmark(5)),
    () => list(5, [object('a', 3)]),
    stream(bookmark(6)),
  ]);
  const one = watch();
  await until(() => one.state.resourceVersion === '6', 'the bookmark');
  t.true(one.isSynced);
  t.is(seen.length, 3);
  t.like(errors, [{ problem: 'no-initial-list' }]);
});

test('a watch goes on where it was, as far as bookmarks told', async (t) => {
  const { watch, seen, told, phases, errors, clock } = await watchServer(t, [
    (seen, response) => {
      stream(added('a', 3), endOfList(5))(seen, response);
      clock.pass(30_000);
      response.end(bookmark(80));
      return undefined;
    },
    stream(added('b', 81)),
  ]);
  const one = watch();
  await until(() => one.items.size === 2, 'the second object');
  t.is(seen[1]?.query.get('resourceVersion'), '80');
  t.is(seen[1]?.query.get('sendInitialEvents'), null);
  t.deepEqual(told(), ['added default/a', 'added default/b']);
  t.deepEqual(phases(), ['synced']);
  t.deepEqual(errors, []);
});

for (const [how, refusal] of [
  ['as an event', stream(line('ERROR', gone))],
  ['as a status', () => status(410, 'Expired', gone.message)],
  [
    'because the server lags behind',
    () => status(504, 'Timeout', 'Too large resource version', { causes: [{ reason: 'ResourceVersionTooLarge' }] }),
  ],
] as const) {
  test(`too old a version, told ${how}, leads to a new list, and what vanished is reported`, async (t) => {
    const { watch, seen, told, phases, errors, clock } = await watchServer(t, [
      closed(added('a', 3), added('b', 4), endOfList(5)),
      refusal,
      stream(added('b', 4), added('c', 8), endOfList(9)),
    ]);
    const one = watch();
    await until(() => one.state.resourceVersion === '9', 'the new list');
    t.deepEqual(told(), ['added default/a', 'added default/b', 'added default/c', 'deleted default/a']);
    t.is(seen[1]?.query.get('resourceVersion'), '5');
    t.is(seen[2]?.query.get('sendInitialEvents'), 'true');
    t.is(phases().filter((phase) => phase === 'connecting').length, 1);
    t.is(phases().at(-1), 'synced');
    t.deepEqual(errors, []);
    t.true((clock.sleeps[1] ?? 0) > 0);
  });
}

test('a server that always answers 410 is asked ever more slowly', async (t) => {
  const { watch, seen, clock } = await watchServer(t, [closed(endOfList(5), line('ERROR', gone))]);
  watch();
  await until(() => seen.length > 8, 'many attempts');
  t.deepEqual(clock.sleeps.slice(0, 7).map(Math.round), [500, 1000, 2000, 4000, 8000, 16_000, 30_000]);
});

test('a watch that sends one event and closes is no hot loop', async (t) => {
  let version = 5;
  const { watch, clock, phases } = await watchServer(t, [
    closed(endOfList(5)),
    (seen, response) => closed(modified('a', ++version, { version }))(seen, response),
  ]);
  watch();
  await until(() => version > 12, 'many connections');
  t.deepEqual(clock.sleeps.slice(0, 6).map(Math.round), [500, 1000, 2000, 4000, 5000, 5000]);
  t.deepEqual(phases(), ['synced']);
});

for (const [what, script, problem] of [
  ['garbage', closed('<html>no</html>\n'), 'unparsable'],
  ['a line cut off', closed(added('b', 6).slice(0, 20)), 'cut'],
  ['a line without end', stream(`{"${'x'.repeat(2000)}`), 'line-too-long'],
] as const) {
  test(`${what} is reported, and the watch goes on where it was`, async (t) => {
    const { watch, seen, told, errors, phases } = await watchServer(
      t,
      [closed(added('a', 3), endOfList(5)), script, stream(added('b', 6))],
      { maxLineBytes: 1000 },
    );
    const one = watch();
    await until(() => one.items.size === 2, 'the second object');
    t.like(errors, [{ name: 'WatchError', problem }]);
    t.is(seen[2]?.query.get('resourceVersion'), '5');
    t.deepEqual(phases(), ['synced', 'failing', 'synced']);
    t.is(told().length, 2);
  });
}

test('what leads nowhere twice is left behind with a new list', async (t) => {
  // As a real one answers when etcd was compacted up to the very deletion of an object.
  const message = 'Internal error occurred: etcd event received with PrevKv=nil (key="/registry/x")';
  const { watch, seen } = await watchServer(t, [
    closed(added('a', 3), endOfList(5)),
    closed(line('ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message })),
    closed('garbage\n'),
    stream(added('a', 3), endOfList(9)),
  ]);
  const one = watch();
  await until(() => one.state.resourceVersion === '9', 'the new list');
  t.deepEqual(
    seen.map(({ query }) => query.get('resourceVersion')),
    [null, '5', '5', null],
  );
});

test('a connection that breaks in the middle of a line loses and repeats nothing', async (t) => {
  const { watch, seen, told, errors } = await watchServer(t, [
    (seen, response) => {
      stream(added('a', 3), endOfList(5), added('b', 6), added('c', 7).slice(0, 30))(seen, response);
      setTimeout(() => seen.socket.resetAndDestroy(), 20);
      return undefined;
    },
    stream(added('c', 7)),
  ]);
  const one = watch();
  await until(() => one.items.size === 3, 'the third object');
  t.is(seen[1]?.query.get('resourceVersion'), '6');
  t.deepEqual(told(), ['added default/a', 'added default/b', 'added default/c']);
  t.is(errors.length, 1);
  t.true(errors[0] instanceof ConnectionError);
});

test('a list that broke off deletes nothing, and is begun anew', async (t) => {
  const { watch, told } = await watchServer(t, [
    closed(added('a', 3), added('b', 3), endOfList(5), line('ERROR', gone)),
    closed(added('b', 3)),
    () => list(9, [object('a', 3), object('b', 3)]),
    stream(),
  ]);
  const one = watch();
  await until(() => one.isSynced && one.state.resourceVersion === '9', 'the list');
  t.deepEqual(told(), ['added default/a', 'added default/b']);
});

test('silence ends a connection, not the belief in what is known', async (t) => {
  const { watch, seen, clock, phases, errors } = await watchServer(t, [
    stream(added('a', 3), endOfList(5)),
    stream(),
    stream(endOfList(5)),
  ]);
  const one = watch();
  for (const connections of [1, 2]) {
    await until(() => seen.length === connections && clock.waiting.length === 1, 'the watchdog');
    if (connections === 1) await until(() => one.isSynced, 'sync');
    t.deepEqual(clock.waiting, [90_000]);
    clock.pass(90_000);
  }
  await until(() => seen.length === 3, 'the third connection');
  // A server that has just started sends no bookmarks of what never changes: no error.
  t.deepEqual(errors, []);
  t.deepEqual(
    seen.map(({ query }) => query.get('resourceVersion')),
    [null, '5', null],
  );
  t.deepEqual(phases(), ['synced']);
});

test('a server that closes every connection at once is not believed that nothing happens', async (t) => {
  const { watch, seen, told, phases } = await watchServer(t, [
    closed(added('a', 3), endOfList(5)),
    ...Array.from({ length: 5 }, () => closed()),
    stream(added('b', 7), endOfList(9)),
  ]);
  watch();
  await until(() => told().length === 3, 'the new list');
  t.deepEqual(
    seen.map(({ query }) => query.get('resourceVersion')),
    [null, '5', '5', '5', '5', '5', null],
  );
  t.deepEqual(phases(), ['synced', 'failing', 'synced']);
});

test('whatever comes is a sign of life, a part of a line too', async (t) => {
  let response: ServerResponse | undefined;
  const { watch, clock, errors } = await watchServer(t, [
    (seen, answer) => {
      response = answer;
      return stream(endOfList(5))(seen, answer);
    },
  ]);
  const one = watch();
  await until(() => one.isSynced, 'sync');
  const text = added('slow', 9);
  for (const at of [0, 20, 40]) {
    clock.pass(60_000);
    const heardAt = one.state.lastHeardAtMs;
    response?.write(text.slice(at, at + 20));
    await until(() => one.state.lastHeardAtMs > heardAt, 'a part of a line');
  }
  response?.write(text.slice(60));
  await until(() => one.items.size === 1, 'the object');
  t.deepEqual(errors, []);
});

test('an initial list that falls silent is read in pages next', async (t) => {
  const { watch, seen, clock, errors } = await watchServer(t, [
    stream(added('a', 3)),
    () => list(9, [object('a', 3)]),
    stream(),
  ]);
  const one = watch();
  await until(() => one.items.size === 1 && clock.waiting.length === 1, 'the watchdog');
  clock.pass(90_000);
  await until(() => one.isSynced, 'sync');
  t.is(seen[1]?.query.get('limit'), '500');
  t.like(errors, [{ problem: 'silent' }]);
});

test('a server that never begins to answer is given up', async (t) => {
  const { watch, errors } = await watchServer(t, [() => undefined, stream(endOfList(5))], {
    timeouts: { connectMs: 300 },
  });
  const one = watch();
  await until(() => one.isSynced, 'sync');
  t.like(errors, [{ name: 'ConnectionError' }]);
});

test('429 is heeded for as long as the server asks, as a status and as an event', async (t) => {
  const busy = {
    kind: 'Status',
    code: 429,
    reason: 'TooManyRequests',
    message: 'busy',
    details: { retryAfterSeconds: 12 },
  };
  const { watch, clock, phases, states, errors } = await watchServer(t, [
    () => ({ status: 429, headers: { 'retry-after': '7' }, json: busy }),
    closed(endOfList(5), line('ERROR', busy)),
    stream(),
  ]);
  const one = watch();
  await until(() => one.isSynced && phases().length >= 4, 'sync');
  t.deepEqual(clock.sleeps.map(Math.round), [8400, 14_400]);
  t.deepEqual(errors, []);
  t.deepEqual(phases(), ['failing', 'synced', 'failing', 'synced']);
  t.regex(states[0]?.why ?? '', /busy/);
});

test('an event that carries another error is reported, and heeded like a failure', async (t) => {
  const { watch, errors } = await watchServer(t, [
    closed(endOfList(5), line('ERROR', { code: 500, message: 'etcd is gone', reason: 'InternalError' })),
    stream(),
  ]);
  const one = watch();
  await until(() => one.isSynced && errors.length === 1, 'sync');
  t.true(errors[0] instanceof ApiError);
  t.like(errors[0], { code: 500, serverMessage: 'etcd is gone' });
});

test('without permission it says which one, keeps what it knows, and tries again when told', async (t) => {
  const message =
    'configmaps is forbidden: User "jane" cannot watch resource "configmaps" in API group "" at the cluster scope';
  const { watch, seen, clock, states, errors } = await watchServer(t, [
    closed(added('a', 3), endOfList(5)),
    ...Array.from({ length: 7 }, () => () => status(403, 'Forbidden', message, { kind: 'configmaps' })),
    stream(bookmark(9)),
  ]);
  const one = watch();
  await until(() => clock.waiting.length === 1, 'a long wait');
  t.deepEqual(clock.waiting.map(Math.round), [64_000]);
  t.like(one.state, {
    phase: 'forbidden',
    why: message,
    permission: { verb: 'watch', group: '', resource: 'configmaps' },
  });
  t.false(one.isSynced);
  t.is(one.items.size, 1);
  t.is(seen.length, 8);
  one.retryNow();
  await until(() => one.isSynced, 'sync');
  t.is(one.state.permission, undefined);
  // At first it may be a server that has just started, and refuses everybody until it knows its roles.
  t.deepEqual(
    states.map(({ phase }) => phase),
    ['synced', 'failing', 'forbidden', 'synced'],
  );
  t.deepEqual(errors, []);
});

test('what was never allowed is forbidden at once', async (t) => {
  const message = 'configmaps is forbidden: User "jane" cannot watch resource "configmaps" in API group ""';
  const { watch, states } = await watchServer(t, [() => status(403, 'Forbidden', message), stream(endOfList(9))]);
  const one = watch();
  await until(() => one.isSynced, 'sync');
  t.deepEqual(
    states.map(({ phase }) => phase),
    ['forbidden', 'synced'],
  );
});

test('an API that nothing serves is absent, and looked for every few minutes', async (t) => {
  const { watch, seen, clock, errors, cluster } = await watchServer(t, [stream(endOfList(5))]);
  const one = watch({ apiVersion: 'example.com/v1', kind: 'Nothing' });
  await until(() => clock.waiting.length === 1, 'a long wait');
  t.like(one.state, { phase: 'absent', why: 'this cluster serves no Nothing in example.com/v1' });
  t.deepEqual([clock.waiting.map(Math.round), seen.length, errors.length], [[300_000], 0, 0]);
  const before = cluster.requests;
  clock.pass(300_000);
  await until(() => clock.waiting.length === 1, 'another long wait');
  t.is(cluster.requests - before, 2);
});

test('absent watches share one discovery', async (t) => {
  const { watch, clock, cluster } = await watchServer(t, [stream(endOfList(5))]);
  for (let kind = 0; kind < 20; kind++) watch({ apiVersion: 'example.com/v1', kind: `Nothing${kind}` });
  await until(() => clock.waiting.length === 20, 'long waits');
  const before = cluster.requests;
  clock.pass(300_000);
  await until(() => clock.waiting.length === 20, 'long waits again');
  t.is(cluster.requests - before, 2);
});

test('an API that goes while it is watched is looked for anew, at short intervals while discovery still names it', async (t) => {
  const { watch, phases, told, clock } = await watchServer(t, [
    closed(added('a', 3), endOfList(5)),
    () => ({ status: 404, text: '404 page not found\n' }),
    () => ({ status: 404, text: '404 page not found\n' }),
    stream(added('b', 12), endOfList(12)),
  ]);
  const one = watch();
  await until(() => one.state.resourceVersion === '12', 'the new list');
  t.deepEqual(phases(), ['synced', 'absent', 'synced']);
  t.deepEqual(told(), ['added default/a', 'added default/b', 'deleted default/a']);
  t.deepEqual(clock.sleeps.map(Math.round), [500, 1000, 2000]);
});

test('a 404 of something in between does not mean that the API is absent', async (t) => {
  const { watch, phases } = await watchServer(t, [() => ({ status: 404, text: '<html>nginx' }), stream(endOfList(5))]);
  const one = watch();
  await until(() => one.isSynced, 'sync');
  t.deepEqual(phases(), ['failing', 'synced']);
});

test('credentials that are refused meanwhile are asked for anew', async (t) => {
  const { watch, phases, errors } = await watchServer(t, [
    closed(endOfList(5)),
    () => status(401, 'Unauthorized', 'Unauthorized'),
    stream(bookmark(6)),
  ]);
  const one = watch();
  await until(() => one.state.resourceVersion === '6', 'the bookmark');
  t.like(errors, [{ code: 401 }]);
  t.deepEqual(phases(), ['synced', 'failing', 'synced']);
});

test('callbacks that throw are reported and change nothing', async (t) => {
  const errors: unknown[] = [];
  const { watch } = await watchServer(t, [stream(added('a', 3), added('b', 4), endOfList(5))]);
  const one = watch(configMaps, {
    onChange: ({ key }) => {
      if (key.endsWith('a')) throw new Error('at once');
      return Promise.reject(new Error('later')) as never;
    },
    onState: () => {
      throw new Error('state');
    },
    onError: (error) => {
      errors.push(error);
      throw new Error('even this');
    },
  });
  await until(() => one.isSynced && errors.length === 3, 'all errors');
  t.deepEqual(errors.map((error) => (error as Error).message).sort(), ['at once', 'later', 'state']);
  t.is(one.items.size, 2);
});

test('a projection that throws makes nothing up: the watch is not synced and says why', async (t) => {
  let isBroken = true;
  const { watch, errors, states } = await watchServer(t, [closed(added('a', 3), endOfList(5))]);
  const one = watch(configMaps, {
    project: (object) => {
      if (!isBroken) return object;
      isBroken = false;
      throw new TypeError('no spec');
    },
  });
  await until(() => one.isSynced, 'sync');
  t.true(errors[0] instanceof WatchError);
  t.like(errors[0], { problem: 'projection', cause: { message: 'no spec' } });
  t.like(states[0], { phase: 'failing', why: 'what to keep of ConfigMap a could not be told' });
});

test('Secrets are never watched', async (t) => {
  const { watch, seen, errors } = await watchServer(t, [stream(endOfList(5))]);
  const one = watch({ apiVersion: 'v1', kind: 'Secret' });
  await until(() => one.state.phase === 'failing', 'the refusal');
  t.true(errors[0] instanceof RefusedError);
  t.is(seen.length, 0);
});

test('stopping ends connection and timers at once, and nothing is told afterwards', async (t) => {
  const controller = new AbortController();
  const { watch, seen, clock, changes, errors } = await watchServer(t, [stream(added('a', 3), endOfList(5))]);
  const watches = [watch(), watch(configMaps, { signal: controller.signal })];
  await until(() => watches.every(({ isSynced }) => isSynced), 'sync');
  const ends = Promise.all(seen.map(({ socket }) => once(socket, 'close')));
  controller.abort();
  await Promise.all(watches.map((one) => one.stop()));
  await ends;
  t.deepEqual([clock.waiting, changes.length, errors], [[], 2, []]);
});

test('a watch that is stopped while it waits, or before it begins, makes no request', async (t) => {
  const { watch, seen, clock, cluster } = await watchServer(t, [() => status(403, 'Forbidden', 'no')]);
  const one = watch();
  await until(() => clock.waiting.length === 1, 'a long wait');
  const before = seen.length;
  await one.stop();
  await watchObjects(cluster, configMaps, { signal: AbortSignal.abort() }).stop();
  t.deepEqual([clock.waiting, seen.length], [[], before]);
});

test('watches hold as many connections as they need, and never those of requests', async (t) => {
  const warnings: string[] = [];
  const onWarning = ({ message }: Error) => void warnings.push(message);
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  const { signal } = new AbortController();
  const script: Script = ({ query }, response) =>
    query.has('watch') ? stream(endOfList(5))({} as never, response) : { json: object('a', 3) };
  const { watch, cluster, connections } = await watchServer(t, [script]);
  const watches = Array.from({ length: 60 }, () => watch(configMaps, { signal }));
  await until(() => watches.every(({ isSynced }) => isSynced), 'sync');
  await cluster.get({ ...configMaps, namespace: 'default', name: 'a' });
  // Sixty streams; discovery took two at once, and the get one of those.
  t.is(connections(), 62);
  t.deepEqual(warnings, []);
});

test.serial('five thousand nodes cost what is kept of them', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const nodes = 5000;
  const script: Script = (_, response) => {
    const events = function* () {
      for (let i = 0; i < nodes; i++) yield fatNode(i);
      yield endOfList(nodes);
    };
    response.writeHead(200, { 'content-type': 'application/json' });
    Readable.from(events()).pipe(response, { end: false });
    return undefined;
  };
  const { watch } = await watchServer(t, [script], { onChange: () => {} });
  collect();
  const before = process.memoryUsage().heapUsed;
  const one = watch(configMaps, {
    project: ({ apiVersion, kind, metadata: { name, labels }, status }) => ({
      apiVersion,
      kind,
      metadata: { name, ...(labels !== undefined && { labels }) },
      capacity: (status as { capacity: unknown }).capacity,
    }),
  });
  await until(() => one.isSynced, 'sync');
  collect();
  const grownMb = (process.memoryUsage().heapUsed - before) / 1e6;
  t.log(`${nodes} nodes of ${fatNode(1).length} bytes: ${grownMb.toFixed(1)} MB of heap`);
  t.is(one.items.size, nodes);
  t.true(grownMb < 20);
});

function fatNode(i: number): string {
  const labels = Object.fromEntries(
    Array.from({ length: 20 }, (_, n) => [`example.com/label-${n}`, `value-${i % 50}`]),
  );
  const name = `node-${i}`;
  return line('ADDED', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `uid-${i}`, resourceVersion: `${i}`, labels, managedFields: 'x'.repeat(3000) },
    status: {
      capacity: { cpu: '64', memory: '512Gi', pods: '250' },
      images: Array.from({ length: 50 }, () => 'y'.repeat(180)),
    },
  });
}
