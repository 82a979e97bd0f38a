import type { Clock } from './clock.ts';

/** How a connection of a watch ended. */
export type WatchEnd = {
  /** `closed`: by the server, as it does every few minutes. */
  readonly how: 'closed' | 'failed' | 'absent' | 'forbidden';
  /** Connections in a row that failed or didn't last {@link healthyAfterMs}; 0 after one that did. */
  readonly failures: number;
  /** What the server asked for. */
  readonly retryAfterMs?: number | undefined;
};

/** A connection that lasted this long did no harm: the next failure is the first again. */
export const healthyAfterMs = 5_000;

/**
 * How long to wait before connecting again, in milliseconds: hardly, when a good connection was closed as agreed; ever
 * longer, when connections fail, don't last or are refused; long, when nothing is to be expected soon.
 */
export function watchDelay({ how, failures, retryAfterMs = 0 }: WatchEnd, clock: Pick<Clock, 'random'>): number {
  switch (how) {
    case 'closed':
      // Blind while waiting, so never for long; and never less, for a server that closes at once.
      return failures === 0 ? clock.random() * soonMs : backoff(failures, longestAfterCloseMs, clock);
    case 'failed':
      // At least what was asked, and not all watches at the same moment.
      return Math.max(
        retryAfterMs * (1 + clock.random() / 5),
        backoff(Math.max(failures, 1), longestAfterFailureMs, clock),
      );
    case 'absent':
      return absentMs * (0.5 + clock.random() / 2);
    case 'forbidden':
      return backoff(Math.max(failures, 1), forbiddenMs, clock);
    default:
      return how satisfies never;
  }
}

/** A half of `absentMs`: of the discoveries made for retries one serves them all. */
export const discoveryFreshMs = 150_000;

const soonMs = 200;
const firstMs = 500;
const longestAfterCloseMs = 5_000;
const longestAfterFailureMs = 30_000;
const absentMs = 300_000;
const forbiddenMs = 120_000;

function backoff(failures: number, longestMs: number, clock: Pick<Clock, 'random'>): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1)) * (0.5 + clock.random() / 2);
}
