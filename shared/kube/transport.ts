import type { Readable } from 'node:stream';
import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';
import { ConnectionError, connectionError } from './connection-error.ts';
import { CredentialSource, type CurrentCredentials } from './credential-source.ts';
import type { ExecTerminal } from './exec-credential.ts';
import { openWire, type WireOptions } from './open-wire.ts';
import type { AnswerHead, Exchange, Wire } from './wire.ts';

export type HttpRequest = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With query, below the server's own path. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: AnswerHead['headers'];
  /** Texts of the Warning headers. */
  readonly warnings: readonly string[];
  readonly text: string;
  /** What the request authenticated with. */
  readonly credentials: CurrentCredentials;
};

/** An answer whose body is still to be read. */
export type HttpStream = Omit<HttpAnswer, 'text'> & { readonly body: Readable };

/** Sends single requests as one user over connections that are kept. It knows HTTP and nothing of Kubernetes. */
export class Transport {
  readonly #connection: Connection;
  readonly #basePath: string;
  readonly #credentials: CredentialSource;
  readonly #headers: Readonly<Record<string, string | string[]>>;
  readonly #wireOptions: WireOptions;
  #opening: Promise<Wire> | undefined;
  #wire: Wire | undefined;
  #isClosed = false;
  /** Requests sent so far, repeated ones included. */
  requests = 0;

  constructor(connection: Connection, { userAgent, clock, terminal, ...wireOptions }: TransportOptions) {
    this.#connection = connection;
    this.#basePath = new URL(connection.server).pathname.replace(/\/$/, '');
    this.#credentials = new CredentialSource(connection, clock, terminal);
    this.#headers = { 'User-Agent': userAgent, ...impersonationHeaders(connection) };
    this.#wireOptions = wireOptions;
  }

  /**
   * @param timeoutMs For connecting, sending and reading the whole answer; `Infinity` for no limit.
   * @throws ConnectionError when no complete answer came; the signal's reason when it aborts.
   */
  async send(request: HttpRequest, { maxBytes, ...options }: SendOptions): Promise<HttpAnswer> {
    return await this.#exchange(request, options, false, ({ body, ...head }, resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      body.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) reject(tooLarge(this.#connection.server, request, maxBytes));
        else chunks.push(chunk);
      });
      body.on('error', (error) => reject(connectionError(error, this.#connection.server, false)));
      body.on('end', () => resolve({ ...head, text: Buffer.concat(chunks).toString('utf8') }));
    });
  }

  /**
   * Sends a request and gives its answer as soon as its head is there; the body, which may go on for minutes, is the
   * caller's to read or destroy. Such answers never keep {@link send} waiting.
   *
   * @param timeoutMs Until the head of the answer.
   * @throws ConnectionError when no head came; the signal's reason when it aborts. Later the signal destroys the body.
   */
  async open(request: HttpRequest, options: Omit<SendOptions, 'maxBytes'>): Promise<HttpStream> {
    return await this.#exchange(request, options, true, (answer, resolve) => {
      // Whoever reads it is told as well; until then nobody may be listening.
      answer.body.on('error', () => {});
      resolve(answer);
    });
  }

  /** `take` is given the head of the answer; the deadline is over when it resolves, the signal when all is read. */
  async #exchange<Answer>(
    request: HttpRequest,
    { timeoutMs, signal }: Omit<SendOptions, 'maxBytes'>,
    isStream: boolean,
    take: (answer: HttpStream, resolve: (answer: Answer) => void, reject: (error: unknown) => void) => void,
  ): Promise<Answer> {
    signal?.throwIfAborted();
    const wire = await this.#opened();
    const credentials = await unlessAborted(this.#credentials.current(), signal);
    if (this.#isClosed) throw new ConnectionError('closed', `the connection to ${this.#connection.server} was closed`);
    this.requests++;
    return await new Promise((resolve, reject) => {
      const server = this.#connection.server;
      let exchange: Exchange | undefined;
      let timer: NodeJS.Timeout | undefined;
      const fail = (error: unknown, how: 'destroy' | 'giveUp' = 'destroy') => {
        clearTimeout(timer);
        reject(error);
        exchange?.[how]();
      };
      const succeed = (answer: Answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      const abort = () => fail(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      if (Number.isFinite(timeoutMs)) {
        timer = setTimeout(
          () => fail(lateError(exchange?.isConnected() ?? false, server, request, timeoutMs), 'giveUp'),
          Math.min(timeoutMs, longestTimerMs),
        );
      }
      try {
        exchange = wire.start(this.#written(request, credentials, isStream), {
          answered: ({ warnings, ...head }) =>
            take({ ...head, warnings: warnings.flatMap(textsOfWarning), credentials }, succeed, fail),
          failed: (error, isReused) => fail(connectionError(error, server, isReused)),
          closed: () => signal?.removeEventListener('abort', abort),
        });
      } catch (error) {
        signal?.removeEventListener('abort', abort);
        // A user or group to impersonate that no header can carry.
        fail(error instanceof ConnectionError ? error : connectionError(error, server, false));
      }
    });
  }

  /** Forgets credentials that the server refused; false when asking again can't give others. */
  refreshCredentials(refused: CurrentCredentials): boolean {
    return this.#credentials.refresh(refused);
  }

  /** Ends every connection at once, requests in flight included, and for good. */
  close(): void {
    this.#isClosed = true;
    this.#credentials.close();
    this.#wire?.close();
  }

  async #opened(): Promise<Wire> {
    this.#opening ??= openWire(this.#connection, this.#wireOptions);
    this.#wire = await this.#opening;
    return this.#wire;
  }

  #written({ method, path, headers, body: text }: HttpRequest, credentials: CurrentCredentials, isStream: boolean) {
    const { authorization } = credentials;
    const body = text === undefined ? undefined : Buffer.from(text);
    return {
      method,
      path: `${this.#basePath}${path}`,
      headers: {
        ...this.#headers,
        ...(authorization !== undefined && { Authorization: authorization }),
        ...headers,
        ...(body !== undefined && { 'Content-Length': String(body.length) }),
      },
      ...(body !== undefined && { body }),
      credentials,
      isStream,
    };
  }
}

