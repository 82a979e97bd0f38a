import { autopilotName } from '../../shared/api/names.ts';
import type { ObjectRef } from '../../shared/api/object-ref.ts';
import { ApiError } from '../../shared/kube/api-error.ts';
import type { Cluster } from '../../shared/kube/client.ts';
import { reasonOf } from '../../shared/kube/reason-of.ts';
import { type ControllerHealth, controllerHealth } from './controller-health.ts';

/** The Lease that the controller in a namespace holds. */
export function leaseRef(namespace: string): ObjectRef {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: autopilotName };
}

/** What the controller in `namespace` says of itself; a missing permission is an answer, not an error. */
export async function readLease(cluster: Cluster, namespace: string): Promise<ControllerHealth> {
  try {
    return controllerHealth(await cluster.get(leaseRef(namespace)));
  } catch (error) {
    if (!(error instanceof ApiError) || error.isUnauthorized) throw error;
    return { state: 'unknown', why: reasonOf(error).why };
  }
}
