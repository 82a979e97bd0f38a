import { pluginManager } from '../../shared/api/names.ts';
import type { Permission } from '../../shared/engine/snapshot.ts';
import type { Cluster } from '../../shared/kube/client.ts';
import { forEachConcurrently } from '../../shared/kube/for-each-concurrently.ts';

/** Somebody else, as RBAC knows them. */
export type Subject = { readonly user: string; readonly groups: readonly string[] };

/**
 * Those of the permissions that somebody lacks: whoever asks, or `subject`. Nothing is stored by asking.
 *
 * @throws ApiError where one may not ask about others
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
 */
export async function lackedBy<Asked extends Permission>(
  cluster: Cluster,
  permissions: readonly Asked[],
  subject?: Subject,
): Promise<readonly Asked[]> {
  const apiVersion = 'authorization.k8s.io/v1';
  const kind = subject === undefined ? 'SelfSubjectAccessReview' : 'SubjectAccessReview';
  const lacked = new Set<Asked>();
  await forEachConcurrently(permissions, atOnce, async (asked, signal) => {
    const { verb, group, resource, namespace, name } = asked;
    const resourceAttributes = {
      verb,
      group,
      resource,
      ...(namespace !== undefined && { namespace }),
      ...(name !== undefined && { name }),
    };
    const spec = { resourceAttributes, ...(subject && { user: subject.user, groups: [...subject.groups] }) };
    const review = { apiVersion, kind, spec };
    const { object } = await cluster.create(review, { apiVersion, kind }, { fieldManager: pluginManager, signal });
    if (Object(object.status).allowed !== true) lacked.add(asked);
  });
  return permissions.filter((asked) => lacked.has(asked));
}

const atOnce = 8;