export type TransportOptions = WireOptions & {
  readonly userAgent: string;
  readonly clock: Clock;
  /** For programs that give credentials. */
  readonly terminal?: ExecTerminal | undefined;
};

/** A program may wait for a person for minutes, and go on when only one of those who need it gives up. */
async function unlessAborted<Result>(promise: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return await promise;
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

// A longer timer would ring at once.
const longestTimerMs = 2 ** 31 - 1;

export type SendOptions = {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
};

function impersonationHeaders({ impersonate }: Connection): Record<string, string | string[]> {
  if (impersonate === undefined) return {};
  const { user, groups, uid, extra } = impersonate;
  return {
    'Impersonate-User': asBytes(user),
    ...(groups.length > 0 && { 'Impersonate-Group': groups.map(asBytes) }),
    ...(uid !== undefined && { 'Impersonate-Uid': asBytes(uid) }),
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [`Impersonate-Extra-${headerKey(key)}`, values.map(asBytes)]),
    ),
  };
}

/** Node takes one character for one byte; the server expects UTF-8. */
function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** What no header may be named is written as in a URL, byte by byte; the `%` too. */
function headerKey(key: string): string {
  return asBytes(key).replace(
    /[^\w!#$&'*+.^`|~-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** `299 - "text"`, perhaps several; the text's quotes are escaped. */
function textsOfWarning(header: string): string[] {
  return [...header.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replace(/\\(.)/g, '$1'));
}

function lateError(
  isConnected: boolean,
  server: string,
  { method, path }: HttpRequest,
  timeoutMs: number,
): ConnectionError {
  const seconds = `${Math.max(Math.round(timeoutMs / 100), 1) / 10} s`;
  return isConnected
    ? new ConnectionError(
        'timeout',
        `${server} gave no complete answer to ${method} ${path} within ${seconds}; try again with a longer --request-timeout`,
      )
    : new ConnectionError(
        'no-connection',
        `could not reach the API server ${server}: no connection within ${seconds}; check your network or VPN, and that this is the right context`,
      );
}

function tooLarge(server: string, { method, path }: HttpRequest, maxBytes: number): ConnectionError {
  const limit = `${Math.round(maxBytes / 1024 / 1024)} MiB`;
  return new ConnectionError('unreadable-answer', `${server} answered ${method} ${path} with more than ${limit}`);
}
