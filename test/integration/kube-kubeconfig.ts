import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { ApiError } from '../../shared/kube/api-error.ts';
import { openCluster } from '../../shared/kube/client.ts';
import { ConnectionError } from '../../shared/kube/connection-error.ts';
import { type KubeconfigOptions, loadKubeconfig } from '../../shared/kube/kubeconfig.ts';
import { KubeconfigError } from '../../shared/kube/kubeconfig-error.ts';
import { useCluster } from '../helpers/cluster.ts';

// Whatever the real kubectl makes of a kubeconfig, flags and environment, we make of it too: the same person, or a failure.
const control = useCluster(test, { crds: 'none', users: { grouped: ['staff', 'night'] } });

type World = {
  /** The case's own folder, which is also the home folder. */
  readonly folder: string;
  readonly url: string;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly port: string;
  readonly caFile: string;
  readonly caData: string;
  readonly token: (user: string) => string;
  readonly certificate: (user: string, groups?: readonly string[]) => { certificate: string; key: string };
  readonly proxies: Proxies;
};

type Case = {
  /** Written into the folder: text as it is, anything else as JSON. `bin/…` and `*.sh` can be run. */
  readonly files: (world: World) => Readonly<Record<string, unknown>>;
  /** Default: `KUBECONFIG` is the file `config`. */
  readonly env?: (world: World) => Readonly<Record<string, string>>;
  readonly flags?: (world: World) => readonly string[];
} & (
  | { readonly who: string; readonly groups?: readonly string[]; readonly proxied?: readonly string[] }
  /** Both fail, and this is what we say. */
  | { readonly fails: RegExp }
);

