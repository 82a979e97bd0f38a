import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ApiError, formatServerError } from '../../../../shared/kube/api-error.ts';
import { openCluster } from '../../../../shared/kube/client.ts';
import { ConnectionError } from '../../../../shared/kube/connection-error.ts';
import { RefusedError } from '../../../../shared/kube/refused-error.ts';
import { clockWithoutTime, configMap, fakeApiServer, plainConnection, status } from './_fake-api-server.ts';

const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' } };
const thing = { apiVersion: 'example.com/v1', kind: 'Thing', namespace: 'default', name: 'one' } as const;

test('an object is read from the path of its identity, with the caller named', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, () => ({ json: object }));
  t.deepEqual(await cluster.get(configMap), { answer: 'object', object });
  t.is(seen[0]?.path, '/api/v1/namespaces/default/configmaps/settings');
  t.is(seen[0]?.headers['user-agent'], 'test/1');
});

test('a server behind a path is asked below it', async (t) => {
  const paths: string[] = [];
  const { url } = await fakeApiServer(t, ({ path }) => {
    paths.push(path);
    return { json: { gitVersion: 'v1.36.3' } };
  });
  const cluster = openCluster(plainConnection(`${url}/k8s/clusters/c-1`), { userAgent: 'test/1' });
  t.teardown(() => cluster.close());
  t.like(await cluster.version(), { gitVersion: 'v1.36.3' });
  t.deepEqual(paths, ['/k8s/clusters/c-1/version']);
});

test('whom to impersonate goes with every request', async (t) => {
  const impersonate = { user: 'jane', groups: ['a', 'b'], uid: '7', extra: { 'example.com/scopes': ['x'] } };
  const { cluster, seen } = await fakeApiServer(t, () => ({ json: object }), { connection: { impersonate } });
  await cluster.get(configMap);
  t.like(seen[0]?.headers, {
    'impersonate-user': 'jane',
    'impersonate-group': 'a, b',
    'impersonate-uid': '7',
    'impersonate-extra-example.com%2fscopes': 'x',
  });
});

test('a user that no header can carry is an error, not a crash', async (t) => {
  const impersonate = { user: 'jane\nHost: other', groups: [], extra: {} };
  const { cluster } = await fakeApiServer(t, () => ({ json: object }), { connection: { impersonate } });
  await t.throwsAsync(cluster.get(configMap), { instanceOf: ConnectionError, message: /Impersonate-User/ });
});

for (const [title, reply, missing] of [
  [
    'a 404 that names the object means that it is absent',
    status(404, 'NotFound', 'configmaps "settings" not found', { name: 'settings', kind: 'configmaps' }),
    'object',
  ],
  ['a 404 for the path means that its API is gone', { status: 404, text: '404 page not found\n' }, 'api'],
  [
    'a 404 that names nothing means that its API is gone',
    status(404, 'NotFound', 'the server could not find the requested resource', {}),
    'api',
  ],
  [
    'a 404 about the namespace says nothing of the object',
    status(404, 'NotFound', 'namespaces "default" not found', { name: 'default', kind: 'namespaces' }),
    undefined,
  ],
  [
    'a 404 about an object of another group says nothing of this one',
    status(404, 'NotFound', 'x "settings" not found', { name: 'settings', kind: 'configmaps', group: 'example.com' }),
    undefined,
  ],
  [
    'a 404 about another name says nothing of this one',
    status(404, 'NotFound', 'configmaps "other" not found', { name: 'other', kind: 'configmaps' }),
    undefined,
  ],
  ['a 404 of a web server says nothing of the object', { status: 404, text: '<html>nginx</html>' }, undefined],
] as const) {
  test(title, async (t) => {
    const { cluster } = await fakeApiServer(t, () => reply);
    if (missing === undefined) await t.throwsAsync(cluster.get(configMap), { instanceOf: ApiError });
    else t.like(await cluster.get(configMap), { answer: 'absent', missing });
  });
}

test('a kind that nothing serves is absent without a request', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, () => ({ json: object }));
  const answer = await cluster.get({ apiVersion: 'example.com/v2', kind: 'Thing', name: 'x' });
  t.deepEqual(answer, { answer: 'absent', missing: 'api', why: 'this cluster serves no Thing in example.com/v2' });
  t.is(seen.length, 0);
});

test('a kind of a group whose own server is down is not known to be absent', async (t) => {
  const { cluster } = await fakeApiServer(t, () => ({ json: object }));
  const error = await t.throwsAsync(cluster.get({ apiVersion: 'down.example.com/v1', kind: 'It', name: 'x' }));
  t.regex(error?.message ?? '', /down\.example\.com\/v1 does not answer/);
});

