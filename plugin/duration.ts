import { UserError } from './user-error.ts';

/** A time as kubectl takes it, in milliseconds: a number of seconds, or numbers with units (`1m30s`). */
export function parseDuration(option: string, value: string): number {
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : durationMs(value);
  if (milliseconds === undefined || milliseconds > longestMs) {
    throw new UserError(
      `--${option}=${value} isn't a time: expected a number of seconds, or one with a unit as in 500ms, 1s, 2m`,
    );
  }
  return milliseconds;
}

function durationMs(value: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(value)) return undefined;
  const parts = value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g);
  return Math.ceil([...parts].reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0), 0));
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
// Timers can't wait longer.
const longestMs = 2 ** 31 - 1;
