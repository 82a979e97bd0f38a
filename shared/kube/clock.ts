import { setTimeout } from 'node:timers/promises';

/** Time and chance, handed in so that tests need neither. */
export type Clock = {
  /** Milliseconds that only ever grow. */
  readonly now: () => number;
  /** Milliseconds since 1970 as the calendar has it, for what ends at a date. */
  readonly date: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** At least 0, less than 1. */
  readonly random: () => number;
};

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
  random: Math.random,
};
