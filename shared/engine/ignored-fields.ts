import { annotation, type Invalid, ownKeys } from '../api/annotations.ts';
import { formatPointer } from '../api/json-pointer.ts';
import type { JsonObject, KubernetesObject } from '../api/kubernetes-object.ts';
import { counterparts, isOwnedWhole } from './compare-locally.ts';
import {
  child,
  entriesOf,
  type FieldSet,
  fieldSetOf,
  isLeaf,
  isOurs,
  itemElement,
  type ListType,
  listTypeOf,
  union,
} from './field-set.ts';
import { canonicalJson, equalJson, isMap } from './json.ts';
import type { Release } from './plan-item.ts';

/** What is left to want once the ignored fields are yielded. */
export type Yielded = {
  /** What an apply sends once the release is made. */
  readonly desired: KubernetesObject;
  /** The same with what is still ours alone at its live value: applied before the release, it changes nothing there. */
  readonly retained: KubernetesObject;
  /** Leaves that no other applier owns: given up first, since leaving them out of an apply would delete them. */
  readonly release?: Release;
  /** Pointers of the leaves that are left out. */
  readonly yielded: readonly string[];
  /** Pointers inside atomic containers: the live part goes into what we apply, and the whole stays ours. */
  readonly kept: readonly string[];
  /** Pointers at what tells an item of a list from others: left out, the item would be none any more. */
  readonly keys: readonly string[];
  /** Pointers at which the baseline wants nothing. */
  readonly unmatched: readonly string[];
};

/** What a dry run showed of the fields that are ignored. */
export type Shown = {
  /** Pointers that lie inside something atomic: leaving them out loses them. */
  readonly whole: ReadonlySet<string>;
  /** What the cluster would hold: its managed fields tell how lists are merged where the live ones don't. */
  readonly shown: KubernetesObject;
};

/** Why these pointers can't be ignored, or undefined. */
export function forbiddenPointer(
  paths: readonly (readonly string[])[],
  desired: KubernetesObject,
): Invalid | undefined {
  for (const path of paths) {
    const problem = problemOf(path, desired);
    if (problem !== undefined) {
      return { annotation: annotation.ignoreFields, message: `${formatPointer(path)} can't be ignored: ${problem}` };
    }
  }
  return undefined;
}

/**
 * Yields the fields at `paths` to whoever else sets them, leaf by leaf. Containers and the keys of list items stay:
 * leaving out a whole item, or a map that we own as an entry, deletes it with what a rival set in it.
 *
 * What a dry run showed may be told besides.
 */
export function yieldFields(
  wanted: KubernetesObject,
  live: KubernetesObject,
  paths: readonly (readonly string[])[],
  { whole = new Set(), shown = live }: Partial<Shown> = {},
): Yielded {
  const outermost = paths.filter((path) => !paths.some((other) => isInside(path, other)));
  const desired = inLiveOrder(wanted, outermost, (object) => rootOf(object, live, shown));
  const root = rootOf(desired, live, shown);
  const leaves: Leaf[] = [];
  const unmatched: string[] = [];
  for (const path of outermost) {
    const found = leavesAt(root, path, whole.has(formatPointer(path)));
    if (found.length === 0) unmatched.push(formatPointer(path));
    leaves.push(...found);
  }

  const left = structuredClone(desired) as KubernetesObject;
  const retained = structuredClone(desired) as KubernetesObject;
  for (const leaf of leaves) {
    put(left, leaf.path, isStaying(leaf) ? leaf.live : undefined);
    put(retained, leaf.path, leaf.yields === 'others' ? undefined : leaf.live);
  }
  const emptied: (readonly string[])[] = [];
  const kept = new Set(pointersOf(leaves.filter(({ yields }) => yields === 'kept')));
  const result = tidy(left, desired, (path, value) => {
    if (kept.has(formatPointer(path))) return value;
    const { sets, elements } = follow(root, path) ?? root;
    // What we own of the container itself; with nothing of ours inside, that is written without a dot.
    if (sets.ours !== undefined && isLeaf(sets.ours)) emptied.push(elements);
    else if (sets.ours !== undefined && Object.hasOwn(sets.ours, '.')) emptied.push([...elements, '.']);
    return undefined;
  });
  const released = leaves.filter(({ yields }) => yields === 'ours');
  const elements = [...released.map((leaf) => leaf.elements), ...emptied];
  return {
    desired: result,
    // Before the release, a map of ours that was left out would be deleted: it stays as an empty one.
    retained: tidy(retained, desired, (path, value) => (valueAt(live, path) === undefined ? undefined : value)),
    ...(elements.length > 0 && { release: { pointers: pointersOf(released), patch: releasePatch(live, elements) } }),
    yielded: pointersOf(leaves.filter((leaf) => !isStaying(leaf))),
    kept: [...kept],
    keys: pointersOf(leaves.filter(({ yields }) => yields === 'key')),
    unmatched,
  };
}

