import type { Catalog } from '../../shared/catalog/asset.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import type { Permission } from '../../shared/engine/snapshot.ts';
import { permissionsOf, type Verb, type Why } from '../../shared/permissions/permissions-of.ts';
import { isWanted } from '../input/is-wanted.ts';

/** One permission, and every asset or part of the controller that needs it. */
export type Needed = Permission & {
  readonly verb: Verb;
  readonly as: ReadonlySet<Why['as']>;
  readonly of: readonly string[];
};

/**
 * What the controller needs here and now, by the rules that its manifests are generated from: for what is wanted in this
 * cluster, for what every plan is made from, and for itself. Each once.
 */
export function neededPermissions(catalog: Catalog, items: readonly PlanItem[], namespace: string): readonly Needed[] {
  const wanted = new Set(items.filter(isWanted).map(({ asset }) => asset));
  const needed = [...permissionsOf(catalog, namespace)]
    .filter(({ why }) => why.as === 'fact' || why.as === 'own' || wanted.has(why.of))
    .map(({ scope, why, verb, group, resource, name, ...place }) => {
      const where = place.namespace ?? (scope === 'namespace' ? namespace : undefined);
      return {
        verb,
        group,
        resource,
        ...(name !== undefined && { name }),
        ...(where !== undefined && { namespace: where }),
        why,
      };
    });
  const byKey = Map.groupBy(needed, ({ why: _, ...permission }) => JSON.stringify(permission));
  return [...byKey.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { why: _, ...permission } = first;
    return [
      {
        ...permission,
        as: new Set(same.map(({ why }) => why.as)),
        of: [...new Set(same.map(({ why }) => why.of))],
      },
    ];
  });
}

/** `get, patch machineconfigs/90-worker-swap-online`: what is lacked, an object at a time; the first few, and how many more. */
export function describePermissions(permissions: readonly Permission[]): string {
  const byObject = Map.groupBy(permissions, ({ group, resource, name, namespace }) =>
    [group === '' ? resource : `${resource}.${group}`, ...(name === undefined ? [] : [name])]
      .join('/')
      .concat(namespace === undefined ? '' : ` in ${namespace}`),
  );
  const parts = [...byObject].map(([object, same]) => `${same.map(({ verb }) => verb).join(', ')} ${object}`);
  const more = parts.length - mostShown;
  return more > 0 ? `${parts.slice(0, mostShown).join('; ')}; and ${more} more` : parts.join('; ');
}

const mostShown = 4;
