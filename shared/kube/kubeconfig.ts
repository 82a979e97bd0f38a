import { readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { JsonObject } from '../api/kubernetes-object.ts';
import { nearestName } from '../api/nearest-name.ts';
import type { Connection, Credentials, Impersonation, Material, ProxySettings, TlsSettings } from './connection.ts';
import { KubeconfigError } from './kubeconfig-error.ts';
import { type ClusterEntry, type ContextEntry, readKubeconfigFile, type UserEntry } from './kubeconfig-file.ts';

/** kubectl's global flags, and the environment that it honours. */
export type KubeconfigOptions = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home folder, where `.kube/config` is; absent when there is none. */
  readonly home?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  readonly namespace?: string | undefined;
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly tlsServerName?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly certificateAuthority?: string | undefined;
  readonly as?: string | undefined;
  readonly asGroup?: readonly string[] | undefined;
  readonly asUid?: string | undefined;
  /** Where a pod finds its identity. */
  readonly serviceAccountFolder?: string;
};

/**
 * Finds the API server and the credentials exactly as kubectl does: `--kubeconfig`, else the files of `$KUBECONFIG`
 * (the first to name something wins), else `~/.kube/config`, else the pod's ServiceAccount; flags override all of them.
 *
 * @throws KubeconfigError one line: what is wrong, where, and what to do.
 * @see https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 */
export function loadKubeconfig(given: KubeconfigOptions): Connection {
  // A flag without a value is no flag, as in kubectl.
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== '')) as KubeconfigOptions;
  const config = mergedConfig(options);
  if (config.isEmpty && options.server === undefined) {
    const named = options.context ?? options.cluster ?? options.user;
    const inCluster = named === undefined ? inClusterConnection(options) : undefined;
    if (inCluster !== undefined) return inCluster;
    throw noKubeconfig(config.lookedAt);
  }

  const context = chosenContext(config, options);
  const cluster = chosenCluster(config, context, options);
  const user = chosenUser(config, context, options);
  const server = serverUrl(options.server ?? cluster.server, cluster, context, config);
  const userName = options.user ?? context.user;
  return {
    server,
    namespace: options.namespace ?? context.namespace ?? 'default',
    ...(context.name !== undefined && { context: context.name }),
    ...(userName !== undefined && { user: userName }),
    tls: tlsSettings(cluster, options, server),
    credentials: credentials(user, cluster, options),
    ...impersonation(user, options),
    ...proxy(cluster.proxyUrl, options.env, server),
  };
}

type MergedConfig = {
  readonly isEmpty: boolean;
  readonly lookedAt: readonly string[];
  /** For messages. */
  readonly where: string;
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, ClusterEntry>;
  readonly users: ReadonlyMap<string, UserEntry>;
  readonly contexts: ReadonlyMap<string, ContextEntry>;
};

function mergedConfig({ kubeconfig, env, home }: KubeconfigOptions): MergedConfig {
  const lookedAt = kubeconfigFiles(kubeconfig, env, home);
  const files = lookedAt.flatMap((file) => readKubeconfigFile(file) ?? []);
  if (kubeconfig && files.length === 0) {
    throw new KubeconfigError(`there is no kubeconfig at ${kubeconfig}: check --kubeconfig`);
  }
  return {
    isEmpty: files.every(({ clusters, users, contexts }) => clusters.size + users.size + contexts.size === 0),
    lookedAt,
    where: files.map(({ file }) => file).join(', '),
    currentContext: files.find(({ currentContext }) => currentContext !== undefined)?.currentContext,
    clusters: firstWins(files.map(({ clusters }) => clusters)),
    users: firstWins(files.map(({ users }) => users)),
    contexts: firstWins(files.map(({ contexts }) => contexts)),
  };
}

function kubeconfigFiles(
  kubeconfig: string | undefined,
  env: KubeconfigOptions['env'],
  home: string | undefined,
): string[] {
  if (kubeconfig) return [kubeconfig];
  if (env.KUBECONFIG) return [...new Set(env.KUBECONFIG.split(delimiter).filter((file) => file !== ''))];
  return home ? [join(home, '.kube', 'config')] : [];
}

/** Whole entries: what a later file adds to a name that an earlier one defines is dropped, as in kubectl. */
function firstWins<Entry>(maps: readonly ReadonlyMap<string, Entry>[]): Map<string, Entry> {
  return new Map(maps.toReversed().flatMap((map) => [...map]));
}

type ChosenContext = Partial<ContextEntry> & { readonly name: string | undefined };

function chosenContext(config: MergedConfig, options: KubeconfigOptions): ChosenContext {
  const name = options.context ?? config.currentContext;
  if (name === undefined) {
    if ((options.cluster ?? options.server) !== undefined) return { name: undefined };
    const choices = config.contexts.size === 0 ? 'it has no contexts' : `choose one of ${listed(config.contexts)}`;
    throw new KubeconfigError(
      `no current context in ${config.where}: ${choices} with --context, or set current-context`,
    );
  }
  const context = config.contexts.get(name);
  if (context !== undefined) return { ...context, name };
  throw unknownName('context', name, config.contexts, config);
}

