import { readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { nearestName } from '../api/nearest-name.ts';
import type { Connection, TlsSettings } from './connection.ts';
import { defaultKubeconfig } from './default-kubeconfig.ts';
import { KubeconfigError } from './kubeconfig-error.ts';
import { type ClusterEntry, type ContextEntry, readKubeconfigFile, type UserEntry } from './kubeconfig-file.ts';
import { execClusterInfo, impersonation, material, userCredentials } from './kubeconfig-user.ts';
import { proxyFor } from './proxy.ts';

/** kubectl's global flags, and the environment that it honours. */
export type KubeconfigOptions = {
  readonly env: Readonly<Record<string, string | undefined>>;
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
  const defaultServer = options.env.KUBERNETES_MASTER || undefined;
  const names = [options.context ?? config.currentContext, options.cluster, options.user, options.server];
  // As in kubectl, a default server in the clear doesn't keep a pod from its own.
  const namesNothing = names.every((name) => name === undefined) && !defaultServer?.startsWith('https:');
  const inCluster = namesNothing ? inClusterConnection(options) : undefined;
  if (inCluster !== undefined) return inCluster;
  if (config.isEmpty && (options.server ?? defaultServer) === undefined) throw noKubeconfig(config);

  const context = chosenContext(config, options);
  const cluster = chosenCluster(config, context, options);
  const user = chosenUser(config, context, options);
  const written = options.server ?? cluster.server ?? defaultServer;
  const server = serverUrl(written, context, config);
  const userName = options.user ?? context.user;
  const tls = tlsSettings(cluster, options, server, options.cluster ?? context.cluster ?? '');
  const clusterInfo = execClusterInfo({
    server: written ?? server,
    tlsServerName: tls.serverName,
    insecure: tls.insecure,
    proxyUrl: cluster.proxyUrl,
    disableCompression: cluster.disableCompression ?? false,
    execConfig: cluster.execConfig,
  });
  const credentials = userCredentials(user, userName ?? '', options, clusterInfo);
  const proxy = proxyFor(server, cluster.proxyUrl, options.env);
  return {
    server,
    namespace: options.namespace ?? context.namespace ?? (isInPod(options) ? podNamespace(options) : 'default'),
    ...(context.name !== undefined && { context: context.name }),
    ...(userName !== undefined && { user: userName }),
    tls,
    // Never in the clear, as in kubectl.
    credentials: server.startsWith('https:') ? credentials : {},
    ...impersonation(user, options),
    ...(proxy !== undefined && { proxy }),
  };
}

/** What can be chosen with `--context`, `--cluster` and `--user`. */
export function kubeconfigNames(
  options: Pick<KubeconfigOptions, 'env' | 'kubeconfig'>,
): Readonly<Record<'context' | 'cluster' | 'user', readonly string[]>> {
  const { contexts, clusters, users } = mergedConfig(options);
  return { context: [...contexts.keys()], cluster: [...clusters.keys()], user: [...users.keys()] };
}

type MergedConfig = {
  readonly isEmpty: boolean;
  readonly lookedAt: readonly string[];
  /** Those of them that are there. */
  readonly found: readonly string[];
  /** For messages. */
  readonly where: string;
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, ClusterEntry>;
  readonly users: ReadonlyMap<string, UserEntry>;
  readonly contexts: ReadonlyMap<string, ContextEntry>;
};

function mergedConfig({ kubeconfig, env }: KubeconfigOptions): MergedConfig {
  const lookedAt = kubeconfigFiles(kubeconfig, env);
  const files = lookedAt.flatMap((file) => readKubeconfigFile(file) ?? []);
  if (kubeconfig && files.length === 0) {
    throw new KubeconfigError(`there is no kubeconfig at ${kubeconfig}: check --kubeconfig`);
  }
  return {
    isEmpty: files.every(({ clusters, users, contexts }) => clusters.size + users.size + contexts.size === 0),
    lookedAt,
    found: files.map(({ file }) => file),
    where: files.map(({ file }) => file).join(', '),
    currentContext: files.find(({ currentContext }) => currentContext !== undefined)?.currentContext,
    clusters: firstWins(files.map(({ clusters }) => clusters)),
    users: firstWins(files.map(({ users }) => users)),
    contexts: firstWins(files.map(({ contexts }) => contexts)),
  };
}

function kubeconfigFiles(kubeconfig: string | undefined, env: KubeconfigOptions['env']): string[] {
  if (kubeconfig) return [kubeconfig];
  if (env.KUBECONFIG) return [...new Set(env.KUBECONFIG.split(delimiter).filter((file) => file !== ''))];
  return [defaultKubeconfig(env)];
}

/** Whole entries: what a later file adds to a name that an earlier one defines is dropped, as in kubectl. */
function firstWins<Entry>(maps: readonly ReadonlyMap<string, Entry>[]): Map<string, Entry> {
  return new Map(maps.toReversed().flatMap((map) => [...map]));
}

type ChosenContext = Partial<ContextEntry> & { readonly name: string | undefined };

function chosenContext(config: MergedConfig, options: KubeconfigOptions): ChosenContext {
  const name = options.context ?? config.currentContext;
  if (name === undefined) {
    if ((options.cluster ?? options.server) || options.env.KUBERNETES_MASTER) return { name: undefined };
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

function noKubeconfig({ lookedAt, found }: MergedConfig): KubeconfigError {
  const files = lookedAt.map((file) => (found.includes(file) ? `${file} (empty)` : file));
  const places = files.length === 0 ? '$KUBECONFIG names no file' : `looked at ${files.join(', ')}`;
  return new KubeconfigError(
    `no kubeconfig found: ${places}, and this is no pod; name one with --kubeconfig or $KUBECONFIG`,
  );
}

function serverUrl(server: string | undefined, context: ChosenContext, { where }: MergedConfig): string {
  if (server === undefined) {
    const of = context.name === undefined ? '' : ` of context "${context.name}"`;
    throw new KubeconfigError(`the cluster${of} has no server in ${where}: add it, or name one with --server`);
  }
  // kubectl takes http for what has no scheme, whatever is said about TLS.
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(server) ? server : `http://${server}`;
  const { protocol = '', host, pathname } = URL.canParse(url) ? new URL(url) : ({} as Partial<URL>);
  if (!/^https?:$/.test(protocol)) {
    throw new KubeconfigError(`"${server}" is no server: expected https://HOST[:PORT], from --server or ${where}`);
  }
  return `${protocol}//${host}${pathname?.replace(/\/+$/, '')}`;
}

function tlsSettings(
  cluster: Partial<ClusterEntry>,
  options: KubeconfigOptions,
  server: string,
  name: string,
): TlsSettings {
  // A flag about trust replaces all that the file says about it, and --server its tls-server-name, as in kubectl.
  const isOverridden = options.insecureSkipTlsVerify === true || options.certificateAuthority !== undefined;
  const ca = isOverridden
    ? material(undefined, options.certificateAuthority, '--certificate-authority', 'the command line')
    : material(cluster.caData, cluster.ca, 'certificate-authority', `cluster "${name}"`);
  const insecure = isOverridden ? options.insecureSkipTlsVerify === true : (cluster.insecure ?? false);
  const serverName = options.tlsServerName ?? (options.server === undefined ? cluster.tlsServerName : undefined);
  if (insecure && ca !== undefined && server.startsWith('https:')) {
    throw new KubeconfigError(
      'the cluster has both a certificate authority and insecure-skip-tls-verify, which contradict each other: remove one',
    );
  }
  return { insecure, ...(ca !== undefined && { ca }), ...(serverName !== undefined && { serverName }) };
}

/** The pod's own ServiceAccount, or `undefined` outside of a pod. */
function inClusterConnection(options: KubeconfigOptions): Connection | undefined {
  if (!isInPod(options)) return undefined;
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port } = options.env;
  const folder = serviceAccountFolder(options);
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const token = options.token === undefined ? { tokenFile: join(folder, 'token') } : { token: options.token };
  const proxy = proxyFor(server, undefined, options.env);
  return {
    server,
    namespace: options.namespace ?? podNamespace(options),
    tls: tlsSettings({ ca: join(folder, 'ca.crt') }, options, server, ''),
    credentials: token,
    ...impersonation({}, options),
    ...(proxy !== undefined && { proxy }),
  };
}

function serviceAccountFolder(options: KubeconfigOptions): string {
  return options.serviceAccountFolder ?? '/var/run/secrets/kubernetes.io/serviceaccount';
}

function isInPod(options: KubeconfigOptions): boolean {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = options.env;
  const token = join(serviceAccountFolder(options), 'token');
  return Boolean(host && port) && statSync(token, { throwIfNoEntry: false })?.isFile() === true;
}

function podNamespace(options: KubeconfigOptions): string {
  if (options.env.POD_NAMESPACE) return options.env.POD_NAMESPACE;
  try {
    return readFileSync(join(serviceAccountFolder(options), 'namespace'), 'utf8').trim() || 'default';
  } catch {
    return 'default';
  }
}
