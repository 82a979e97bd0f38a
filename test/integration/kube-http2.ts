import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { type Cluster, type ClusterOptions, openCluster } from '../../shared/kube/client.ts';
import { ConnectionError } from '../../shared/kube/connection-error.ts';
import { type KubeconfigOptions, loadKubeconfig } from '../../shared/kube/kubeconfig.ts';
import { useCluster } from '../helpers/cluster.ts';

// What a person's commands use: one connection, on which requests go side by side.

const control = useCluster(test);
const namespace = { apiVersion: 'v1', kind: 'Namespace', name: 'default' };

test('many requests at once share one connection', async (t) => {
  const proxy = await passingProxy(t);
  const cluster = open(t, { server: proxy.url, tlsServerName: '127.0.0.1' });
  await cluster.discover();
  const answers = await Promise.all(Array.from({ length: 50 }, () => cluster.get(namespace)));
  t.true(answers.every(({ answer }) => answer === 'object'));
  t.is(proxy.sockets.length, 1);
});

test('reads, writes and refusals are as on any other connection', async (t) => {
  const cluster = open(t);
  const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'multiplexed' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: ref.name, namespace: 'default' } };
  const { isCreated } = await cluster.apply({ ...object, data: { key: 'größer' } }, { ref, fieldManager: 'test' });
  t.true(isCreated);
  t.like(await cluster.get(ref), { answer: 'object', object: { data: { key: 'größer' } } });
  t.like(await cluster.delete(ref), { answer: 'deleted' });
  t.like(await cluster.get(ref), { answer: 'absent', missing: 'object' });
  const viewer = open(t, { kubeconfig: await control.user('viewer') });
  await t.throwsAsync(viewer.list({ apiVersion: 'v1', kind: 'Node' }), { message: /"viewer" cannot list resource/ });
});

test('warnings of the server are handed on', async (t) => {
  const warnings: string[] = [];
  const cluster = open(t, {}, { onWarning: (warning) => warnings.push(warning) });
  const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'warned' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: ref.name, namespace: 'default' }, one: 1 };
  const create = { fieldManager: 'test', fieldValidation: 'Warn', dryRun: true } as const;
  await cluster.create({ ...object, two: 2 }, ref, create);
  t.deepEqual(warnings, ['unknown field "one"', 'unknown field "two"']);
});

test('an answer larger than any window comes whole', async (t) => {
  const cluster = open(t);
  const data = { filling: 'x'.repeat(900_000) };
  for (const name of ['large-1', 'large-2', 'large-3', 'large-4', 'large-5', 'large-6']) {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { size: 'large' } }, data };
    await cluster.create(object, { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default' }, { fieldManager: 't' });
  }
  const list = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default' };
  const answer = await cluster.list(list, { labelSelector: 'size=large', project: (object) => object.data });
  t.deepEqual(answer.answer === 'list' && answer.items, Array(6).fill(data));
});

test('a token, a client certificate, and impersonation say who asks', async (t) => {
  t.is(await whoAsks(open(t, { kubeconfig: await control.user('viewer') })), 'viewer');
  t.is(await whoAsks(open(t, { kubeconfig: await control.user('jane', ['staff']) })), 'jane');
  t.is(await whoAsks(open(t, { as: 'jürgen', asGroup: ['system:masters', 'größer'] })), 'jürgen');
  const unsayable = open(t, { as: 'joe\nadmin' });
  t.is((await t.throwsAsync(unsayable.version(), { instanceOf: ConnectionError }))?.problem, 'broken');
});

test('a connection that was closed while idle is opened again', async (t) => {
  const proxy = await passingProxy(t);
  const cluster = open(t, { server: proxy.url, tlsServerName: '127.0.0.1' });
  t.like(await cluster.version(), { major: '1' });
  for (const socket of proxy.sockets) socket.destroy();
  t.like(await cluster.get(namespace), { answer: 'object' });
  t.is(proxy.sockets.length, 2);
});

test('a connection that breaks while reads are answered is opened again, for all of them', async (t) => {
  const answering: ServerHttp2Stream[] = [];
  const { url, sessions } = await http2Server(t, (stream) => {
    answering.push(stream);
    if (answering.length === 3) for (const session of sessions) session.destroy();
    if (answering.length > 3) answerVersion(stream);
  });
  const cluster = open(t, { server: url });
  const versions = await Promise.all([cluster.version(), cluster.version(), cluster.version()]);
  t.deepEqual(
    versions.map(({ major }) => major),
    ['1', '1', '1'],
  );
  t.is(sessions.length, 2);
});

test('a server that says goodbye answers what it has begun; what comes later goes elsewhere', async (t) => {
  const { url, sessions } = await http2Server(t, (stream) => {
    stream.session?.goaway();
    setImmediate(() => answerVersion(stream));
  });
  const cluster = open(t, { server: url });
  for (let count = 1; count <= 3; count++) {
    t.is((await cluster.version()).major, '1');
    t.is(sessions.length, count);
  }
});

