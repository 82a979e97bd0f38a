import type { Unknown } from '../engine/snapshot.ts';
import { ApiError, formatPermission, formatServerError } from './api-error.ts';
import type { Trouble } from './trouble.ts';

/** Why something can't be known, in the words of an answer: the server's, with the permission where one is missing. */
export function reasonOf(error: Trouble): Omit<Unknown, 'answer'> {
  if (!(error instanceof ApiError)) return { why: error.message };
  const { permission } = error;
  if (permission === undefined) return { why: formatServerError(error) };
  return { why: formatPermission(permission, error.kubectl), permission };
}
