import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { formatObjectRef, type ObjectRef } from '../api/object-ref.ts';
import { RefusedError } from './refused-error.ts';

/**
 * The object that an apply is meant for: another uid or resourceVersion there is a conflict, and nothing is written.
 * `none`: there must be no such object.
 */
export type ExpectedLive = { readonly uid: string; readonly resourceVersion: string } | 'none';

/**
 * What a server-side apply sends.
 *
 * @throws RefusedError when `object` isn't the one that `ref` names, or carries what only the server may set.
 */
export function applyBody(object: KubernetesObject, ref: ObjectRef, live: ExpectedLive | undefined): unknown {
  const { apiVersion, kind, metadata } = object;
  const named: ObjectRef = {
    apiVersion,
    kind,
    name: metadata.name,
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
  };
  const isSame = (['apiVersion', 'kind', 'namespace', 'name'] as const).every((key) => named[key] === ref[key]);
  if (!isSame) {
    throw new RefusedError(
      `refused to apply ${formatObjectRef(named)} (${apiVersion}) as ${formatObjectRef(ref)} (${ref.apiVersion}): the body names another object`,
    );
  }
  for (const key of ['uid', 'resourceVersion', 'managedFields', 'generateName'] as const) {
    if (key in metadata)
      throw new RefusedError(`refused to apply ${formatObjectRef(ref)}: its body has metadata.${key}`);
  }
  if (live === undefined) return object;
  const guard = live === 'none' ? noSuchObject : { uid: live.uid, resourceVersion: live.resourceVersion };
  return { ...object, metadata: { ...metadata, ...guard } };
}

/** A version that no object ever has: it is ignored for a new object, and a conflict with any that exists. */
const noSuchObject = { resourceVersion: '1' };
