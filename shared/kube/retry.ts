import { ApiError } from './api-error.ts';
import type { Clock } from './clock.ts';
import { ConnectionError } from './connection-error.ts';

export type RetryOptions = {
  readonly clock: Clock;
  /** For all attempts and the waiting between them together; `Infinity` for no limit. */
  readonly timeoutMs: number;
  /** True when a request that may have been carried out may be sent again: reads, dry-runs, guarded writes. */
  readonly isRepeatable: boolean;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Calls `attempt` until it succeeds, fails for good, or time is up; then the last failure is thrown. `attempt` is given
 * the milliseconds that are left.
 */
export async function retry<Result>(
  attempt: (timeoutMs: number) => Promise<Result>,
  { clock, timeoutMs, isRepeatable, signal }: RetryOptions,
): Promise<Result> {
  const end = clock.now() + timeoutMs;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt(end - clock.now());
    } catch (error) {
      const delay = delayBefore(failures + 1, error, isRepeatable, clock);
      // Not even begun is better than begun and cut off: the caller gets the server's words, not a timeout.
      if (delay === undefined || clock.now() + delay >= end) throw error;
      await clock.sleep(delay, signal);
      // A busy process may wake up late.
      if (clock.now() >= end) throw error;
    }
  }
}

/** How long to wait before repeating for the nth time, or `undefined` when repeating is of no use or not safe. */
function delayBefore(repetition: number, error: unknown, isRepeatable: boolean, clock: Clock): number | undefined {
  if (repetition > repetitionsAllowed(error, isRepeatable)) return undefined;
  // The server had closed the kept connection; nothing is wrong with a new one.
  if (error instanceof ConnectionError && error.problem === 'stale' && repetition === 1) return 0;
  const backoff = Math.min(longestMs, firstMs * 2 ** (repetition - 1)) * (0.5 + clock.random() / 2);
  const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(asked, backoff);
}

const firstMs = 100;
const longestMs = 5_000;

function repetitionsAllowed(error: unknown, isRepeatable: boolean): number {
  if (error instanceof ApiError) {
    // 429 is said before anything is done.
    return error.isTransient && (isRepeatable || error.code === 429) ? 5 : 0;
  }
  if (!(error instanceof ConnectionError)) return 0;
  switch (error.problem) {
    case 'refused':
    case 'no-route':
      // Never sent. A person waits for the answer, so say soon that nobody is there.
      return 2;
    case 'broken':
    case 'stale':
      return isRepeatable ? 4 : 0;
    case 'unknown-host':
    case 'certificate':
    case 'no-connection':
    case 'timeout':
    case 'unreadable-answer':
    case 'credentials':
    case 'closed':
      return 0;
    default:
      return error.problem satisfies never;
  }
}
