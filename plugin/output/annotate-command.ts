import type { ObjectRef } from '../../shared/api/object-ref.ts';
import { nameOptions } from './name-options.ts';
import { shellWord } from './shell-word.ts';

/**
 * The command that sets annotations on an object, or takes away those that are null: ready to be copied into a shell.
 *
 * @param kubectl - as it reaches the cluster: `kubectl --context=prod`.
 */
export function annotateCommand(
  target: ObjectRef,
  annotations: Readonly<Record<string, string | null>>,
  kubectl: string,
): string {
  const words = Object.entries(annotations).map(([key, value]) =>
    shellWord(value === null ? `${key}-` : `${key}=${value}`),
  );
  const isSet = Object.values(annotations).some((value) => value !== null);
  return [kubectl, 'annotate', nameOptions(target), ...(isSet ? ['--overwrite'] : []), ...words].join(' ');
}