test('an exchange that the server cancels is tried again, though to Node it has ended', async (t) => {
  let exchanges = 0;
  const { url } = await tlsServer(t, (material) =>
    createTlsServer({ ...material, ALPNProtocols: ['h2'] }, (socket) => {
      socket.on('error', () => {}).write(frame(settings, 0, 0));
      socket.on('data', (sent: Buffer) => {
        for (const { type, stream } of framesIn(sent)) {
          if (type !== headers) continue;
          const isRefused = ++exchanges < 3;
          if (exchanges > 1) {
            socket.write(frame(headers, endHeaders, stream, [status200]));
            socket.write(frame(content, isRefused ? 0 : endStream, stream, Buffer.from('{"major":"1"}')));
          }
          if (isRefused) socket.write(frame(reset, 0, stream, [0, 0, 0, cancel]));
        }
      });
    }),
  );
  t.is((await open(t, { server: url }).version()).major, '1');
  t.is(exchanges, 3);
});

test('a server that speaks only HTTP/1.1 is spoken to in that, after having been asked once', async (t) => {
  const { url, connections } = await tlsServer(t, (material) => {
    const server = https.createServer(material, (_, response) => response.end('{"major":"1"}'));
    return server;
  });
  const cluster = open(t, { server: url });
  t.is((await cluster.version()).major, '1');
  t.is((await cluster.version()).major, '1');
  t.is(connections(), 2);
});

test('a deadline says whether the server was reached', async (t) => {
  const silent = createServer((socket) => socket.on('error', () => socket.destroy())).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const nobody = open(t, { server: `https://127.0.0.1:${portOf(silent)}` }, { requestTimeoutMs: 50 });
  t.is((await t.throwsAsync(nobody.version(), { instanceOf: ConnectionError }))?.problem, 'no-connection');
  nobody.close();

  const { url } = await http2Server(t, (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('{');
  });
  const slow = open(t, { server: url }, { requestTimeoutMs: 2_000 });
  t.is((await t.throwsAsync(slow.version(), { instanceOf: ConnectionError }))?.problem, 'timeout');
});

test('after a deadline on a connection that has gone silent another one is opened', async (t) => {
  const proxy = await passingProxy(t);
  const cluster = open(t, { server: proxy.url, tlsServerName: '127.0.0.1' }, { requestTimeoutMs: 3_000 });
  t.like(await cluster.get(namespace), { answer: 'object' });
  for (const socket of proxy.sockets) socket.unpipe().pause();
  t.is((await t.throwsAsync(cluster.get(namespace), { instanceOf: ConnectionError }))?.problem, 'timeout');
  t.like(await cluster.get(namespace), { answer: 'object' });
  t.is(proxy.sockets.length, 2);
});

test('an aborted signal ends one request and leaves the connection to the others', async (t) => {
  const waiting: ServerHttp2Stream[] = [];
  const arrived = Promise.withResolvers<void>();
  const { url, sessions } = await http2Server(t, (stream) => {
    waiting.push(stream);
    if (waiting.length === 2) arrived.resolve();
    if (waiting.length > 2) answerVersion(stream);
  });
  const cluster = open(t, { server: url });
  const abort = new AbortController();
  const aborted = cluster.version({ signal: abort.signal });
  const other = cluster.version();
  await arrived.promise;
  const reason = new Error('enough');
  abort.abort(reason);
  await t.throwsAsync(aborted, { is: reason });
  for (const stream of waiting) if (!stream.destroyed) answerVersion(stream);
  t.is((await other).major, '1');
  t.is((await cluster.version()).major, '1');
  t.is(sessions.length, 1);
});

test('closing ends what is under way, connecting included', async (t) => {
  const { url } = await http2Server(t, () => {});
  const cluster = open(t, { server: url });
  const calls = [cluster.version(), cluster.discover()].map((call) => t.throwsAsync(call));
  await new Promise((resolve) => setImmediate(resolve));
  cluster.close();
  await Promise.all(calls);
  t.pass();
});

test('TLS that fails is named as on any other connection', async (t) => {
  const { url } = control.controlPlane;
  const untrusting = { server: url, namespace: 'default', tls: { insecure: false }, credentials: {} };
  const unknown = openCluster(untrusting, { userAgent: 'test/1', multiplexed: true });
  t.teardown(() => unknown.close());
  t.is((await t.throwsAsync(unknown.version(), { instanceOf: ConnectionError }))?.problem, 'certificate');
  await t.throwsAsync(open(t, { tlsServerName: 'elsewhere.example.com' }).version(), {
    message: /its certificate is for another name: .*elsewhere\.example\.com/,
  });
  const plain = createServer((socket) => socket.on('error', () => {}).end('hello')).listen(0, '127.0.0.1');
  await once(plain, 'listening');
  t.teardown(() => plain.close());
  const noTls = open(t, { server: `https://127.0.0.1:${portOf(plain)}` });
  t.is((await t.throwsAsync(noTls.version(), { instanceOf: ConnectionError }))?.problem, 'certificate');
});

