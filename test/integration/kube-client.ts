import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { ApiError } from '../../shared/kube/api-error.ts';
import { type Cluster, openCluster } from '../../shared/kube/client.ts';
import type { Connection } from '../../shared/kube/connection.ts';
import { ConnectionError } from '../../shared/kube/connection-error.ts';
import { type KubeconfigOptions, loadKubeconfig } from '../../shared/kube/kubeconfig.ts';
import { RefusedError } from '../../shared/kube/refused-error.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { useCluster, waitFor } from '../helpers/cluster.ts';

const control = useCluster(test);

test('discovery lists built-in kinds and CRDs in two requests', async (t) => {
  const cluster = open(t);
  const { resources, stale } = await cluster.discover();
  t.is(cluster.requests, 2);
  t.deepEqual(stale, []);
  t.deepEqual(
    resources.find(({ kind }) => kind === 'MachineConfig'),
    {
      group: 'machineconfiguration.openshift.io',
      version: 'v1',
      kind: 'MachineConfig',
      plural: 'machineconfigs',
      namespaced: false,
    },
  );
  t.like(
    resources.find(({ kind, group }) => kind === 'ConfigMap' && group === ''),
    { version: 'v1', plural: 'configmaps', namespaced: true },
  );
  t.like(await cluster.version(), { major: '1' });
});

test('an object, an absent one, and one of a kind that nothing serves are three answers', async (t) => {
  const cluster = open(t);
  const ref = { apiVersion: 'v1', kind: 'Namespace', name: 'default' };
  t.like(await cluster.get(ref), { answer: 'object', object: { kind: 'Namespace', metadata: { name: 'default' } } });
  t.like(await cluster.get({ ...ref, name: 'nope' }), { answer: 'absent', missing: 'object' });
  t.like(await cluster.get({ apiVersion: 'example.com/v1', kind: 'Nothing', name: 'x' }), {
    answer: 'absent',
    missing: 'api',
  });
  const inNoNamespace = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'nope', name: 'x' };
  t.like(await cluster.get(inNoNamespace), { answer: 'absent', missing: 'object' });
  const custom = { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'MachineConfig', name: 'nope' };
  t.like(await cluster.get(custom), { answer: 'absent', missing: 'object' });
  const bound = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', namespace: 'default', name: 'nope' };
  t.like(await cluster.get(bound), { answer: 'absent', missing: 'object' });
});

test('an API that went away since discovery is absent', async (t) => {
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'brieves.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Cluster',
      names: { kind: 'Brief', plural: 'brieves' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  };
  await control.apply(crd);
  const cluster = open(t);
  const ref = { apiVersion: 'example.com/v1', kind: 'Brief', name: 'x' };
  const isServed = async () => (await cluster.discover()).resources.some(({ kind }) => kind === 'Brief');
  await waitFor(isServed, { what: 'the new kind to be served' });
  await control.delete({ ...crd, name: crd.metadata.name });
  const isGone = async () => {
    const answer = await cluster.get(ref);
    return answer.answer === 'absent' && answer.missing === 'api';
  };
  await waitFor(isGone, { what: 'the kind to be gone' });
  t.like(await cluster.list(ref), { answer: 'absent', missing: 'api' });
});

test('a list comes in pages and is complete', async (t) => {
  await control.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'paged' } });
  const names = Array.from({ length: 7 }, (_, index) => `page-${index}`);
  await control.apply(
    names.map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'paged' } })),
  );
  const cluster = open(t);
  await cluster.discover();
  const before = cluster.requests;
  const answer = await cluster.list(
    { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'paged' },
    { limit: 3, project: ({ metadata }) => metadata.name },
  );
  t.like(answer, { answer: 'list', items: names });
  t.is(cluster.requests - before, 3);
});

test('many requests in a row use few connections', async (t) => {
  const { url, connections } = await countingProxy(t, new URL(control.controlPlane.url));
  const cluster = open(t, { server: url, tlsServerName: '127.0.0.1' });
  for (let count = 0; count < 200; count++) await cluster.get({ apiVersion: 'v1', kind: 'Namespace', name: 'default' });
  t.true(connections() <= 3, `${connections()} connections`);
});

