import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { child, entriesOf, type FieldSet, fieldSetOf, isOurs, union } from './field-set.ts';
import { isMap } from './json.ts';

/**
 * What to send so that a map which we want empty, and have filled ourselves before, can become empty. The server takes
 * the last fields out of such a map by writing null in its place, and then refuses that as no map (tried with 1.36). Left
 * out it is taken away whole, and comes back empty with the apply after.
 */
export function withoutEmptiedMaps(desired: KubernetesObject, live: KubernetesObject): KubernetesObject {
  if (!isToBeEmptied(desired, live)) return desired;
  const [ours, others] = [true, false].map((own) =>
    union(
      entriesOf(live)
        .filter((entry) => isOurs(entry) === own)
        .map(fieldSetOf),
    ),
  );
  return trimmed(desired, live, ours, others) as KubernetesObject;
}

type Fields = Readonly<Record<string, unknown>>;

function trimmed(desired: Fields, live: Fields, ours: FieldSet | undefined, others: FieldSet | undefined): Fields {
  const kept = Object.entries(desired).flatMap(([name, wanted]): [string, unknown][] => {
    const there = live[name];
    if (!isMap(wanted) || !isMap(there)) return [[name, wanted]];
    const [own, foreign] = [child(ours, name), child(others, name)];
    if (Object.keys(wanted).length > 0) return [[name, trimmed(wanted, there, own, foreign)]];
    const fields = Object.keys(there);
    const isOnlyOurs = fields.every((field) => child(own, field) !== undefined && child(foreign, field) === undefined);
    return fields.length > 0 && isOnlyOurs ? [] : [[name, wanted]];
  });
  return Object.fromEntries(kept);
}

/** Whether there is anything to look at the owners for. */
function isToBeEmptied(desired: Fields, live: Fields): boolean {
  return Object.entries(desired).some(([name, wanted]) => {
    const there = live[name];
    if (!isMap(wanted) || !isMap(there)) return false;
    return Object.keys(wanted).length === 0 ? Object.keys(there).length > 0 : isToBeEmptied(wanted, there);
  });
}
