import { ownKeys } from '../../shared/api/annotations.ts';
import { formatPointer } from '../../shared/api/json-pointer.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { counterparts } from '../../shared/engine/compare-locally.ts';
import {
  child,
  entriesOf,
  type FieldSet,
  fieldSetOf,
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
  const owned = union([...entriesOf(live), ...entriesOf(applied)].map(fieldSetOf));
  const { apiVersion, kind, metadata, status: _, ...body } = wanted;
  const side = ({ apiVersion: __, kind: ___, metadata: ____, status: _____, ...rest }: KubernetesObject) => rest;
  const adopted = adopt(body, side(live), side(applied), owned, [], ignored);
  const [labels, annotations] = (['labels', 'annotations'] as const).map((name) =>
    withoutOurs(
      metadata[name],
      adopt(
        metadata[name],
        live.metadata[name],
        applied.metadata[name],
        child(child(owned, 'metadata'), name),
        ['metadata', name],
        ignored,
      ),
    ),
  );
  const { labels: _labels, annotations: _annotations, ...identity } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      ...identity,
      ...(labels !== undefined && { labels }),
      ...(annotations !== undefined && { annotations }),
    },
    ...(adopted as object),
  };
}

type Texts = { readonly [key: string]: string };

/** Keys of ours as they are wanted, whatever the live object has there. */
function withoutOurs(wanted: Texts | undefined, adopted: unknown): Texts | undefined {
  const texts: Texts = isMap(adopted) ? (adopted as Texts) : {};
  const ours = [...ownKeys(texts), ...ownKeys(wanted)];
  const kept = Object.entries(texts).filter(([key]) => !ours.includes(key));
  const back = Object.entries(wanted ?? {}).filter(([key]) => ours.includes(key));
  const all = { ...Object.fromEntries(kept), ...Object.fromEntries(back) };
  if (wanted === undefined) return Object.keys(all).length === 0 ? undefined : all;
  // In the order that they had.
  const known = Object.keys(wanted).filter((key) => key in all);
  return Object.fromEntries([...new Set([...known, ...Object.keys(all)])].map((key) => [key, all[key] ?? '']));
}

function adopt(
  wanted: unknown,
  live: unknown,
  applied: unknown,
  owned: FieldSet | undefined,
  path: readonly (string | number)[],
  ignored: readonly string[],
): unknown {
  if (equalJson(live, applied) || ignored.includes(formatPointer(path))) return wanted;
  if (isMap(wanted) && isMap(live) && isMap(applied)) {
    const names = new Set([...Object.keys(wanted), ...Object.keys(live), ...Object.keys(applied)]);
    const entries = [...names].map((name) => {
      const [mine, theirs, next] = [wanted, live, applied].map((map) =>
        Object.hasOwn(map, name) ? map[name] : undefined,
      );
      return [name, adopt(mine, theirs, next, child(owned, name), [...path, name], ignored)] as const;
    });
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }
  if (Array.isArray(wanted) && Array.isArray(live) && Array.isArray(applied)) {
    const type = listTypeOf(owned);
    if (type.list === 'associative') return adoptItems({ wanted, live, applied }, type.keys, owned, path, ignored);
    if (wanted.length === live.length && live.length === applied.length) {
      return wanted.map((item, index) =>
        adopt(item, live[index], applied[index], undefined, [...path, index], ignored),
      );
    }
  }
  return live;
}

type Lists = Readonly<Record<'wanted' | 'live' | 'applied', readonly unknown[]>>;

function adoptItems(
  { wanted, live, applied }: Lists,
  keys: readonly string[],
  owned: FieldSet | undefined,
  path: readonly (string | number)[],
  ignored: readonly string[],
): unknown {
  const found = (place: number, list: readonly unknown[]) => {
    const [index] = counterparts(wanted, place, list, keys);
    return index === undefined ? undefined : list[index];
  };
  const kept = wanted.flatMap((item, place) => {
    const [theirs, next] = [found(place, live), found(place, applied)];
    const element = itemElement(owned, item);
    const inside = element === undefined ? undefined : owned?.[element];
    // Removed by somebody: that is adopted too.
    return theirs === undefined ? [] : [adopt(item, theirs, next, inside, [...path, place], ignored)];
  });
  const lost = live.filter((_, place) => counterparts(live, place, applied, keys).length === 0);
  return [...kept, ...lost];
}
