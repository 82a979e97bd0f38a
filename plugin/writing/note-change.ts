import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { maxReasonLength, type NotedKey, noteKeys } from '../../shared/api/override-note.ts';
import type { Arguments } from '../arguments.ts';
import { UserError } from '../user-error.ts';
import { parseUntil } from './parse-until.ts';

/** What `--reason` and `--until` ask for: null takes it away, undefined leaves it as it is. */
export type WantedNote = { readonly reason?: string | null; readonly until?: string | null };

/** @throws UserError for a value that can't be written. */
export function wantedNote(args: Arguments, now: Date): WantedNote {
  const reason = args.text('reason')?.trim();
  if (reason !== undefined && reason.length > maxReasonLength) {
    throw new UserError(`--reason has ${reason.length} characters; at most ${maxReasonLength} are taken`);
  }
  const until = args.text('until');
  return {
    ...(reason !== undefined && { reason: reason === '' ? null : reason }),
    ...(until !== undefined && { until: until === '' ? null : parseUntil(until, now) }),
  };
}

/** @throws UserError where nothing is there to be given a note. */
export function refuseNote(args: Arguments, option: string): void {
  for (const name of ['reason', 'until']) {
    if (args.given(name)) throw new UserError(`--${name} goes with an override that is made, not with --${option}`);
  }
}

/** The annotations of the note beside an override on an object. What an earlier one left there isn't about a new one. */
export function noteChange(
  key: NotedKey,
  { metadata }: KubernetesObject,
  { reason, until }: WantedNote,
): Readonly<Record<string, string | null>> {
  const keys = noteKeys[key];
  const otherwise = metadata.annotations?.[key] === undefined ? null : undefined;
  const wanted = {
    [keys.reason]: reason === undefined ? otherwise : reason,
    [keys.until]: until === undefined ? otherwise : until,
  };
  const changes = Object.entries(wanted).filter((entry): entry is [string, string | null] => entry[1] !== undefined);
  return Object.fromEntries(changes);
}

/** For an override that is taken away: its note goes with it. */
export function withoutNote(key: NotedKey): Readonly<Record<string, null>> {
  const { reason, until } = noteKeys[key];
  return { [reason]: null, [until]: null };
}