const cases: Readonly<Record<string, Case>> = {
  // Which files
  'a token': { files: (w) => ({ config: config(w) }), who: 'author' },
  'the default file in the home folder': {
    files: (w) => ({ '.kube/config': config(w) }),
    env: () => ({ KUBECONFIG: '' }),
    who: 'author',
  },
  '--kubeconfig beats the environment': {
    files: (w) => ({ config: config(w), other: config(w, { user: { token: w.token('viewer') } }) }),
    flags: (w) => ['--kubeconfig', join(w.folder, 'other')],
    who: 'viewer',
  },
  'a missing --kubeconfig': {
    files: (w) => ({ config: config(w) }),
    flags: (w) => ['--kubeconfig', join(w.folder, 'missing')],
    fails: /there is no kubeconfig at .*missing: check --kubeconfig/,
  },
  'of several files the first to name something wins': {
    files: (w) => ({
      one: { users: [{ name: 'u', user: { token: w.token('viewer') } }] },
      two: config(w),
      three: { 'current-context': 'gone', contexts: [{ name: 'x', context: { cluster: 'none' } }] },
    }),
    env: (w) => ({ KUBECONFIG: list(w, 'missing', 'one', '', 'two', 'three', 'one') }),
    who: 'viewer',
  },
  'current-context is the first that is set, not the first file': {
    files: (w) => ({
      one: { ...config(w), 'current-context': '' },
      two: { 'current-context': 'y', contexts: [{ name: 'y', context: { cluster: 'c', user: 'v' } }] },
      three: { 'current-context': 'x', users: [{ name: 'v', user: { token: w.token('viewer') } }] },
    }),
    env: (w) => ({ KUBECONFIG: list(w, 'one', 'two', 'three') }),
    who: 'viewer',
  },
  'no file of the list exists': {
    files: () => ({}),
    env: (w) => ({ KUBECONFIG: list(w, 'a', 'b') }),
    fails: /no kubeconfig found: looked at .*a, .*b, and this is no pod/,
  },
  'a list of nothing': {
    files: () => ({}),
    env: () => ({ KUBECONFIG: ':' }),
    fails: /^no kubeconfig found/,
  },
  'an empty file': { files: () => ({ config: '' }), fails: /^no kubeconfig found/ },
  'a file of the list that is broken': {
    files: (w) => ({ config: config(w), broken: 'clusters: [' }),
    env: (w) => ({ KUBECONFIG: list(w, 'config', 'broken') }),
    fails: /broken:1: kubeconfig is not valid YAML/,
  },
  'a folder instead of a file': {
    files: (w) => ({ 'folder/config': config(w) }),
    env: (w) => ({ KUBECONFIG: list(w, 'folder') }),
    fails: /it is a folder/,
  },
  'two entries of one name in a file': {
    files: (w) => ({ config: { ...config(w), users: [userEntry(w, 'author'), userEntry(w, 'viewer')] } }),
    fails: /users has two entries named "u"/,
  },

  // How they are written
  'YAML with CRLF and a byte order mark': {
    files: (w) => ({ config: `\uFEFF${yaml(w).replaceAll('\n', '\r\n')}` }),
    who: 'author',
  },
  'JSON with a byte order mark': { files: (w) => ({ config: `\uFEFF${JSON.stringify(config(w))}` }), who: 'author' },
  'JSON with tabs and line breaks': {
    files: (w) => ({ config: JSON.stringify(config(w), null, '\t') }),
    who: 'author',
  },
  'UTF-16, as some shells write it': {
    files: (w) => ({ config: Buffer.from(`\uFEFF${yaml(w)}`, 'utf16le') }),
    who: 'author',
  },
  'fields that nobody knows': {
    files: (w) => ({
      config: {
        ...config(w, {
          cluster: { 'disable-compression': true, extensions: [{ name: 'minikube.sigs.k8s.io', extension: { a: 1 } }] },
        }),
        preferences: { colors: true },
        future: [1],
      },
    }),
    who: 'author',
  },
  'another version': {
    files: (w) => ({ config: { ...config(w), apiVersion: 'v9' } }),
    fails: /apiVersion is v9, not v1/,
  },
  'another kind': { files: (w) => ({ config: { ...config(w), kind: 'Pod' } }), fails: /its kind is Pod, not Config/ },

  // Which context, cluster and user
  '--context': {
    files: (w) => ({ config: withSecond(w) }),
    flags: () => ['--context', 'y'],
    who: 'viewer',
  },
  'an unknown --context': {
    files: (w) => ({ config: withSecond(w) }),
    flags: () => ['--context', 'z'],
    fails: /context "z" does not exist/,
  },
  '--user beside the current context': {
    files: (w) => ({ config: withSecond(w) }),
    flags: () => ['--user', 'v'],
    who: 'viewer',
  },
  'an unknown --user': {
    files: (w) => ({ config: withSecond(w) }),
    flags: () => ['--user', 'w'],
    fails: /user "w" does not exist/,
  },
  '--cluster beside the current context': {
    files: (w) => ({ config: { ...config(w), clusters: [{ name: 'd', cluster: clusterOf(w) }] } }),
    flags: () => ['--cluster', 'd'],
    who: 'author',
  },
  'an unknown --cluster': {
    files: (w) => ({ config: config(w) }),
    flags: () => ['--cluster', 'e'],
    fails: /cluster "e" does not exist/,
  },
  '--cluster and --user without any context': {
    files: (w) => ({ config: { ...config(w), 'current-context': '', contexts: [] } }),
    flags: () => ['--cluster', 'c', '--user', 'u'],
    who: 'author',
  },
  'a current context that is not there': {
    files: (w) => ({ config: { ...config(w), 'current-context': 'gone' } }),
    fails: /context "gone" does not exist/,
  },
  'a context whose user is not there': {
    files: (w) => ({ config: { ...config(w), users: [] } }),
    fails: /user "u", which context "x" names, does not exist/,
  },
  'no current context': {
    files: (w) => ({ config: { ...config(w), 'current-context': '' } }),
    fails: /no current context in .*: choose one of x with --context/,
  },

  // The server
  '--server with the credentials of the context': {
    files: (w) => ({ config: config(w, { cluster: { server: 'https://127.0.0.1:1' } }) }),
    flags: (w) => ['--server', w.url],
    who: 'author',
  },
  '-s and --token alone': {
    files: () => ({}),
    flags: (w) => ['-s', w.url, '--token', w.token('viewer'), '--certificate-authority', w.caFile],
    who: 'viewer',
  },
  'a server from the oldest environment variable': {
    files: () => ({}),
    env: (w) => ({ KUBECONFIG: '', KUBERNETES_MASTER: w.url }),
    flags: (w) => ['--token', w.token('viewer'), '--certificate-authority', w.caFile],
    who: 'viewer',
  },
  'a server with a trailing slash': {
    files: (w) => ({ config: config(w, { cluster: { server: `${w.url}/` } }) }),
    who: 'author',
  },
  'a server whose scheme is in capitals': {
    files: (w) => ({ config: config(w, { cluster: { server: w.url.replace('https', 'HTTPS') } }) }),
    who: 'author',
  },
  'a server behind a path': {
    files: (w) => ({ config: config(w, { cluster: { server: `${w.proxies.prefixed}/k8s/clusters/c-1` } }) }),
    who: 'author',
  },
  'a server behind a path with a trailing slash and a query': {
    files: (w) => ({ config: config(w, { cluster: { server: `${w.proxies.prefixed}/k8s/clusters/c-1/?x=y` } }) }),
    who: 'author',
  },
  'a server at an IPv6 address': {
    files: (w) => ({ config: config(w, { cluster: { server: w.proxies.ipv6, 'tls-server-name': '127.0.0.1' } }) }),
    who: 'author',
  },
  'a server without a scheme is asked in the clear': {
    files: (w) => ({ config: config(w, { cluster: { server: w.address } }) }),
    fails: /HTTP request to an HTTPS server/,
  },
  'a cluster without a server': {
    files: (w) => ({ config: config(w, { cluster: { server: '' } }) }),
    fails: /the cluster of context "x" has no server/,
  },
  'nobody listens there': {
    files: (w) => ({ config: config(w, { cluster: { server: 'https://127.0.0.1:1' } }) }),
    fails: /connection refused/,
  },

  // Whom to trust
  'certificate-authority as a relative path': {
    files: (w) => ({
      'deep/config': config(w, { cluster: { 'certificate-authority': '../ca.crt', 'certificate-authority-data': '' } }),
      'ca.crt': Buffer.from(w.caData, 'base64'),
    }),
    env: (w) => ({ KUBECONFIG: list(w, 'deep/config') }),
    who: 'author',
  },
  'certificate-authority twice': {
    files: (w) => ({ config: config(w, { cluster: { 'certificate-authority': w.caFile } }) }),
    fails: /cluster "c" has both certificate-authority and certificate-authority-data/,
  },
  'certificate-authority that is not there': {
    files: (w) => ({
      config: config(w, { cluster: { 'certificate-authority': 'nope', 'certificate-authority-data': '' } }),
    }),
    fails: /could not read the certificate authority .*nope: ENOENT/,
  },
  'certificate-authority-data that is no PEM': {
    files: (w) => ({ config: config(w, { cluster: { 'certificate-authority-data': 'aGVsbG8=' } }) }),
    fails: /certificate-authority-data of cluster "c" is no base64 of a PEM/,
  },
  '--certificate-authority replaces what the file has': {
    files: (w) => ({ config: config(w, { cluster: { 'certificate-authority-data': 'aGVsbG8=' } }) }),
    flags: (w) => ['--certificate-authority', w.caFile],
    who: 'author',
  },
  'no authority at all': {
    files: (w) => ({ config: config(w, { cluster: { 'certificate-authority-data': '' } }) }),
    fails: /authority that isn't trusted/,
  },
  '--insecure-skip-tls-verify beside an authority in the file': {
    files: (w) => ({ config: config(w) }),
    flags: () => ['--insecure-skip-tls-verify'],
    who: 'author',
  },
  'insecure-skip-tls-verify and an authority in the file': {
    files: (w) => ({ config: config(w, { cluster: { 'insecure-skip-tls-verify': true } }) }),
    fails: /both a certificate authority and insecure-skip-tls-verify/,
  },
  'insecure-skip-tls-verify in the file, an authority as a flag': {
    files: (w) => ({
      config: config(w, { cluster: { 'insecure-skip-tls-verify': true, 'certificate-authority-data': '' } }),
    }),
    flags: (w) => ['--certificate-authority', w.caFile],
    who: 'author',
  },
  '--insecure-skip-tls-verify and --certificate-authority': {
    files: (w) => ({ config: config(w) }),
    flags: (w) => ['--insecure-skip-tls-verify', '--certificate-authority', w.caFile],
    fails: /both a certificate authority and insecure-skip-tls-verify/,
  },
  'tls-server-name for a server of another name': {
    files: (w) => ({
      config: config(w, { cluster: { server: `https://127.0.0.2:${w.port}`, 'tls-server-name': 'localhost' } }),
    }),
    fails: /connection refused/,
  },
  'tls-server-name that the certificate has': {
    files: (w) => ({ config: config(w, { cluster: { 'tls-server-name': 'localhost' } }) }),
    who: 'author',
  },
  'tls-server-name that the certificate has not': {
    files: (w) => ({ config: config(w, { cluster: { 'tls-server-name': 'example.com' } }) }),
    fails: /its certificate is for another name/,
  },
  '--tls-server-name replaces the one of the file': {
    files: (w) => ({ config: config(w, { cluster: { 'tls-server-name': 'example.com' } }) }),
    flags: () => ['--tls-server-name', 'localhost'],
    who: 'author',
  },
  '--server forgets the tls-server-name of the file': {
    files: (w) => ({ config: config(w, { cluster: { 'tls-server-name': 'example.com' } }) }),
    flags: (w) => ['--server', w.url],
    who: 'author',
  },

  // Who we are
  'a token file, relative, with a line break': {
    files: (w) => ({ config: config(w, { user: { tokenFile: 'token' } }), token: `${w.token('viewer')}\n` }),
    who: 'viewer',
  },
  'a token file beside a token': {
    files: (w) => ({
      config: config(w, { user: { tokenFile: 'token', token: w.token('author') } }),
      token: w.token('viewer'),
    }),
    who: 'viewer',
  },
  'a token file that is not there, beside a token': {
    files: (w) => ({ config: config(w, { user: { tokenFile: 'token', token: w.token('author') } }) }),
    who: 'author',
  },
  'a token file that is not there': {
    files: (w) => ({ config: config(w, { user: { tokenFile: 'token' } }) }),
    fails: /could not read the token .*token: ENOENT/,
  },
  '--token beside a token': {
    files: (w) => ({ config: config(w) }),
    flags: (w) => ['--token', w.token('viewer')],
    who: 'viewer',
  },
  'a token that nobody has': {
    files: (w) => ({ config: config(w) }),
    flags: () => ['--token', 'wrong'],
    fails: /does not accept the credentials of user "u"/,
  },
  'groups of a token': {
    files: (w) => ({ config: config(w, { user: { token: w.token('grouped') } }) }),
    who: 'grouped',
    groups: ['staff', 'night', 'system:authenticated'],
  },
  'a client certificate as data': {
    files: (w) => ({ config: config(w, { user: certificateData(w, 'jane', ['staff']) }) }),
    who: 'jane',
    groups: ['staff', 'system:authenticated'],
  },
  'a client certificate in relative files': {
    files: (w) => {
      const { certificate, key } = w.certificate('jane');
      const user = { 'client-certificate': 'pki/me.crt', 'client-key': './pki/me.key' };
      return { config: config(w, { user }), 'pki/me.crt': certificate, 'pki/me.key': key };
    },
    who: 'jane',
  },
  'a client certificate as data, its key in a file': {
    files: (w) => {
      const { certificate, key } = w.certificate('jane');
      const user = { 'client-certificate-data': base64(certificate), 'client-key': 'me.key' };
      return { config: config(w, { user }), 'me.key': key };
    },
    who: 'jane',
  },
  'a client certificate twice': {
    files: (w) => ({ config: config(w, { user: { ...certificateData(w, 'jane'), 'client-certificate': 'x' } }) }),
    fails: /user "u" has both client-certificate and client-certificate-data/,
  },
  'a client key twice': {
    files: (w) => ({ config: config(w, { user: { ...certificateData(w, 'jane'), 'client-key': 'x' } }) }),
    fails: /user "u" has both client-key and client-key-data/,
  },
  'a client certificate without its key': {
    files: (w) => ({ config: config(w, { user: { ...certificateData(w, 'jane'), 'client-key-data': '' } }) }),
    fails: /user "u" has a client-certificate but no client-key/,
  },
  'a client key without its certificate says nothing': {
    files: (w) => ({ config: config(w, { user: { 'client-key': 'nope', token: w.token('author') } }) }),
    who: 'author',
  },
  'a client certificate and the key of another': {
    files: (w) => ({
      config: config(w, {
        user: { ...certificateData(w, 'jane'), 'client-key-data': base64(w.certificate('joe').key) },
      }),
    }),
    fails: /the certificates of this connection can't be used/,
  },
  'a client certificate beside a token': {
    files: (w) => ({ config: config(w, { user: { ...certificateData(w, 'jane'), token: w.token('author') } }) }),
    who: 'jane',
  },
  'a name and password, which this server takes from nobody': {
    files: (w) => ({ config: config(w, { user: { username: 'jane', password: 'pw' } }) }),
    fails: /User "system:anonymous" cannot/,
  },
  'a name and password beside a token': {
    files: (w) => ({ config: config(w, { user: { username: 'jane', password: 'pw', token: w.token('author') } }) }),
    fails: /user "u" has both a token and a name with password/,
  },
  'a name and password beside --token': {
    files: (w) => ({ config: config(w, { user: { username: 'jane', password: 'pw' } }) }),
    flags: (w) => ['--token', w.token('author')],
    fails: /user "u" has both a token and a name with password/,
  },
  'the auth-provider oidc with a token that has ended': {
    files: (w) => ({ config: config(w, { user: { 'auth-provider': oidc(idToken(1)) } }) }),
    fails: /the id-token of the auth-provider has ended/,
  },
  'the auth-provider gcp': {
    files: (w) => ({ config: config(w, { user: { 'auth-provider': { name: 'gcp' } } }) }),
    fails: /the auth-provider "gcp" of user "u" no longer exists: use the exec program gke-gcloud-auth-plugin/,
  },
  'an auth-provider that nobody knows': {
    files: (w) => ({ config: config(w, { user: { 'auth-provider': { name: 'mine' } } }) }),
    fails: /the auth-provider "mine" of user "u" no longer exists/,
  },

  // Whom to act as
  '--as, --as-group, --as-uid': {
    files: (w) => ({ config: config(w, { user: { token: w.token('admin') } }) }),
    flags: () => ['--as', 'joe', '--as-group', 'one', '--as-group', 'two', '--as-uid', '7'],
    who: 'joe',
    groups: ['one', 'two', 'system:authenticated'],
  },
  'as, as-groups, as-uid and as-user-extra in the file': {
    files: (w) => ({ config: config(w, { user: { token: w.token('admin'), ...impersonated } }) }),
    who: 'jane',
    groups: ['file', 'system:authenticated'],
  },
  '--as keeps the groups of the file': {
    files: (w) => ({ config: config(w, { user: { token: w.token('admin'), ...impersonated } }) }),
    flags: () => ['--as', 'joe'],
    who: 'joe',
    groups: ['file', 'system:authenticated'],
  },
  '--as-group replaces the groups of the file': {
    files: (w) => ({ config: config(w, { user: { token: w.token('admin'), ...impersonated } }) }),
    flags: () => ['--as-group', 'flag'],
    who: 'jane',
    groups: ['flag', 'system:authenticated'],
  },
  'names with letters of any language': {
    files: (w) => ({
      config: config(w, {
        user: { token: w.token('admin'), as: 'jörg ☃', 'as-groups': ['größe'], 'as-user-extra': { 'a/é (%)': ['ü'] } },
      }),
    }),
    who: 'jörg ☃',
    groups: ['größe', 'system:authenticated'],
  },
  'groups without a user to act as': {
    files: (w) => ({ config: config(w) }),
    flags: () => ['--as-group', 'one'],
    fails: /need a user to impersonate: add --as/,
  },
  'nobody may act as another without permission': {
    files: (w) => ({ config: config(w) }),
    flags: () => ['--as', 'joe'],
    fails: /User "author" cannot impersonate/,
  },

  // Programs
  'a program in the folder of the kubeconfig': {
    files: (w) => ({ 'deep/config': config(w, { user: exec('./login.sh') }), 'deep/login.sh': login(w, 'viewer') }),
    env: (w) => ({ KUBECONFIG: list(w, 'deep/config') }),
    who: 'viewer',
  },
  'a program in a folder beside it': {
    files: (w) => ({ 'deep/config': config(w, { user: exec('../bin/login') }), 'bin/login': login(w, 'viewer') }),
    env: (w) => ({ KUBECONFIG: list(w, 'deep/config') }),
    who: 'viewer',
  },
  'a program on our own PATH, with arguments and environment': {
    files: (w) => ({
      config: config(w, {
        user: exec('log-me-in', {
          args: ['a b', '$HOME'],
          env: [
            { name: 'GIVEN', value: 'x y' },
            { name: 'PATH', value: '/bin:/usr/bin' },
          ],
        }),
      }),
      'bin/log-me-in': login(
        w,
        'viewer',
        '[ "$1|$2|$GIVEN|$KEPT|$PATH" = "a b|\\$HOME|x y|kept|/bin:/usr/bin" ] || exit 3',
      ),
    }),
    env: (w) => ({ KEPT: 'kept', PATH: `${join(w.folder, 'bin')}:${process.env.PATH}` }),
    who: 'viewer',
  },
  'a program on a PATH that only the kubeconfig sets': {
    files: (w) => ({
      config: config(w, { user: exec('log-me-in', { env: [{ name: 'PATH', value: join(w.folder, 'bin') }] }) }),
      'bin/log-me-in': login(w, 'viewer'),
    }),
    fails: /the credential program log-me-in is not there/,
  },
  'a program that gives a certificate': {
    files: (w) => ({
      config: config(w, { user: exec('./login.sh') }),
      'login.sh': answering(w, {
        clientCertificateData: w.certificate('jane', ['staff']).certificate,
        clientKeyData: w.certificate('jane').key,
      }),
    }),
    fails: /the certificates of this connection can't be used/,
  },
  'a program that gives a certificate with its key': {
    files: (w) => {
      const { certificate, key } = w.certificate('jane', ['staff']);
      return {
        config: config(w, { user: exec('./login.sh') }),
        'login.sh': answering(w, { clientCertificateData: certificate, clientKeyData: key }),
      };
    },
    who: 'jane',
    groups: ['staff', 'system:authenticated'],
  },
  'a program of the older version': {
    files: (w) => ({
      config: config(w, { user: exec('./login.sh', { apiVersion: beta, interactiveMode: undefined }) }),
      'login.sh': login(w, 'viewer', '', beta),
    }),
    who: 'viewer',
  },
  'a program that answers in YAML': {
    files: (w) => ({
      config: config(w, { user: exec('./login.sh') }),
      'login.sh': `#!/bin/sh\nprintf 'apiVersion: ${v1}\\nkind: ExecCredential\\nstatus: {token: ${w.token('viewer')}}\\n'\n`,
    }),
    who: 'viewer',
  },
  'a program that gives what has ended': {
    files: (w) => ({
      config: config(w, { user: exec('./login.sh') }),
      'login.sh': answering(w, { token: w.token('viewer'), expirationTimestamp: '2020-01-01T00:00:00Z' }),
    }),
    who: 'viewer',
  },
  'a program beside a token is not run': {
    files: (w) => ({
      config: config(w, { user: { ...exec('./login.sh'), token: w.token('author') } }),
      'login.sh': '#!/bin/sh\nexit 1\n',
    }),
    who: 'author',
  },
  'a program beside --token is not run': {
    files: (w) => ({ config: config(w, { user: exec('nope') }) }),
    flags: (w) => ['--token', w.token('author')],
    who: 'author',
  },
  'a program beside a client certificate is not run': {
    files: (w) => ({ config: config(w, { user: { ...exec('nope'), ...certificateData(w, 'jane') } }) }),
    who: 'jane',
  },
  'a program that is not there': {
    files: (w) => ({ config: config(w, { user: exec('nope', { installHint: 'Get it at\n  https://example.com' }) }) }),
    fails: /^the credential program nope is not there: Get it at https:\/\/example\.com$/,
  },
  'a program that may not be run': {
    files: (w) => ({ config: config(w, { user: exec('./config') }) }),
    fails: /config could not be run \(EACCES\)/,
  },
  'a program that fails': {
    files: (w) => ({
      config: config(w, { user: exec('./login.sh') }),
      'login.sh': '#!/bin/sh\necho please log in >&2\nexit 7\n',
    }),
    fails: /login\.sh failed with exit code 7: please log in$/,
  },
  'a program that prints no credential': {
    files: (w) => ({ config: config(w, { user: exec('./login.sh') }), 'login.sh': '#!/bin/sh\necho logged in\n' }),
    fails: /gave no usable ExecCredential: its output is no JSON object/,
  },
  'a program that answers in another version': {
    files: (w) => ({ config: config(w, { user: exec('./login.sh') }), 'login.sh': login(w, 'viewer', '', beta) }),
    fails:
      /asks for apiVersion client\.authentication\.k8s\.io\/v1, its output has "client\.authentication\.k8s\.io\/v1beta1"/,
  },
  'a program that gives nothing': {
    files: (w) => ({ config: config(w, { user: exec('./login.sh') }), 'login.sh': answering(w, {}) }),
    fails: /neither a token nor a certificate/,
  },
  'a program that gives a certificate without its key': {
    files: (w) => ({
      config: config(w, { user: exec('./login.sh') }),
      'login.sh': answering(w, { clientCertificateData: 'x' }),
    }),
    fails: /only one of certificate and key/,
  },
  'a program that must ask, without a terminal': {
    files: (w) => ({
      config: config(w, { user: exec('./login.sh', { interactiveMode: 'Always' }) }),
      'login.sh': login(w, 'viewer'),
    }),
    fails: /must ask questions, and standard input is no terminal/,
  },
  'a program without an interactiveMode': {
    files: (w) => ({ config: config(w, { user: exec('login', { interactiveMode: undefined }) }) }),
    fails: /the exec of user "u" has no interactiveMode: add one of Never, IfAvailable, Always/,
  },
  'a program with an unknown interactiveMode': {
    files: (w) => ({ config: config(w, { user: exec('login', { interactiveMode: 'Maybe' }) }) }),
    fails: /has the interactiveMode "Maybe"/,
  },
  'a program of a version that is gone': {
    files: (w) => ({
      config: config(w, { user: exec('login', { apiVersion: 'client.authentication.k8s.io/v1alpha1' }) }),
    }),
    fails: /v1alpha1", which nothing supports/,
  },
  'a program without a command': {
    files: (w) => ({ config: config(w, { user: exec('') }) }),
    fails: /the exec of user "u" has no command/,
  },
  'a program and an auth-provider': {
    files: (w) => ({ config: config(w, { user: { ...exec('login'), 'auth-provider': oidc('x') } }) }),
    fails: /both an exec and an auth-provider/,
  },

  // Proxies
  'proxy-url': {
    files: (w) => ({ config: config(w, { cluster: { 'proxy-url': w.proxies.http } }) }),
    who: 'author',
    proxied: ['CONNECT 127.0.0.1'],
  },
  'proxy-url with name and password': {
    files: (w) => ({ config: config(w, { cluster: { 'proxy-url': withPassword(w.proxies.http) } }) }),
    who: 'author',
    proxied: ['CONNECT 127.0.0.1 by me:p@ss'],
  },
  'proxy-url over TLS, trusted as the cluster is': {
    files: (w) => ({ config: config(w, { cluster: { 'proxy-url': w.proxies.https } }) }),
    who: 'author',
    proxied: ['CONNECT 127.0.0.1'],
  },
  'proxy-url of a SOCKS proxy': {
    files: (w) => ({ config: config(w, { cluster: { 'proxy-url': w.proxies.socks } }) }),
    who: 'author',
    proxied: ['SOCKS 127.0.0.1'],
  },
  'proxy-url of a SOCKS proxy that looks up names and wants a password': {
    files: (w) => ({
      config: config(w, {
        cluster: {
          server: `https://api.invalid:${w.port}`,
          'proxy-url': withPassword(w.proxies.socks),
          'tls-server-name': '127.0.0.1',
        },
      }),
    }),
    who: 'author',
    proxied: ['SOCKS api.invalid by me:p@ss'],
  },
  'proxy-url with socks5h, which kubectl does not know': {
    files: (w) => ({ config: config(w, { cluster: { 'proxy-url': w.proxies.socks.replace('socks5', 'socks5h') } }) }),
    fails: /proxy-url names no proxy that can be used/,
  },
  'proxy-url beats NO_PROXY': {
    files: (w) => ({ config: config(w, { cluster: { 'proxy-url': w.proxies.http } }) }),
    env: () => ({ NO_PROXY: '*' }),
    who: 'author',
    proxied: ['CONNECT 127.0.0.1'],
  },
  'proxy-url where no proxy is': {
    files: (w) => ({ config: config(w, { cluster: { 'proxy-url': 'http://127.0.0.1:1' } }) }),
    fails: /the proxy did not connect: 127\.0\.0\.1:1: .*ECONNREFUSED/,
  },
  'a proxy that refuses': {
    files: (w) => ({
      config: config(w, { cluster: { 'proxy-url': `${w.proxies.http.replace('//', '//bad:bad@')}` } }),
    }),
    fails: /the proxy did not connect: .*407/,
  },
  HTTPS_PROXY: {
    files: (w) => ({ config: elsewhere(w) }),
    env: (w) => ({ HTTPS_PROXY: w.proxies.http }),
    who: 'author',
    proxied: ['CONNECT api.invalid'],
  },
  'https_proxy, which needs no scheme': {
    files: (w) => ({ config: elsewhere(w) }),
    env: (w) => ({ https_proxy: w.proxies.http.replace('http://', '') }),
    who: 'author',
    proxied: ['CONNECT api.invalid'],
  },
  'HTTPS_PROXY that is a SOCKS proxy': {
    files: (w) => ({ config: elsewhere(w) }),
    env: (w) => ({ HTTPS_PROXY: w.proxies.socks.replace('socks5', 'socks5h') }),
    who: 'author',
    proxied: ['SOCKS api.invalid'],
  },
  'proxy-url beats HTTPS_PROXY': {
    files: (w) => ({ config: elsewhere(w, { 'proxy-url': w.proxies.http }) }),
    env: () => ({ HTTPS_PROXY: 'http://127.0.0.1:1' }),
    who: 'author',
    proxied: ['CONNECT api.invalid'],
  },
  'HTTP_PROXY is not for https': {
    files: (w) => ({ config: elsewhere(w) }),
    env: (w) => ({ HTTP_PROXY: w.proxies.http }),
    fails: /its host name/,
  },
  'HTTPS_PROXY is not for this machine itself': {
    files: (w) => ({ config: config(w) }),
    env: () => ({ HTTPS_PROXY: 'http://127.0.0.1:1' }),
    who: 'author',
    proxied: [],
  },
  ...noProxy({
    'api.invalid': false,
    invalid: false,
    '.invalid': false,
    '*.invalid': false,
    ' other , API.invalid ': false,
    'api.invalid:PORT': false,
    '*': false,
    '.api.invalid': true,
    'pi.invalid': true,
    'api.invalid:1': true,
    '*invalid': true,
    '10.0.0.0/8': true,
    '': true,
  }),
};

