import type { KubernetesObject, ManagedFieldsEntry } from '../api/kubernetes-object.ts';
import type { Difference, Path } from './compare-locally.ts';
import { pointerOf } from './compare-locally.ts';
import { child, entriesOf, type FieldSet, fieldSetOf, isLeaf, isOurs, itemElement } from './field-set.ts';
import { equalJson, isMap } from './json.ts';
import type { DriftedField } from './plan-item.ts';

/**
 * Names, for each difference, who set the live value last and when, as far as managed fields tell. The time is the
 * entry's, not the field's; who removed a field isn't recorded, so a value that is gone has neither.
 */
export function driftOf(differences: readonly Difference[], live: KubernetesObject): readonly DriftedField[] {
  const sets = entriesOf(live).map((entry): Owned => ({ entry, set: fieldSetOf(entry) }));
  return differences.map((difference) => {
    const owners = difference.live === undefined ? [] : ownersOf(difference.path, live, sets);
    // Where a rival and we both own a value, the rival's is the news.
    const rivals = owners.filter((entry) => !isOurs(entry));
    const last = (rivals.length > 0 ? rivals : owners).sort(byTime).at(-1);
    return {
      pointer: pointerOf(difference),
      ...(difference.live !== undefined && { live: difference.live }),
      ...(difference.desired !== undefined && { desired: difference.desired }),
      manager: last?.manager ?? null,
      time: last?.time ?? null,
    };
  });
}

/** The manager that set the value at `path` last, or null where managed fields don't tell. */
export function managerOf(path: Path, live: KubernetesObject): string | null {
  const sets = entriesOf(live).map((entry): Owned => ({ entry, set: fieldSetOf(entry) }));
  return ownersOf(path, live, sets).sort(byTime).at(-1)?.manager ?? null;
}

type Owned = { readonly entry: ManagedFieldsEntry; readonly set: FieldSet };

function ownersOf(path: Path, live: KubernetesObject, sets: readonly Owned[]): ManagedFieldsEntry[] {
  return sets.filter(({ set }) => owns(set, path, live)).map(({ entry }) => entry);
}

/** Whether the set holds the field, something inside it, or an atomic container around it. */
function owns(set: FieldSet, path: Path, live: unknown): boolean {
  let here: FieldSet | undefined = set;
  let value: unknown = live;
  for (const [depth, step] of path.entries()) {
    if (here === undefined) return false;
    if (depth > 0 && isLeaf(here)) return !('.' in here);
    if (Array.isArray(value)) {
      const item: unknown = value[Number(step)];
      const found: string | undefined = itemElement(here, item) ?? valueElement(here, item);
      here = found === undefined ? undefined : here[found];
      value = item;
    } else {
      here = child(here, String(step));
      value = isMap(value) ? value[String(step)] : undefined;
    }
  }
  return here !== undefined;
}

function valueElement(set: FieldSet, item: unknown): string | undefined {
  return Object.keys(set).find((element) => element.startsWith('v:') && equalJson(JSON.parse(element.slice(2)), item));
}

function byTime(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  const [left, right] = [a.time ?? '', b.time ?? ''];
  return left < right ? -1 : left > right ? 1 : 0;
}
