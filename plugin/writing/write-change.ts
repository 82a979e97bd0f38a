import { ownKeys } from '../../shared/api/annotations.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { formatObjectRef } from '../../shared/api/object-ref.ts';
import { ApiError } from '../../shared/kube/api-error.ts';
import type { Cluster } from '../../shared/kube/client.ts';
import { UserError } from '../user-error.ts';
import type { AnnotationChange } from './annotation-change.ts';

/**
 * Makes the change to exactly the object that was looked at. Where somebody wrote meanwhile, but nothing that steers
 * us, it is made to what is there now.
 *
 * @throws UserError where somebody changed what steers us, or the object is another one or gone.
 */
export async function writeChange(
  cluster: Cluster,
  { target, live, annotations }: AnnotationChange,
  { fieldManager, dryRun, signal }: { fieldManager: string; dryRun: boolean; signal: AbortSignal },
): Promise<void> {
  let base = live;
  for (let attempt = 1; ; attempt++) {
    try {
      // An apply by the same manager would drop the keys that it doesn't name; a merge patch leaves them alone.
      await cluster.mergePatch(
        target,
        { metadata: { resourceVersion: base.metadata.resourceVersion ?? '', annotations } },
        { fieldManager, dryRun, signal },
      );
      return;
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isConflict || attempt === mostAttempts) throw error;
      const found = await cluster.get(target, { signal });
      if (found.answer === 'absent') throw meanwhile(base, 'was deleted');
      if (found.object.metadata.uid !== base.metadata.uid) throw meanwhile(base, 'was deleted and created again');
      const differing = differences(base, found.object);
      if (differing.length > 0) throw meanwhile(base, `was changed: ${differing.join('; ')}`);
      base = found.object;
    }
  }
}

const mostAttempts = 5;

/** Keys of ours that are others now. */
function differences(before: KubernetesObject, after: KubernetesObject): readonly string[] {
  const [then, now] = [before, after].map(({ metadata }) => metadata.annotations ?? {});
  return [...new Set([...ownKeys(then), ...ownKeys(now)])].flatMap((key) => {
    const values = [then?.[key], now?.[key]];
    if (values[0] === values[1]) return [];
    const [was, is] = values.map((value) => (value === undefined ? 'not set' : JSON.stringify(value)));
    return [`${key} was ${was} and is ${is}`];
  });
}

function meanwhile({ apiVersion, kind, metadata: { namespace, name } }: KubernetesObject, what: string): UserError {
  const ref = { apiVersion, kind, name, ...(namespace !== undefined && { namespace }) };
  return new UserError(
    `${formatObjectRef(ref)} was left as it is: meanwhile it ${what}; look again, then repeat the command`,
  );
}
