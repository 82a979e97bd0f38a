import type { ApiResource } from '../engine/snapshot.ts';
import { ApiError } from './api-error.ts';

export type Absent = {
  readonly answer: 'absent';
  /** `object`: the server says that this very object isn't there; `api`: nothing of its kind is served. */
  readonly missing: 'object' | 'api';
  readonly why: string;
};

/** What `ask` gives, or that its object or API is absent; a 404 about anything else is thrown as every other error. */
export async function orAbsent<Answer>(
  resource: ApiResource,
  name: string | undefined,
  ask: () => Promise<Answer>,
): Promise<Answer | Absent> {
  try {
    return await ask();
  } catch (error) {
    const missing = error instanceof ApiError ? whatIsMissing(error, resource, name) : undefined;
    if (missing === undefined) throw error;
    return { answer: 'absent', missing, why: (error as ApiError).serverMessage };
  }
}

/**
 * What a 404 says is missing: this very object, its API, or (undefined) something else, as a namespace or a role, of
 * which nothing follows for the object.
 */
function whatIsMissing(
  error: ApiError,
  { plural, kind, group }: ApiResource,
  name?: string,
): Absent['missing'] | undefined {
  if (!error.isNotFound) return undefined;
  if (error.status === undefined) return error.serverMessage.startsWith('404 page not found') ? 'api' : undefined;
  const { details } = error;
  const isOurKind = details.kind === plural || details.kind === kind;
  const isOurGroup = (details.group ?? '') === group;
  if (name !== undefined && details.name === name && isOurKind && isOurGroup) return 'object';
  // The generic "could not find the requested resource" names nothing.
  return details.name === undefined && error.serverMessage.includes('the requested resource') ? 'api' : undefined;
}