test('a proxy leads to the API server, whose certificate is checked all the same', async (t) => {
  const targets: string[] = [];
  const proxy = createHttpServer();
  proxy.on('connect', ({ url = '' }, socket) => {
    targets.push(url);
    const { hostname, port } = new URL(`http://${url}`);
    const onward = connect(Number(port), hostname, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    onward
      .on('error', () => socket.destroy())
      .pipe(socket)
      .on('error', () => onward.destroy())
      .pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.teardown(() => void proxy.close());
  const address = proxy.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const connection = loadKubeconfig({ env: {}, kubeconfig: control.kubeconfig });
  const through = (change: Partial<Connection>) => {
    const cluster = openCluster({ ...connection, proxy: url, ...change }, { userAgent: 'test/1' });
    t.teardown(() => cluster.close());
    return cluster;
  };
  t.like(await through({}).version(), { major: '1' });
  t.deepEqual(targets, [new URL(control.controlPlane.url).host]);
  const untrusting = through({ tls: { insecure: false } });
  t.is((await t.throwsAsync(untrusting.version(), { instanceOf: ConnectionError }))?.problem, 'certificate');
});

test('a client certificate that is renewed on disk is used from then on', async (t) => {
  const { directory, caFile, url } = control.controlPlane;
  const [certFile, keyFile] = [join(directory, 'me.crt'), join(directory, 'me.key')];
  const write = async (user: string) => {
    const { certificate, key } = control.controlPlane.clientCertificate(user);
    await Promise.all([writeFile(certFile, certificate), writeFile(keyFile, key)]);
  };
  let now = 0;
  const clock = { now: () => now, date: () => now, sleep: async () => {}, random: () => 0 };
  const connection: Connection = {
    server: url,
    namespace: 'default',
    tls: { insecure: false, ca: { file: caFile } },
    credentials: { cert: { file: certFile }, key: { file: keyFile } },
  };
  await write('first');
  const cluster = openCluster(connection, { userAgent: 'test/1', clock });
  t.teardown(() => cluster.close());
  t.is(await userOf(cluster), 'first');
  await write('second');
  now += 60_000;
  t.is(await userOf(cluster), 'second');
});

test('an API server that restarts is talked to again, over new connections', async (t) => {
  const controlPlane = await startControlPlane();
  t.teardown(() => controlPlane.stop());
  const cluster = open(t, { kubeconfig: controlPlane.kubeconfig });
  const ref = { apiVersion: 'v1', kind: 'Namespace', name: 'default' };
  t.like(await cluster.get(ref), { answer: 'object' });

  await controlPlane.stopApiServer();
  t.is((await t.throwsAsync(cluster.get(ref), { instanceOf: ConnectionError }))?.problem, 'refused');

  await controlPlane.startApiServer();
  t.like(await cluster.get(ref), { answer: 'object' });
});

test('a process that closes its cluster ends at once, and by itself when it forgets', async (t) => {
  const client = new URL('../../shared/kube/client.ts', import.meta.url).href;
  const kubeconfig = new URL('../../shared/kube/kubeconfig.ts', import.meta.url).href;
  for (const end of ['cluster.close();', '']) {
    const script = `
      const { openCluster } = await import(${JSON.stringify(client)});
      const { loadKubeconfig } = await import(${JSON.stringify(kubeconfig)});
      const cluster = openCluster(loadKubeconfig({ env: process.env }), { userAgent: 'test/1' });
      console.log((await cluster.version()).major);
      ${end}`;
    const env = { KUBECONFIG: control.kubeconfig };
    const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env,
      timeout: 10_000,
    });
    t.is((await child).stdout, '1\n');
  }
});

test('a token, a client certificate, and impersonation say who asks', async (t) => {
  t.is(await whoAsks(t, await control.user('viewer')), 'viewer');
  t.is(await whoAsks(t, await control.user('jane', ['staff'])), 'jane');
  t.is(await whoAsks(t, control.kubeconfig, { as: 'joe', asGroup: ['system:masters'] }), 'joe');
});

test('a missing permission is named as can-i needs it', async (t) => {
  const cluster = open(t, { kubeconfig: await control.user('viewer') });
  const get = cluster.get({ apiVersion: 'apps/v1', kind: 'DaemonSet', namespace: 'default', name: 'x' });
  const error = await t.throwsAsync(get, { instanceOf: ApiError });
  t.deepEqual(error?.permission, {
    verb: 'get',
    group: 'apps',
    resource: 'daemonsets',
    namespace: 'default',
    name: 'x',
  });
  const list = await t.throwsAsync(cluster.list({ apiVersion: 'v1', kind: 'Node' }), { instanceOf: ApiError });
  t.deepEqual(list?.permission, { verb: 'list', group: '', resource: 'nodes' });
});

test('nobody may be impersonated without permission, and that is what is missing', async (t) => {
  const cluster = open(t, { kubeconfig: await control.user('viewer'), as: 'jane' });
  const error = await t.throwsAsync(cluster.version(), { instanceOf: ApiError });
  t.deepEqual(error?.permission, { verb: 'impersonate', group: '', resource: 'users' });
});

test('an invalid token is an error that says so and what to do', async (t) => {
  const error = await t.throwsAsync(open(t, { token: 'wrong' }).discover(), { instanceOf: ApiError });
  t.true(error?.isUnauthorized);
  t.regex(error?.message ?? '', /does not accept the credentials of user "admin".*log in again/);
});

test('TLS that fails is named plainly', async (t) => {
  const { url } = control.controlPlane;
  const connection: Connection = { server: url, namespace: 'default', tls: { insecure: false }, credentials: {} };
  const untrusted = openCluster(connection, { userAgent: 'test/1' });
  const otherName = open(t, { tlsServerName: 'elsewhere.example.com' });
  const plain = openCluster({ ...connection, server: url.replace('https:', 'http:') }, { userAgent: 'test/1' });
  t.teardown(() => {
    untrusted.close();
    plain.close();
  });
  const error = await t.throwsAsync(untrusted.version(), { instanceOf: ConnectionError });
  t.is(error?.problem, 'certificate');
  t.regex(error?.message ?? '', /authority that isn't trusted|self-signed/);
  await t.throwsAsync(otherName.version(), {
    message: /its certificate is for another name: .*elsewhere\.example\.com/,
  });
  await t.throwsAsync(plain.version(), { message: /HTTP request to an HTTPS server/ });
});

test('certificates that cannot be used are an error', async (t) => {
  const { server } = loadKubeconfig({ env: {}, kubeconfig: control.kubeconfig });
  const cluster = openCluster(
    {
      server,
      namespace: 'default',
      tls: { insecure: false, ca: { data: 'x' } },
      credentials: { cert: { data: 'x' }, key: { data: 'y' } },
    },
    { userAgent: 'test/1' },
  );
  await t.throwsAsync(cluster.version(), {
    instanceOf: ConnectionError,
    message: /the certificates of this connection can't be used/,
  });
});

test('without checking certificates any server will do', async (t) => {
  const { server, credentials } = loadKubeconfig({ env: {}, kubeconfig: control.kubeconfig });
  const cluster = openCluster(
    { server, namespace: 'default', tls: { insecure: true }, credentials },
    { userAgent: 'test/1' },
  );
  t.teardown(() => cluster.close());
  t.like(await cluster.version(), { major: '1' });
});

test('a wrong scope is refused before anything is sent', async (t) => {
  const cluster = open(t);
  await t.throwsAsync(cluster.get({ apiVersion: 'v1', kind: 'Namespace', namespace: 'default', name: 'x' }), {
    instanceOf: RefusedError,
  });
});

function open(t: ExecutionContext, options: Partial<KubeconfigOptions> = {}): Cluster {
  const cluster = openCluster(loadKubeconfig({ env: {}, kubeconfig: control.kubeconfig, ...options }), {
    userAgent: 'test/1',
  });
  t.teardown(() => cluster.close());
  return cluster;
}

async function whoAsks(
  t: ExecutionContext,
  kubeconfig: string,
  options: Partial<KubeconfigOptions> = {},
): Promise<string> {
  return await userOf(open(t, { ...options, kubeconfig }));
}

async function userOf(cluster: Cluster): Promise<string> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const { object } = await cluster.create(review, review, { fieldManager: 'test' });
  return (object.status as { userInfo: { username: string } }).userInfo.username;
}

/** Passes bytes through and counts the connections. */
async function countingProxy(t: ExecutionContext, target: URL): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    const onward = connect(Number(target.port), target.hostname);
    socket
      .on('error', () => onward.destroy())
      .pipe(onward)
      .on('error', () => socket.destroy())
      .pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return { url: `https://127.0.0.1:${port}`, connections: () => connections };
}
