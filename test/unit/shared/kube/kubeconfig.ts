import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { type KubeconfigOptions, loadKubeconfig } from '../../../../shared/kube/kubeconfig.ts';
import { KubeconfigError } from '../../../../shared/kube/kubeconfig-error.ts';

const test = anyTest as TestFn<{ folder: string; write: (name: string, text: string) => string }>;

test.beforeEach((t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  const write = (name: string, text: string) => {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  t.context = { folder, write };
});

test.afterEach.always((t) => rmSync(t.context.folder, { recursive: true }));

function load(options: Partial<KubeconfigOptions>) {
  return loadKubeconfig({ env: {}, ...options });
}

const simple = `
apiVersion: v1
kind: Config
current-context: prod
contexts:
- {name: prod, context: {cluster: prod, user: jane, namespace: virt}}
- {name: stage, context: {cluster: stage, user: jane}}
clusters:
- {name: prod, cluster: {server: "https://prod:6443/"}}
- {name: stage, cluster: {server: "https://stage:6443"}}
users:
- {name: jane, user: {token: secret}}
- {name: joe, user: {token: other}}
`;

test('the current context names cluster, user and namespace', (t) => {
  const kubeconfig = t.context.write('config', simple);
  t.deepEqual(load({ kubeconfig }), {
    server: 'https://prod:6443',
    namespace: 'virt',
    context: 'prod',
    user: 'jane',
    tls: { insecure: false },
    credentials: { token: 'secret' },
  });
});

test('flags choose another context, cluster, user and namespace', (t) => {
  const kubeconfig = t.context.write('config', simple);
  t.like(load({ kubeconfig, context: 'stage' }), { server: 'https://stage:6443', namespace: 'default' });
  t.like(load({ kubeconfig, cluster: 'stage', user: 'joe', namespace: 'x' }), {
    server: 'https://stage:6443',
    namespace: 'x',
    credentials: { token: 'other' },
  });
  t.like(load({ kubeconfig, server: 'https://else:1', token: 'mine' }), {
    server: 'https://else:1',
    credentials: { token: 'mine' },
  });
});

test('empty flags are none', (t) => {
  const kubeconfig = t.context.write('config', simple);
  const empty = {
    context: '',
    cluster: '',
    user: '',
    namespace: '',
    server: '',
    token: '',
    as: '',
    certificateAuthority: '',
  };
  t.deepEqual(load({ kubeconfig, ...empty }), load({ kubeconfig }));
});

test('the file in the home folder is the default', (t) => {
  t.context.write('.kube/config', simple);
  t.like(load({ env: { HOME: t.context.folder } }), { context: 'prod' });
  t.like(load({ env: { HOME: t.context.folder, KUBECONFIG: '' } }), { context: 'prod' });
});

test('of several files the first to name something wins, entry by entry, and missing ones are skipped', (t) => {
  const { write, folder } = t.context;
  const one = write(
    'one',
    'contexts: [{name: prod, context: {cluster: prod, user: jane}}]\nusers: [{name: jane, user: {token: one}}]\n',
  );
  const two = write(
    'two',
    'current-context: prod\nclusters: [{name: prod, cluster: {server: "https://two"}}]\nusers: [{name: jane, user: {token: two, username: x}}]\n',
  );
  const three = write('three', simple);
  const KUBECONFIG = ['', join(folder, 'missing'), one, two, three, one].join(delimiter);
  t.deepEqual(load({ env: { KUBECONFIG } }), {
    server: 'https://two',
    namespace: 'default',
    context: 'prod',
    user: 'jane',
    tls: { insecure: false },
    credentials: { token: 'one' },
  });
});

test('paths are relative to the file that names them', (t) => {
  const { write, folder } = t.context;
  const file = write(
    'deep/config',
    `current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "https://a", certificate-authority: ../ca.crt, tls-server-name: b}}]
users: [{name: a, user: {client-certificate: me.crt, client-key: /keys/me.key, tokenFile: ./token}}]
`,
  );
  const { tls, credentials } = load({ kubeconfig: file });
  t.deepEqual(tls, { insecure: false, ca: { file: join(folder, 'ca.crt') }, serverName: 'b' });
  t.deepEqual(credentials, {
    cert: { file: join(folder, 'deep/me.crt') },
    key: { file: '/keys/me.key' },
    tokenFile: join(folder, 'deep/token'),
  });
});

test('data is as good as a file, but not both', (t) => {
  const pem = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';
  const data = Buffer.from(pem).toString('base64');
  const text = `current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "https://a", certificate-authority-data: ${data}}}]
users: [{name: a, user: {client-certificate-data: ${data}, client-key-data: ${data}}}]
`;
  const { tls, credentials } = load({ kubeconfig: t.context.write('config', text) });
  t.deepEqual(tls.ca, { data: pem });
  t.deepEqual(credentials, { cert: { data: pem }, key: { data: pem } });
  const twice = t.context.write('twice', text.replace('{server', '{certificate-authority: ca, server'));
  t.throws(() => load({ kubeconfig: twice }), {
    instanceOf: KubeconfigError,
    message: 'cluster "a" has both certificate-authority and certificate-authority-data: remove one',
  });
});

test('no secret goes over a connection in the clear', (t) => {
  const kubeconfig = t.context.write('config', simple.replace('https://prod', 'http://prod'));
  t.deepEqual(load({ kubeconfig, token: 'mine', as: 'joe' }).credentials, {});
  t.is(load({ kubeconfig, as: 'joe' }).impersonate?.user, 'joe');
});

test('flags about trust replace what the file says about it', (t) => {
  const kubeconfig = t.context.write(
    'config',
    'current-context: a\ncontexts: [{name: a, context: {cluster: a}}]\nclusters: [{name: a, cluster: {server: "https://a", certificate-authority: /ca, tls-server-name: name}}]',
  );
  t.deepEqual(load({ kubeconfig, insecureSkipTlsVerify: true }).tls, { insecure: true, serverName: 'name' });
  t.deepEqual(load({ kubeconfig, certificateAuthority: '/other' }).tls, {
    insecure: false,
    ca: { file: '/other' },
    serverName: 'name',
  });
  t.deepEqual(load({ kubeconfig, server: 'https://b' }).tls, { insecure: false, ca: { file: '/ca' } });
  t.deepEqual(load({ kubeconfig, server: 'https://b', tlsServerName: 'c' }).tls.serverName, 'c');
});

test('whom to impersonate comes from the user or from flags', (t) => {
  const kubeconfig = t.context.write(
    'config',
    `current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "https://a"}}]
users: [{name: a, user: {as: jane, as-uid: u, as-groups: [g], as-user-extra: {scopes: [a, b]}}}]
`,
  );
  t.deepEqual(load({ kubeconfig }).impersonate, {
    user: 'jane',
    uid: 'u',
    groups: ['g'],
    extra: { scopes: ['a', 'b'] },
  });
  t.like(load({ kubeconfig, as: 'joe', asGroup: ['h', 'i'], asUid: 'v' }).impersonate, {
    user: 'joe',
    uid: 'v',
    groups: ['h', 'i'],
  });
});

test('groups without a user to impersonate are an error', (t) => {
  const kubeconfig = t.context.write('config', simple);
  t.throws(() => load({ kubeconfig, asGroup: ['g'] }), { instanceOf: KubeconfigError, message: /add --as$/ });
});

test("a user of a program keeps it for later; its relative path is the file's", (t) => {
  const kubeconfig = t.context.write(
    'config',
    `current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "https://a"}}]
users: [{name: a, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, args: [x], interactiveMode: Never}}}]
`,
  );
  t.like(load({ kubeconfig, env: { KEPT: 'x', PATH: '/bin' } }).credentials.exec, {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: join(t.context.folder, 'login'),
    args: ['x'],
    env: { KEPT: 'x', PATH: '/bin' },
    searchPath: '/bin',
    interactiveMode: 'Never',
  });
  t.deepEqual(load({ kubeconfig, token: 'mine' }).credentials, { token: 'mine' });
});

test('a name and password make basic authentication', (t) => {
  const kubeconfig = t.context.write('config', simple.replace('token: secret', 'username: jane, password: pw'));
  t.deepEqual(load({ kubeconfig }).credentials, { basic: { username: 'jane', password: 'pw' } });
});

test('JSON, anchors, merge keys and repeated keys are read as kubectl reads them', (t) => {
  const { write } = t.context;
  const json = JSON.stringify({
    'current-context': 'a',
    contexts: [{ name: 'a', context: { cluster: 'a' } }],
    clusters: [{ name: 'a', cluster: { server: 'https://a', 'insecure-skip-tls-verify': true } }],
  });
  t.like(load({ kubeconfig: write('json', json) }), { server: 'https://a', tls: { insecure: true } });
  const anchors = `
current-context: a
contexts: [{name: a, context: {cluster: a}}]
base: &base {server: "https://base", insecure-skip-tls-verify: yes}
clusters: [{name: a, cluster: {<<: *base, server: "https://one", server: "https://two"}}]
`;
  t.like(load({ kubeconfig: write('yaml', anchors) }), { server: 'https://two', tls: { insecure: true } });
});

test('in a pod without a kubeconfig its ServiceAccount is used', (t) => {
  const { write, folder } = t.context;
  write('token', 'abc');
  write('namespace', 'virt\n');
  const env = { HOME: folder, KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  t.deepEqual(load({ env, serviceAccountFolder: folder }), {
    server: 'https://[fd00::1]:443',
    namespace: 'virt',
    tls: { insecure: false, ca: { file: join(folder, 'ca.crt') } },
    credentials: { tokenFile: join(folder, 'token') },
  });
});

test('in a pod a kubeconfig that names nothing is none, and one without a namespace means that of the pod', (t) => {
  const { write, folder } = t.context;
  write('token', 'abc');
  write('namespace', 'virt');
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const pod = { env, serviceAccountFolder: folder };
  const named = write('named', simple.replace(', namespace: virt', ''));
  const unnamed = write('unnamed', simple.replace('current-context: prod', ''));
  t.like(load({ ...pod, kubeconfig: unnamed }), { server: 'https://10.0.0.1:443', namespace: 'virt' });
  t.like(load({ ...pod, kubeconfig: named }), { server: 'https://prod:6443', namespace: 'virt' });
  t.is(load({ ...pod, env: { ...env, POD_NAMESPACE: 'other' }, kubeconfig: named }).namespace, 'other');
  t.is(load({ ...pod, kubeconfig: named, namespace: 'mine' }).namespace, 'mine');
});

test('a kubeconfig wins over the pod', (t) => {
  const { write, folder } = t.context;
  write('token', 'abc');
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  t.is(load({ env, kubeconfig: write('config', simple), serviceAccountFolder: folder }).context, 'prod');
});

test('with --server nothing else is needed', (t) => {
  t.like(load({ server: 'https://a:6443', token: 'x' }), { server: 'https://a:6443', credentials: { token: 'x' } });
});

test("a proxy's address is never shown: it may hold a password", (t) => {
  const kubeconfig = t.context.write('config', simple);
  const error = t.throws(() => load({ kubeconfig, env: { HTTPS_PROXY: 'ftp://me:hidden@p:1' } }), {
    instanceOf: KubeconfigError,
    message: /^HTTPS_PROXY names no proxy that can be used: expected one of http:\/\/HOST:PORT, /,
  });
  t.false(error?.message.includes('hidden'));
});

test('a program is told of the cluster when it asks, as flags have made it', (t) => {
  const kubeconfig = t.context.write(
    'config',
    `current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters:
- name: a
  cluster:
    server: "https://a/"
    tls-server-name: b
    proxy-url: "http://p:1"
    insecure-skip-tls-verify: true
    disable-compression: true
    extensions: [{name: other, extension: 1}, {name: client.authentication.k8s.io/exec, extension: {audience: x}}]
users: [{name: a, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login, interactiveMode: Never, provideClusterInfo: true}}}]
`,
  );
  const told = {
    server: 'https://a/',
    'tls-server-name': 'b',
    'insecure-skip-tls-verify': true,
    'proxy-url': 'http://p:1',
    'disable-compression': true,
    config: { audience: 'x' },
  };
  t.deepEqual(load({ kubeconfig }).credentials.exec?.cluster, told);
  const { 'tls-server-name': _, ...elsewhere } = { ...told, server: 'https://b' };
  t.deepEqual(load({ kubeconfig, server: 'https://b' }).credentials.exec?.cluster, elsewhere);
});

const badFiles: [title: string, text: string, message: RegExp][] = [
  ['YAML that does not parse', 'kind: Config\nclusters: [\n  {', /:3: kubeconfig is not valid YAML: /],
  ['another kind', 'kind: Pod', /is no kubeconfig: its kind is Pod, not Config/],
  ['text', 'hello', /must be a map, not a string/],
  ['a list', '[1]', /must be a map, not a list/],
  ['a map instead of a list', 'clusters: {a: b}', /clusters must be a list, not a map/],
  ['two entries of one name', 'clusters: [{name: a}, {name: a}]', /clusters has two entries named "a"/],
  [
    'a number where text belongs',
    'contexts: [{name: a, context: {namespace: 12}}]',
    /contexts\[0\], context: namespace must be a string, not a number; quote it/,
  ],
  ['a wrong boolean', 'clusters: [{name: a, cluster: {insecure-skip-tls-verify: 3}}]', /must be true or false/],
  [
    'a bomb of aliases',
    `a: &a [1]\n${'bcdefghijk'
      .split('')
      .map((key, index) => `${key}: &${key} [${`*${'abcdefghijk'[index]},`.repeat(10)}]`)
      .join('\n')}`,
    /is not valid YAML: .*alias/,
  ],
  ['bytes that are no text', '\u0000\u0001\u0002', /kubeconfig/],
];
for (const [title, text, message] of badFiles) {
  test(`a file with ${title} is one clear line`, (t) => {
    const kubeconfig = t.context.write('config', text);
    const error = t.throws(() => load({ kubeconfig }), { instanceOf: KubeconfigError, message });
    t.false(error?.message.includes('\n'));
    t.true(error?.message.includes(kubeconfig));
  });
}

const badChoices: [
  title: string,
  change: (text: string) => string,
  options: Partial<KubeconfigOptions>,
  message: RegExp,
][] = [
  [
    'an unknown context',
    (text) => text,
    { context: 'prdo' },
    /^context "prdo" does not exist in .*: did you mean "prod"\?$/,
  ],
  ['a context like no other', (text) => text, { context: 'something' }, /does not exist in .*: known: prod, stage$/],
  [
    'an unknown cluster',
    (text) => text,
    { cluster: 'stagee' },
    /^cluster "stagee" does not exist in .*: did you mean "stage"\?$/,
  ],
  ['an unknown user', (text) => text, { user: 'jan' }, /^user "jan" does not exist in .*: did you mean "jane"\?$/],
  [
    'no current context',
    (text) => text.replace('current-context: prod', ''),
    {},
    /^no current context in .*: choose one of prod, stage with --context/,
  ],
  [
    'a current context that is not there',
    (text) => text.replace('current-context: prod', 'current-context: gone'),
    {},
    /^context "gone" does not exist/,
  ],
  [
    'a context whose cluster is not there',
    (text) => text.replace('cluster: prod,', 'cluster: gone,'),
    {},
    /^cluster "gone", which context "prod" names, does not exist/,
  ],
  [
    'a context whose user is not there',
    (text) => text.replace('user: jane, n', 'user: gone, n'),
    {},
    /^user "gone", which context "prod" names, does not exist/,
  ],
  [
    'a cluster without a server',
    (text) => text.replace('{server: "https://prod:6443/"}', '{}'),
    {},
    /^the cluster of context "prod" has no server in .*--server$/,
  ],
  ['a server that is no URL', (text) => text, { server: 'ftp://x' }, /^"ftp:\/\/x" is no server/],
  [
    'a certificate without its key',
    (text) => text.replace('token: secret', 'client-certificate: x'),
    {},
    /no client-key: add it$/,
  ],
  [
    'data that is no PEM',
    (text) => text.replace('token: secret', 'client-certificate-data: aGVsbG8='),
    {},
    /client-certificate-data of user "jane" is no base64 of a PEM/,
  ],
];
for (const [title, change, options, message] of badChoices) {
  test(`${title} is one clear line`, (t) => {
    const kubeconfig = t.context.write('config', change(simple));
    const error = t.throws(() => load({ kubeconfig, ...options }), { instanceOf: KubeconfigError, message });
    t.false(error?.message.includes('\n'));
    t.false(error?.message.includes('secret'));
  });
}

test('no kubeconfig at all names the places looked at', (t) => {
  const { folder } = t.context;
  t.throws(() => load({ env: { HOME: folder } }), {
    message: `no kubeconfig found: looked at ${join(folder, '.kube/config')}, and this is no pod; name one with --kubeconfig or $KUBECONFIG`,
  });
  t.throws(() => load({ env: { KUBECONFIG: `/nope/a${delimiter}/nope/b` } }), {
    message: /looked at \/nope\/a, \/nope\/b,/,
  });
  t.throws(() => load({ env: { KUBECONFIG: delimiter } }), {
    message: /^no kubeconfig found: \$KUBECONFIG names no file, /,
  });
});

test('a kubeconfig that says nothing is named as empty', (t) => {
  const file = join(t.context.folder, 'empty');
  writeFileSync(file, 'apiVersion: v1\nkind: Config\n');
  const message = `no kubeconfig found: looked at ${file} (empty), and this is no pod; name one with --kubeconfig or $KUBECONFIG`;
  t.throws(() => load({ env: {}, kubeconfig: file }), { message });
});

test('a file named by the flag must be there, and be a file', (t) => {
  const { folder } = t.context;
  t.throws(() => load({ kubeconfig: join(folder, 'nope') }), {
    instanceOf: KubeconfigError,
    message: /^there is no kubeconfig at .*nope: check --kubeconfig$/,
  });
  t.throws(() => load({ kubeconfig: folder }), { instanceOf: KubeconfigError, message: /it is a folder$/ });
});

test('a large kubeconfig is read in reasonable time', (t) => {
  const entries = Array.from(
    { length: 1000 },
    (_, index) => `- {name: c${index}, cluster: {server: "https://c${index}"}}`,
  );
  const kubeconfig = t.context.write(
    'config',
    `${simple.replace('clusters:\n', `clusters:\n${entries.join('\n')}\n`)}`,
  );
  t.is(load({ kubeconfig }).context, 'prod');
});