const v1 = 'client.authentication.k8s.io/v1';
const beta = 'client.authentication.k8s.io/v1beta1';
const impersonated = {
  as: 'jane',
  'as-uid': '12',
  'as-groups': ['file'],
  'as-user-extra': { 'example.com/scopes': ['x', 'y'], Plain: ['z'] },
};

for (const [title, one] of Object.entries(cases)) {
  test.serial(title, async (t) => {
    const world = await makeWorld(t);
    for (const [name, content] of Object.entries(one.files(world))) await write(join(world.folder, name), content);
    const env = { KUBECONFIG: join(world.folder, 'config'), HOME: world.folder, ...one.env?.(world) };
    const flags = one.flags?.(world) ?? [];

    world.proxies.seen.length = 0;
    const kubectl = await control.kubectl(['auth', 'whoami', '-o', 'json', ...flags], { env });
    const seenByKubectl = world.proxies.seen.splice(0);
    const [ours, error] = await whoWeAre(env, flags);
    t.log(
      `kubectl: ${kubectl.code === 0 ? kubectl.stdout.replace(/\s+/g, '') : kubectl.stderr.trim().split('\n').at(-1)}`,
    );
    t.log(`we: ${ours === undefined ? error?.message : JSON.stringify(ours)}`);

    if ('fails' in one) {
      t.not(kubectl.code, 0, kubectl.stdout);
      t.regex(error?.message ?? JSON.stringify(ours), one.fails);
      t.true(
        [KubeconfigError, ConnectionError, ApiError].some((type) => error instanceof type),
        error?.stack,
      );
      t.false(error?.message.includes('\n'));
      return;
    }
    t.is(kubectl.code, 0, kubectl.stderr);
    t.is(error, undefined);
    t.deepEqual(ours, JSON.parse(kubectl.stdout).status.userInfo);
    t.is(ours?.username, one.who);
    if (one.groups !== undefined) t.deepEqual(ours?.groups, one.groups);
    if (one.proxied !== undefined) {
      t.deepEqual(new Set(seenByKubectl), new Set(one.proxied), 'kubectl');
      t.deepEqual(new Set(world.proxies.seen), new Set(one.proxied), 'we');
    }
  });
}

