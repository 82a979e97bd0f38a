import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { groupOf, type ObjectRef, refOf } from '../../shared/api/object-ref.ts';
import type { Cluster } from '../../shared/kube/client.ts';
import { listOf } from './list-of.ts';

/** Somebody in a binding; one of kind ServiceAccount has a namespace. */
export type Subject = { readonly kind: string; readonly namespace?: string; readonly name: string };

/** That a binding gives somebody a role. */
export type Grant = { readonly subject: Subject; readonly binding: ObjectRef; readonly rules: readonly Rule[] };

/** Of a role; an empty list of names means all. */
export type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly verbs: readonly string[];
};

/**
 * Every grant by which somebody may change an object, each with all rules of its role, as RBAC has them. Other authorizers
 * tell nobody whom they let; and those who could give themselves such a role are not followed.
 *
 * @throws ApiError where one may not list roles and bindings
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/
 */
export async function grantsOf(
  cluster: Cluster,
  object: { readonly apiVersion: string; readonly resource: string; readonly namespace: string; readonly name: string },
): Promise<readonly Grant[]> {
  const { namespace } = object;
  const list = async (kind: string) => {
    const where = kind.startsWith('Cluster') ? {} : { namespace };
    const listed = await cluster.list({ apiVersion, kind, ...where });
    // Without RBAC there are none.
    return listed.answer === 'list' ? listed.items : [];
  };
  const [clusterRoles, roles, ...bindings] = await Promise.all(
    ['ClusterRole', 'Role', 'ClusterRoleBinding', 'RoleBinding'].map(list),
  );
  const rulesOf = new Map(
    [...(clusterRoles ?? []), ...(roles ?? [])].map((role) => [`${role.kind}/${role.metadata.name}`, rulesIn(role)]),
  );
  return bindings.flat().flatMap((binding) => {
    const { kind, name } = Object(binding.roleRef);
    const rules = rulesOf.get(`${kind}/${name}`) ?? [];
    return rules.some((rule) => letsChange(rule, object))
      ? listOf(binding.subjects).map((subject) => ({
          subject: subjectOf(Object(subject)),
          binding: refOf(binding),
          rules,
        }))
      : [];
  });
}

const apiVersion = 'rbac.authorization.k8s.io/v1';

function letsChange(
  { apiGroups, resources, resourceNames, verbs }: Rule,
  object: Parameters<typeof grantsOf>[1],
): boolean {
  const has = (list: readonly string[], ...any: string[]) => list.some((one) => one === '*' || any.includes(one));
  return (
    has(apiGroups, groupOf(object.apiVersion)) &&
    has(resources, object.resource) &&
    has(verbs, 'patch', 'update') &&
    (resourceNames.length === 0 || resourceNames.includes(object.name))
  );
}

function rulesIn({ rules }: KubernetesObject): readonly Rule[] {
  return listOf(rules).map((rule) => {
    const { apiGroups, resources, resourceNames, verbs } = Object(rule);
    return {
      apiGroups: listOf<string>(apiGroups),
      resources: listOf<string>(resources),
      resourceNames: listOf<string>(resourceNames),
      verbs: listOf<string>(verbs),
    };
  });
}

/** A ServiceAccount is one, also where a binding has it by the name that it has as a user. */
function subjectOf({ kind, namespace, name }: Subject): Subject {
  const [, ofUser, account] = (kind === 'User' && /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name)) || [];
  if (ofUser !== undefined && account !== undefined)
    return { kind: 'ServiceAccount', namespace: ofUser, name: account };
  return kind === 'ServiceAccount' && namespace !== undefined ? { kind, namespace, name } : { kind, name };
}
