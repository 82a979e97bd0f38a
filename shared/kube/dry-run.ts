import { autopilotName } from '../api/names.ts';
import type { DryRunQuestion, Verdict } from '../engine/snapshot.ts';
import { ApiError } from './api-error.ts';
import type { Cluster } from './client.ts';
import { reasonOf } from './reason-of.ts';
import { isTroubleOfOne } from './trouble.ts';

/** The server's verdict, or `changed` when the object isn't any more what the question is about. */
export async function dryRun(
  cluster: Cluster,
  { ref, desired, live }: DryRunQuestion,
  signal: AbortSignal,
): Promise<Verdict | 'changed'> {
  try {
    const { object, warnings } = await cluster.apply(desired, {
      ref,
      fieldManager: autopilotName,
      force: true,
      dryRun: true,
      live: live ?? 'none',
      signal,
    });
    return { verdict: 'accepted', object, ...(warnings.length > 0 && { warnings }) };
  } catch (error) {
    if (!isTroubleOfOne(error)) throw error;
    if (!(error instanceof ApiError)) return { verdict: 'unknown', ...reasonOf(error) };
    if (error.isConflict) return 'changed';
    const isNoVerdict = error.permission !== undefined || error.isTransient || error.isDryRunUnsupported;
    if (isNoVerdict) return { verdict: 'unknown', ...reasonOf(error) };
    const { serverMessage, status } = error;
    return { verdict: 'rejected', message: serverMessage, ...(status !== undefined && { status }) };
  }
}
