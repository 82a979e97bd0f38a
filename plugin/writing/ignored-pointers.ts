import { annotation, isInvalid, parseIgnoreFields } from '../../shared/api/annotations.ts';
import { formatPointer, parsePointer } from '../../shared/api/json-pointer.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { formatObjectRef, refOf } from '../../shared/api/object-ref.ts';
import { forbiddenPointer } from '../../shared/engine/ignored-fields.ts';
import { annotateCommand } from '../output/annotate-command.ts';
import { UserError } from '../user-error.ts';

/** @throws UserError with how they are written right. */
export function pointersOf(value: string): readonly string[] {
  const paths = parseIgnoreFields(value);
  if (isInvalid(paths)) throw new UserError(`${paths.annotation}: ${paths.message}`);
  return [...new Set(paths.map(formatPointer))];
}

/**
 * The pointers that an object ignores now.
 *
 * @param kubectl - as it reaches the cluster.
 * @throws UserError where that can't be read, with the command that puts it right or takes it away.
 */
export function ignoredBy(live: KubernetesObject, kubectl: string): readonly string[] {
  const key = annotation.ignoreFields;
  const value = live.metadata.annotations?.[key];
  const paths = value === undefined ? [] : parseIgnoreFields(value);
  if (!isInvalid(paths)) return paths.map(formatPointer);
  const target = refOf(live);
  throw new UserError(
    `what ${formatObjectRef(target)} ignores already is invalid: ${paths.message}; first put that right with: ${annotateCommand(target, paths.right ?? { [key]: null }, kubectl)}`,
  );
}

/**
 * Those that it ignores and these, each once.
 *
 * @param options.onto - what they point into: the object as it is wanted, where that is known.
 * @throws UserError for one that can't be ignored.
 */
export function ignoringToo(
  live: KubernetesObject,
  pointers: readonly string[],
  { onto, kubectl }: { onto: KubernetesObject; kubectl: string },
): readonly string[] {
  const now = ignoredBy(live, kubectl);
  const added = pointers.filter((pointer) => !now.includes(pointer));
  const forbidden = forbiddenPointer(added.map(parsePointer), onto);
  if (forbidden !== undefined) throw new UserError(forbidden.message);
  return [...now, ...added];
}