function chosenCluster(
  config: MergedConfig,
  context: ChosenContext,
  options: KubeconfigOptions,
): Partial<ClusterEntry> {
  const name = options.cluster ?? context.cluster;
  if (name === undefined) return {};
  const cluster = config.clusters.get(name);
  if (cluster !== undefined) return cluster;
  // With --server a missing cluster leaves nothing unknown, unless it was asked for.
  if (options.cluster === undefined && options.server !== undefined) return {};
  throw unknownName('cluster', name, config.clusters, config, options.cluster === undefined ? context.name : undefined);
}

function chosenUser(config: MergedConfig, context: ChosenContext, options: KubeconfigOptions): Partial<UserEntry> {
  const name = options.user ?? context.user;
  if (name === undefined) return {};
  const user = config.users.get(name);
  if (user !== undefined) return user;
  if (options.user === undefined && options.token !== undefined) return {};
  throw unknownName('user', name, config.users, config, options.user === undefined ? context.name : undefined);
}

function unknownName(
  noun: 'context' | 'cluster' | 'user',
  name: string,
  known: ReadonlyMap<string, unknown>,
  { where, lookedAt }: MergedConfig,
  ofContext?: string,
): KubeconfigError {
  const nearest = nearestName(name, known.keys());
  const meant = nearest === undefined ? `known: ${listed(known)}` : `did you mean "${nearest}"?`;
  const named = ofContext === undefined ? '' : `, which context "${ofContext}" names,`;
  return new KubeconfigError(`${noun} "${name}"${named} does not exist in ${where || lookedAt.join(', ')}: ${meant}`);
}

function listed(known: ReadonlyMap<string, unknown>): string {
  const names = [...known.keys()].sort();
  if (names.length === 0) return 'none';
  return names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
}

function noKubeconfig(lookedAt: readonly string[]): KubeconfigError {
  const places = lookedAt.length === 0 ? 'there is no home folder to look in' : `looked at ${lookedAt.join(', ')}`;
  return new KubeconfigError(
    `no kubeconfig found: ${places}, and this is no pod; name one with --kubeconfig or $KUBECONFIG`,
  );
}

function serverUrl(
  server: string | undefined,
  cluster: Partial<ClusterEntry>,
  context: ChosenContext,
  { where }: MergedConfig,
): string {
  if (server === undefined) {
    const of = context.name === undefined ? '' : ` of context "${context.name}"`;
    throw new KubeconfigError(`the cluster${of} has no server in ${where}: add it, or name one with --server`);
  }
  // Without a scheme kubectl takes https when anything about TLS is configured.
  const isTls = cluster.ca ?? cluster.caData ?? cluster.tlsServerName ?? (cluster.insecure || undefined);
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(server)
    ? server
    : `${isTls === undefined ? 'http' : 'https'}://${server}`;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new KubeconfigError(`"${server}" is no server: expected https://HOST[:PORT], from --server or ${where}`);
  }
  return url.replace(/\/+$/, '');
}

function tlsSettings(cluster: Partial<ClusterEntry>, options: KubeconfigOptions, server: string): TlsSettings {
  // A flag about trust replaces all that the file says about it, and --server its tls-server-name, as in kubectl.
  const isOverridden = options.insecureSkipTlsVerify === true || options.certificateAuthority !== undefined;
  const ca = isOverridden
    ? material(undefined, options.certificateAuthority, '--certificate-authority')
    : material(cluster.caData, cluster.ca, 'certificate-authority-data');
  const insecure = isOverridden ? options.insecureSkipTlsVerify === true : (cluster.insecure ?? false);
  const serverName = options.tlsServerName ?? (options.server === undefined ? cluster.tlsServerName : undefined);
  if (insecure && ca !== undefined && server.startsWith('https:')) {
    throw new KubeconfigError(
      'the cluster has both a certificate authority and insecure-skip-tls-verify, which contradict each other: remove one',
    );
  }
  return { insecure, ...(ca !== undefined && { ca }), ...(serverName !== undefined && { serverName }) };
}

