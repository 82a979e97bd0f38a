import { setTimeout } from 'node:timers/promises';
import { ApiError, formatServerError } from '../../shared/kube/api-error.ts';
import type { Environment } from '../environment.ts';
import { UserError } from '../user-error.ts';
import { escapeText } from './escape.ts';
import { formatAge } from './format-age.ts';
import { type Messages, messagesTo } from './messages.ts';

/** What is seen at one moment. */
export type View = {
  readonly text: string;
  /** Equal where nothing changed but time. */
  readonly key: string;
};

/**
 * Looks again and again until it is interrupted, or nobody reads any more. A terminal is redrawn; into a pipe goes what changed. A first look
 * that fails is an error; later the server may go away and come back, which is said.
 *
 * @returns the exit code.
 */
export async function watch(
  look: (messages: Messages) => Promise<View>,
  { stdout, stderr, signal, now }: Environment,
  { intervalMs }: { intervalMs: number },
): Promise<number> {
  // Said once, not on each look; what is fixed and breaks again is said again.
  let said = messagesTo(stderr);
  let shown: string | undefined;
  let awaySince: Date | undefined;
  const ends = stdout.closed === undefined ? signal : AbortSignal.any([signal, stdout.closed]);
  while (!ends.aborted) {
    try {
      const beside: string[] = [];
      const { text, key } = await look(stdout.isTerminal ? collector(beside) : said);
      if (awaySince !== undefined && !stdout.isTerminal) {
        said.note(`it can be looked at again, after ${formatAge(awaySince, now())}`);
        said = messagesTo(stderr);
      }
      awaySince = undefined;
      if (stdout.isTerminal) stdout.write(redrawn(`${beside.join('')}${text}`));
      else if (key !== shown) stdout.write(shown === undefined ? text : `\n${text}`);
      shown = key;
    } catch (error) {
      if (signal.aborted) break;
      if (shown === undefined || !isPassing(error)) throw error;
      awaySince ??= now();
      const why = error instanceof ApiError ? formatServerError(error) : (error as Error).message;
      const line = `${why}; trying again, last seen ${formatAge(awaySince, now())} ago`;
      if (stdout.isTerminal) stdout.write(`\u001b[H\u001b[7m${escapeText(line)}\u001b[0m\u001b[K\n`);
      else said.warn(`${why}; trying again`);
    }
    await setTimeout(intervalMs, undefined, { signal: ends }).catch(() => {});
  }
  return signal.aborted ? interrupted : 0;
}

/** As shells have it for SIGINT. */
const interrupted = 130;

/** Mistakes of ours don't pass. */
function isPassing(error: unknown): boolean {
  return error instanceof UserError || error instanceof ApiError || (error as Error)?.name === 'ConnectionError';
}

/** From the top left corner, each line to its end, and nothing of what was there below. */
function redrawn(text: string): string {
  return `\u001b[H${text.replaceAll('\n', '\u001b[K\n')}\u001b[J`;
}

function collector(lines: string[]): Messages {
  return messagesTo({ isTerminal: true, write: (text) => lines.push(text) });
}
