import type { KubeConfig } from '@kubernetes/client-node';
import type { Connection, Material } from './connection.ts';
import { KubeconfigError } from './kubeconfig-error.ts';

/**
 * The current context of a `KubeConfig` of @kubernetes/client-node, for programs that have one already. Credentials
 * from a program (`exec`, `auth-provider`) are for {@link loadKubeconfig}, which runs them as kubectl does.
 *
 * @example
 * const kubeConfig = new KubeConfig();
 * kubeConfig.loadFromDefault();
 * const cluster = openCluster(connectionOf(kubeConfig), { userAgent: 'mine/1.0' });
 * @throws KubeconfigError where it has no current cluster, or such credentials
 */
export function connectionOf(kubeConfig: KubeConfig): Connection {
  const cluster = kubeConfig.getCurrentCluster();
  const context = kubeConfig.getContextObject(kubeConfig.getCurrentContext());
  if (!cluster) throw new KubeconfigError('the KubeConfig has no current cluster: set its current context');
  const user = kubeConfig.getCurrentUser();
  if (user?.exec || user?.authProvider) {
    throw new KubeconfigError(`the user ${user.name} gets credentials from a program: use loadKubeconfig instead`);
  }
  const ca = material(cluster.caData, cluster.caFile);
  const cert = material(user?.certData, user?.certFile);
  const key = material(user?.keyData, user?.keyFile);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: context?.namespace ?? 'default',
    ...(context && { context: context.name, user: context.user }),
    tls: {
      insecure: cluster.skipTLSVerify ?? false,
      ...(ca && { ca }),
      ...(cluster.tlsServerName && { serverName: cluster.tlsServerName }),
    },
    credentials: {
      ...(cert && { cert }),
      ...(key && { key }),
      ...(user?.token && { token: user.token }),
      ...(user?.username && user.password && { basic: { username: user.username, password: user.password } }),
    },
    ...(user?.impersonateUser && { impersonate: { user: user.impersonateUser, groups: [], extra: {} } }),
    ...(cluster.proxyUrl && { proxy: cluster.proxyUrl }),
  };
}

/** client-node has inline data in base64. */
function material(data: string | undefined, file: string | undefined): Material | undefined {
  if (data) return { data: Buffer.from(data, 'base64').toString('utf8') };
  return file ? { file } : undefined;
}