/** What one pointer yields whole isn't yielded in parts as well. */
function isInside(path: readonly string[], other: readonly string[]): boolean {
  return path.length > other.length && other.every((name, index) => name === path[index]);
}

/**
 * The same with the associative lists that are ignored as a whole in the order that the live ones have: the keys of
 * their items stay, and an apply would put those into its own order.
 */
function inLiveOrder(
  wanted: KubernetesObject,
  paths: readonly (readonly string[])[],
  rootFor: (object: KubernetesObject) => Here,
): KubernetesObject {
  const ordered = structuredClone(wanted) as KubernetesObject;
  const root = rootFor(wanted);
  for (const path of paths) {
    const here = follow(root, path);
    if (here?.desired !== undefined) put(ordered, here.path, orderedAsLive(here));
  }
  return ordered;
}

function orderedAsLive(here: Here): unknown {
  const { desired, live, sets } = here;
  if (isMap(desired) && isMap(live)) {
    return Object.fromEntries(
      Object.entries(desired).map(([name, value]) => {
        const next = step(here, name);
        return [name, next === undefined ? value : orderedAsLive(next)];
      }),
    );
  }
  if (!Array.isArray(desired) || !Array.isArray(live) || listTypeOf(sets.all).list !== 'associative') return desired;
  const items = desired.flatMap((_, index) => step(here, String(index)) ?? []);
  const placeOf = (item: Here) => (item.live === undefined ? live.length : live.indexOf(item.live));
  return items.toSorted((a, b) => placeOf(a) - placeOf(b)).map(orderedAsLive);
}

function pointersOf(leaves: readonly Leaf[]): readonly string[] {
  return [...new Set(leaves.map(({ path }) => formatPointer(path)))];
}

/** Those of `paths` whose value `after` no longer has: by what items of lists are, wherever they stand. */
export function lostPaths(
  paths: readonly (readonly string[])[],
  desired: KubernetesObject,
  before: KubernetesObject,
  after: KubernetesObject,
): readonly (readonly string[])[] {
  return paths.filter((path) => {
    const value = liveAt(rootOf(desired, before, after), path);
    return value !== undefined && !sameInAnyOrder(value, liveAt(rootOf(desired, after, before), path));
  });
}

/** An apply may put the items of an associative list or a set in another order. */
function sameInAnyOrder(a: unknown, b: unknown): boolean {
  return equalJson(inOneOrder(a), inOneOrder(b));
}

function inOneOrder(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(inOneOrder).map((item) => ({ item, text: canonicalJson(item) }));
    return items.sort((a, b) => (a.text < b.text ? -1 : 1)).map(({ item }) => item);
  }
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, inOneOrder(inner)]));
}

function problemOf([first, second, third]: readonly string[], desired: KubernetesObject): string | undefined {
  if (first === 'apiVersion' || first === 'kind') return "it is the object's identity";
  if (first === 'status') return 'status is never applied';
  if (first !== 'metadata') return undefined;
  if (second === undefined) return "metadata holds the object's identity";
  if (second !== 'labels' && second !== 'annotations') return 'of metadata only labels and annotations can be yielded';
  const covered = third === undefined ? Object.keys(desired.metadata[second] ?? {}) : [third];
  const ours = ownKeys(Object.fromEntries(covered.map((key) => [key, ''])))[0];
  return ours === undefined ? undefined : `${ours} is a key of ours`;
}

/** Who owns what at one place. */
type Sets = {
  readonly all: FieldSet | undefined;
  readonly ours: FieldSet | undefined;
  /**
   * Other managers that apply. Only they keep a value that we own too when we leave it out: the server removes one that
   * somebody else merely updated.
   */
  readonly appliers: FieldSet | undefined;
};
type Here = {
  readonly desired: unknown;
  readonly live: unknown;
  readonly sets: Sets;
  /** In the coordinates of the desired state. */
  readonly path: readonly (string | number)[];
  /** The same in the notation of managed fields. */
  readonly elements: readonly string[];
  /** Of an item of an associative list: the fields that tell it from others, which always stay. */
  readonly keys?: readonly string[];
};
type Leaf = Here & { readonly yields: 'ours' | 'others' | 'kept' | 'key' };

function isStaying({ yields }: Leaf): boolean {
  return yields === 'kept' || yields === 'key';
}

