import type { JsonObject } from '../api/kubernetes-object.ts';
import type { Permission } from '../engine/snapshot.ts';

/** One of the server's `details.causes`. */
export type StatusCause = { readonly reason?: string; readonly message?: string; readonly field?: string };

export type ErrorAnswer = {
  /** What was being done, as in "get MachineConfig/x". */
  readonly doing: string;
  readonly code: number;
  readonly reason: string;
  /** The server's own words. */
  readonly serverMessage: string;
  readonly details: JsonObject;
  /** The whole Status; absent when something else than an API server wrote the answer. */
  readonly status?: JsonObject;
  readonly retryAfterMs?: number;
  readonly server: string;
  readonly who: string;
  /** What a command begins with that asks the same server as the same user. Default `kubectl`. */
  readonly kubectl?: string;
};

/** The API server answered, and the answer is no. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  readonly serverMessage: string;
  readonly details: JsonObject;
  readonly status: JsonObject | undefined;
  readonly causes: readonly StatusCause[];
  readonly retryAfterMs: number | undefined;
  /** What `kubectl auth can-i` would be asked, when a permission is what's missing; not for refusals by admission. */
  readonly permission: Permission | undefined;
  /** As in {@link ErrorAnswer}. */
  readonly kubectl: string;

  constructor(answer: ErrorAnswer) {
    super(messageOf(answer));
    this.code = answer.code;
    this.reason = answer.reason;
    this.serverMessage = answer.serverMessage;
    this.details = answer.details;
    this.status = answer.status;
    const { causes } = answer.details;
    this.causes = Array.isArray(causes) ? (causes as StatusCause[]) : [];
    this.retryAfterMs = answer.retryAfterMs;
    this.permission = answer.code === 403 ? missingPermission(answer) : undefined;
    this.kubectl = answer.kubectl ?? 'kubectl';
  }

  get isUnauthorized(): boolean {
    return this.code === 401;
  }

  get isNotFound(): boolean {
    return this.code === 404;
  }

  /** Somebody wrote meanwhile, or the object is there already, or has gone and come back: look again, then decide. */
  get isConflict(): boolean {
    return this.code === 409 && !this.isFieldManagerConflict;
  }

  /** A field manager that didn't force its way met another's field. */
  get isFieldManagerConflict(): boolean {
    return this.causes.some(({ reason }) => reason === 'FieldManagerConflict');
  }

  /** The server can't just now; the same request may succeed later. */
  get isTransient(): boolean {
    if (this.code === 429 || this.code === 502 || this.code === 503 || this.code === 504) return true;
    return this.code === 500 && (this.reason === 'ServerTimeout' || transientWords.test(this.serverMessage));
  }

  /** A webhook was to be asked that has side effects, so nobody can know what it would say. */
  get isDryRunUnsupported(): boolean {
    return this.code === 400 && /does not support dry ?run/i.test(this.serverMessage);
  }
}

/** As kubectl prints it: `Error from server (Forbidden): …`. */
export function formatServerError({ reason, serverMessage, code }: ApiError): string {
  return `Error from server (${reason || code}): ${serverMessage}`;
}

/** One line for people: which permission is missing, and the command that checks it. */
export function formatPermission(permission: Permission, kubectl: string): string {
  const { verb, group, resource } = permission;
  return `no permission to ${verb} ${resource}${group === '' ? '' : ` in ${group}`}: ${permissionCheck(permission, kubectl)}`;
}

/** The command that checks whether one has a permission. */
export function permissionCheck({ verb, group, resource, namespace, name }: Permission, kubectl: string): string {
  const [plural = resource, subresource] = resource.split('/');
  const kind = group === '' ? plural : `${plural}.${group}`;
  return [
    `${kubectl} auth can-i ${verb} ${name === undefined ? kind : `${kind}/${name}`}`,
    ...(subresource === undefined ? [] : [`--subresource=${subresource}`]),
    ...(namespace === undefined ? [] : [`-n ${namespace}`]),
  ].join(' ');
}

// etcd without a leader, or one that is about to change; a webhook or aggregated API that is just restarting.
const transientWords =
  /etcdserver: (leader changed|request timed out|too many requests|no leader)|connect: connection refused|context deadline exceeded|EOF$/;

function messageOf({ doing, code, reason, serverMessage, server, who }: ErrorAnswer): string {
  if (code === 401) {
    return (
      `could not ${doing}: ${server} does not accept the credentials of ${who} (${reason || code}): ` +
      'they are expired or invalid; log in again, or choose others with --context, --user or --token'
    );
  }
  return `could not ${doing}: ${reason || code}: ${serverMessage}`;
}

/** RBAC and every other authorizer answer in these words; admission answers 403 too, in others. */
function missingPermission({ serverMessage, details }: ErrorAnswer): Permission | undefined {
  // Since 1.36 in words that name what was to be done as somebody else, before that the user: users "jane" is forbidden.
  if (/forbidden: User "[^"]*" cannot impersonate\b/.test(serverMessage)) {
    const [, name] = /^users "([^"]+)" is forbidden/.exec(serverMessage) ?? [];
    return { verb: 'impersonate', group: '', resource: 'users', ...(name !== undefined && { name }) };
  }
  const match =
    /is forbidden: User "[^"]*" cannot (\S+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?/.exec(
      serverMessage,
    );
  if (match === null) return undefined;
  const [, verb = '', resource = '', group = '', namespace] = match;
  const { name } = details;
  return {
    verb,
    group,
    resource,
    ...(namespace !== undefined && { namespace }),
    ...(typeof name === 'string' && name !== '' && { name }),
  };
}