test('Secrets are never read', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, () => ({ json: object }));
  await t.throwsAsync(cluster.get({ ...configMap, kind: 'Secret' }), { instanceOf: RefusedError });
  await t.throwsAsync(cluster.list({ apiVersion: 'v1', kind: 'Secret' }), { instanceOf: RefusedError });
  t.is(seen.length, 0);
});

for (const name of ['..', '.', 'a/../../secrets/x', 'a%2fb', '']) {
  test(`the name "${name}" leads nowhere else`, async (t) => {
    const { cluster, seen } = await fakeApiServer(t, () => ({ json: object }));
    await t.throwsAsync(cluster.get({ ...configMap, name }), { instanceOf: RefusedError });
    t.is(seen.length, 0);
  });
}

test('a name with a colon is encoded', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, () => ({ json: object }));
  await cluster.get({ ...configMap, name: 'system:a?b' });
  t.is(seen[0]?.path, '/api/v1/namespaces/default/configmaps/system%3Aa%3Fb');
});

test('without a namespace a namespaced object is not asked for', async (t) => {
  const { cluster } = await fakeApiServer(t, () => ({ json: object }));
  const { namespace, ...ref } = configMap;
  await t.throwsAsync(cluster.get(ref), { instanceOf: RefusedError, message: /no namespace is given/ });
  t.is(namespace, 'default');
});

test('a list is read in pages, each item saying what it is, and projected on the way', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, ({ query }) => {
    const items =
      query.get('continue') === 'two'
        ? [{ metadata: { name: 'c' } }]
        : [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }];
    return {
      json: { metadata: { resourceVersion: '9', continue: query.get('continue') === 'two' ? '' : 'two' }, items },
    };
  });
  const answer = await cluster.list(
    { apiVersion: 'v1', kind: 'ConfigMap' },
    { limit: 2, labelSelector: 'a=b', project: ({ kind, metadata }) => `${kind}/${metadata.name}` },
  );
  t.deepEqual(answer, { answer: 'list', items: ['ConfigMap/a', 'ConfigMap/b', 'ConfigMap/c'], resourceVersion: '9' });
  t.deepEqual(
    seen.map(({ query }) => query.toString()),
    ['limit=2&labelSelector=a%3Db', 'limit=2&continue=two&labelSelector=a%3Db'],
  );
});

test('a list whose next page comes too late is begun again, at last in one piece', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, ({ query }) => {
    if (query.has('continue')) return status(410, 'Expired', 'The provided continue parameter is too old');
    return { json: { metadata: { continue: query.has('limit') ? 'more' : '' }, items: [{ metadata: { name: 'a' } }] } };
  });
  const answer = await cluster.list({ apiVersion: 'v1', kind: 'ConfigMap' });
  t.like(answer, { answer: 'list', items: [{ metadata: { name: 'a' } }] });
  t.deepEqual(
    seen.map(({ query }) => query.toString()),
    ['limit=500', 'limit=500&continue=more', 'limit=500', 'limit=500&continue=more', ''],
  );
});

test('429 is waited out for as long as the server asks, writes included', async (t) => {
  const replies = [
    { ...status(429, 'TooManyRequests', 'slow down'), headers: { 'retry-after': '3' } },
    { json: object },
  ];
  const { cluster, sleeps } = await fakeApiServer(t, () => replies.shift());
  await cluster.mergePatch(configMap, {}, { fieldManager: 'test' });
  t.deepEqual(sleeps, [3000]);
});

test('a 429 that asks for more time than there is ends at once, in the words of the server', async (t) => {
  const reply = { ...status(429, 'TooManyRequests', 'slow down'), headers: { 'retry-after': '60' } };
  const { cluster, sleeps } = await fakeApiServer(t, () => reply);
  const error = await t.throwsAsync(cluster.get(configMap), { instanceOf: ApiError });
  t.is(formatServerError(error), 'Error from server (TooManyRequests): slow down');
  t.deepEqual(sleeps, []);
});

