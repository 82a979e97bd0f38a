import { annotation, isInvalid, parseIgnoreFields } from '../../shared/api/annotations.ts';
import { formatPointer, parsePointer } from '../../shared/api/json-pointer.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { forbiddenPointer } from '../../shared/engine/ignored-fields.ts';
import { UserError } from '../user-error.ts';

/** @throws UserError with how they are written right. */
export function pointersOf(value: string): readonly string[] {
  const paths = parseIgnoreFields(value);
  if (isInvalid(paths)) throw new UserError(`${paths.annotation}: ${paths.message}`);
  return [...new Set(paths.map(formatPointer))];
}

/** The pointers that an object ignores now. */
export function ignoredBy({ metadata }: KubernetesObject): readonly string[] {
  const value = metadata.annotations?.[annotation.ignoreFields];
  return value === undefined ? [] : pointersOf(value);
}

/**
 * Those that it ignores and these, each once.
 *
 * @param onto - what they point into: the object as it is wanted, where that is known.
 * @throws UserError for one that can't be ignored.
 */
export function ignoringToo(
  live: KubernetesObject,
  pointers: readonly string[],
  onto: KubernetesObject,
): readonly string[] {
  const now = ignoredBy(live);
  const added = pointers.filter((pointer) => !now.includes(pointer));
  const forbidden = forbiddenPointer(added.map(parsePointer), onto);
  if (forbidden !== undefined) throw new UserError(forbidden.message);
  return [...now, ...added];
}
