import { permissionCheck } from '../../shared/kube/api-error.ts';
import { reasonOf } from '../../shared/kube/reason-of.ts';
import type { Trouble } from '../../shared/kube/trouble.ts';
import { type Found, notCheckedId } from './finding.ts';

/** For the documentation, as checks declare theirs. */
export const notCheckedMeans = {
  severity: 'info',
  means: 'something could not be looked at; it says which permission that needs',
} as const;

/** That something couldn't be looked at, and what it takes. */
export function notChecked(about: string, trouble: Trouble, kubectl: string): Found<never> {
  const { why, permission } = reasonOf(trouble);
  if (permission === undefined) return unlooked(about, why, `${kubectl} version`);
  const { verb, group, resource } = permission;
  const needs = `it needs the permission to ${verb} ${resource}${group === '' ? '' : ` in ${group}`}`;
  return unlooked(about, needs, permissionCheck(permission, kubectl));
}

/** The same with a reason that is known in words only, in which a command may stand last. */
export function notCheckedBecause(about: string, why: string, kubectl: string): Found<never> {
  const [words = why, command] = why.split(/: (?=kubectl )/);
  return unlooked(about, words, command ?? `${kubectl} version`);
}

function unlooked(about: string, why: string, fix: string): Found<never> {
  return { id: notCheckedId, where: 'this user', what: `not checked: ${about}: ${why}`, fix };
}
