import { endOf, isOver } from '../../shared/api/override-note.ts';
import { UserError } from '../user-error.ts';

/**
 * The date of `--until` as it is written beside an override: `2026-12-31` and `2026-12-31T18:00:00Z` stay as they are;
 * `30d` and `2w` become the date, `12h` the time, so long from now.
 *
 * @throws UserError for what is no date, or is over.
 */
export function parseUntil(text: string, now: Date): string {
  const until = fromNow(text, now) ?? text;
  const end = endOf(until);
  if (end === undefined) {
    throw new UserError(
      `--until=${text} is no date: it is written as 2026-12-31 (to the end of that day, UTC), 2026-12-31T18:00:00Z, or as a time from now, 30d, 2w or 12h`,
    );
  }
  if (isOver(until, now.getTime())) {
    throw new UserError(
      `--until=${text} is over since ${seconds(new Date(end))} (it is ${seconds(now)}): give one that is to come`,
    );
  }
  return until;
}

function fromNow(text: string, now: Date): string | undefined {
  const [, amount, unit = ''] = /^(\d{1,6})([hdw])$/.exec(text) ?? [];
  if (amount === undefined) return undefined;
  const time = new Date(now.getTime() + Number(amount) * (unitMs[unit] ?? 0));
  return unit === 'h' ? seconds(time) : time.toISOString().slice(0, 10);
}

function seconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