function rootOf(desired: KubernetesObject, live: KubernetesObject, shown: KubernetesObject): Here {
  const entries = entriesOf(live);
  const sets = {
    all: union([...entries, ...(shown === live ? [] : entriesOf(shown))].map(fieldSetOf)),
    ours: union(entries.filter(isOurs).map(fieldSetOf)),
    appliers: union(entries.filter((entry) => entry.operation === 'Apply' && !isOurs(entry)).map(fieldSetOf)),
  };
  return { desired, live, sets, path: [], elements: [] };
}

/** Follows a pointer down, then takes the leaves below. */
function leavesAt(here: Here, names: readonly string[], isWhole: boolean): readonly Leaf[] {
  const [name, ...rest] = names;
  if (name === undefined) return here.desired === undefined && here.sets.ours === undefined ? [] : leavesBelow(here);
  const isRoot = here.path.length === 0;
  const isAtomic = !isRoot && (isWhole || isAtomicContainer(here));
  if (isAtomic) return keptLeaf(here, names);
  const next = step(here, name);
  if (next === undefined) return [];
  // By another key it is another item, whoever set it: ours is wanted as before.
  if (here.keys?.includes(name) === true) return [{ ...next, live: next.desired, yields: 'key' }];
  return leavesAt(next, rest, isWhole);
}

/** A list whose type nobody's fields show counts as atomic: merging the live part in loses nothing. */
function isAtomicContainer({ desired, live, sets }: Here): boolean {
  if (live === undefined || typeof desired !== 'object' || desired === null) return false;
  if (Array.isArray(desired)) return ['atomic', 'unknown'].includes(listTypeOf(sets.all).list);
  return Object.keys(desired).length > 0 && isOwnedWhole(sets.all, live);
}

function keptLeaf(here: Here, names: readonly string[]): readonly Leaf[] {
  const path = [...here.path, ...names];
  const desired = valueAt(here.desired, names);
  const live = liveAt(here, names);
  return desired === undefined && live === undefined ? [] : [{ ...here, path, desired, live, yields: 'kept' }];
}

function leavesBelow(here: Here): readonly Leaf[] {
  const { desired, live, sets } = here;
  if (isMap(desired) && isMap(live) && !isOwnedWhole(sets.all, live)) {
    const names = new Set([...Object.keys(desired), ...fieldNames(sets.ours)]);
    return [...names].flatMap((name) => {
      const next = here.keys?.includes(name) === true ? undefined : step(here, name);
      return next === undefined ? [] : leavesBelow(next);
    });
  }
  const type = listTypeOf(sets.all);
  if (Array.isArray(desired) && Array.isArray(live) && type.list === 'associative') {
    // An item that isn't there any more is a leaf, and left out whole; of one that is, all but its keys.
    return desired.flatMap((_, index) => {
      const next = step(here, String(index));
      return next === undefined ? [] : leavesBelow(next);
    });
  }
  const isOurAffair = sets.ours !== undefined && sets.appliers === undefined && live !== undefined;
  return [{ ...here, yields: isOurAffair ? 'ours' : 'others' }];
}

function step(here: Here, name: string): Here | undefined {
  const { desired, live, sets, path, elements } = here;
  if (Array.isArray(desired)) {
    const index = Number(name);
    if (!/^(0|[1-9]\d*)$/.test(name) || index >= desired.length) return undefined;
    const item: unknown = desired[index];
    const type = listTypeOf(sets.all);
    const found = liveItem(here, index, type);
    const element = elementOf(sets.all, found);
    return {
      desired: item,
      live: found,
      sets: mapSets(sets, (set) =>
        element === undefined || set === undefined || !Object.hasOwn(set, element) ? undefined : set[element],
      ),
      path: [...path, index],
      elements: element === undefined ? elements : [...elements, element],
      ...(type.list === 'associative' && { keys: type.keys }),
    };
  }
  const inDesired = isMap(desired) && Object.hasOwn(desired, name);
  const inOurs = child(sets.ours, name) !== undefined;
  if (!inDesired && !inOurs) return undefined;
  return {
    desired: inDesired ? desired[name] : undefined,
    live: isMap(live) && Object.hasOwn(live, name) ? live[name] : undefined,
    sets: mapSets(sets, (set) => child(set, name)),
    path: [...path, name],
    elements: [...elements, `f:${name}`],
  };
}

/** The live item that stands for the wanted one. */
function liveItem({ desired, live, sets }: Here, index: number, type: ListType): unknown {
  if (!Array.isArray(desired) || !Array.isArray(live)) return undefined;
  if (type.list === 'set') return live.find((candidate) => equalJson(desired[index], candidate));
  if (type.list !== 'associative') return live[index];
  const found = counterparts(desired, index, live, type.keys);
  // Of several that may be meant, the one that we applied.
  return live[found.find((at) => itemElement(sets.ours, live[at]) !== undefined) ?? found[0] ?? -1];
}