for (const [code, reason, message] of [
  [502, '', 'bad gateway'],
  [503, 'ServiceUnavailable', 'the server is currently unable to handle the request'],
  [504, 'Timeout', 'the server was unable to return a response in the time allotted'],
  [500, 'InternalError', 'etcdserver: leader changed'],
  [500, 'InternalError', 'failed calling webhook "x": dial tcp 10.0.0.1:443: connect: connection refused'],
] as const) {
  test(`a passing trouble is tried again: ${code} ${message}`, async (t) => {
    const replies = [status(code, reason, message), status(code, reason, message), { json: object }];
    const { cluster, sleeps } = await fakeApiServer(t, () => replies.shift());
    t.like(await cluster.get(configMap), { answer: 'object' });
    t.deepEqual(sleeps, [100, 200]);
  });
}

for (const [code, reason, message] of [
  [400, 'BadRequest', 'strict decoding error: unknown field "x"'],
  [403, 'Forbidden', 'no'],
  [409, 'Conflict', 'the object has been modified'],
  [422, 'Invalid', 'spec.x: Required value'],
  [500, '', 'failed to create typed patch object: .spec.x: field not declared in schema'],
] as const) {
  test(`what is wrong for good is not tried again: ${code} ${message}`, async (t) => {
    const { cluster, seen } = await fakeApiServer(t, () => status(code, reason, message));
    await t.throwsAsync(cluster.get(configMap), { instanceOf: ApiError });
    t.is(seen.length, 1);
  });
}

test('trouble that lasts ends with the last answer, after a bounded number of tries', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, () => status(503, 'ServiceUnavailable', 'starting'));
  await t.throwsAsync(cluster.get(configMap), {
    instanceOf: ApiError,
    message: /get ConfigMap\/default\/settings: ServiceUnavailable: starting/,
  });
  t.is(seen.length, 6);
});

test('a write that may have been carried out is not repeated, unless its preconditions make that harmless', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, () => status(503, 'ServiceUnavailable', 'starting'));
  const options = { fieldManager: 'test' };
  const count = async (write: Promise<unknown>) => {
    const before = seen.length;
    await t.throwsAsync(write, { instanceOf: ApiError });
    return seen.length - before;
  };
  const apply = { ref: configMap, ...options };
  t.is(await count(cluster.apply(object, apply)), 1);
  t.is(await count(cluster.create(object, configMap, options)), 1);
  t.is(await count(cluster.mergePatch(configMap, {}, options)), 1);
  t.is(await count(cluster.jsonPatch(configMap, [], options)), 1);
  t.is(await count(cluster.delete(configMap)), 1);
  t.is(await count(cluster.apply(object, { ...apply, dryRun: true })), 6);
  t.is(await count(cluster.apply(object, { ...apply, live: { uid: 'u', resourceVersion: '5' } })), 6);
  t.is(await count(cluster.mergePatch(configMap, { metadata: { resourceVersion: '5' } }, options)), 6);
  t.is(
    await count(cluster.jsonPatch(configMap, [{ op: 'test', path: '/metadata/resourceVersion', value: '5' }], options)),
    6,
  );
  t.is(await count(cluster.delete(configMap, { uid: 'u' })), 6);
});

test('a connection that breaks while a read is answered is opened again', async (t) => {
  let calls = 0;
  const { cluster } = await fakeApiServer(t, ({ socket }) => {
    if (++calls > 1) return { json: object };
    socket.destroy();
    return undefined;
  });
  t.like(await cluster.get(configMap), { answer: 'object' });
});

test('an answer that breaks off half-way is asked for again', async (t) => {
  let calls = 0;
  const { cluster } = await fakeApiServer(t, ({ socket }, response) => {
    if (++calls > 1) return { json: object };
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"kind":');
    setImmediate(() => socket.destroy());
    return undefined;
  });
  t.like(await cluster.get(configMap), { answer: 'object' });
});

test('an apply names the object that it is meant for, by uid and version', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, () => ({ json: object, headers: { warning: '299 - "a"' } }));
  const live = { uid: 'u', resourceVersion: '5' };
  const written = await cluster.apply(object, { ref: configMap, fieldManager: 'me', force: true, live });
  t.deepEqual(written, { object, isCreated: false, warnings: ['a'] } as never);
  const [request] = seen;
  t.is(request?.method, 'PATCH');
  t.is(request?.headers['content-type'], 'application/apply-patch+yaml');
  t.is(request?.query.toString(), 'force=true&fieldManager=me&fieldValidation=Strict');
  t.deepEqual(JSON.parse(request?.body ?? ''), { ...object, metadata: { ...object.metadata, ...live } });
});

