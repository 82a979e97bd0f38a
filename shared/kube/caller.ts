import type { Readable } from 'node:stream';
import type { JsonObject } from '../api/kubernetes-object.ts';
import { ApiError } from './api-error.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Connection } from './connection.ts';
import { ConnectionError } from './connection-error.ts';
import type { ExecTerminal } from './exec-credential.ts';
import { type Asked, parseAnswer } from './parse-answer.ts';
import { retry } from './retry.ts';
import { type HttpAnswer, type HttpRequest, Transport } from './transport.ts';

export type CallerOptions = {
  readonly userAgent: string;
  /** For each call, its repetitions and the reading of its answer included. Default 30 000; 0 for no limit. */
  readonly requestTimeoutMs?: number;
  /** Connections at most, kept while idle. Default 16. */
  readonly maxSockets?: number;
  /** Sends all requests over one HTTP/2 connection where the server can do that. Default false. */
  readonly multiplexed?: boolean;
  /** What a command begins with that reaches the same cluster as the same user, for messages. Default `kubectl`. */
  readonly kubectl?: string;
  /** Called with the text of every Warning header. */
  readonly onWarning?: (warning: string) => void;
  /** Ends every call. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** What a program that gives credentials may use of this process's terminal. Default: its standard error only. */
  readonly terminal?: ExecTerminal;
  /** The largest answer, or page of one, that is read. Default 256 MiB. */
  readonly maxAnswerBytes?: number;
};

/** Makes calls that are repeated, timed and aborted alike, and whose refusals are errors that say what was being done. */
export class Caller {
  readonly #connection: Connection;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #maxBytes: number;
  readonly #kubectl: string | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onWarning: (warning: string) => void;

  constructor(connection: Connection, options: CallerOptions) {
    const { userAgent, requestTimeoutMs = 30_000, maxSockets = 16, multiplexed = false, clock = systemClock } = options;
    this.#connection = connection;
    this.#transport = new Transport(connection, {
      userAgent,
      maxSockets,
      multiplexed,
      clock,
      terminal: options.terminal,
    });
    this.#clock = clock;
    this.#timeoutMs = requestTimeoutMs === 0 ? Number.POSITIVE_INFINITY : requestTimeoutMs;
    this.#maxBytes = options.maxAnswerBytes ?? 256 * 1024 * 1024;
    this.#kubectl = options.kubectl;
    this.#signal = options.signal;
    this.#onWarning = options.onWarning ?? (() => {});
  }

  get clock(): Clock {
    return this.#clock;
  }

  get requests(): number {
    return this.#transport.requests;
  }

  close(): void {
    this.#transport.close();
  }

  async getJson(
    path: string,
    doing: string,
    { accept = 'application/json', signal }: { accept?: string; signal?: AbortSignal | undefined } = {},
  ): Promise<JsonObject> {
    const answer = await this.send(
      { method: 'GET', path, headers: { Accept: accept } },
      { doing, isRepeatable: true, signal },
    );
    return this.parse(answer, doing);
  }

  /** One call, repeated while that is of use, safe, and in time. Every refusal is thrown from here. */
  async send(request: HttpRequest, { doing, isRepeatable, signal: own }: CallOptions): Promise<HttpAnswer> {
    const signals = [own, this.#signal].filter((signal) => signal !== undefined);
    const signal = signals.length === 2 ? AbortSignal.any(signals) : signals[0];
    let isRefreshed = false;
    return await retry(
      async (timeoutMs) => {
        const send = () => this.#transport.send(request, { timeoutMs, maxBytes: this.#maxBytes, signal });
        let answer = await send();
        if (answer.status === 401 && !isRefreshed && this.#transport.refreshCredentials(answer.credentials)) {
          isRefreshed = true;
          answer = await send();
        }
        for (const warning of answer.warnings) this.#onWarning(warning);
        // Thrown here so that a passing trouble is met by another attempt.
        if (answer.status < 200 || answer.status > 299) this.parse(answer, doing);
        return answer;
      },
      { clock: this.#clock, timeoutMs: this.#timeoutMs, isRepeatable, signal },
    );
  }

  /** One attempt at an answer that is read as it comes; a refusal is thrown as from {@link send}. */
  async open(request: HttpRequest, { doing, timeoutMs, signal }: OpenOptions): Promise<Readable> {
    const open = () => this.#transport.open(request, { timeoutMs, signal });
    let answer = await open().catch((error: unknown) => {
      // The server had closed the kept connection; nothing is wrong with a new one.
      if (error instanceof ConnectionError && error.problem === 'stale') return open();
      throw error;
    });
    if (answer.status === 401 && this.#transport.refreshCredentials(answer.credentials)) {
      answer.body.destroy();
      answer = await open();
    }
    for (const warning of answer.warnings) this.#onWarning(warning);
    const { body, ...head } = answer;
    if (head.status < 200 || head.status > 299) this.parse({ ...head, text: await textOf(body, timeoutMs) }, doing);
    return body;
  }

  parse(answer: HttpAnswer, doing: string): JsonObject {
    return parseAnswer(answer, this.#asked(doing));
  }

  /** A refusal that needs no request. */
  error(answer: { doing: string; code: number; reason: string; serverMessage: string }): ApiError {
    return new ApiError({ ...this.#asked(answer.doing), ...answer, details: {} });
  }

  #asked(doing: string): Asked {
    const { server } = this.#connection;
    return {
      doing,
      server,
      who: whoOf(this.#connection),
      ...(this.#kubectl !== undefined && { kubectl: this.#kubectl }),
    };
  }
}

function whoOf({ user, context, credentials: { tokenFile } }: Connection): string {
  if (user !== undefined) return `user "${user}"${context === undefined ? '' : ` of context "${context}"`}`;
  return tokenFile === undefined ? 'this user' : `the token in ${tokenFile}`;
}

export type OpenOptions = {
  /** For messages: "watch nodes". */
  readonly doing: string;
  /** Until the answer begins. */
  readonly timeoutMs: number;
  /** Ends the answer as well. */
  readonly signal: AbortSignal;
};

/** What a refusal says, or as much of it as came in time. */
async function textOf(body: Readable, timeoutMs: number): Promise<string> {
  const chunks: Buffer[] = [];
  const timer = setTimeout(() => body.destroy(), timeoutMs);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > maxRefusalBytes) break;
    }
  } catch {
    // Its status says enough.
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const maxRefusalBytes = 1024 * 1024;

export type CallOptions = {
  /** For messages: "get MachineConfig/x". */
  readonly doing: string;
  /** True when the request may be sent again though it may have been carried out. */
  readonly isRepeatable: boolean;
  readonly signal?: AbortSignal | undefined;
};