function credentials(
  user: Partial<UserEntry>,
  cluster: Partial<ClusterEntry>,
  options: KubeconfigOptions,
): Credentials {
  const cert = material(user.certData, user.cert, 'client-certificate-data');
  const key = material(user.keyData, user.key, 'client-key-data');
  if ((cert === undefined) !== (key === undefined)) {
    throw new KubeconfigError(
      cert === undefined
        ? 'the user has a client-key but no client-certificate: add it'
        : 'the user has a client-certificate but no client-key: add it',
    );
  }
  const certificate = cert !== undefined && key !== undefined ? { cert, key } : {};
  // As in kubectl, a certificate and a tokenFile stay in effect beside --token.
  const token = options.token ?? user.token;
  if (token !== undefined || user.tokenFile !== undefined) {
    return {
      ...certificate,
      ...(token !== undefined && { token }),
      ...(user.tokenFile !== undefined && { tokenFile: user.tokenFile }),
    };
  }
  if (user.username !== undefined) {
    return { ...certificate, basic: { username: user.username, password: user.password ?? '' } };
  }
  if (user.exec !== undefined) {
    return { ...certificate, helper: { helper: 'exec', exec: user.exec, cluster: cluster.raw ?? {} } };
  }
  if (user.authProvider !== undefined) {
    const { name, config } = user.authProvider;
    const settings = config !== null && typeof config === 'object' && !Array.isArray(config) ? config : {};
    return { ...certificate, helper: { helper: 'auth-provider', name: String(name), config: settings as JsonObject } };
  }
  return certificate;
}

/** Data wins over a file, as in kubectl. */
function material(data: string | undefined, file: string | undefined, field: string): Material | undefined {
  if (data !== undefined) {
    const pem = Buffer.from(data, 'base64').toString('utf8');
    if (!pem.includes('-----BEGIN ')) {
      throw new KubeconfigError(
        `${field} in the kubeconfig is no base64 of a PEM: copy it again, or name a file instead`,
      );
    }
    return { data: pem };
  }
  return file === undefined ? undefined : { file };
}

function impersonation(user: Partial<UserEntry>, options: KubeconfigOptions): { impersonate?: Impersonation } {
  const name = options.as ?? user.as;
  const uid = options.asUid ?? user.asUid;
  const groups = options.asGroup?.length ? options.asGroup : (user.asGroups ?? []);
  const extra = user.asUserExtra ?? {};
  if (name === undefined) {
    if (uid === undefined && groups.length === 0 && Object.keys(extra).length === 0) return {};
    throw new KubeconfigError('--as-group, --as-uid and as-user-extra need a user to impersonate: add --as');
  }
  return { impersonate: { user: name, groups, extra, ...(uid !== undefined && { uid }) } };
}

function proxy(url: string | undefined, env: KubeconfigOptions['env'], server: string): { proxy?: ProxySettings } {
  const fromEnvironment = url === undefined;
  const settings: ProxySettings = fromEnvironment
    ? environmentProxy(env, server)
    : { HTTP_PROXY: url, HTTPS_PROXY: url };
  const chosen = server.startsWith('https:') ? settings.HTTPS_PROXY : settings.HTTP_PROXY;
  if (chosen === undefined) return {};
  const protocol = URL.canParse(chosen) ? new URL(chosen).protocol : '';
  if (protocol !== 'http:' && protocol !== 'https:') {
    const where = fromEnvironment ? 'the environment' : 'proxy-url';
    throw new KubeconfigError(
      `the proxy of ${where} can't be used: it must begin with http:// or https:// (SOCKS proxies are not supported)`,
    );
  }
  return { proxy: settings };
}

function environmentProxy(env: KubeconfigOptions['env'], server: string): ProxySettings {
  const host = new URL(server).hostname;
  // Nobody's proxy reaches this machine's own loopback; kubectl never tries.
  if (host === 'localhost' || host === '[::1]' || host.startsWith('127.')) return {};
  const http = env.HTTP_PROXY || env.http_proxy;
  const https = env.HTTPS_PROXY || env.https_proxy;
  const none = env.NO_PROXY || env.no_proxy;
  return {
    ...(http && { HTTP_PROXY: withScheme(http) }),
    ...(https && { HTTPS_PROXY: withScheme(https) }),
    ...(none && { NO_PROXY: none }),
  };
}

function withScheme(proxyUrl: string): string {
  return proxyUrl.includes('://') ? proxyUrl : `http://${proxyUrl}`;
}

/** The pod's own ServiceAccount, or `undefined` outside of a pod. */
function inClusterConnection(options: KubeconfigOptions): Connection | undefined {
  const { env, serviceAccountFolder: folder = '/var/run/secrets/kubernetes.io/serviceaccount' } = options;
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const tokenFile = join(folder, 'token');
  if (!host || !port || !statSync(tokenFile, { throwIfNoEntry: false })?.isFile()) return undefined;

  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const token = options.token === undefined ? { tokenFile } : { token: options.token };
  return {
    server,
    namespace: options.namespace ?? (env.POD_NAMESPACE || podNamespace(folder)),
    tls: tlsSettings({ ca: join(folder, 'ca.crt') }, options, server),
    credentials: token,
    ...impersonation({}, options),
  };
}

function podNamespace(folder: string): string {
  try {
    return readFileSync(join(folder, 'namespace'), 'utf8').trim() || 'default';
  } catch {
    return 'default';
  }
}
