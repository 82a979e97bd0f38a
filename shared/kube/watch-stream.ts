import type { Readable } from 'node:stream';
import type { Clock } from './clock.ts';
import { connectionError } from './connection-error.ts';
import { WatchError } from './watch-error.ts';
import { parseWatchEvent, type WatchEvent } from './watch-event.ts';
import { WatchLines } from './watch-lines.ts';

export type FollowOptions = {
  readonly clock: Clock;
  /** For error messages. */
  readonly server: string;
  /** The stream is given up when nothing comes for so long. */
  readonly inactivityMs: number;
  readonly maxLineBytes: number;
  /** Something came, be it a part of a line. */
  readonly onHeard: () => void;
  /** What it throws ends the stream. */
  readonly onEvent: (event: WatchEvent) => void;
};

/**
 * Reads one answer of a watch to its end: line by line, each dropped before the next is parsed.
 *
 * @throws WatchError for what can't be followed, ConnectionError when the connection breaks.
 */
export async function followStream(body: Readable, options: FollowOptions): Promise<void> {
  const { clock, server, inactivityMs, maxLineBytes, onHeard, onEvent } = options;
  const lines = new WatchLines(maxLineBytes);
  const watchdog = new Watchdog(clock, inactivityMs, (error) => body.destroy(error));
  try {
    for await (const chunk of body) {
      watchdog.heard();
      onHeard();
      for (const line of lines.push(chunk as Buffer)) onEvent(parseWatchEvent(line));
    }
  } catch (error) {
    // Node says a broken connection in its own words, with a code; everything else already says what it is.
    const isNodes = error instanceof Error && 'code' in error && typeof error.code === 'string';
    throw isNodes ? connectionError(error, server, false) : error;
  } finally {
    watchdog.stop();
    body.destroy();
  }
  if (!lines.isWhole) throw new WatchError('cut', 'the stream ended in the middle of an event');
}

/** Rings once when nothing was heard for too long. One timer at a time, however much is heard. */
class Watchdog {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #ended = new AbortController();
  #heardAt: number;

  constructor(clock: Clock, limitMs: number, ring: (error: WatchError) => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#heardAt = clock.now();
    this.#run(ring).catch(() => {
      // Stopped: the only way in which sleeping fails.
    });
  }

  heard(): void {
    this.#heardAt = this.#clock.now();
  }

  stop(): void {
    this.#ended.abort();
  }

  async #run(ring: (error: WatchError) => void): Promise<void> {
    for (;;) {
      const leftMs = this.#heardAt + this.#limitMs - this.#clock.now();
      if (leftMs <= 0) break;
      await this.#clock.sleep(leftMs, this.#ended.signal);
    }
    if (!this.#ended.signal.aborted) {
      ring(
        new WatchError('silent', `nothing was heard for ${Math.round(this.#limitMs / 1000)} s, not even a bookmark`),
      );
    }
  }
}
