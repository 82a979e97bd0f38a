import { hyperConvergedApiVersions, hyperConvergedKind } from '../../shared/api/names.ts';
import { type Cluster, openCluster } from '../../shared/kube/client.ts';
import type { Arguments } from '../arguments.ts';
import type { Environment } from '../environment.ts';
import { connectionFor } from '../input/connect.ts';

/**
 * What a cluster says, or undefined where it doesn't say it soon. Programs that give credentials aren't run: they may
 * ask the person to log in, who is only typing.
 */
export async function onCluster<Result>(
  given: Arguments,
  environment: Environment,
  ask: (cluster: Cluster) => Promise<Result>,
): Promise<Result | undefined> {
  try {
    const { connection, options } = await connectionFor(given, environment, { warn: () => {}, note: () => {} });
    if (connection.credentials.exec !== undefined) return undefined;
    const signal = AbortSignal.any([environment.signal, AbortSignal.timeout(longestMs)]);
    const cluster = openCluster(connection, { ...options, signal, requestTimeoutMs: longestMs });
    try {
      return await ask(cluster);
    } finally {
      cluster.close();
    }
  } catch {
    return undefined;
  }
}

/** Nobody waits longer for what may follow. */
const longestMs = 1000;

/** Where HyperConverged is; more than one where that is a mistake to be found elsewhere. */
export async function hyperConvergedNamespaces(cluster: Cluster): Promise<readonly string[]> {
  for (const apiVersion of hyperConvergedApiVersions) {
    const found = await cluster.list({ apiVersion, kind: hyperConvergedKind });
    if (found.answer === 'list') return found.items.flatMap(({ metadata: { namespace } }) => namespace ?? []);
  }
  return [];
}
