import test from 'ava';
import type { Catalog } from '../../../../shared/catalog/asset.ts';
import type { Plan } from '../../../../shared/engine/plan-item.ts';
import { type Question, questionKey, type Snapshot } from '../../../../shared/engine/snapshot.ts';
import { ConnectionError } from '../../../../shared/kube/connection-error.ts';
import { observe } from '../../../../shared/kube/observe.ts';
import { configMap, fakeApiServer, type Reply, status } from './_fake-api-server.ts';

const catalog = {} as Catalog;
const get: Question = { ask: 'get', ref: configMap };
const dryRun: Question = {
  ask: 'dry-run',
  ref: configMap,
  desired: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' } },
  digest: 'd',
  live: { uid: 'u', resourceVersion: '5' },
};

const verdicts: [title: string, reply: Reply, verdict: unknown][] = [
  [
    'a webhook that cannot be asked in a dry-run decides nothing',
    status(400, 'BadRequest', 'admission webhook "x" does not support dry run'),
    { verdict: 'unknown', why: 'Error from server (BadRequest): admission webhook "x" does not support dry run' },
  ],
  [
    "a webhook's refusal is a rejection in its own words, though it looks like a missing permission",
    status(403, 'Forbidden', 'admission webhook "x" denied the request: not today'),
    { verdict: 'rejected', message: 'admission webhook "x" denied the request: not today' },
  ],
  [
    'a full namespace is a rejection',
    status(403, 'Forbidden', 'configmaps "settings" is forbidden: exceeded quota: q'),
    { verdict: 'rejected', message: 'configmaps "settings" is forbidden: exceeded quota: q' },
  ],
  [
    'a field that the schema lacks is a rejection',
    status(500, '', 'failed to create typed patch object: .spec.x: field not declared in schema'),
    { verdict: 'rejected', message: 'failed to create typed patch object: .spec.x: field not declared in schema' },
  ],
  [
    'a server that stays in trouble decides nothing',
    status(503, 'ServiceUnavailable', 'etcd is down'),
    { verdict: 'unknown', why: 'Error from server (ServiceUnavailable): etcd is down' },
  ],
];
for (const [title, reply, verdict] of verdicts) {
  test(title, async (t) => {
    const { cluster } = await fakeApiServer(t, () => reply);
    const { snapshot } = await observe(cluster, catalog, planner([dryRun]), { images: {} });
    t.like(snapshot.verdicts.get(questionKey(dryRun)), verdict as never);
  });
}

test('a dry-run is sent as the controller would apply, and says with what version', async (t) => {
  const object = { ...dryRun.desired, data: {} };
  const { cluster, seen } = await fakeApiServer(t, () => ({ json: object, headers: { warning: '299 - "old"' } }));
  const { snapshot } = await observe(cluster, catalog, planner([dryRun]), {
    images: {},
    forced: { 'hardware.gpuPresent': true },
  });
  t.deepEqual(snapshot.verdicts.get(questionKey(dryRun)), { verdict: 'accepted', object, warnings: ['old'] });
  t.deepEqual(snapshot.forced, { 'hardware.gpuPresent': true });
  t.is(seen[0]?.query.toString(), 'force=true&fieldManager=virt-platform-autopilot&dryRun=All&fieldValidation=Strict');
  t.like(JSON.parse(seen[0]?.body ?? ''), { metadata: dryRun.live });
});

test('one read that takes too long, and a Secret, are unknown; the others are answered', async (t) => {
  const slow: Question = { ask: 'get', ref: { ...configMap, name: 'slow' } };
  const secret: Question = { ask: 'get', ref: { ...configMap, kind: 'Secret' } };
  const options = { requestTimeoutMs: 2000 };
  const { cluster } = await fakeApiServer(
    t,
    ({ path }) => (path.endsWith('slow') ? undefined : { json: { data: {} } }),
    options,
  );
  const { snapshot } = await observe(cluster, catalog, planner([slow, secret, get]), { images: {} });
  t.like(snapshot.reads.get(questionKey(get)), { answer: 'object' });
  t.regex(JSON.stringify(snapshot.reads.get(questionKey(slow))), /"unknown".*no complete answer/);
  t.deepEqual(snapshot.reads.get(questionKey(secret)), {
    answer: 'unknown',
    why: 'objects of kind Secret are never read',
  });
});

test('a connection that keeps breaking ends the observation', async (t) => {
  const { cluster } = await fakeApiServer(t, ({ socket }) => void socket.destroy());
  await t.throwsAsync(observe(cluster, catalog, planner([get]), { images: {} }), { instanceOf: ConnectionError });
});

test('what is likely to be asked is asked before anything is planned, once', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, ({ path }) => ({ json: { ...dryRun.desired, path } }));
  const other: Question = { ask: 'get', ref: { ...configMap, name: 'other' } };
  const rounds: Snapshot[] = [];
  const plan = (_: Catalog, snapshot: Snapshot) => {
    rounds.push(snapshot);
    return { plan: { items: [] } as unknown as Plan, questions: [get, other] };
  };
  await observe(cluster, catalog, plan, { images: {}, likely: () => [other, get] });
  t.deepEqual(
    rounds.map(({ reads }) => reads.size),
    [2],
  );
  t.is(seen.length, 2);
});

test('no more requests at a time than asked for', async (t) => {
  let running = 0;
  let most = 0;
  const { cluster } = await fakeApiServer(t, (_, response) => {
    most = Math.max(most, ++running);
    setImmediate(() => {
      running--;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    return undefined;
  });
  const questions = Array.from(
    { length: 40 },
    (_, index): Question => ({ ask: 'get', ref: { ...configMap, name: `n${index}` } }),
  );
  const { snapshot } = await observe(cluster, catalog, planner(questions), { images: {}, concurrency: 3 });
  t.is(snapshot.reads.size, 40);
  t.true(most <= 3);
});

function planner(questions: readonly Question[]) {
  return (_: Catalog, __: Snapshot) => ({ plan: { items: [] } as unknown as Plan, questions });
}
