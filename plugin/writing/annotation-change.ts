import type { Json, JsonObject, KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import type { ObjectRef } from '../../shared/api/object-ref.ts';

/** Annotations that are to be set on one object, or taken away where they are null. */
export type AnnotationChange = {
  readonly target: ObjectRef;
  /** As it was when the change was made up. */
  readonly live: KubernetesObject;
  readonly annotations: Readonly<Record<string, string | null>>;
};

/** Without what is so already. */
export function whatDiffers({ live, annotations, ...change }: AnnotationChange): AnnotationChange {
  const now = live.metadata.annotations ?? {};
  const differing = Object.entries(annotations).filter(([key, value]) => value !== (now[key] ?? null));
  return { ...change, live, annotations: Object.fromEntries(differing) };
}

/** The object with the change made to it. */
export function changed(object: KubernetesObject, { annotations: change }: AnnotationChange): KubernetesObject {
  const { annotations = {}, ...metadata } = object.metadata;
  const kept = Object.entries(annotations).filter(([key]) => !Object.hasOwn(change, key));
  const set = Object.entries(change).filter((entry): entry is [string, string] => entry[1] !== null);
  const next = [...kept, ...set];
  return { ...object, metadata: { ...metadata, ...(next.length > 0 && { annotations: Object.fromEntries(next) }) } };
}

/** Nothing but the change on its object, for a repository; null takes an annotation away, as in a merge patch. */
export function minimalObject({ target, annotations }: AnnotationChange): JsonObject {
  const { apiVersion, kind, namespace, name } = target;
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }), annotations: annotations as Record<string, Json> },
  };
}
