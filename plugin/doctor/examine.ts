import { pluginManager } from '../../shared/api/names.ts';
import type { Catalog } from '../../shared/catalog/asset.ts';
import type { Cluster } from '../../shared/kube/client.ts';
import { isTroubleOfOne } from '../../shared/kube/trouble.ts';
import type { Arguments } from '../arguments.ts';
import type { Environment } from '../environment.ts';
import { kubectlFor } from '../input/connect.ts';
import { seenOn } from '../input/observed.ts';
import type { Examined } from './finding.ts';

/**
 * Looks at a cluster once, for all checks.
 *
 * @throws ConnectionError, or ApiError with 401, where nobody can be asked anything
 */
export async function examine(
  cluster: Cluster,
  catalog: Catalog,
  args: Arguments,
  environment: Environment,
): Promise<Examined> {
  // Whoever can't be reached is said to be so by the first request, in one line.
  const server = await cluster.version();
  const [seen, user] = await Promise.all([seenOn(cluster, catalog, args, environment), nameOfUser(cluster)]);
  return {
    ...seen,
    cluster,
    server,
    adminKubectl: kubectlFor(args, cluster.connection, { asSelf: false }),
    user,
    namespace: seen.plan.hyperConverged?.namespace,
    now: environment.now(),
  };
}

/** Not every server tells; then the kubeconfig's name is as near as it gets. */
async function nameOfUser(cluster: Cluster): Promise<string> {
  try {
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const { object } = await cluster.create(review, review, { fieldManager: pluginManager });
    const { username } = Object(Object(object.status).userInfo);
    if (typeof username === 'string') return username;
  } catch (error) {
    if (!isTroubleOfOne(error)) throw error;
  }
  return cluster.connection.user ?? 'USER';
}
