import { setTimeout as delay } from 'node:timers/promises';

export type WaitForOptions = {
  /** What is waited for, to end the sentence "Waited 10 s for …". */
  what?: string;
  /** Default 10 000. */
  timeoutMs?: number;
  /** Default 25. */
  intervalMs?: number;
};

/**
 * Asks again and again until the answer is something other than false or undefined, and returns it. An exception counts
 * as "not yet", and is the cause of the error when the time is up.
 */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  { what = 'a condition', timeoutMs = 10_000, intervalMs = 25 }: WaitForOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const answer = await condition();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      const because = cause instanceof Error ? `; the last try: ${cause.message}` : '';
      throw new Error(`Waited ${timeoutMs / 1000} s for ${what}${because}`, { cause });
    }
    await delay(intervalMs);
  }
}
