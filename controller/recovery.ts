import type { Clock } from '../shared/kube/clock.ts';

export type RecoveryOptions = {
  readonly clock: Clock;
  /** Aborted: nothing is tried any more. */
  readonly stopping: AbortSignal;
  /** Tries everything that fails now, instead of at the end of its backoff. */
  readonly retry: () => void;
};

/**
 * What one watch that is back says of the others: the server is, so they needn't wait to the end of their backoff. A
 * server that has just started refuses some for a while, so they are tried a few times more.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  #at = Number.NEGATIVE_INFINITY;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** A watch that failed is synced again. Of many at once the first counts. */
  noticed(): void {
    const { clock } = this.#options;
    const now = clock.now();
    if (now - this.#at < mostOftenMs) return;
    this.#at = now;
    this.#options.retry();
    void this.#retryAgain(now);
  }

  /** Until another recovery begins a series of its own. */
  async #retryAgain(since: number): Promise<void> {
    const { clock, stopping, retry } = this.#options;
    for (const ms of retriesAfterMs) {
      await clock.sleep(ms, stopping).catch(() => {});
      if (stopping.aborted || this.#at !== since) return;
      retry();
    }
  }
}

const mostOftenMs = 1000;
/** Each after the one before. */
const retriesAfterMs = [1000, 2000, 4000, 8000];