for (const [title, body] of [
  ['another name', { ...object, metadata: { ...object.metadata, name: 'other' } }],
  ['another namespace', { ...object, metadata: { ...object.metadata, namespace: 'kube-system' } }],
  ['no namespace', { ...object, metadata: { name: 'settings' } }],
  ['another kind', { ...object, kind: 'Role' }],
  ['another group', { ...object, apiVersion: 'example.com/v1' }],
  ['an own uid', { ...object, metadata: { ...object.metadata, uid: 'x' } }],
  ['an own resourceVersion', { ...object, metadata: { ...object.metadata, resourceVersion: '1' } }],
  ['managedFields', { ...object, metadata: { ...object.metadata, managedFields: [] } }],
] as const) {
  test(`an apply whose body has ${title} is not sent`, async (t) => {
    const { cluster, seen } = await fakeApiServer(t, () => ({ json: object }));
    await t.throwsAsync(cluster.apply(body, { ref: configMap, fieldManager: 'me' }), { instanceOf: RefusedError });
    t.is(seen.length, 0);
  });
}

test('a delete says in its body what it is for: beside one the server ignores the query', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, () => ({ json: {} }));
  await cluster.delete(configMap, { uid: 'u', resourceVersion: '5', dryRun: true });
  t.is(seen[0]?.query.toString(), '');
  t.like(JSON.parse(seen[0]?.body ?? ''), {
    dryRun: ['All'],
    preconditions: { uid: 'u', resourceVersion: '5' },
    propagationPolicy: 'Background',
  });
});

test('warnings of the server are handed on, several in a header and in several', async (t) => {
  const warnings: string[] = [];
  const headers = { warning: ['299 - "a \\"b\\"", 299 - "c, d"', '299 kube "e"'] };
  const { cluster } = await fakeApiServer(t, () => ({ json: object, headers }), {
    onWarning: (text) => warnings.push(text),
  });
  await cluster.get(configMap);
  t.deepEqual(warnings, ['a "b"', 'c, d', 'e']);
});

test('a web page instead of JSON is named', async (t) => {
  const { cluster } = await fakeApiServer(t, () => ({
    text: '<html>log in</html>',
    headers: { 'content-type': 'text/html' },
  }));
  await t.throwsAsync(cluster.get(configMap), {
    instanceOf: ConnectionError,
    message: /a web page instead of JSON.*proxy or a login page/,
  });
});

test('a refusal that no API server wrote says whose it is, and what to look at', async (t) => {
  const { cluster } = await fakeApiServer(t, () => ({
    status: 404,
    text: '<html>Not Found</html>',
    headers: { 'content-type': 'text/html' },
  }));
  const error = await t.throwsAsync(cluster.get(configMap), { instanceOf: ApiError });
  t.regex(
    error?.serverMessage ?? '',
    /^https?:\/\/\S+ answered 404 with a web page, as no API server does; check its address, and whether there is a proxy in between$/,
  );
});

for (const text of ['', 'null', '[]', '{"kind":', '"x"']) {
  test(`the answer ${JSON.stringify(text)} is no object`, async (t) => {
    const { cluster } = await fakeApiServer(t, () => ({ text }));
    await t.throwsAsync(cluster.get(configMap), { instanceOf: ConnectionError, message: /instead of JSON/ });
  });
}

test('a redirect is not followed', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, () => ({ status: 302, headers: { location: 'https://elsewhere' } }));
  await t.throwsAsync(cluster.get(configMap), { message: /redirected to https:\/\/elsewhere/ });
  t.is(seen.length, 1);
});

test('an answer that is too large is cut off', async (t) => {
  const { cluster } = await fakeApiServer(t, () => ({ json: { data: 'x'.repeat(3_000_000) } }), {
    maxAnswerBytes: 1024 * 1024,
  });
  await t.throwsAsync(cluster.get(configMap), { instanceOf: ConnectionError, message: /more than 1 MiB/ });
});

test('a deadline that no server can keep is not told as none', async (t) => {
  const { cluster } = await fakeApiServer(t, () => undefined, { requestTimeoutMs: 1 });
  await t.throwsAsync(cluster.version(), { instanceOf: ConnectionError, message: /within 0\.1 s/ });
});

test('a server that never answers is given up at the deadline', async (t) => {
  const { cluster } = await fakeApiServer(t, () => undefined, { requestTimeoutMs: 500 });
  const error = await t.throwsAsync(cluster.version(), { instanceOf: ConnectionError });
  t.is(error?.problem, 'timeout');
  t.regex(error?.message ?? '', /no complete answer to GET .* within 0\.\d s/);
});