type UserInfo = { readonly username: string; readonly groups: readonly string[] };

async function whoWeAre(
  env: Record<string, string>,
  flags: readonly string[],
): Promise<[UserInfo | undefined, Error | undefined]> {
  try {
    const connection = loadKubeconfig({ env: { PATH: process.env.PATH, ...env }, home: env.HOME, ...optionsOf(flags) });
    const cluster = openCluster(connection, { userAgent: 'test/1', terminal: { stderr: () => {} } });
    try {
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
      const { object } = await cluster.create(review, review, { fieldManager: 'test' });
      return [(object.status as unknown as { userInfo: UserInfo }).userInfo, undefined];
    } finally {
      cluster.close();
    }
  } catch (error) {
    return [undefined, error as Error];
  }
}

/** `--as-group x` as the option `asGroup: ['x']`. */
function optionsOf(flags: readonly string[]): Partial<KubeconfigOptions> {
  const options: Record<string, unknown> = {};
  for (let index = 0; index < flags.length; index++) {
    const flag = flags[index] === '-s' ? '--server' : (flags[index] ?? '');
    const name = flag.replace(/^--/, '').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    if (name === 'insecureSkipTlsVerify') options[name] = true;
    else if (name === 'asGroup') options[name] = [...((options[name] as string[]) ?? []), flags[++index]];
    else options[name] = flags[++index];
  }
  return options;
}

