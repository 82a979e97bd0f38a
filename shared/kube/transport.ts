import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import tls from 'node:tls';
import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';
import { ConnectionError, connectionError } from './connection-error.ts';
import { CredentialSource, type CurrentCredentials } from './credential-source.ts';
import type { ExecTerminal } from './exec-credential.ts';
import { tunnelThrough } from './tunnel.ts';

export type HttpRequest = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With query, below the server's own path. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Texts of the Warning headers. */
  readonly warnings: readonly string[];
  readonly text: string;
  /** What the request authenticated with. */
  readonly credentials: CurrentCredentials;
};

/** An answer whose body is still to be read. */
export type HttpStream = Omit<HttpAnswer, 'text'> & { readonly body: Readable };

/** Sends single requests as one user over one pool of kept connections. It knows HTTP and nothing of Kubernetes. */
export class Transport {
  readonly #connection: Connection;
  readonly #server: URL;
  readonly #credentials: CredentialSource;
  readonly #headers: Readonly<Record<string, string | readonly string[]>>;
  readonly #maxSockets: number;
  readonly #agents = new Set<http.Agent>();
  #pool: { readonly credentials: CurrentCredentials; readonly agent: http.Agent; streams?: http.Agent } | undefined;
  /** Requests sent so far, repeated ones included. */
  requests = 0;

  constructor(connection: Connection, { userAgent, maxSockets, clock, terminal }: TransportOptions) {
    this.#connection = connection;
    this.#server = new URL(connection.server);
    this.#credentials = new CredentialSource(connection, clock, terminal);
    this.#headers = { 'User-Agent': userAgent, ...impersonationHeaders(connection) };
    this.#maxSockets = maxSockets;
  }

