import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import type { ObjectRef } from '../../shared/api/object-ref.ts';
import { ApiError } from '../../shared/kube/api-error.ts';
import type { Cluster } from '../../shared/kube/client.ts';

/** Why the controller's last apply of an object failed, as its event says. */
export type LastFailure = { readonly note: string; readonly time: string };

/** By {@link failureKey}. Who may not read events learns of no failures. */
export async function lastFailures(cluster: Cluster, namespace: string): Promise<ReadonlyMap<string, LastFailure>> {
  try {
    const found = await cluster.list(
      { apiVersion: 'events.k8s.io/v1', kind: 'Event', namespace },
      { fieldSelector: 'reason=ApplyFailed' },
    );
    return found.answer === 'list' ? failuresIn(found.items) : new Map();
  } catch (error) {
    if (error instanceof ApiError && !error.isUnauthorized) return new Map();
    throw error;
  }
}

/** The last failure of each object that events are about. */
export function failuresIn(events: readonly KubernetesObject[]): ReadonlyMap<string, LastFailure> {
  const last = new Map<string, LastFailure>();
  for (const { reason, related, regarding, note, series, eventTime, metadata } of events) {
    const about = Object(related ?? regarding);
    const { creationTimestamp } = Object(metadata);
    const time = [Object(series).lastObservedTime, eventTime, creationTimestamp].find(
      (value) => typeof value === 'string',
    );
    if (reason !== 'ApplyFailed' || typeof note !== 'string' || time === undefined) continue;
    const key = failureKey(about);
    if (time > (last.get(key)?.time ?? '')) last.set(key, { note, time });
  }
  return last;
}

/** Whatever the version: an event may be older than an upgrade. */
export function failureKey({ kind, namespace, name }: Omit<ObjectRef, 'apiVersion'>): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}