let folders = 0;

async function makeWorld(t: ExecutionContext): Promise<World> {
  const { controlPlane } = control;
  const { url, caFile, ca, directory } = controlPlane;
  const folder = join(directory, `case-${++folders}`);
  await mkdir(folder);
  proxies ??= startProxies(t, directory, new URL(url));
  return {
    folder,
    url,
    address: new URL(url).host,
    port: new URL(url).port,
    caFile,
    caData: base64(ca),
    token: (user) => controlPlane.token(user),
    certificate: (user, groups) => controlPlane.clientCertificate(user, groups),
    proxies: await proxies,
  };
}

async function write(file: string, content: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content));
  if (/\.sh$|\/bin\//.test(file)) await chmod(file, 0o755);
}

function config(world: World, { cluster = {}, user }: { cluster?: object; user?: object } = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { ...clusterOf(world), ...cluster } }],
    users: [user === undefined ? userEntry(world, 'author') : { name: 'u', user }],
  };
}

/** A server that only a proxy finds. */
function elsewhere(world: World, cluster: object = {}) {
  const server = `https://api.invalid:${world.port}`;
  return config(world, { cluster: { server, 'tls-server-name': '127.0.0.1', ...cluster } });
}

function clusterOf({ url, caData }: World) {
  return { server: url, 'certificate-authority-data': caData };
}

