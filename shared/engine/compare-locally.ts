import { formatPointer } from '../api/json-pointer.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import {
  child,
  entriesOf,
  type FieldSet,
  fieldSetOf,
  hasKeys,
  isLeaf,
  isOurs,
  itemElement,
  listTypeOf,
  parseElement,
  union,
} from './field-set.ts';
import { equalJson, isMap } from './json.ts';

/** A field in which two states differ. A value that is absent there is `undefined`. */
export type Difference = { readonly path: Path; readonly live: unknown; readonly desired: unknown };

/** Names and list indices from the root; an index counts in the live list where the item exists there. */
export type Path = readonly (string | number)[];

/**
 * Compares without a call: whether every leaf that we want has the value that we want, and our managed fields hold
 * nothing beyond that. Equal is to be trusted. A difference may be a false alarm, since only the server knows
 * defaulting, normalisation and webhooks.
 */
export function compareLocally(desired: KubernetesObject, live: KubernetesObject): LocalComparison {
  const owners = ownersOf(live);
  const differences = [...wantedDifferences(desired, live, owners), ...surplusFields(desired, live, owners)];
  return { inSync: differences.length === 0, isCertain: owners.all.length > 0, differences };
}

export type LocalComparison = {
  readonly inSync: boolean;
  /** False for a live object without managed fields: what is foreign in it may be in the way of what we want. */
  readonly isCertain: boolean;
  readonly differences: readonly Difference[];
};

/** The leaves of `desired` that `live` has otherwise, seen with the list types that live's managed fields show. */
export function wantedDifferences(
  desired: KubernetesObject,
  live: KubernetesObject,
  { all, ours }: Owners = ownersOf(live),
): readonly Difference[] {
  return differ(desired, live, all.length === 0 ? untold : { all: union(all), ours: union(ours) }, []);
}

/** What each manager of an object owns. */
type Owners = { readonly all: readonly FieldSet[]; readonly ours: readonly FieldSet[] };

function ownersOf(object: KubernetesObject): Owners {
  const owners = entriesOf(object).map((entry) => ({ isOurs: isOurs(entry), set: fieldSetOf(entry) }));
  return {
    all: owners.map(({ set }) => set),
    ours: owners.filter(({ isOurs }) => isOurs).map(({ set }) => set),
  };
}

/** What is owned at one place: by anybody, which shows which lists are associative and what is atomic, and by us. */
type Owned = { readonly all: FieldSet | undefined; readonly ours: FieldSet | undefined };

const nobody: Owned = { all: undefined, ours: undefined };

/** There are no managed fields at all: the object is as old as that, somebody cleared them, or a file leaves them out. */
const untold: Owned = { all: undefined, ours: undefined };

function inside(owned: Owned, element: string): Owned {
  return owned === untold ? untold : { all: at(owned.all, element), ours: at(owned.ours, element) };
}

function at(set: FieldSet | undefined, element: string): FieldSet | undefined {
  return set !== undefined && Object.hasOwn(set, element) ? set[element] : undefined;
}

function differ(desired: unknown, live: unknown, owned: Owned, path: Path): readonly Difference[] {
  if (equalJson(desired, live)) return [];
  if (isMap(desired) && isMap(live)) {
    if (isReplaced(desired, live, owned, path)) return differWhole(desired, live, path);
    return Object.keys(desired).flatMap((key) =>
      differ(own(desired, key), own(live, key), inside(owned, `f:${key}`), [...path, key]),
    );
  }
  if (Array.isArray(desired) && Array.isArray(live)) return differOfLists(desired, live, owned, path);
  return oneSided(desired, live, path);
}

/** Whether an apply may replace the map, foreign keys included. */
function isReplaced(
  desired: { readonly [key: string]: unknown },
  live: { readonly [key: string]: unknown },
  owned: Owned,
  path: Path,
): boolean {
  if (owned === untold || path.length === 0 || path[0] === 'metadata') return false;
  // Nobody owns anything of it, so it doesn't show how it is merged.
  if (owned.all === undefined) return true;
  // An empty spec of ours that the server filled with defaults looks like a map that is owned as a whole, and is none.
  // Deeper down it may be one that we filled before: only the server knows.
  const isEmptySpec = path.length === 1 && owned.ours !== undefined && Object.keys(desired).length === 0;
  return isOwnedWhole(owned.all, live) && !isEmptySpec;
}