/** What the live object has at a path of the desired state. */
function liveAt(root: Here, path: readonly (string | number)[]): unknown {
  let here = root;
  for (const [depth, name] of path.entries()) {
    const next = step(here, String(name));
    if (next === undefined) return valueAt(here.live, path.slice(depth));
    here = next;
  }
  return here.live;
}

function elementOf(set: FieldSet | undefined, item: unknown): string | undefined {
  if (item === undefined) return undefined;
  return (
    itemElement(set, item) ??
    Object.keys(set ?? {}).find((element) => element.startsWith('v:') && equalJson(JSON.parse(element.slice(2)), item))
  );
}

function mapSets({ all, ours, appliers }: Sets, into: (set: FieldSet | undefined) => FieldSet | undefined): Sets {
  return { all: into(all), ours: into(ours), appliers: into(appliers) };
}

function fieldNames(set: FieldSet | undefined): readonly string[] {
  return Object.keys(set ?? {}).flatMap((element) => (element.startsWith('f:') ? [element.slice(2)] : []));
}

function valueAt(value: unknown, names: readonly (string | number)[]): unknown {
  let found = value;
  for (const name of names) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string | number, unknown>)[name];
  }
  return found;
}

/** A list item that was left out; removed at the end, so that the indices of the others hold until then. */
const removedItem = Symbol('removed item');

/** Sets a value at a path in our own copy; `undefined` leaves it out. */
function put(copy: KubernetesObject, path: readonly (string | number)[], value: unknown): void {
  const container = valueAt(copy, path.slice(0, -1));
  const last = path.at(-1);
  if (typeof container !== 'object' || container === null || last === undefined) return;
  const target = container as Record<string | number, unknown>;
  if (value !== undefined) target[last] = structuredClone(value);
  else if (Array.isArray(container)) target[last] = removedItem;
  else delete target[last];
}

/**
 * Drops removed items, and hands each map or list that yielding emptied to `emptied`, which says what becomes of it.
 * Nothing in it is ours any more, so it is yielded with its last leaf.
 */
function tidy(
  copy: KubernetesObject,
  before: KubernetesObject,
  emptied: (path: readonly (string | number)[], value: unknown) => unknown,
): KubernetesObject {
  const tidyValue = (value: unknown, was: unknown, path: readonly (string | number)[]): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const next = Array.isArray(value)
      ? value.flatMap((item, index) =>
          item === removedItem ? [] : [tidyValue(item, valueAt(was, [index]), [...path, index])],
        )
      : Object.fromEntries(
          Object.entries(value).flatMap(([name, inner]) => {
            const tidied = tidyValue(inner, valueAt(was, [name]), [...path, name]);
            return tidied === undefined ? [] : [[name, tidied]];
          }),
        );
    // An item of a list keeps its place.
    const isItem = typeof path.at(-1) === 'number';
    const wasEmptied = !isItem && Object.keys(next).length === 0 && Object.keys(Object(was)).length > 0;
    return wasEmptied ? emptied(path, next) : next;
  };
  return tidyValue(copy, before, []) as KubernetesObject;
}

/** Who owns what at a path of the desired state. */
function follow(root: Here, path: readonly (string | number)[]): Here | undefined {
  return path.reduce<Here | undefined>(
    (here, name) => (here === undefined ? undefined : step(here, String(name))),
    root,
  );
}

/** One JSON patch that tests the resourceVersion and takes the leaves out of our entries of the managed fields. */
function releasePatch(live: KubernetesObject, leaves: readonly (readonly string[])[]): readonly JsonObject[] {
  const patch: JsonObject[] = [
    { op: 'test', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion ?? '' },
  ];
  for (const [index, entry] of (live.metadata.managedFields ?? []).entries()) {
    if (!isOurs(entry)) continue;
    const before = fieldSetOf(entry);
    const after = leaves.reduce(without, before);
    if (equalJson(before, after)) continue;
    patch.push(
      { op: 'test', path: `/metadata/managedFields/${index}/manager`, value: entry.manager ?? '' },
      { op: 'replace', path: `/metadata/managedFields/${index}/fieldsV1`, value: after },
    );
  }
  return patch;
}

/** The set without one element and whatever it holds; a container that is left with nothing goes too. */
function without(set: FieldSet, [element, ...rest]: readonly string[]): FieldSet {
  if (element === undefined || !Object.hasOwn(set, element)) return set;
  const { [element]: inner = {}, ...others } = set;
  if (rest.length === 0) return others;
  const next = without(inner, rest);
  return Object.keys(next).length === 0 ? others : { ...set, [element]: next };
}
