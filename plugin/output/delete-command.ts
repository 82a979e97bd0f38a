import type { ObjectRef } from '../../shared/api/object-ref.ts';
import { nameOptions } from './name-options.ts';

/** The command that deletes an object, ready to be copied into a shell. */
export function deleteCommand(ref: ObjectRef, kubectl: string): string {
  return `${kubectl} delete ${nameOptions(ref)}`;
}
