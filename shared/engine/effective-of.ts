import { parsePointer } from '../api/json-pointer.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { digestOf, isMap } from './json.ts';
import type { DriftedField, PlanItem } from './plan-item.ts';
import { questionKey, type Snapshot } from './snapshot.ts';

/** Both sides of a decision, where it would change something. */
export type Effective =
  | {
      readonly compared: true;
      /** Absent where it doesn't exist yet. */
      readonly live?: KubernetesObject;
      /** What the cluster would hold; absent where it would be deleted. */
      readonly effective?: KubernetesObject;
      /** By the server's dry run, or by our own comparison alone. */
      readonly by: 'server' | 'local';
    }
  /** Nothing would be written, or what would couldn't be known. */
  | { readonly compared: false };

/** The object as it is and as carrying out the decision would leave it, from the snapshot that was planned with. */
export function effectiveOf(item: PlanItem, snapshot: Snapshot): Effective {
  const answer = snapshot.reads.get(questionKey({ ask: 'get', ref: item.target }));
  const live = answer?.answer === 'object' ? answer.object : undefined;
  switch (item.decision) {
    case 'in-sync':
      return live === undefined ? { compared: false } : { compared: true, live, effective: live, by: 'server' };
    case 'create': {
      const effective = dryRunOf(item, snapshot);
      return effective === undefined ? { compared: false } : { compared: true, effective, by: 'server' };
    }
    case 'adopt':
    case 'update': {
      if (live === undefined) return { compared: false };
      // A release alone changes who owns fields, not their values: nobody was asked.
      return { compared: true, live, effective: dryRunOf(item, snapshot) ?? live, by: 'server' };
    }
    case 'delete':
      return live === undefined ? { compared: false } : { compared: true, live, by: 'server' };
    case 'unverified':
      if (item.locally === 'create' && item.desired !== undefined) {
        return { compared: true, effective: item.desired, by: 'local' };
      }
      if (item.locally === 'unknown' || live === undefined) return { compared: false };
      return { compared: true, live, effective: withFields(live, item.drift), by: 'local' };
    default:
      return { compared: false };
  }
}

/** What the server said it would make of what an apply sends. */
function dryRunOf({ target: ref, desired, retained }: PlanItem, { reads, verdicts }: Snapshot) {
  const sent = retained ?? desired;
  if (sent === undefined) return undefined;
  const answer = reads.get(questionKey({ ask: 'get', ref }));
  const metadata = answer?.answer === 'object' ? answer.object.metadata : undefined;
  const live =
    metadata === undefined ? undefined : { uid: metadata.uid ?? '', resourceVersion: metadata.resourceVersion ?? '' };
  const key = questionKey({ ask: 'dry-run', ref, desired: sent, digest: digestOf(sent), ...(live && { live }) });
  const verdict = verdicts.get(key);
  return verdict?.verdict === 'accepted' ? verdict.object : undefined;
}

/** The object with each field as it is desired; one that isn't desired is taken away. */
function withFields(object: KubernetesObject, fields: readonly DriftedField[]): KubernetesObject {
  const changed = structuredClone(object);
  const removed = fields.filter(({ desired }) => desired === undefined);
  for (const { pointer, desired } of fields) {
    if (desired !== undefined) put(changed, parsePointer(pointer), desired);
  }
  // Backwards, so that items taken out of a list don't move those that are still to be found.
  for (const { pointer } of removed.reverse()) put(changed, parsePointer(pointer), undefined);
  return changed;
}

function put(root: unknown, path: readonly string[], value: unknown): void {
  const last = path.at(-1);
  if (last === undefined) return;
  let here: unknown = root;
  for (const [depth, name] of path.slice(0, -1).entries()) {
    if (!isMap(here) && !Array.isArray(here)) return;
    const container = here as Record<string, unknown>;
    if (container[name] === undefined && value !== undefined) {
      container[name] = /^\d+$/.test(path[depth + 1] ?? '') ? [] : {};
    }
    here = container[name];
  }
  if (Array.isArray(here)) {
    const index = Math.min(Number(last), here.length);
    if (value === undefined) here.splice(index, 1);
    else here[index] = value;
  } else if (isMap(here)) {
    const map = here as Record<string, unknown>;
    if (value === undefined) delete map[last];
    else map[last] = value;
  }
}
