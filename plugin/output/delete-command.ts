import type { ObjectRef } from '../../shared/api/object-ref.ts';
import { resourceName } from './print-manifests.ts';
import { shellWord } from './shell-word.ts';

/** The command that deletes an object, ready to be copied into a shell. */
export function deleteCommand(ref: ObjectRef, kubectl: string): string {
  const namespace = ref.namespace === undefined ? '' : ` -n ${shellWord(ref.namespace)}`;
  const warning = ref.kind === 'Namespace' ? ' # with everything in it' : '';
  return `${kubectl} delete ${shellWord(resourceName(ref))}${namespace}${warning}`;
}