/** A map that is there on one side only is told leaf by leaf. */
function oneSided(desired: unknown, live: unknown, path: Path): readonly Difference[] {
  const whole = live === undefined ? desired : desired === undefined ? live : undefined;
  if (!isMap(whole) || Object.keys(whole).length === 0) return [{ path, live, desired }];
  return Object.entries(whole).flatMap(([key, value]) =>
    live === undefined ? oneSided(value, undefined, [...path, key]) : oneSided(undefined, value, [...path, key]),
  );
}

/** Whether a container's owners hold it as a whole, so that nobody can own a part of it. */
export function isOwnedWhole(owned: FieldSet | undefined, live: unknown): boolean {
  const isEmpty = typeof live !== 'object' || live === null || Object.keys(live).length === 0;
  return !isEmpty && owned !== undefined && isLeaf(owned) && !Object.hasOwn(owned, '.');
}

function differOfLists(
  desired: readonly unknown[],
  live: readonly unknown[],
  owned: Owned,
  path: Path,
): readonly Difference[] {
  const type = listTypeOf(owned.all);
  switch (type.list) {
    case 'associative': {
      const found: number[] = [];
      const differences = desired.flatMap((item, place) => {
        const [index, ...others] = counterparts(desired, place, live, type.keys);
        const missing = { path: [...path, live.length + place], live: undefined, desired: item };
        if (index === undefined || others.length > 0) return [missing];
        // Which keys the server gives to one that leaves some out shows only in what we applied.
        if (!hasAllKeys(item, type.keys) && itemElement(owned.ours, live[index]) === undefined) return [missing];
        found.push(index);
        const element = itemElement(owned.all, live[index]);
        return differ(item, live[index], element === undefined ? nobody : inside(owned, element), [...path, index]);
      });
      // An apply puts its items into its own order, which init containers, for one, are run by.
      const isInOrder = found.every((index, place) => place === 0 || index > (found[place - 1] ?? 0));
      return isInOrder ? differences : [...differences, { path, live, desired }];
    }
    case 'set':
      return missingMembers(desired, live, path);
    case 'atomic':
    case 'unknown':
      if (desired.length !== live.length) return [{ path, live, desired }];
      // Replaced as a whole, but told item by item: a person wants to see which one.
      return desired.flatMap((item, index) => differWhole(item, live[index], [...path, index]));
    default:
      return type satisfies never;
  }
}

/** A set has no order. */
function missingMembers(desired: readonly unknown[], live: readonly unknown[], path: Path): readonly Difference[] {
  return desired
    .filter((item) => !live.some((candidate) => equalJson(item, candidate)))
    .map((item, place) => ({ path: [...path, live.length + place], live: undefined, desired: item }));
}

/** As inside something atomic: foreign keys count too. */
function differWhole(desired: unknown, live: unknown, path: Path): readonly Difference[] {
  if (equalJson(desired, live)) return [];
  if (isMap(desired) && isMap(live)) {
    return Object.keys({ ...desired, ...live }).flatMap((key) =>
      differWhole(own(desired, key), own(live, key), [...path, key]),
    );
  }
  if (Array.isArray(desired) && Array.isArray(live) && desired.length === live.length) {
    return desired.flatMap((item, index) => differWhole(item, live[index], [...path, index]));
  }
  return oneSided(desired, live, path);
}

/**
 * Where in the live list the item at `place` is found: the one with its keys. Keys that it leaves to the server's
 * defaults may fit several; those that another wanted item names in full are that one's.
 */
export function counterparts(
  desired: readonly unknown[],
  place: number,
  live: readonly unknown[],
  keys: readonly string[],
): readonly number[] {
  const item = desired[place];
  const found = live.flatMap((candidate, index) => (isSameItem(item, candidate, keys) ? [index] : []));
  if (hasAllKeys(item, keys)) return found;
  const named = desired.filter((other) => hasAllKeys(other, keys));
  return found.filter((index) => !named.some((other) => isSameItem(other, live[index], keys)));
}

function hasAllKeys(item: unknown, keys: readonly string[]): boolean {
  return isMap(item) && keys.every((key) => Object.hasOwn(item, key));
}

/** Whether two items stand for one another: the keys agree, and one that the first leaves out is the server's default. */
function isSameItem(desired: unknown, live: unknown, keys: readonly string[]): boolean {
  if (!isMap(live)) return false;
  return hasKeys(desired, Object.fromEntries(keys.map((key) => [key, (own(live, key) ?? null) as never])));
}