function userEntry({ token }: World, name: string) {
  return { name: 'u', user: { token: token(name) } };
}

function withSecond(world: World) {
  const one = config(world);
  return {
    ...one,
    contexts: [...one.contexts, { name: 'y', context: { cluster: 'c', user: 'v' } }],
    users: [...one.users, { name: 'v', user: { token: world.token('viewer') } }],
  };
}

function yaml({ url, caData, token }: World): string {
  return `# A comment
apiVersion: v1
kind: Config
current-context: x
contexts:
- name: x
  context: {cluster: c, user: u}
clusters:
- name: c
  cluster:
    server: ${url}
    certificate-authority-data: ${caData}
users:
- name: u
  user:
    token: ${token('author')}
`;
}

function list({ folder }: World, ...names: string[]): string {
  return names.map((name) => name && join(folder, name)).join(':');
}

function certificateData({ certificate }: World, user: string, groups: readonly string[] = []) {
  const pair = certificate(user, groups);
  return { 'client-certificate-data': base64(pair.certificate), 'client-key-data': base64(pair.key) };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function oidc(token: string) {
  return {
    name: 'oidc',
    config: { 'client-id': 'a', 'idp-issuer-url': 'https://127.0.0.1:1', 'id-token': token },
  };
}

function idToken(exp: number): string {
  return `${base64('{}')}.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.x`;
}

function exec(command: string, more: object = {}) {
  return { exec: { apiVersion: v1, command, interactiveMode: 'Never', ...more } };
}

function login(world: World, user: string, script = '', apiVersion = v1): string {
  return answering(world, { token: world.token(user) }, script, apiVersion);
}

/** A program that says what it was told in `LOG`, if that is set. */
function answering(_: World, status: object, script = '', apiVersion = v1): string {
  const credential = JSON.stringify({ apiVersion, kind: 'ExecCredential', status });
  return `#!/bin/sh\n[ -z "$LOG" ] || echo "$KUBERNETES_EXEC_INFO" >> "$LOG"\n${script}\ncat <<'END'\n${credential}\nEND\n`;
}

/** NO_PROXY for api.invalid, which is reached by way of the proxy or not at all. */
function noProxy(rules: Readonly<Record<string, boolean>>): Record<string, Case> {
  return Object.fromEntries(
    Object.entries(rules).map(([rule, isProxied]): [string, Case] => [
      `NO_PROXY "${rule}" ${isProxied ? "isn't" : 'is'} about api.invalid`,
      {
        files: (w) => ({ config: elsewhere(w) }),
        env: (w) => ({ HTTPS_PROXY: w.proxies.http, NO_PROXY: rule.replace('PORT', w.port) }),
        ...(isProxied ? { who: 'author', proxied: ['CONNECT api.invalid'] } : { fails: /its host name/ }),
      },
    ]),
  );
}

type Proxies = {
  readonly http: string;
  readonly https: string;
  readonly socks: string;
  /** Forwards what is below `/k8s/clusters/c-1`. */
  readonly prefixed: string;
  /** The API server itself, at `[::1]`. */
  readonly ipv6: string;
  /** What was asked of the first three, as in `CONNECT api.invalid by name:password`. */
  readonly seen: string[];
};

let proxies: Promise<Proxies> | undefined;
const servers: Server[] = [];
test.after.always('the proxies stop', () => {
  for (const server of servers) server.close();
});

function withPassword(proxy: string): string {
  return proxy.replace('//', '//me:p%40ss@');
}

/** All of them lead to the API server, whatever host they are asked for. */
async function startProxies(_: ExecutionContext, directory: string, target: URL): Promise<Proxies> {
  const seen: string[] = [];
  const onward = (socket: Duplex, then: () => void) => {
    const other = connect(Number(target.port), target.hostname, then);
    other.on('error', () => socket.destroy());
    socket.on('error', () => other.destroy());
    other.pipe(socket);
    socket.pipe(other);
  };
  const onConnect = (request: http.IncomingMessage, socket: Duplex) => {
    const authorization = request.headers['proxy-authorization'];
    const who = authorization && Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
    if (who === 'bad:bad') return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    seen.push(`CONNECT ${new URL(`http://${request.url}`).hostname}${who === undefined ? '' : ` by ${who}`}`);
    return onward(socket, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
  };
  const [cert, key] = await Promise.all(
    ['serving.crt', 'serving.key'].map(async (file) => await readFile(join(directory, file))),
  );
  const tls = { cert, key };
  const plain = http.createServer().on('connect', onConnect);
  const secure = https.createServer(tls).on('connect', onConnect);
  const socks = createServer((socket) => void serveSocks(socket, seen, onward).catch(() => socket.destroy()));
  const prefixed = https.createServer(tls, (request, response) => {
    const path = request.url?.replace(/^\/k8s\/clusters\/c-1(?=\/)/, '');
    if (path === request.url) return void response.writeHead(404).end();
    const { host, ...headers } = request.headers;
    const asked = https.request(`${target.origin}${path}`, {
      method: request.method ?? 'GET',
      headers: { ...headers, 'x-asked-of': host },
      rejectUnauthorized: false,
      agent: false,
    });
    asked.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    asked.on('error', () => response.destroy());
    request.pipe(asked);
  });
  const ipv6 = createServer((socket) => onward(socket, () => {}));
  const [http1, https1, socks1, prefixed1] = await Promise.all(
    [plain, secure, socks, prefixed].map((it) => listen(it)),
  );
  return {
    http: `http://127.0.0.1:${http1}`,
    https: `https://127.0.0.1:${https1}`,
    socks: `socks5://127.0.0.1:${socks1}`,
    prefixed: `https://127.0.0.1:${prefixed1}`,
    ipv6: `https://[::1]:${await listen(ipv6, '::1')}`,
    seen,
  };
}

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  servers.push(server);
  server.unref();
  return (server.address() as AddressInfo).port;
}

async function serveSocks(
  socket: Socket,
  seen: string[],
  onward: (socket: Duplex, then: () => void) => void,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  const read = async (count: number): Promise<Buffer> => {
    for (;;) {
      const bytes: Buffer | null = socket.read(count);
      if (bytes !== null) return bytes;
      await once(socket, 'readable');
    }
  };
  const byte = async () => (await read(1))[0] ?? 0;
  const [, methods = 0] = await read(2);
  const wantsPassword = (await read(methods)).includes(2);
  socket.write(Buffer.from([5, wantsPassword ? 2 : 0]));
  let who = '';
  if (wantsPassword) {
    await byte();
    const name = await read(await byte());
    who = ` by ${name}:${await read(await byte())}`;
    socket.write(Buffer.from([1, 0]));
  }
  const type = (await read(4))[3];
  const host = type === 1 ? (await read(4)).join('.') : (await read(await byte())).toString();
  await read(2);
  seen.push(`SOCKS ${host}${who}`);
  onward(socket, () => socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])));
}
