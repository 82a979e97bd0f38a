import type { Json, JsonObject } from '../api/kubernetes-object.ts';
import type { Credentials, Impersonation, Material } from './connection.ts';
import { execProgram } from './exec-program.ts';
import type { KubeconfigOptions } from './kubeconfig.ts';
import { KubeconfigError } from './kubeconfig-error.ts';
import type { AuthProviderEntry, UserEntry } from './kubeconfig-file.ts';

/**
 * What the chosen user authenticates with; flags win over the file. Several ways at once are in effect or an error as
 * they are in kubectl.
 *
 * @throws KubeconfigError for a user that contradicts itself or lacks something.
 */
export function userCredentials(
  user: Partial<UserEntry>,
  name: string,
  { env, token: tokenOption }: Pick<KubeconfigOptions, 'env' | 'token'>,
  clusterInfo: JsonObject,
): Credentials {
  const certificate = clientCertificate(user, name);
  const { tokenFile, username, password, authProvider } = user;
  const token = tokenOption ?? user.token;
  const hasToken = token !== undefined || tokenFile !== undefined;
  if (hasToken && (username ?? password) !== undefined) {
    throw new KubeconfigError(`user "${name}" has both a token and a name with password: use one of them`);
  }
  if (user.exec !== undefined && authProvider !== undefined) {
    throw new KubeconfigError(`user "${name}" has both an exec and an auth-provider: remove the auth-provider`);
  }
  // Checked even when something else wins, so that a mistake shows at once.
  const exec = user.exec === undefined ? undefined : execProgram(user.exec, name, env, clusterInfo);
  const idToken = authProvider === undefined ? undefined : idTokenOf(authProvider, name);

  if (hasToken) {
    // A certificate and a tokenFile stay in effect beside --token.
    return { ...certificate, ...(token !== undefined && { token }), ...(tokenFile !== undefined && { tokenFile }) };
  }
  if (username !== undefined) return { ...certificate, basic: { username, password: password ?? '' } };
  if (exec !== undefined && certificate.cert === undefined) return { exec };
  return { ...certificate, ...(idToken !== undefined && { idToken }) };
}

/** @throws KubeconfigError when there is more to impersonate than there is somebody. */
export function impersonation(
  user: Partial<UserEntry>,
  options: Pick<KubeconfigOptions, 'as' | 'asUid' | 'asGroup'>,
): { impersonate?: Impersonation } {
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

/** PEM from one of two fields, of which only one may be there. */
export function material(
  data: string | undefined,
  file: string | undefined,
  field: string,
  of: string,
): Material | undefined {
  if (data === undefined) return file === undefined ? undefined : { file };
  if (file !== undefined) throw new KubeconfigError(`${of} has both ${field} and ${field}-data: remove one`);
  const pem = Buffer.from(data, 'base64').toString('utf8');
  if (pem.includes('-----BEGIN ')) return { data: pem };
  throw new KubeconfigError(`${field}-data of ${of} is no base64 of a PEM: copy it again, or name a file instead`);
}

/** A key without a certificate says nothing, as in kubectl. */
function clientCertificate(user: Partial<UserEntry>, name: string): { cert?: Material; key?: Material } {
  const cert = material(user.certData, user.cert, 'client-certificate', `user "${name}"`);
  if (cert === undefined) return {};
  const key = material(user.keyData, user.key, 'client-key', `user "${name}"`);
  if (key === undefined) throw new KubeconfigError(`user "${name}" has a client-certificate but no client-key: add it`);
  return { cert, key };
}

/** kubectl itself has only this one provider left. */
function idTokenOf({ name: provider, config }: AuthProviderEntry, user: string): string | undefined {
  if (provider === 'oidc') return config['id-token'] || '-';
  const instead = { gcp: 'gke-gcloud-auth-plugin', azure: 'kubelogin' }[provider ?? ''];
  const advice = instead === undefined ? 'use an exec program instead' : `use the exec program ${instead} instead`;
  throw new KubeconfigError(`the auth-provider "${provider ?? ''}" of user "${user}" no longer exists: ${advice}`);
}

/** What a program that gives credentials is told of the cluster, as kubectl tells it. */
export function execClusterInfo(cluster: {
  server: string;
  tlsServerName: string | undefined;
  insecure: boolean;
  proxyUrl: string | undefined;
  disableCompression: boolean;
  execConfig: Json | undefined;
}): JsonObject {
  return {
    server: cluster.server,
    ...(cluster.tlsServerName !== undefined && { 'tls-server-name': cluster.tlsServerName }),
    ...(cluster.insecure && { 'insecure-skip-tls-verify': true }),
    ...(cluster.proxyUrl !== undefined && { 'proxy-url': cluster.proxyUrl }),
    ...(cluster.disableCompression && { 'disable-compression': true }),
    config: cluster.execConfig ?? null,
  };
}