/** What our managed fields hold and `desired` doesn't want: an apply would give it up. */
function surplusFields(desired: KubernetesObject, live: KubernetesObject, { ours }: Owners): readonly Difference[] {
  return ours.flatMap((set) => surplus(set, desired, live, []));
}

function surplus(set: FieldSet, desired: unknown, live: unknown, path: Path): readonly Difference[] {
  return Object.entries(set).flatMap(([element, inner]): readonly Difference[] => {
    if (element === '.') return [];
    const place = placeOf(element, desired, live);
    // What isn't there any more can't be given up.
    if (place === undefined) return [];
    const here = [...path, place.step];
    if (place.desired === undefined) {
      const leaves = isLeaf(inner) ? [] : surplus(inner, undefined, place.live, here);
      return leaves.length > 0 ? leaves : oneSided(undefined, place.live, here);
    }
    return surplus(inner, place.desired, place.live, here);
  });
}

type Place = { readonly step: string | number; readonly desired: unknown; readonly live: unknown };

/** Where an element of a field set is in the live object, and what is wanted there. */
function placeOf(element: string, desired: unknown, live: unknown): Place | undefined {
  if (element.startsWith('f:')) {
    const name = element.slice(2);
    if (!isMap(live) || !Object.hasOwn(live, name)) return undefined;
    return { step: name, desired: isMap(desired) ? own(desired, name) : undefined, live: live[name] };
  }
  if (!Array.isArray(live)) return undefined;
  const wanted = Array.isArray(desired) ? desired : [];
  if (element.startsWith('k:')) {
    const keys = parseElement(element);
    const index = live.findIndex((item) => hasKeys(item, keys));
    if (index === -1) return undefined;
    return { step: index, desired: wanted.find((item) => hasKeys(item, keys)), live: live[index] };
  }
  if (element.startsWith('v:')) {
    const value: unknown = JSON.parse(element.slice(2));
    const index = live.findIndex((item) => equalJson(item, value));
    if (index === -1) return undefined;
    return { step: index, desired: wanted.find((item) => equalJson(item, value)), live: live[index] };
  }
  return undefined;
}

/** Everything in which two whole objects differ, as when the server tells what it would make of one. */
export function differencesBetween(live: KubernetesObject, next: KubernetesObject): readonly Difference[] {
  const { all } = ownersOf(next);
  return differStates(stateOf(next), stateOf(live), all.length === 0 ? undefined : union(all), []);
}

function differStates(desired: unknown, live: unknown, owned: FieldSet | undefined, path: Path): readonly Difference[] {
  if (equalJson(desired, live)) return [];
  if (isMap(desired) && isMap(live)) {
    return Object.keys({ ...live, ...desired }).flatMap((key) =>
      differStates(own(desired, key), own(live, key), child(owned, key), [...path, key]),
    );
  }
  if (Array.isArray(desired) && Array.isArray(live)) {
    const type = listTypeOf(owned);
    if (type.list === 'associative') {
      const removed = live.flatMap((item, index) =>
        desired.some((candidate) => isSameItem(item, candidate, type.keys))
          ? []
          : [{ path: [...path, index], live: item, desired: undefined }],
      );
      const changed = desired.flatMap((item, place) => {
        const index = live.findIndex((candidate) => isSameItem(item, candidate, type.keys));
        if (index === -1) return [{ path: [...path, live.length + place], live: undefined, desired: item }];
        const element = itemElement(owned, item);
        return differStates(item, live[index], element === undefined ? undefined : owned?.[element], [...path, index]);
      });
      if (removed.length + changed.length > 0) return [...changed, ...removed];
    }
    if (type.list === 'set') {
      const removed = live.flatMap((item, index) =>
        desired.some((candidate) => equalJson(item, candidate))
          ? []
          : [{ path: [...path, index], live: item, desired: undefined }],
      );
      return [...missingMembers(desired, live, path), ...removed];
    }
    if (desired.length === live.length) {
      return desired.flatMap((item, index) => differStates(item, live[index], undefined, [...path, index]));
    }
  }
  return oneSided(desired, live, path);
}

/** What an apply can change: not what the server keeps for itself, nor the status. */
function stateOf({ status, metadata, ...state }: KubernetesObject): unknown {
  const { managedFields, resourceVersion, generation, uid, ...rest } = metadata;
  const { creationTimestamp, selfLink, ...kept } = rest as Record<string, unknown>;
  return { ...state, metadata: kept };
}

function own(map: { readonly [key: string]: unknown }, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

export function pointerOf(difference: Difference): string {
  return formatPointer(difference.path);
}
