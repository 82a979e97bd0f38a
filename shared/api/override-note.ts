import { annotation } from './annotations.ts';

/** Why an override is there and until when, as people wrote it beside it. Nothing of it changes what the override does. */
export type OverrideNote = {
  readonly reason?: string;
  /** `2026-12-31`, to the end of that day in UTC, or a time as in `2026-12-31T18:00:00Z` (RFC 3339). */
  readonly until?: string;
  /** What of it can't be used. */
  readonly mistakes?: readonly NoteMistake[];
};

export type NoteMistake = { readonly field: 'reason' | 'until'; readonly message: string };

/** Where the note of an override on an object stands, by the override's own key. */
export const noteKeys = {
  [annotation.patch]: { reason: annotation.patchReason, until: annotation.patchUntil },
  [annotation.ignoreFields]: { reason: annotation.ignoreFieldsReason, until: annotation.ignoreFieldsUntil },
  [annotation.mode]: { reason: annotation.modeReason, until: annotation.modeUntil },
} as const;

/** An annotation beside which a note may stand. */
export type NotedKey = keyof typeof noteKeys;

/** Whether the annotation is such a note's: it steers nothing. */
export function isNoteKey(key: string): boolean {
  return Object.values(noteKeys).some(({ reason, until }) => key === reason || key === until);
}

/** The note beside an override on an object; undefined where there is none. */
export function noteOn(
  annotations: { readonly [key: string]: string } | undefined,
  key: NotedKey,
): OverrideNote | undefined {
  const { reason, until } = noteKeys[key];
  return readNote({ reason: annotations?.[reason], until: annotations?.[until] });
}

/** Whatever was written, of whatever type; what can't be used is a mistake, and left out. */
export function readNote({ reason, until }: { reason?: unknown; until?: unknown }): OverrideNote | undefined {
  if (reason === undefined && until === undefined) return undefined;
  const mistakes: NoteMistake[] = [];
  const isReason = typeof reason === 'string' && reason.trim() !== '' && reason.length <= maxReasonLength;
  if (reason !== undefined && !isReason) {
    mistakes.push({
      field: 'reason',
      message: `reason ${shown(reason)} is no text of 1 to ${maxReasonLength} characters`,
    });
  }
  const isUntil = typeof until === 'string' && endOf(until) !== undefined;
  if (until !== undefined && !isUntil) {
    mistakes.push({ field: 'until', message: `until ${shown(until)} is no date; ${untilExample}` });
  }
  return { ...(isReason && { reason }), ...(isUntil && { until }), ...(mistakes.length > 0 && { mistakes }) };
}

/** When it is over, in milliseconds since 1970; undefined for what is no date. */
export function endOf(until: string): number | undefined {
  const [, day = '', time, zone = ''] = untilForm.exec(until) ?? [];
  const start = Date.parse(`${day}T00:00:00Z`);
  // There is no 30th of February.
  if (Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== day) return undefined;
  if (time === undefined) return start + dayMs;
  const end = Date.parse(`${day}T${time}${zone}`);
  return Number.isNaN(end) ? undefined : end;
}

/** `now` in milliseconds since 1970. */
export function isOver(until: string, now: number): boolean {
  const end = endOf(until);
  return end !== undefined && end <= now;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

const untilForm = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:\d\d))?$/;
const dayMs = 24 * 60 * 60 * 1000;
export const maxReasonLength = 512;
export const untilExample = 'it is written as in 2026-12-31 (to the end of that day, UTC) or 2026-12-31T18:00:00Z';
