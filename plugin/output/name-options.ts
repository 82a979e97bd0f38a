import type { ObjectRef } from '../../shared/api/object-ref.ts';
import { resourceName } from './print-manifests.ts';
import { shellWord } from './shell-word.ts';

/** The words by which kubectl is told of an object: `configmap/a -n b`. */
export function nameOptions(ref: ObjectRef): string {
  const namespace = ref.namespace === undefined ? '' : ` -n ${shellWord(ref.namespace)}`;
  return `${shellWord(resourceName(ref))}${namespace}`;
}