test('an answer that never ends is given up at the deadline', async (t) => {
  const { cluster } = await fakeApiServer(t, (_, response) => void response.write('{'), { requestTimeoutMs: 500 });
  t.is((await t.throwsAsync(cluster.version(), { instanceOf: ConnectionError }))?.problem, 'timeout');
});

test('an aborted signal ends a request at once, with its reason', async (t) => {
  const abort = new AbortController();
  const reason = new Error('enough');
  const { cluster } = await fakeApiServer(t, () => void abort.abort(reason));
  await t.throwsAsync(cluster.get(configMap, { signal: abort.signal }), { is: reason });
  await t.throwsAsync(cluster.get(configMap, { signal: abort.signal }), { is: reason });
});

test('the signal of the whole client ends the waiting between two tries', async (t) => {
  const abort = new AbortController();
  const reason = new Error('enough');
  const clock = {
    ...clockWithoutTime(),
    sleep: async (_: number, signal?: AbortSignal) => {
      abort.abort(reason);
      signal?.throwIfAborted();
    },
  };
  const { cluster } = await fakeApiServer(t, () => status(503, '', 'starting'), { signal: abort.signal, clock });
  await t.throwsAsync(cluster.get(configMap), { is: reason });
});

test('requests share kept connections', async (t) => {
  const { cluster, connections } = await fakeApiServer(t, () => ({ json: object }));
  for (let count = 0; count < 50; count++) await cluster.get(configMap);
  t.true(connections() <= 2);
  await Promise.all(Array.from({ length: 100 }, () => cluster.get(configMap)));
  t.true(connections() <= 16);
});

test('a server that nobody runs is named in one line, after a few tries', async (t) => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const sleeps: number[] = [];
  const cluster = openCluster(plainConnection(`http://127.0.0.1:${port}`), {
    userAgent: 'test/1',
    clock: clockWithoutTime(sleeps),
  });
  const error = await t.throwsAsync(cluster.get(configMap), { instanceOf: ConnectionError });
  t.is(error?.problem, 'refused');
  t.regex(
    error?.message ?? '',
    new RegExp(`^could not reach the API server http://127\\.0\\.0\\.1:${port}: connection refused`),
  );
  t.false(error?.message.includes('\n'));
});

test('what speaks something else than HTTP is named', async (t) => {
  const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const cluster = openCluster(plainConnection(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), {
    userAgent: 'test/1',
  });
  const error = await t.throwsAsync(cluster.version(), { instanceOf: ConnectionError });
  t.is(error?.problem, 'unreadable-answer');
});

test('a token file is read again as time passes, and at once when the server refuses what was in it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kube-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, 'one\n');
  const accepted = new Set(['Bearer one']);
  const { cluster, seen } = await fakeApiServer(
    t,
    ({ headers }) =>
      accepted.has(headers.authorization ?? '') ? { json: object } : status(401, 'Unauthorized', 'Unauthorized'),
    { connection: { credentials: { tokenFile } } },
  );
  await cluster.get(configMap);
  await writeFile(tokenFile, 'two\n');
  accepted.clear();
  accepted.add('Bearer two');
  await cluster.get(configMap);
  t.deepEqual(
    seen.map(({ headers }) => headers.authorization),
    ['Bearer one', 'Bearer one', 'Bearer two'],
  );
});

test('credentials that the server does not accept: whose, and what to do', async (t) => {
  const { cluster, seen } = await fakeApiServer(t, () => status(401, 'Unauthorized', 'Unauthorized'), {
    connection: { credentials: { token: 'secret' }, user: 'jane', context: 'prod' },
  });
  const error = await t.throwsAsync(cluster.get(configMap), { instanceOf: ApiError });
  t.true(error?.isUnauthorized);
  t.regex(
    error?.message ?? '',
    /credentials of user "jane" of context "prod" \(Unauthorized\).*expired or invalid; log in again/,
  );
  t.false(error?.message.includes('secret'));
  t.is(seen.length, 1);
});

test('a token that cannot be a token is never shown', async (t) => {
  const { cluster } = await fakeApiServer(t, () => ({ json: object }), {
    connection: { credentials: { token: 'se cret' } },
  });
  const error = await t.throwsAsync(cluster.get(configMap), { instanceOf: ConnectionError });
  t.false(error?.message.includes('cret'));
});

test('files of credentials that are not there are named', async (t) => {
  const { cluster } = await fakeApiServer(t, () => ({ json: object }), {
    connection: { credentials: { tokenFile: '/nowhere/token' } },
  });
  await t.throwsAsync(cluster.get(configMap), { message: 'could not read the token /nowhere/token: ENOENT' });
});

