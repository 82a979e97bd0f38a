import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { autopilotName } from '../api/names.ts';
import { neverDeleted } from '../api/never-deleted.ts';
import { formatObjectRef, type ObjectRef } from '../api/object-ref.ts';
import type { DriftedField, LiveVersion, PlanItem, Release } from '../engine/plan-item.ts';
import { ApiError } from './api-error.ts';
import type { Cluster } from './client.ts';
import { RefusedError } from './refused-error.ts';
import { isTroubleOfOne, type Trouble } from './trouble.ts';

/** What happened to one object, in the words of `kubectl apply`. */
export type Outcome =
  /** The decision asks for no write. */
  | { readonly result: 'nothing' }
  | { readonly result: 'created'; readonly object: KubernetesObject; readonly warnings: readonly string[] }
  | {
      readonly result: 'configured';
      readonly object: KubernetesObject;
      readonly drift: readonly DriftedField[];
      /** The resourceVersion that was written over. */
      readonly before: string;
      readonly warnings: readonly string[];
    }
  /** The server found nothing to change, or what was to be deleted is gone already. */
  | { readonly result: 'unchanged' }
  | { readonly result: 'deleted' }
  /** Somebody wrote since the plan was made: nothing was done, plan again. */
  | { readonly result: 'conflict'; readonly message: string }
  | { readonly result: 'failed'; readonly error: Trouble };

/**
 * Carries out one item of a plan, and nothing else than what the plan saw: an object that has changed, appeared or gone
 * since is a `conflict`.
 *
 * @throws only what any other item would meet too: ConnectionError, ApiError with 401, the signal's reason.
 */
export async function perform(
  cluster: Cluster,
  item: PlanItem,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Outcome> {
  try {
    switch (item.decision) {
      case 'create':
        return await create(cluster, item, signal);
      case 'adopt':
      case 'update':
        return await update(cluster, item, signal);
      case 'delete':
        return await remove(cluster, item.target, item.live, signal);
      default:
        return { result: 'nothing' };
    }
  } catch (error) {
    if (!isTroubleOfOne(error)) throw error;
    if (error instanceof ApiError && error.isConflict) return { result: 'conflict', message: error.serverMessage };
    return { result: 'failed', error };
  }
}

async function create(cluster: Cluster, item: PlanItem, signal: AbortSignal | undefined): Promise<Outcome> {
  const { target: ref } = item;
  const { object, warnings } = await cluster.apply(desiredOf(item), { ref, ...asOurs, live: 'none', signal });
  return { result: 'created', object, warnings };
}

type Changing = PlanItem & { readonly decision: 'adopt' | 'update' };

async function update(cluster: Cluster, item: Changing, signal: AbortSignal | undefined): Promise<Outcome> {
  const { target: ref, drift, release } = item;
  const desired = desiredOf(item);
  const live = release === undefined ? item.live : await releaseFields(cluster, ref, release, item.live, signal);
  if (live === 'changed')
    return { result: 'conflict', message: `${formatObjectRef(ref)} changed since it was looked at` };
  const { object, warnings } = await cluster.apply(desired, { ref, ...asOurs, live, signal });
  const before = item.live.resourceVersion;
  if (object.metadata.resourceVersion === before) return { result: 'unchanged' };
  return { result: 'configured', object, drift, before, warnings };
}

/** Gives up fields, so that the apply that leaves them out doesn't remove their values. */
async function releaseFields(
  cluster: Cluster,
  ref: ObjectRef,
  { patch }: Release,
  live: LiveVersion,
  signal: AbortSignal | undefined,
): Promise<LiveVersion | 'changed'> {
  const { uid } = live;
  try {
    const { object } = await cluster.jsonPatch(ref, patch, { fieldManager: autopilotName, signal });
    return { uid, resourceVersion: object.metadata.resourceVersion ?? '' };
  } catch (error) {
    // A failed test of the resourceVersion is a 422 without details, as any operation that doesn't fit: look.
    if (!(error instanceof ApiError && (error.code === 422 || error.isNotFound))) throw error;
    const now = await cluster.get(ref, { signal });
    const isSame = now.answer === 'object' && now.object.metadata.resourceVersion === live.resourceVersion;
    if (isSame) throw error;
    return 'changed';
  }
}

async function remove(
  cluster: Cluster,
  ref: ObjectRef,
  live: LiveVersion,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  if (neverDeleted.has(ref.kind)) {
    throw new RefusedError(`refused to delete ${formatObjectRef(ref)}: a ${ref.kind} takes people's data with it`);
  }
  const { answer } = await cluster.delete(ref, { uid: live.uid, resourceVersion: live.resourceVersion, signal });
  return { result: answer === 'deleted' ? 'deleted' : 'unchanged' };
}

const asOurs = { fieldManager: autopilotName, force: true };

function desiredOf({ desired, target, decision }: PlanItem): KubernetesObject {
  if (desired !== undefined) return desired;
  throw new RefusedError(`refused to ${decision} ${formatObjectRef(target)}: the plan doesn't say what it should be`);
}
