import type { Catalog } from '../../shared/catalog/asset.ts';
import { compareCodeUnits } from '../../shared/catalog/json.ts';
import { grantsOf, type PolicyRule } from '../../shared/permissions/granted-roles.ts';
import { type Permission, permissionsOf, type Verb, type Why } from '../../shared/permissions/permissions-of.ts';

/** A rule, and in words what it is for. */
export type Rule = { readonly why: string; readonly rule: PolicyRule };

export type Rules = {
  /** Of the controller, for what is cluster-scoped or in the namespaces of others. */
  readonly clusterRole: readonly Rule[];
  /** Of the controller, in HyperConverged's namespace. */
  readonly role: readonly Rule[];
  /** Of people who want to see what `status` tells: everything that the controller reads. */
  readonly viewer: readonly Rule[];
  /** Of people who steer: that, and writing annotations of what is managed. */
  readonly author: readonly Rule[];
};

/**
 * The least that a catalog needs, when HyperConverged is in `namespace`: each verb by name but for what is watched or
 * listed as a whole kind. Pure: equal catalogs give equal rules.
 *
 * @throws Error as {@link permissionsOf} and {@link grantsOf} do.
 */
export function rulesFor(catalog: Catalog, { namespace }: { namespace: string }): Rules {
  const permissions = [...permissionsOf(catalog, namespace)];
  const grants = grantsOf(catalog, namespace);
  const held = (scope: 'cluster' | 'namespace') =>
    grants
      .filter((grant) => grant.scope === scope)
      .flatMap(({ asset, rules }) => rules.map((rule) => ({ why: `granted by ${asset}`, rule })));

  const everywhere = permissions.map((permission) => ({ ...permission, scope: 'cluster' as const }));
  const reads = everywhere.filter(({ verb }) => readVerbs.has(verb));
  const steers = everywhere.filter(({ verb, why }) => verb === 'patch' && why.as === 'target');
  return {
    clusterRole: [...folded(permissions, 'cluster'), ...held('cluster')],
    role: [...folded(permissions, 'namespace'), ...held('namespace')],
    viewer: folded(reads, 'cluster'),
    author: folded([...reads, ...steers], 'cluster'),
  };
}

/** As few rules as say the same and no more: objects with the same verbs together, and nothing that is allowed twice. */
function folded(permissions: readonly Permission[], scope: Permission['scope']): Rule[] {
  const allowed = new Set(permissions.map((permission) => keyOf(permission)));
  const isCovered = (permission: Permission) =>
    (permission.name !== undefined && allowed.has(keyOf({ ...permission, name: undefined }))) ||
    (permission.scope === 'namespace' &&
      [permission.name, undefined].some((name) => allowed.has(keyOf({ ...permission, name, scope: 'cluster' }))));

  const objects = groupBy(
    permissions.filter((permission) => permission.scope === scope && !isCovered(permission)),
    ({ group, resource, name }) => JSON.stringify([group, resource, name]),
  );
  const rules = groupBy(
    objects.map((of) => ({ of, verbs: verbsOf(of), first: of[0] as Permission })),
    ({ verbs, first: { group, resource, name } }) =>
      JSON.stringify([group, resource, name === undefined ? '' : 'by name', verbs]),
  );
  return rules
    .map((same): Rule => {
      const [{ verbs, first }] = same as [(typeof same)[number]];
      const names = same.flatMap(({ first: { name } }) => (name === undefined ? [] : [name]));
      return {
        why: inWords(same.flatMap(({ of }) => of.map(({ why }) => why))),
        rule: {
          apiGroups: [first.group],
          resources: [first.resource],
          ...(names.length > 0 && { resourceNames: names.sort(compareCodeUnits) }),
          verbs,
        },
      };
    })
    .sort((a, b) => compareCodeUnits(sortKey(a), sortKey(b)));
}

function keyOf({
  scope,
  group,
  resource,
  name,
  verb,
}: Omit<Permission, 'name' | 'why'> & { readonly name?: string | undefined }): string {
  return JSON.stringify([scope, group, resource, name ?? null, verb]);
}

function verbsOf(permissions: readonly Permission[]): readonly Verb[] {
  const verbs = new Set(permissions.map(({ verb }) => verb));
  return verbOrder.filter((verb) => verbs.has(verb));
}

function inWords(whys: readonly Why[]): string {
  // That an asset looks at what it keeps goes without saying.
  const kept = new Set(whys.flatMap(({ as, of }) => (as === 'target' ? [of] : [])));
  const grouped = groupBy(
    whys.filter(({ as, of }) => as !== 'read' || !kept.has(of)),
    (why) => why.as,
  );
  return grouped
    .map((same) => `${words[(same[0] as Why).as]}${[...new Set(same.map(({ of }) => of))].sort().join(', ')}`)
    .join('; ');
}

const words: Readonly<Record<Why['as'], string>> = {
  target: 'kept by ',
  tombstone: 'tombstone ',
  read: 'read by ',
  namespace: 'namespace of ',
  fact: '',
  own: '',
};

function sortKey({ rule }: Rule): string {
  return JSON.stringify([rule.apiGroups, rule.resources, rule.verbs, rule.resourceNames ?? []]);
}

function groupBy<Item>(items: readonly Item[], key: (item: Item) => string): Item[][] {
  return [...Map.groupBy(items, key).values()];
}

const verbOrder = ['get', 'list', 'watch', 'create', 'patch', 'delete', 'bind'] as const satisfies readonly Verb[];
const readVerbs: ReadonlySet<Verb> = new Set(['get', 'list', 'watch']);
