import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { formatObjectRef, type ObjectRef } from '../../shared/api/object-ref.ts';
import { withoutEmptiedMaps } from '../../shared/engine/emptied-maps.ts';
import { digestOf } from '../../shared/engine/json.ts';
import type { Cluster } from '../../shared/kube/client.ts';
import { dryRun } from '../../shared/kube/dry-run.ts';
import { UserError } from '../user-error.ts';

/** What the cluster would hold after an apply beside what it holds now, or why that can't be known. */
export type Checked =
  | { readonly checked: true; readonly live: KubernetesObject; readonly applied: KubernetesObject }
  | { readonly checked: false; readonly why: string };

/**
 * Has the API server check an object as the controller would apply it, without writing.
 *
 * @param options.live - as it was last seen; read again where somebody changed it since.
 * @throws UserError where it is refused, in the server's words, or is gone.
 */
export async function checkResult(
  cluster: Cluster,
  ref: ObjectRef,
  { desired: wanted, live: seen, signal }: { desired: KubernetesObject; live: KubernetesObject; signal: AbortSignal },
): Promise<Checked> {
  let live = seen;
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const { uid = '', resourceVersion = '' } = live.metadata;
    const desired = withoutEmptiedMaps(wanted, live);
    const question = {
      ask: 'dry-run',
      ref,
      desired,
      digest: digestOf(desired),
      live: { uid, resourceVersion },
    } as const;
    const verdict = await dryRun(cluster, question, signal);
    if (verdict === 'changed') {
      const found = await cluster.get(ref, { signal });
      if (found.answer === 'absent')
        throw new UserError(`${formatObjectRef(ref)} is gone: somebody deleted it meanwhile`);
      live = found.object;
      continue;
    }
    if (verdict.verdict === 'rejected') throw refusal(verdict.message);
    if (verdict.verdict === 'unknown') return { checked: false, why: verdict.why };
    return { checked: true, live, applied: verdict.object };
  }
  return { checked: false, why: `${formatObjectRef(ref)} changed each time it was looked at` };
}

function refusal(message: string): UserError {
  const [, type] = /in body must be of type (\w+): "null"/.exec(message) ?? [];
  return new UserError(`the API server refuses the result: ${message}${hintOnNull(type)}`);
}

function hintOnNull(type: string | undefined): string {
  if (type === undefined) return '';
  // What is done about emptied maps elsewhere isn't inside the items of a list.
  if (type === 'object') return "; an apply can't empty a map: take the whole map away instead";
  return '; take it away instead, as with --remove';
}

const mostAttempts = 3;
