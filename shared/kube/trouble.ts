import { ApiError } from './api-error.ts';
import { ConnectionError } from './connection-error.ts';
import { RefusedError } from './refused-error.ts';

/** What a request about one object may meet, so that others can go on. */
export type Trouble = ApiError | ConnectionError | RefusedError;

/**
 * True for what concerns this one request only; false for what any other request would meet as well (an unreachable
 * server, expired credentials), and for what isn't the cluster's doing (an aborted signal, a mistake of ours).
 */
export function isTroubleOfOne(error: unknown): error is Trouble {
  if (error instanceof ApiError) return !error.isUnauthorized;
  if (error instanceof ConnectionError) return error.problem === 'timeout';
  return error instanceof RefusedError;
}
