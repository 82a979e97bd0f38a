import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ApiError } from '../../shared/kube/api-error.ts';
import { type Cluster, openCluster } from '../../shared/kube/client.ts';
import { ConnectionError } from '../../shared/kube/connection-error.ts';
import { type KubeconfigOptions, loadKubeconfig } from '../../shared/kube/kubeconfig.ts';
import { KubeconfigError } from '../../shared/kube/kubeconfig-error.ts';
import { useCluster, waitFor } from '../helpers/cluster.ts';
import { type Proxies, startProxies } from './_kube-proxies.ts';

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
  /** Of a ServiceAccount, as an identity provider might have signed it. */
  readonly idToken: string;
  readonly proxies: Proxies;
};

type Case = {
  /** Written into the folder: text as it is, anything else as JSON. `bin/…` and `*.sh` can be run. */
  readonly files: (world: World) => Readonly<Record<string, unknown>>;
  /** Default: `KUBECONFIG` is the file `config`. */
  readonly env?: (world: World) => Readonly<Record<string, string>>;
  readonly flags?: (world: World) => readonly string[];
} & (
  | { readonly who: string; readonly groups?: readonly string[] }
  /** Both fail, and this is what we say. */
  | { readonly fails: RegExp }
) & {
    /** What the proxies are asked, by either. */
    readonly proxied?: readonly string[];
  };

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
  'a boolean as YAML 1.1 writes it': {
    files: (w) => ({ config: insecure(w, 'yes') }),
    who: 'author',
  },
  'a boolean in quotes': {
    files: (w) => ({ config: insecure(w, '"yes"') }),
    fails: /clusters\[0\], cluster: insecure-skip-tls-verify must be true or false, not a string$/,
  },
  'a namespace that YAML 1.1 takes for a boolean': {
    files: (w) => ({ config: yaml(w).replace('user: u}', 'user: u, namespace: no}') }),
    fails: /contexts\[0\], context: namespace must be a string, not a boolean; quote it if it is text$/,
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
  'a token with blanks around it': {
    files: (w) => ({ config: config(w, { user: { token: ` ${w.token('author')} ` } }) }),
    fails: /the token of the kubeconfig or --token is empty or has blanks/,
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
  'no credentials at all': {
    files: (w) => ({ config: config(w, { user: {} }) }),
    fails: /User "system:anonymous" cannot/,
  },
  'no secret goes over a connection in the clear': {
    files: (w) => ({ config: config(w, { cluster: { server: w.proxies.plain } }) }),
    fails: /User "system:anonymous" cannot/,
    proxied: ['HTTP without credentials'],
  },
  'the auth-provider oidc with a token that is good': {
    files: (w) => ({ config: config(w, { user: { 'auth-provider': oidc(w.idToken) } }) }),
    who: 'system:serviceaccount:default:signed-in',
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
      'login.sh': answering({
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
        'login.sh': answering({ clientCertificateData: certificate, clientKeyData: key }),
      };
    },
    who: 'jane',
    groups: ['staff', 'system:authenticated'],
  },
  'a program that gives a token with a line break': {
    files: (w) => ({
      config: config(w, { user: exec('./login.sh') }),
      'login.sh': answering({ token: `${w.token('viewer')}\n` }),
    }),
    fails: /the token of the program .*login\.sh is empty or has blanks/,
  },
  'a program with arguments of which one is nothing': {
    files: (w) => ({
      config: config(w, { user: exec('./login.sh', { args: ['a', null] }) }),
      'login.sh': login(w, 'viewer', '[ "$#|$1|$2" = "2|a|" ] || exit 3'),
    }),
    who: 'viewer',
  },
  'a program with an argument that is a number': {
    files: (w) => ({ config: config(w, { user: exec('./login.sh', { args: ['a', 1] }) }) }),
    fails: /users\[0\], user, exec: args must hold only strings, not a number; quote it if it is text$/,
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
      'login.sh': answering({ token: w.token('viewer'), expirationTimestamp: '2020-01-01T00:00:00Z' }),
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
    files: (w) => ({ config: config(w, { user: exec('./login.sh') }), 'login.sh': answering({}) }),
    fails: /neither a token nor a certificate/,
  },
  'a program that gives a certificate without its key': {
    files: (w) => ({
      config: config(w, { user: exec('./login.sh') }),
      'login.sh': answering({ clientCertificateData: 'x' }),
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
  'NO_PROXY with ranges that are others': {
    files: (w) => ({ config: elsewhere(w, { server: `https://192.0.2.7:${w.port}` }) }),
    env: (w) => ({ HTTPS_PROXY: w.proxies.http, NO_PROXY: '192.0.3.0/24,192.0.2.7:1,2001:db8::/32,2.7' }),
    who: 'author',
    proxied: ['CONNECT 192.0.2.7'],
  },
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
    const world = await makeWorld();
    for (const [name, content] of Object.entries(one.files(world))) await write(join(world.folder, name), content);
    const env = { KUBECONFIG: join(world.folder, 'config'), HOME: world.folder, ...one.env?.(world) };
    const flags = one.flags?.(world) ?? [];

    world.proxies.seen.length = 0;
    const kubectl = await control.kubectl(['auth', 'whoami', '-o', 'json', ...flags], { env });
    const seenByKubectl = world.proxies.seen.splice(0);
    const [ours, error] = await whoWeAre(env, flags, { multiplexed: true });
    // The controller speaks HTTP/1.1: it is the same person, or the same failure.
    const [theirs, failure] = await whoWeAre(env, flags);
    t.deepEqual(theirs, ours);
    t.is(failure?.name, error?.name);
    t.log(
      `kubectl: ${kubectl.code === 0 ? kubectl.stdout.replace(/\s+/g, '') : kubectl.stderr.trim().split('\n').at(-1)}`,
    );
    t.log(`we: ${ours === undefined ? error?.message : JSON.stringify(ours)}`);

    if (one.proxied !== undefined) {
      t.deepEqual(new Set(seenByKubectl), new Set(one.proxied), 'kubectl');
      t.deepEqual(new Set(world.proxies.seen), new Set(one.proxied), 'we');
    }
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
  });
}

test.serial('programs are told the same of the cluster and of themselves', async (t) => {
  const world = await makeWorld();
  const tls = { server: `${world.url}/`, 'tls-server-name': 'localhost', 'certificate-authority': 'ca.crt' };
  const extensions = [
    { name: 'other', extension: 1 },
    { name: 'client.authentication.k8s.io/exec', extension: { audience: 'x' } },
  ];
  for (const [name, cluster, more, flags] of [
    ['all', { ...tls, 'proxy-url': world.proxies.http, 'disable-compression': true, extensions }, {}, []],
    ['plain', {}, { apiVersion: beta, interactiveMode: 'IfAvailable' }, []],
    ['untold', {}, { provideClusterInfo: false }, []],
    ['flags', { ...tls, extensions }, {}, ['--server', world.url, '--insecure-skip-tls-verify']],
  ] as const) {
    const folder = join(world.folder, name);
    const user = exec('./login.sh', { provideClusterInfo: true, ...more });
    const own = 'certificate-authority' in cluster ? { 'certificate-authority-data': '' } : {};
    await write(join(folder, 'config'), config(world, { cluster: { ...cluster, ...own }, user }));
    await write(join(folder, 'login.sh'), login(world, 'viewer', '', user.exec.apiVersion));
    await write(join(folder, 'ca.crt'), Buffer.from(world.caData, 'base64'));
    const env = { KUBECONFIG: join(folder, 'config'), LOG: join(folder, 'log') };
    const kubectl = await control.kubectl(['auth', 'whoami', ...flags], { env });
    t.is(kubectl.code, 0, kubectl.stderr);
    const [ours, error] = await whoWeAre(env, flags);
    t.is(ours?.username, 'viewer', error?.message);
    const [first = '', second = '', ...others] = await linesOf(env.LOG);
    t.log(first);
    t.deepEqual(JSON.parse(second), JSON.parse(first), name);
    t.deepEqual(others, []);
  }
});

/** As a command speaks to a server, and as the controller does. */
function overBoth(title: string, body: (t: ExecutionContext, multiplexed: boolean) => Promise<void>): void {
  test.serial(title, (t) => body(t, true));
  test.serial(`${title}: over HTTP/1.1`, (t) => body(t, false));
}

overBoth('a program runs once for many requests at once, in kubectl too', async (t, multiplexed) => {
  const world = await makeWorld();
  const env = { KUBECONFIG: join(world.folder, 'config'), LOG: join(world.folder, 'log') };
  await write(env.KUBECONFIG, config(world, { user: exec('./login.sh') }));
  await write(join(world.folder, 'login.sh'), login(world, 'viewer', 'sleep 0.2'));
  await control.kubectl(['api-resources'], { env });
  t.is((await linesOf(env.LOG)).length, 1);
  const cluster = openCluster(loadKubeconfig({ env: { PATH: process.env.PATH, ...env } }), {
    userAgent: 'test/1',
    multiplexed,
  });
  t.teardown(() => cluster.close());
  await Promise.all(Array.from({ length: 10 }, () => cluster.version()));
  t.is((await linesOf(env.LOG)).length, 2);
});

test.serial('a program is asked again for each request once what it gave has ended, in kubectl too', async (t) => {
  const world = await makeWorld();
  const env = { KUBECONFIG: join(world.folder, 'config'), LOG: join(world.folder, 'log') };
  await write(env.KUBECONFIG, config(world, { user: exec('./login.sh') }));
  const runsAfter = async (expirationTimestamp: string, runs: () => Promise<unknown>) => {
    await write(env.LOG, '');
    await write(join(world.folder, 'login.sh'), answering({ token: world.token('viewer'), expirationTimestamp }));
    await runs();
    return (await linesOf(env.LOG)).length;
  };
  const kubectl = () => control.kubectl(['version'], { env });
  const we = async () => {
    const cluster = openCluster(loadKubeconfig({ env: { PATH: process.env.PATH, ...env } }), { userAgent: 'test/1' });
    await cluster.version();
    await cluster.version();
    cluster.close();
  };
  t.is(await runsAfter('2099-01-01T00:00:00Z', kubectl), 1);
  t.is(await runsAfter('2099-01-01T00:00:00Z', we), 1);
  t.true((await runsAfter('2020-01-01T00:00:00Z', kubectl)) > 1);
  t.true((await runsAfter('2020-01-01T00:00:00Z', we)) > 1);
});

overBoth('a token that is refused is asked for again, and the request repeated once', async (t, multiplexed) => {
  const world = await makeWorld();
  const env = { KUBECONFIG: join(world.folder, 'config'), LOG: join(world.folder, 'log') };
  await write(env.KUBECONFIG, config(world, { user: exec('./login.sh') }));
  const old = JSON.stringify({ apiVersion: v1, kind: 'ExecCredential', status: { token: 'old' } });
  const onlyFirst = `[ $(grep -c . "$LOG") -gt 1 ] || { echo '${old}'; exit; }`;
  await write(join(world.folder, 'login.sh'), login(world, 'viewer', onlyFirst));
  // kubectl asks for another too, but only for its next request.
  t.regex((await control.kubectl(['auth', 'whoami'], { env })).stderr, /Unauthorized|must be logged in/);
  t.is((await linesOf(env.LOG)).length, 2);
  await write(env.LOG, '');
  const cluster = openCluster(loadKubeconfig({ env: { PATH: process.env.PATH, ...env } }), {
    userAgent: 'test/1',
    multiplexed,
  });
  t.teardown(() => cluster.close());
  await Promise.all(Array.from({ length: 5 }, () => cluster.version()));
  t.is((await linesOf(env.LOG)).length, 2);
  t.is(cluster.requests, 10);

  await write(join(world.folder, 'login.sh'), answering({ token: 'never-good' }));
  const refused = openCluster(loadKubeconfig({ env: { PATH: process.env.PATH, ...env } }), {
    userAgent: 'test/1',
    multiplexed,
  });
  t.teardown(() => refused.close());
  const error = await t.throwsAsync(refused.version(), { instanceOf: ApiError });
  t.true(error?.isUnauthorized);
  t.is(refused.requests, 2);
});

overBoth(
  'a certificate of a program that ends is followed by the next, on other connections',
  async (t, multiplexed) => {
    const world = await makeWorld();
    const file = join(world.folder, 'config');
    await write(file, config(world, { user: exec('./login.sh') }));
    const as = async (user: string, expirationTimestamp: string) => {
      const { certificate: clientCertificateData, key: clientKeyData } = world.certificate(user);
      const status = { clientCertificateData, clientKeyData, expirationTimestamp };
      await write(join(world.folder, 'login.sh'), answering(status));
    };
    let date = Date.parse('2030-01-01T00:00:00Z');
    const clock = { now: () => date, date: () => date, sleep: async () => {}, random: () => 0 };
    const connection = loadKubeconfig({ env: { PATH: process.env.PATH, KUBECONFIG: file } });
    const cluster = openCluster(connection, { userAgent: 'test/1', multiplexed, clock });
    t.teardown(() => cluster.close());
    await as('first', '2030-01-01T01:00:00Z');
    t.is((await userInfo(cluster)).username, 'first');
    await as('second', '2030-01-01T02:00:00Z');
    date += 3_600_000;
    t.is((await userInfo(cluster)).username, 'first');
    date += 1;
    t.is((await userInfo(cluster)).username, 'second');
  },
);

test.serial('the namespace is the one of kubectl', async (t) => {
  const world = await makeWorld();
  const context = { cluster: 'c', user: 'u', namespace: 'mine' };
  await write(join(world.folder, 'named'), { ...config(world), contexts: [{ name: 'x', context }] });
  await write(join(world.folder, 'config'), config(world));
  for (const [file, flags, namespace] of [
    ['config', [], 'default'],
    ['named', [], 'mine'],
    ['named', ['--namespace', 'other'], 'other'],
    ['named', ['--namespace', ''], 'mine'],
  ] as const) {
    const env = { KUBECONFIG: join(world.folder, file) };
    // Whoever may not is told where.
    const { stderr } = await control.kubectl(['get', 'configmaps', ...flags], { env });
    t.regex(stderr, new RegExp(`in the namespace "${namespace}"`));
    t.is(loadKubeconfig({ env, ...optionsOf(flags) }).namespace, namespace);
  }
});

for (const title of [
  'a token',
  'certificate-authority as a relative path',
  'a client certificate in relative files',
  'a program in a folder beside it',
  'a program that gives a certificate with its key',
  'proxy-url of a SOCKS proxy',
  'HTTPS_PROXY',
  // Whatever has flags.
  ...Object.keys(cases).filter((title) => cases[title]?.flags !== undefined && 'who' in cases[title]),
]) {
  test.serial(`through kubectl: ${title}`, async (t) => {
    const one = cases[title];
    const world = await makeWorld();
    for (const [name, content] of Object.entries(one?.files(world) ?? {}))
      await write(join(world.folder, name), content);
    const env = { KUBECONFIG: join(world.folder, 'config'), HOME: world.folder, ...one?.env?.(world) };
    const before = (await linesOf(control.controlPlane.auditLog)).length;
    const words = ['virt-platform', 'version', '-o', 'json', ...(one?.flags?.(world) ?? [])];
    const { code, stdout, stderr } = await control.kubectl(words, { env });
    t.is(code, 0, stderr);
    t.regex(JSON.parse(stdout).serverVersion.gitVersion, /^v1\./);
    const who = await waitFor(
      async () => {
        const events = (await linesOf(control.controlPlane.auditLog)).slice(before).map((line) => JSON.parse(line));
        const ours = events.find(({ userAgent }) => /^kubectl-virt/.test(userAgent));
        return ours && (ours.impersonatedUser ?? ours.user).username;
      },
      { what: 'the request in the audit log' },
    );
    t.is(who, one !== undefined && 'who' in one ? one.who : '');
  });
}

test.serial('through kubectl: without a home folder the kubeconfig is looked for beside us', async (t) => {
  const world = await makeWorld();
  await write(join(world.folder, '.kube/config'), config(world, { user: { token: world.token('viewer') } }));
  const options = { env: { KUBECONFIG: '', HOME: '' }, cwd: world.folder };
  t.regex((await control.kubectl(['auth', 'whoami'], options)).stdout, /viewer/);
  const { code, stderr } = await control.kubectl(['virt-platform', 'version'], options);
  t.is(code, 0, stderr);
});

test.serial('through kubectl: a kubeconfig named relative to the folder we are in', async (t) => {
  const world = await makeWorld();
  await write(join(world.folder, 'one/config'), config(world, { user: { tokenFile: '../token' } }));
  await write(join(world.folder, 'token'), world.token('viewer'));
  const options = { env: { KUBECONFIG: 'one/config' }, cwd: world.folder };
  t.regex((await control.kubectl(['auth', 'whoami'], options)).stdout, /viewer/);
  const { code, stderr } = await control.kubectl(['virt-platform', 'version'], options);
  t.is(code, 0, stderr);
});

test.serial(
  'through kubectl: without an authority those of the system are trusted, and nothing that is for Node alone',
  async (t) => {
    const world = await makeWorld();
    const KUBECONFIG = join(world.folder, 'config');
    await write(KUBECONFIG, config(world, { cluster: { 'certificate-authority-data': '' } }));
    await mkdir(join(world.folder, 'none'));
    const nothing = { SSL_CERT_FILE: '/dev/null', SSL_CERT_DIR: join(world.folder, 'none') };
    for (const [env, code] of [
      [{ ...nothing, SSL_CERT_FILE: world.caFile, NODE_EXTRA_CA_CERTS: '' }, 0],
      [{ ...nothing, NODE_EXTRA_CA_CERTS: world.caFile }, 1],
    ] as const) {
      t.is((await control.kubectl(['get', '--raw', '/version'], { env: { ...env, KUBECONFIG } })).code, code);
      const { code: ours, stderr } = await control.kubectl(['virt-platform', 'version'], {
        env: { ...env, KUBECONFIG },
      });
      t.is(ours === 0, code === 0, stderr);
      if (code !== 0) t.regex(stderr, /^error: .*authority that isn't trusted/m);
    }
  },
);

for (const title of ['a program that fails', 'a context whose user is not there', 'a proxy that refuses']) {
  test.serial(`through kubectl: ${title}, in one line`, async (t) => {
    const one = cases[title];
    const world = await makeWorld();
    for (const [name, content] of Object.entries(one?.files(world) ?? {}))
      await write(join(world.folder, name), content);
    const env = { KUBECONFIG: join(world.folder, 'config') };
    const { code, stderr } = await control.kubectl(['virt-platform', 'status'], { env });
    t.log(stderr);
    t.is(code, 2);
    t.is(stderr.split('\n').filter((line) => line.startsWith('error: ')).length, 1);
    // What the program itself says comes first, as from kubectl.
    t.is(stderr.split('\n').length, title === 'a program that fails' ? 3 : 2);
  });
}

// A mount of our own on the one place where a pod's identity can be.
const asPod = (folder: string) => [
  ...['unshare', '--user', '--map-root-user', '--mount', 'sh', '-ec'],
  'mount -t tmpfs none /var/run; mkdir -p "$1"; cp "$2"/* "$1"; shift 2; exec "$@"',
  ...['sh', '/var/run/secrets/kubernetes.io/serviceaccount', folder],
];
const canMount = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true']).status === 0;

(canMount ? test.serial : test.serial.skip)(
  'through kubectl: in a pod, the ServiceAccount is who we are',
  async (t) => {
    const world = await makeWorld();
    const pod = {
      token: `${world.token('viewer')}\n`,
      'ca.crt': Buffer.from(world.caData, 'base64'),
      namespace: 'of-the-pod',
    };
    for (const [name, content] of Object.entries(pod)) await write(join(world.folder, 'pod', name), content);
    await write(join(world.folder, 'empty'), { ...config(world), 'current-context': '' });
    await write(join(world.folder, 'full'), config(world));
    const inPod = {
      KUBERNETES_SERVICE_HOST: new URL(world.url).hostname,
      KUBERNETES_SERVICE_PORT: world.port,
      KUBECONFIG: '',
      HOME: world.folder,
    };
    for (const [title, env, flags, who] of [
      ['no kubeconfig', {}, [], 'viewer'],
      ['a missing one', { KUBECONFIG: list(world, 'missing') }, [], 'viewer'],
      ['one without a current context', { KUBECONFIG: list(world, 'empty') }, [], 'viewer'],
      ['a kubeconfig', { KUBECONFIG: list(world, 'full') }, [], 'author'],
      ['a server from the oldest environment variable', { KUBERNETES_MASTER: 'https://127.0.0.1:1' }, [], undefined],
      ['the same in the clear', { KUBERNETES_MASTER: 'http://127.0.0.1:1' }, [], 'viewer'],
      ['--token', {}, ['--token', world.token('author')], 'author'],
      ['no address', { KUBERNETES_SERVICE_HOST: '' }, [], undefined],
      ['--context', {}, ['--context', 'x'], undefined],
    ] as const) {
      const options = { env: { ...inPod, ...env }, within: asPod(join(world.folder, 'pod')) };
      const kubectl = await control.kubectl(['auth', 'whoami', '-o', 'json', ...flags], options);
      const ours = await control.kubectl(['virt-platform', 'version', '-v', ...flags], options);
      t.is(kubectl.code === 0, ours.code === 0, `${title}: ${kubectl.stderr}${ours.stderr}`);
      t.is(kubectl.code === 0 ? JSON.parse(kubectl.stdout).status.userInfo.username : undefined, who, title);
    }
  },
);

for (const [interactiveMode, isAsked] of [
  ['Never', false],
  ['IfAvailable', true],
  ['Always', true],
] as const) {
  test.serial(`through kubectl: interactiveMode ${interactiveMode} on a terminal`, async (t) => {
    const world = await makeWorld();
    const env = { KUBECONFIG: join(world.folder, 'config'), LOG: join(world.folder, 'log') };
    await write(env.KUBECONFIG, config(world, { user: exec('./login.sh', { interactiveMode }) }));
    await write(join(world.folder, 'login.sh'), login(world, 'viewer', 'read -r said; echo "said $said" >> "$LOG"'));
    // Its words become one: none of them has a blank.
    const within = ['sh', '-c', 'exec script -qec "$*" /dev/null', 'sh'];
    for (const words of [
      ['auth', 'whoami'],
      ['virt-platform', 'version'],
    ]) {
      await write(env.LOG, '');
      const { code, stdout } = await control.kubectl(words, { env, within, stdin: 'jane\n' });
      t.is(code, 0, stdout);
      const [told = '', said] = await linesOf(env.LOG);
      t.is(JSON.parse(told).spec.interactive, isAsked, words.join(' '));
      t.is(said, isAsked ? 'said jane' : 'said ', words.join(' '));
    }
  });
}

test.serial('through kubectl: --request-timeout ends a request that nobody answers', async (t) => {
  const world = await makeWorld();
  const env = { KUBECONFIG: join(world.folder, 'config') };
  await write(env.KUBECONFIG, config(world, { cluster: { server: world.proxies.silent } }));
  const kubectl = await control.kubectl(['auth', 'whoami', '--request-timeout=1s'], { env });
  const ours = await control.kubectl(['virt-platform', 'status', '--request-timeout=1s'], { env });
  t.log(kubectl.stderr, ours.stderr);
  t.not(kubectl.code, 0);
  t.is(ours.code, 2);
  t.regex(ours.stderr, /^error: could not reach the API server .*: no connection within 1 s/);
});

async function linesOf(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
}

type UserInfo = { readonly username: string; readonly groups: readonly string[] };

async function whoWeAre(
  env: Record<string, string>,
  flags: readonly string[],
  { multiplexed = false }: { multiplexed?: boolean } = {},
): Promise<[UserInfo | undefined, Error | undefined]> {
  try {
    const connection = loadKubeconfig({ env: { PATH: process.env.PATH, ...env }, ...optionsOf(flags) });
    const cluster = openCluster(connection, { userAgent: 'test/1', multiplexed, terminal: { stderr: () => {} } });
    try {
      return [await userInfo(cluster), undefined];
    } finally {
      cluster.close();
    }
  } catch (error) {
    return [undefined, error as Error];
  }
}

async function userInfo(cluster: Cluster): Promise<UserInfo> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const { object } = await cluster.create(review, review, { fieldManager: 'test' });
  return (object.status as unknown as { userInfo: UserInfo }).userInfo;
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
let signedIn: Promise<string> | undefined;
let proxies: Promise<Proxies> | undefined;
test.after.always('the proxies stop', async () => (await proxies)?.close());

async function makeWorld(): Promise<World> {
  const { controlPlane } = control;
  const { url, caFile, ca, directory } = controlPlane;
  const folder = join(directory, `case-${++folders}`);
  await mkdir(folder);
  proxies ??= startProxies(directory, new URL(url));
  signedIn ??= signIn();
  return {
    folder,
    url,
    address: new URL(url).host,
    port: new URL(url).port,
    caFile,
    caData: base64(ca),
    token: (user) => controlPlane.token(user),
    certificate: (user, groups) => controlPlane.clientCertificate(user, groups),
    idToken: await signedIn,
    proxies: await proxies,
  };
}

async function signIn(): Promise<string> {
  const metadata = { name: 'signed-in', namespace: 'default' };
  await control.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  return await control.serviceAccountToken('default', 'signed-in');
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

/** As somebody writes it by hand: text, so that what it says of TLS is read as it is. */
function insecure(world: World, value: string): string {
  return yaml(world).replace(/certificate-authority-data: .*/, `insecure-skip-tls-verify: ${value}`);
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
  return answering({ token: world.token(user) }, script, apiVersion);
}

/** A program that says what it was told in `LOG`, if that is set. */
function answering(status: object, script = '', apiVersion = v1): string {
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

function withPassword(proxy: string): string {
  return proxy.replace('//', '//me:p%40ss@');
}
