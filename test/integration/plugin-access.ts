import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import test from 'ava';
import { useCluster } from '../helpers/cluster.ts';
import { activated, failsWith, hyperConverged, makeNamespaces, rowsOf } from './_plugin.ts';

const cluster = useCluster(test);
const status = (args: readonly string[] = [], options: Parameters<typeof cluster.kubectl>[1] = {}) =>
  cluster.kubectl(['virt-platform', 'status', ...args], options);

test.before('HyperConverged is there', async () => {
  await makeNamespaces(cluster);
  await cluster.apply(hyperConverged(activated));
});

test('without a kubeconfig status says where it looked', async (t) => {
  failsWith(
    t,
    await status([], { env: { KUBECONFIG: '' } }),
    /^error: no kubeconfig found: looked at .*\.kube\/config.*--kubeconfig/,
  );
  failsWith(t, await status(['--kubeconfig', '/nonexistent/config']), /\/nonexistent\/config/);
});

test('a context that does not exist is an error with those that do', async (t) => {
  failsWith(t, await status(['--context', 'nope']), /context "nope" does not exist in .*: known: admin/);
});

test('a server that nobody listens at is one clear error', async (t) => {
  failsWith(
    t,
    await status(['--server', 'https://127.0.0.1:1']),
    /^error: could not reach the API server https:\/\/127\.0\.0\.1:1: connection refused/,
  );
});

test('a host that does not exist is one clear error', async (t) => {
  failsWith(
    t,
    await status(['--server', 'https://api.cluster.invalid:6443']),
    /^error: could not reach the API server https:\/\/api\.cluster\.invalid:6443: its host name/,
  );
});

test('a server that never answers is given up after --request-timeout', async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const address = silent.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  failsWith(
    t,
    await status(['--server', `https://127.0.0.1:${port}`, '--request-timeout', '1s']),
    /^error: could not reach the API server .*(?:timeout|within|no answer|no connection)/,
  );
});

test('a certificate that is not trusted is one clear error', async (t) => {
  const ca = path.join(cluster.controlPlane.directory, 'other-ca.crt');
  // Any certificate will do that didn't sign the server's.
  await writeFile(ca, cluster.controlPlane.clientCertificate('somebody').certificate);
  failsWith(t, await status(['--certificate-authority', ca]), /^error: could not reach the API server .*certificate/);
});

test('a token that is not valid any more is one clear error', async (t) => {
  failsWith(
    t,
    await status(['--token', 'expired']),
    /^error: .* does not accept the credentials of user "admin".*expired or invalid; log in again/,
  );
});

test('who may do nothing is told which permission is missing', async (t) => {
  failsWith(
    t,
    await status([], { as: 'nobody' }),
    /^error: HyperConverged can't be read: no permission to list hyperconvergeds in hco\.kubevirt\.io: kubectl --context=nobody auth can-i list hyperconvergeds\.hco\.kubevirt\.io; the ClusterRole virt-platform-viewer gives all that looking takes$/m,
  );
});

test('who may only view gets a status that names each permission that is missing', async (t) => {
  await cluster.apply([
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'hyperconverged-view' },
      rules: [{ apiGroups: ['hco.kubevirt.io'], resources: ['hyperconvergeds'], verbs: ['get', 'list', 'watch'] }],
    },
    ...['view', 'hyperconverged-view'].map((role) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: `viewer-${role}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'viewer' }],
    })),
  ]);
  const { stdout, stderr, code } = await status([], { as: 'viewer' });
  t.is(code, 0, stderr);
  t.is(stderr, '');
  t.regex(stdout, /^autopilot: active\n/);
  t.regex(
    stdout,
    /\ncontroller: unknown: no permission to get leases.*can-i get leases\.coordination\.k8s\.io\/virt-platform-autopilot -n openshift-cnv/,
  );
  t.regex(stdout, /\nunknown: hardware, .*: no permission to list nodes/);
  t.regex(stdout, /\nunknown: topology\.[^\n]*: no permission to get infrastructures/);
  // One that is wanted on every platform: no fact is needed to know that.
  const alerts = rowsOf(stdout).find(([asset]) => asset === 'prometheus-alerts');
  t.regex(alerts?.at(-1) ?? '', /no permission to get prometheusrules/);

  const rendered = await cluster.kubectl(['virt-platform', 'render', '-o', 'name'], { as: 'viewer' });
  t.is(rendered.code, 0);
  t.regex(rendered.stderr, /^note: left out prometheus-alerts \(unreadable\): no permission to get prometheusrules/m);

  const version = await cluster.kubectl(['virt-platform', 'version'], { as: 'viewer' });
  t.is(version.code, 0);
  t.regex(version.stdout, /\nController: unknown: no permission to get leases/);
});

test('--as acts as somebody else', async (t) => {
  // Asked without --as, the command would tell of somebody else's permissions.
  failsWith(
    t,
    await status(['--as', 'nobody']),
    /no permission to list hyperconvergeds.*: kubectl --context=\S+ --as=nobody auth can-i list hyperconvergeds/,
  );
});

test('version prints what it knows before the error about what it does not', async (t) => {
  const { stdout, stderr, code } = await cluster.kubectl([
    'virt-platform',
    'version',
    '--server',
    'https://127.0.0.1:1',
  ]);
  t.regex(stdout, /^Client Version: v[^\n]*\nCatalog Version: [^\n]*\n$/);
  t.regex(stderr, /^error: could not reach the API server [^\n]*\n$/);
  t.is(code, 2);
});

test('version --client asks nobody', async (t) => {
  const { stdout, stderr, code } = await cluster.kubectl([
    'virt-platform',
    'version',
    '--client',
    '-o',
    'json',
    '--server',
    'https://127.0.0.1:1',
  ]);
  t.is(code, 0, stderr);
  t.deepEqual(Object.keys(JSON.parse(stdout)), ['clientVersion', 'catalog']);
});

test('the API server sees who asks', async (t) => {
  await status();
  const log = await readFile(cluster.controlPlane.auditLog, 'utf8');
  t.regex(log, /"userAgent":"kubectl-virt_platform\/v\d+\.\d+\.\d+ \((?:linux|darwin|windows)\/(?:amd64|arm64)\)"/);
});