test('a server that knows no aggregated discovery is asked group by group', async (t) => {
  const answers: Record<string, unknown> = {
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/api/v1': {
      resources: [
        { name: 'nodes', kind: 'Node', namespaced: false },
        { name: 'nodes/status', kind: 'Node' },
      ],
    },
    '/apis': {
      kind: 'APIGroupList',
      groups: [{ versions: [{ groupVersion: 'apps/v1' }, { groupVersion: 'metrics.k8s.io/v1' }] }],
    },
    '/apis/apps/v1': { resources: [{ name: 'daemonsets', kind: 'DaemonSet', namespaced: true }] },
  };
  const server = createHttpServer((request, response) => {
    const json = answers[request.url ?? ''];
    response
      .writeHead(json === undefined ? 503 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify(json ?? {}));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cluster = openCluster(plainConnection(`http://127.0.0.1:${port}`), {
    userAgent: 'test/1',
    clock: clockWithoutTime(),
  });
  t.teardown(() => {
    cluster.close();
    server.close();
  });
  t.deepEqual(await cluster.discover(), {
    resources: [
      { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false },
      { group: 'apps', version: 'v1', kind: 'DaemonSet', plural: 'daemonsets', namespaced: true },
    ],
    stale: ['metrics.k8s.io/v1'],
  });
});

test('discovery that is not understood serves nothing and throws nothing', async (t) => {
  const server = createHttpServer((_, response) => {
    response.end(
      JSON.stringify({
        kind: 'APIGroupDiscoveryList',
        items: [null, 1, { versions: 'x' }, { versions: [{ resources: [{}] }] }],
      }),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cluster = openCluster(plainConnection(`http://127.0.0.1:${port}`), { userAgent: 'test/1' });
  t.teardown(() => {
    cluster.close();
    server.close();
  });
  t.deepEqual(await cluster.discover(), { resources: [], stale: [] });
});

test('a missing permission is told from a refusal by admission', async (t) => {
  const messages = [
    'things.example.com "one" is forbidden: User "jane" cannot patch resource "things" in API group "example.com" in the namespace "default"',
    'users "joe" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope',
    'admission webhook "x" denied the request: User "jane" may not',
  ];
  const { cluster } = await fakeApiServer(t, () =>
    status(403, 'Forbidden', messages.shift() ?? '', { name: 'one', kind: 'things' }),
  );
  const forbidden = await t.throwsAsync(cluster.get(thing), { instanceOf: ApiError });
  t.deepEqual(forbidden?.permission, {
    verb: 'patch',
    group: 'example.com',
    resource: 'things',
    namespace: 'default',
    name: 'one',
  });
  const impersonating = await t.throwsAsync(cluster.get(thing), { instanceOf: ApiError });
  t.deepEqual(impersonating?.permission, { verb: 'impersonate', group: '', resource: 'users', name: 'joe' });
  t.is((await t.throwsAsync(cluster.get(thing), { instanceOf: ApiError }))?.permission, undefined);
});

test('a proxy is asked to connect to the server', async (t) => {
  const { url, cluster: direct } = await fakeApiServer(t, () => ({ json: object }));
  t.like(await direct.get(configMap), { answer: 'object' });
  const asked: string[] = [];
  const proxy = createHttpServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('{"gitVersion":"v1"}');
  });
  proxy.on('connect', ({ url: target = '' }, socket) => {
    asked.push(`CONNECT ${target}`);
    const [host = '', port] = target.split(':');
    const onward = connect(Number(port), host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    onward
      .on('error', () => socket.destroy())
      .pipe(socket)
      .on('error', () => onward.destroy())
      .pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const proxyUrl = `http://127.0.0.1:${port}`;
  const plain = openCluster({ ...plainConnection(url), proxy: proxyUrl }, { userAgent: 'test/1' });
  const secure = openCluster(
    { ...plainConnection(url.replace('http:', 'https:')), proxy: proxyUrl },
    { userAgent: 'test/1' },
  );
  t.teardown(() => {
    plain.close();
    secure.close();
    proxy.closeAllConnections();
    proxy.close();
  });
  t.like(await plain.version(), { gitVersion: 'v1' });
  t.is(asked[0], `${url}/version`);
  // The tunnel ends at a server that speaks no TLS: what matters is that the proxy was asked.
  const error = await t.throwsAsync(secure.version(), { instanceOf: ConnectionError });
  t.is(error?.problem, 'certificate');
  t.is(asked[1], `CONNECT ${url.replace('http://', '')}`);
});