  /**
   * @param timeoutMs For connecting, sending and reading the whole answer; `Infinity` for no limit.
   * @throws ConnectionError when no complete answer came; the signal's reason when it aborts.
   */
  async send(request: HttpRequest, { maxBytes, ...options }: SendOptions): Promise<HttpAnswer> {
    return await this.#exchange(request, options, 'requests', ({ body, ...head }, resolve, reject) => {
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
   * caller's to read or destroy. Such answers hold connections of their own, so that they never keep {@link send} waiting.
   *
   * @param timeoutMs Until the head of the answer.
   * @throws ConnectionError when no head came; the signal's reason when it aborts. Later the signal destroys the body.
   */
  async open(request: HttpRequest, options: Omit<SendOptions, 'maxBytes'>): Promise<HttpStream> {
    return await this.#exchange(request, options, 'streams', (answer, resolve) => {
      // Whoever reads it is told as well; until then nobody may be listening.
      answer.body.on('error', () => {});
      resolve(answer);
    });
  }

  /** `take` is given the head of the answer; the deadline is over when it resolves, the signal when all is read. */
  async #exchange<Answer>(
    request: HttpRequest,
    { timeoutMs, signal }: Omit<SendOptions, 'maxBytes'>,
    pool: 'requests' | 'streams',
    take: (answer: HttpStream, resolve: (answer: Answer) => void, reject: (error: unknown) => void) => void,
  ): Promise<Answer> {
    signal?.throwIfAborted();
    const credentials = await unlessAborted(this.#credentials.current(), signal);
    const agent = pool === 'streams' ? this.#streamsAgentFor(credentials) : this.#agentFor(credentials);
    this.requests++;
    return await new Promise((resolve, reject) => {
      const server = this.#connection.server;
      let outgoing: http.ClientRequest;
      try {
        outgoing = this.#start(request, agent, credentials);
      } catch (error) {
        // A user or group to impersonate that no header can carry.
        reject(connectionError(error, server, false));
        return;
      }
      let timer: NodeJS.Timeout | undefined;
      const fail = (error: unknown) => {
        clearTimeout(timer);
        outgoing.destroy();
        reject(error);
      };
      const succeed = (answer: Answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      const abort = () => fail(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      if (Number.isFinite(timeoutMs)) {
        timer = setTimeout(
          () => fail(lateError(outgoing, server, request, timeoutMs)),
          Math.min(timeoutMs, longestTimerMs),
        );
      }
      outgoing.on('close', () => signal?.removeEventListener('abort', abort));
      outgoing.on('error', (error) => fail(connectionError(error, server, outgoing.reusedSocket)));
      outgoing.on('response', (body) => {
        const { statusCode: status = 0, headers, headersDistinct } = body;
        take({ status, headers, warnings: warningTexts(headersDistinct.warning), body, credentials }, succeed, fail);
      });
      // As bytes: Node would write a text together with the headers, and these then in UTF-8 for a second time.
      outgoing.end(request.body === undefined ? undefined : Buffer.from(request.body));
    });
  }

  /** Forgets credentials that the server refused; false when asking again can't give others. */
  refreshCredentials(refused: CurrentCredentials): boolean {
    return this.#credentials.refresh(refused);
  }

  /** Ends every connection at once, requests in flight included. */
  close(): void {
    this.#credentials.close();
    for (const agent of this.#agents) agent.destroy();
    this.#agents.clear();
    this.#pool = undefined;
  }

  #start(request: HttpRequest, agent: http.Agent, { authorization }: CurrentCredentials): http.ClientRequest {
    const { protocol, hostname, port, pathname } = this.#server;
    const options: https.RequestOptions = {
      agent,
      // URL keeps the brackets of an IPv6 address, sockets don't want them.
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port || (protocol === 'https:' ? 443 : 80),
      method: request.method,
      path: `${pathname.replace(/\/$/, '')}${request.path}`,
      headers: {
        ...this.#headers,
        ...(authorization !== undefined && { Authorization: authorization }),
        ...request.headers,
        ...(request.body !== undefined && { 'Content-Length': Buffer.byteLength(request.body) }),
      },
    };
    return protocol === 'https:' ? https.request(options) : http.request(options);
  }

  /** The pool; another one from the moment that certificates are others, since connections prove who we are. */
  #agentFor(credentials: CurrentCredentials): http.Agent {
    const { ca, cert, key } = credentials;
    const pool = this.#pool;
    if (
      pool !== undefined &&
      pool.credentials.ca === ca &&
      pool.credentials.cert === cert &&
      pool.credentials.key === key
    ) {
      return pool.agent;
    }
    const agent = this.#newAgent({ ca, cert, key }, this.#maxSockets);
    if (pool !== undefined) retire(pool.agent);
    if (pool?.streams !== undefined) retire(pool.streams);
    this.#pool = { credentials, agent };
    this.#agents.add(agent);
    return agent;
  }

  /** One without a limit: streams end when they are told to, and as many are open as somebody follows. */
  #streamsAgentFor(credentials: CurrentCredentials): http.Agent {
    const agent = this.#agentFor(credentials);
    const pool = this.#pool;
    if (pool === undefined) return agent;
    if (pool.streams === undefined) {
      const { ca, cert, key } = credentials;
      pool.streams = this.#newAgent({ ca, cert, key }, Number.POSITIVE_INFINITY);
      this.#agents.add(pool.streams);
    }
    return pool.streams;
  }

  #newAgent(
    material: { ca: string | undefined; cert: string | undefined; key: string | undefined },
    maxSockets: number,
  ): http.Agent {
    const { proxy, tls: settings } = this.#connection;
    const options: https.AgentOptions = {
      keepAlive: true,
      maxSockets,
      maxFreeSockets: this.#maxSockets,
      scheduling: 'lifo',
    };
    const isSocks = proxy?.startsWith('socks5');
    if (this.#server.protocol === 'http:') {
      // An HTTP proxy is asked for the whole URL: many allow CONNECT for TLS only.
      if (!isSocks)
        return new http.Agent({ ...options, ...(proxy !== undefined && { proxyEnv: { HTTP_PROXY: proxy } }) });
      return tunnelThrough(new http.Agent(options), proxy ?? '', { insecure: settings.insecure });
    }
    const agent = new https.Agent({
      ...options,
      secureContext: secureContext(material),
      rejectUnauthorized: !settings.insecure,
      ...(settings.serverName !== undefined && expectedName(settings.serverName)),
    });
    if (proxy === undefined) return agent;
    return tunnelThrough(agent, proxy, { ca: material.ca, insecure: settings.insecure });
  }
}

export type TransportOptions = {
  readonly userAgent: string;
  readonly maxSockets: number;
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

function secureContext({
  ca,
  cert,
  key,
}: {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}) {
  try {
    return tls.createSecureContext({
      ca: ca ?? [...tls.getCACertificates('default'), ...tls.getCACertificates('system')],
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
  } catch (error) {
    const words = (error as Error).message;
    throw new ConnectionError('credentials', `the certificates of this connection can't be used: ${words}`, {
      cause: error,
    });
  }
}

/** An IP address is never sent as the name, but a certificate can be checked for it. */
function expectedName(name: string): tls.ConnectionOptions {
  if (!isIP(name)) return { servername: name };
  return { checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate) };
}

/** Lets what is in flight end and keeps nothing. */
function retire(agent: http.Agent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

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

/** `299 - "text"`, several in one header or in several; the text's quotes are escaped. */
function warningTexts(headers: readonly string[] | undefined): string[] {
  return (headers ?? []).flatMap((header) =>
    [...header.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replace(/\\(.)/g, '$1')),
  );
}

function lateError(
  outgoing: http.ClientRequest,
  server: string,
  { method, path }: HttpRequest,
  timeoutMs: number,
): ConnectionError {
  const seconds = `${Math.round(timeoutMs / 100) / 10} s`;
  const { socket } = outgoing;
  const isConnected =
    socket !== null && !socket.connecting && (socket as { secureConnecting?: boolean }).secureConnecting !== true;
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
