import { setTimeout } from 'node:timers/promises';

/** Time and chance, handed in so that tests need neither. */
export type Clock = {
  /** Milliseconds that only ever grow. */
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** At least 0, less than 1. */
  readonly random: () => number;
};

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
  random: Math.random,
};
