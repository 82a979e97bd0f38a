import { autopilotName, hyperConvergedApiVersions, hyperConvergedKind } from '../api/names.ts';
import { groupOf } from '../api/object-ref.ts';
import type { Catalog, Identity } from '../catalog/asset.ts';
import { pluralOf } from '../catalog/plural.ts';
import { roleBoundBy } from './granted-roles.ts';
import { type Place, placeOf, placeOfRead, placeOfTombstone } from './place-of.ts';
import { mostWatchesOfOneKind } from './watch-limit.ts';

/** One thing that the controller must be allowed to do. */
export type Permission = Place & { readonly verb: Verb; readonly why: Why };

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete' | 'bind';

/** Why a permission is held: what for, and by which asset or part of the controller. */
export type Why = { readonly as: 'target' | 'tombstone' | 'read' | 'namespace' | 'fact' | 'own'; readonly of: string };

/**
 * Everything that the controller does with a catalog, one verb on one object (or on all of a kind) at a time.
 *
 * @throws Error for a catalog that no narrow set of permissions can serve: one that reads Secrets, or grants roles of
 * its own outside of HyperConverged's namespace.
 */
export function* permissionsOf(catalog: Catalog, namespace: string): Generator<Permission> {
  yield* facts();
  yield* housekeeping();

  const kept = catalog.assets.map((asset) => ({ asset, place: placeOf(asset.target, asset.params, namespace) }));
  const retired = catalog.tombstones.map(({ name, target }) => ({ name, place: placeOfTombstone(target, namespace) }));
  const crowded = crowdedKinds(kept.map(({ place }) => place));
  const look = (place: Place, why: Why) => watching(crowded.has(kindOf(place)) ? everyOne(place) : place, why);

  for (const { asset, place } of kept) {
    refuseSecrets(place, asset.name);
    const why = { as: 'target', of: asset.name } as const;
    yield* each(place, ['get', 'patch'], why);
    yield* look(place, why);
    // Without a HyperConverged there is no plan, so none is ever made.
    if (!isHyperConverged(asset.target)) yield* each(place, ['create'], why);
    if (place.namespace !== undefined && !isHyperConverged(asset.target)) {
      const home = { scope: 'cluster', group: '', resource: 'namespaces', name: place.namespace } as const;
      yield* reading(home, { as: 'namespace', of: asset.name });
    }
    for (const read of Object.values(asset.reads)) {
      const readPlace = placeOfRead(read, asset.params, namespace);
      refuseSecrets(readPlace, asset.name);
      const because = { as: 'read', of: asset.name } as const;
      yield* read.read === 'list' ? watching(readPlace, because) : each(readPlace, ['get'], because);
      if (read.read === 'object') yield* look(readPlace, because);
    }
    const bound = roleBoundBy(asset, catalog, namespace);
    if (bound !== undefined) yield* each({ ...bound, scope: place.scope }, ['bind'], why);
  }
  for (const { name, place } of retired) {
    const why = { as: 'tombstone', of: name } as const;
    yield* each(place, ['get', 'delete'], why);
    yield* look(place, why);
  }
}

/** What every plan is made from. */
function* facts(): Generator<Permission> {
  const why = (of: string) => ({ as: 'fact', of }) as const;
  const group = groupOf(hyperConvergedApiVersions[0]);
  // In every namespace: a second one anywhere makes it unclear which of them steers.
  yield* watching({ scope: 'cluster', group, resource: pluralOf(hyperConvergedKind) }, why('HyperConverged'));
  yield* watching({ scope: 'cluster', group: '', resource: 'nodes' }, why('hardware and topology'));
  const crds = { scope: 'cluster', group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' } as const;
  yield* watching(crds, why('which kinds are served'));
  for (const resource of ['infrastructures', 'schedulers']) {
    const place = { scope: 'cluster', group: 'config.openshift.io', resource, name: 'cluster' } as const;
    yield* reading(place, why('topology'));
  }
}

/** What the controller does for itself. */
function* housekeeping(): Generator<Permission> {
  const lease = { scope: 'namespace', group: 'coordination.k8s.io', resource: 'leases', name: autopilotName } as const;
  // It is made by an apply, whose `create` can be limited by name, and renewed by merge patches.
  yield* each(lease, ['get', 'create', 'patch'], { as: 'own', of: 'leader election' });
  const events = { scope: 'namespace', group: 'events.k8s.io', resource: 'events' } as const;
  yield* each(events, ['create', 'patch'], { as: 'own', of: 'events' });
}

function* reading(place: Place, why: Why): Generator<Permission> {
  yield* each(place, ['get'], why);
  yield* watching(place, why);
}

/** A watch brings its own initial list where the server can; `list` is for where it can't. */
function watching(place: Place, why: Why): Generator<Permission> {
  return each(place, ['list', 'watch'], why);
}

function* each(place: Place, verbs: readonly Verb[], why: Why): Generator<Permission> {
  for (const verb of verbs) yield { ...place, verb, why };
}

/** One watch, whichever namespaces the objects are in. */
function everyOne({ group, resource }: Place): Place {
  return { scope: 'cluster', group, resource };
}

function crowdedKinds(places: readonly Place[]): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const place of places) counts.set(kindOf(place), (counts.get(kindOf(place)) ?? 0) + 1);
  return new Set([...counts].filter(([, count]) => count > mostWatchesOfOneKind).map(([kind]) => kind));
}

function kindOf({ group, resource }: Place): string {
  return `${resource}.${group}`;
}

function isHyperConverged({ kind, apiVersions }: Identity): boolean {
  return kind === hyperConvergedKind && groupOf(apiVersions[0] ?? '') === groupOf(hyperConvergedApiVersions[0]);
}

function refuseSecrets({ group, resource }: Place, asset: string): void {
  if (group !== '' || resource !== 'secrets') return;
  throw new Error(`The asset ${asset} is about a Secret, which the controller never reads or writes`);
}
