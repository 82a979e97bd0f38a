import { ownKeys } from '../../shared/api/annotations.ts';
import { formatPointer } from '../../shared/api/json-pointer.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { counterparts } from '../../shared/engine/compare-locally.ts';
import {
  child,
  entriesOf,
  type FieldSet,
  fieldSetOf,
  isOurs,
  itemElement,
  listTypeOf,
  union,
} from '../../shared/engine/field-set.ts';
import { equalJson, isMap } from '../../shared/engine/json.ts';

/**
 * What is wanted with the live values in all places where an apply of it would change them. Places are those of `wanted`:
 * items of lists are found by what they are. What only we set (identity, keys of ours) stays.
 *
 * @param applied - what the cluster would hold after an apply of `wanted`, as a dry run says.
 * @param ignored - pointers that are left to others already.
 */
export function adoptLive(
  wanted: KubernetesObject,
  live: KubernetesObject,
  applied: KubernetesObject,
  ignored: readonly string[],
): KubernetesObject {
  const owned: Owned = {
    all: union([...entriesOf(live), ...entriesOf(applied)].map(fieldSetOf)),
    ours: union(entriesOf(applied).filter(isOurs).map(fieldSetOf)),
  };
  const [body, liveBody, appliedBody] = [wanted, live, applied].map(bodyOf);
  const adopted = adopt(body, liveBody, appliedBody, owned, { path: [], ignored });
  const { apiVersion, kind, metadata } = wanted;
  const { labels: _, annotations: __, ...identity } = metadata;
  const texts = (name: 'labels' | 'annotations') => {
    const mine = metadata[name];
    const place = { path: ['metadata', name], ignored };
    const theirs = adopt(mine, live.metadata[name], applied.metadata[name], inside(owned, 'metadata', name), place);
    const result = withOurs(mine, theirs);
    return result === undefined ? {} : { [name]: result };
  };
  return {
    apiVersion,
    kind,
    metadata: { ...identity, ...texts('labels'), ...texts('annotations') },
    ...(adopted as object),
  };
}

/** Who owns what at one place: anybody, which shows how lists are merged; and we, after the apply. */
type Owned = { readonly all: FieldSet | undefined; readonly ours: FieldSet | undefined };
type Place = { readonly path: readonly (string | number)[]; readonly ignored: readonly string[] };

const nobody: Owned = { all: undefined, ours: undefined };

function inside({ all, ours }: Owned, ...names: readonly string[]): Owned {
  const below = (set: FieldSet | undefined) => names.reduce(child, set);
  return { all: below(all), ours: below(ours) };
}

function below({ path, ignored }: Place, name: string | number): Place {
  return { path: [...path, name], ignored };
}

function bodyOf({ apiVersion: _, kind: __, metadata: ___, status: ____, ...body }: KubernetesObject): unknown {
  return body;
}

type Texts = { readonly [key: string]: string };

/** Keys of ours as they are wanted, whatever the live object has there; all keys in the order that they had. */
function withOurs(wanted: Texts | undefined, adopted: unknown): Texts | undefined {
  const theirs = isMap(adopted) ? (adopted as Texts) : {};
  const ours = new Set([...ownKeys(theirs), ...ownKeys(wanted)]);
  const all = new Map(Object.entries(theirs).filter(([key]) => !ours.has(key)));
  for (const [key, value] of Object.entries(wanted ?? {})) if (ours.has(key)) all.set(key, value);
  if (wanted === undefined && all.size === 0) return undefined;
  const order = [...Object.keys(wanted ?? {}).filter((key) => all.has(key)), ...all.keys()];
  return Object.fromEntries([...new Set(order)].map((key) => [key, all.get(key) ?? '']));
}

function adopt(wanted: unknown, live: unknown, applied: unknown, owned: Owned, place: Place): unknown {
  if (equalJson(live, applied) || place.ignored.includes(formatPointer(place.path))) return wanted;
  if (isMap(wanted) && isMap(live) && isMap(applied)) {
    const names = new Set([...Object.keys(wanted), ...Object.keys(live), ...Object.keys(applied)]);
    const entries = [...names].map((name) => {
      const [mine, theirs, next] = [wanted, live, applied].map((map) =>
        Object.hasOwn(map, name) ? map[name] : undefined,
      );
      return [name, adopt(mine, theirs, next, inside(owned, name), below(place, name))] as const;
    });
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }
  if (Array.isArray(wanted) && Array.isArray(live) && Array.isArray(applied)) {
    const type = listTypeOf(owned.all);
    if (type.list === 'associative') return adoptItems({ wanted, live, applied }, type.keys, owned, place);
    if (wanted.length === live.length && live.length === applied.length) {
      return wanted.map((item, index) => adopt(item, live[index], applied[index], nobody, below(place, index)));
    }
  }
  return live;
}

type Lists = Readonly<Record<'wanted' | 'live' | 'applied', readonly unknown[]>>;

function adoptItems({ wanted, live, applied }: Lists, keys: readonly string[], owned: Owned, place: Place): unknown {
  const kept = wanted.flatMap((item, index) => {
    const [theirs, next] = [live, applied].map((list) => itemIn(list, { wanted, index, keys, ours: owned.ours }));
    // Removed by somebody: that is adopted too.
    if (theirs === undefined) return [];
    return [adopt(item, theirs, next, ofItem(owned, next ?? theirs), below(place, index))];
  });
  const lost = live.filter((_, index) => counterparts(live, index, applied, keys).length === 0);
  return [...kept, ...lost];
}

/** The item that a wanted one is. Where it leaves keys to the server's defaults, what we would own tells which fit. */
function itemIn(
  list: readonly unknown[],
  {
    wanted,
    index,
    keys,
    ours,
  }: { wanted: readonly unknown[]; index: number; keys: readonly string[]; ours: FieldSet | undefined },
): unknown {
  const found = counterparts(wanted, index, list, keys).map((at) => list[at]);
  return found.find((item) => itemElement(ours, item) !== undefined) ?? found[0];
}

function ofItem(owned: Owned, item: unknown): Owned {
  const of = (set: FieldSet | undefined) => {
    const element = itemElement(set, item);
    return element === undefined ? undefined : set?.[element];
  };
  return { all: of(owned.all), ours: of(owned.ours) };
}
