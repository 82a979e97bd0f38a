import { groupOf } from '../api/object-ref.ts';
import type { Asset, Catalog } from '../catalog/asset.ts';
import { contextOf, type Place, placeOf } from './place-of.ts';

/** A rule of a Role or ClusterRole, as RBAC has it. */
export type PolicyRule = {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
};

export type Grant = { readonly asset: string; readonly scope: Place['scope']; readonly rules: readonly PolicyRule[] };

/**
 * What the catalog's own Roles and ClusterRoles grant. The API server lets nobody grant what they don't hold, so the
 * controller holds exactly these rules.
 *
 * @throws Error when what is granted isn't known beforehand, or can't be held without holding more.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
 */
export function grantsOf({ assets }: Catalog, namespace: string): readonly Grant[] {
  return assets.filter(isRole).map((asset) => {
    const place = placeOf(asset.target, asset.params, namespace);
    if (asset.target.kind === 'Role' && place.scope !== 'namespace') {
      throw new Error(
        `The asset ${asset.name} grants a role in the namespace ${place.namespace}, and the controller holds none there: use a role of that namespace's owner, and bind it`,
      );
    }
    const { rules = [], aggregationRule } = bodyOf(asset, namespace);
    if (aggregationRule !== undefined) {
      throw new Error(`The asset ${asset.name} aggregates roles: what it grants isn't known beforehand`);
    }
    return { asset: asset.name, scope: place.scope, rules: rules as readonly PolicyRule[] };
  });
}

/**
 * The role that a RoleBinding or ClusterRoleBinding of the catalog binds, unless the catalog grants that role itself
 * (what is held may be bound). `bind` on one role is less than holding it.
 */
export function roleBoundBy(
  asset: Asset,
  { assets }: Catalog,
  namespace: string,
): Pick<Place, 'group' | 'resource' | 'name'> | undefined {
  const { kind, apiVersions } = asset.target;
  if (groupOf(apiVersions[0] ?? '') !== rbac || !/^(Cluster)?RoleBinding$/.test(kind)) return undefined;
  const { roleRef } = bodyOf(asset, namespace) as { roleRef?: { kind?: string; name?: string } };
  if (roleRef?.name === undefined) throw new Error(`The asset ${asset.name} doesn't say which role it binds`);

  const { kind: roleKind, name } = roleRef;
  const home = placeOf(asset.target, asset.params, namespace).namespace;
  const isOurs = assets.some((other) => {
    if (!isRole(other) || other.target.kind !== roleKind) return false;
    const place = placeOf(other.target, other.params, namespace);
    return place.name === name && (roleKind === 'ClusterRole' || place.namespace === home);
  });
  return isOurs ? undefined : { group: rbac, resource: roleKind === 'Role' ? 'roles' : 'clusterroles', name };
}

function isRole({ target: { kind, apiVersions } }: Asset): boolean {
  return groupOf(apiVersions[0] ?? '') === rbac && (kind === 'Role' || kind === 'ClusterRole');
}

/** The body, which for a permission must be the same on every cluster. */
function bodyOf({ name, body, params }: Asset, namespace: string): Readonly<Record<string, unknown>> & Rules {
  const unknowable = body.uses.filter((use) => use !== 'hyperConverged.namespace' && !use.startsWith('params.'));
  if (unknowable.length > 0) {
    throw new Error(
      `The asset ${name} grants or binds a role by ${unknowable.join(', ')}: what the controller may grant must not depend on a cluster`,
    );
  }
  return body.render(contextOf(params, namespace)) ?? {};
}

type Rules = { readonly rules?: readonly unknown[]; readonly aggregationRule?: unknown };

const rbac = 'rbac.authorization.k8s.io';