test('a program ends by itself, whether it closes its client or not', async (t) => {
  const [client, kubeconfig] = ['client', 'kubeconfig'].map((file) =>
    join(import.meta.dirname, '../../shared/kube', `${file}.ts`),
  );
  for (const end of ['cluster.close();', '']) {
    const script = `
      const { openCluster } = await import(${JSON.stringify(client)});
      const { loadKubeconfig } = await import(${JSON.stringify(kubeconfig)});
      const cluster = openCluster(loadKubeconfig({ env: process.env }), { userAgent: 'test/1', multiplexed: true });
      console.log((await cluster.version()).major);
      ${end}`;
    const env = { KUBECONFIG: control.kubeconfig };
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env, timeout: 20_000 });
    t.is((await run).stdout, '1\n');
  }
});

test('the plugin speaks HTTP/2 unless DISABLE_HTTP2 is set, as kubectl does', async (t) => {
  const spoken: string[] = [];
  const { url } = await tlsServer(t, (material) =>
    createSecureServer({ ...material, allowHTTP1: true }, ({ httpVersion }, response) => {
      spoken.push(httpVersion);
      response.end('{}');
    }),
  );
  for (const [env, version] of [[{}, '2.0'] as const, [{ DISABLE_HTTP2: '1' }, '1.1'] as const]) {
    for (const command of [
      ['virt-platform', 'status'],
      ['get', '--raw', '/version'],
    ]) {
      spoken.length = 0;
      await control.kubectl([...command, `--server=${url}`], { env });
      t.deepEqual([...new Set(spoken)], [version], command.join(' '));
    }
  }
});

function open(
  t: ExecutionContext,
  options: Partial<KubeconfigOptions> = {},
  more: Partial<ClusterOptions> = {},
): Cluster {
  const connection = loadKubeconfig({ env: {}, kubeconfig: control.kubeconfig, ...options });
  const cluster = openCluster(connection, { userAgent: 'test/1', multiplexed: true, ...more });
  t.teardown(() => cluster.close());
  return cluster;
}

async function whoAsks(cluster: Cluster): Promise<string> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const { object } = await cluster.create(review, review, { fieldManager: 'test' });
  return (object.status as { userInfo: { username: string } }).userInfo.username;
}

/** Passes bytes on to the API server. */
async function passingProxy(t: ExecutionContext): Promise<{ readonly url: string; readonly sockets: Socket[] }> {
  const target = new URL(control.controlPlane.url);
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    const onward = connect(Number(target.port), target.hostname);
    socket.on('error', () => {}).on('close', () => onward.destroy());
    onward.on('error', () => {}).on('close', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { url: `https://127.0.0.1:${portOf(server)}`, sockets };
}

/** One that is trusted as the API server is. */
async function tlsServer<Made extends Server>(
  t: ExecutionContext,
  make: (material: { readonly cert: Buffer; readonly key: Buffer }) => Made,
): Promise<{ readonly server: Made; readonly url: string; readonly connections: () => number }> {
  const { directory } = control.controlPlane;
  const [cert, key] = await Promise.all(
    (['serving.crt', 'serving.key'] as const).map((file) => readFile(join(directory, file))),
  );
  const server = make({ cert: cert as Buffer, key: key as Buffer });
  let connections = 0;
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { server, url: `https://127.0.0.1:${portOf(server)}`, connections: () => connections };
}

async function http2Server(t: ExecutionContext, answer: (stream: ServerHttp2Stream) => void) {
  const sessions: { destroy(): void }[] = [];
  const { server, url } = await tlsServer(t, (material) => createSecureServer(material));
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    answer(stream as ServerHttp2Stream);
  });
  t.teardown(() => {
    for (const session of sessions) session.destroy();
  });
  return { url, sessions };
}

// Node's own server never cancels what it has begun to answer. https://www.rfc-editor.org/rfc/rfc9113#name-frame-definitions
const [content, headers, reset, settings] = [0, 1, 3, 4];
const [endStream, endHeaders] = [1, 4];
const cancel = 8;
/** `:status: 200`, from the static table of HPACK. */
const status200 = 0x88;

function frame(type: number, flags: number, stream: number, payload: ArrayLike<number> = []): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, Buffer.from(payload)]);
}

function framesIn(sent: Buffer): { readonly type: number; readonly stream: number }[] {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  const frames = [];
  let at = sent.toString('latin1').startsWith(preface) ? preface.length : 0;
  for (; at + 9 <= sent.length; at += 9 + sent.readUIntBE(at, 3)) {
    frames.push({ type: sent.readUInt8(at + 3), stream: sent.readUInt32BE(at + 5) });
  }
  return frames;
}

function answerVersion(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  stream.end('{"major":"1"}');
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
