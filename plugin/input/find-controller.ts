import { ApiError } from '../../shared/kube/api-error.ts';
import type { Cluster } from '../../shared/kube/client.ts';
import { reasonOf } from '../../shared/kube/reason-of.ts';
import type { ControllerHealth } from './controller-health.ts';
import { readLease } from './read-lease.ts';

/** What the controller says of itself, found through the HyperConverged that it runs beside. */
export async function findController(cluster: Cluster): Promise<ControllerHealth> {
  try {
    for (const apiVersion of ['hco.kubevirt.io/v1', 'hco.kubevirt.io/v1beta1']) {
      const found = await cluster.list({ apiVersion, kind: 'HyperConverged' });
      const namespace = found.answer === 'list' ? found.items[0]?.metadata.namespace : undefined;
      if (namespace !== undefined) return await readLease(cluster, namespace);
    }
    return { state: 'unknown', why: 'there is no HyperConverged, beside which it would run' };
  } catch (error) {
    if (!(error instanceof ApiError) || error.isUnauthorized) throw error;
    return { state: 'unknown', why: reasonOf(error).why };
  }
}
