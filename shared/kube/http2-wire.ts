import http2 from 'node:http2';
import { isIP } from 'node:net';
import tls from 'node:tls';
import { addressOf } from './address.ts';
import type { Connection } from './connection.ts';
import type { CurrentCredentials } from './credential-source.ts';
import { haveSameCertificate, tlsOptions } from './tls-options.ts';
import type { Exchange, Receiver, Wire, WireRequest } from './wire.ts';

/**
 * HTTP/2 over one TLS connection, on which all requests go side by side: who asks for twenty things at once, from far
 * away, waits for one handshake. A server that doesn't speak it is spoken to as it can.
 */
export class Http2Wire implements Wire {
  readonly #connection: Connection;
  readonly #server: URL;
  readonly #loadOther: () => Promise<Wire>;
  /** All that were opened: one that is no longer used may still have something in flight. */
  readonly #lines = new Set<Line>();
  #line: Line | undefined;
  #loading: Promise<Wire> | undefined;
  /** Once the server has chosen HTTP/1.1. */
  #other: Wire | undefined;
  #isClosed = false;

  /** @param loadOther a wire for a server that doesn't speak HTTP/2 */
  constructor(connection: Connection, loadOther: () => Promise<Wire>) {
    this.#connection = connection;
    this.#server = new URL(connection.server);
    this.#loadOther = loadOther;
  }

  start(request: WireRequest, receiver: Receiver): Exchange {
    if (this.#other !== undefined) return this.#other.start(request, receiver);
    const line = this.#lineFor(request.credentials);
    let exchange: Exchange | undefined;
    let isEnded = false;
    const begin = async () => {
      const session = await line.opened;
      const other = session === undefined ? await this.#loadedOther() : undefined;
      if (isEnded) return;
      if (this.#isClosed) throw broken('the connection was closed');
      if (session !== undefined) exchange = exchangeOn(session, line, request, receiver);
      else exchange = other?.start(request, receiver);
    };
    begin().catch((error) => {
      if (!isEnded) receiver.failed(error, false);
    });
    const end = (how: 'destroy' | 'giveUp') => {
      isEnded = true;
      if (exchange !== undefined) return exchange[how]();
      if (how === 'giveUp') line.retire();
      receiver.closed();
    };
    return {
      destroy: () => end('destroy'),
      giveUp: () => end('giveUp'),
      isConnected: () => exchange?.isConnected() ?? false,
    };
  }

  close(): void {
    this.#isClosed = true;
    for (const line of this.#lines) line.close();
    this.#lines.clear();
    this.#other?.close();
  }

  /** The connection; another one once it is closed, or certificates are others, since it proves who we are. */
  #lineFor(credentials: CurrentCredentials): Line {
    const line = this.#line;
    if (line?.isOpen && haveSameCertificate(line.credentials, credentials)) return line;
    line?.retire();
    this.#line = new Line(this.#server, credentials, tlsOptions(this.#connection, credentials));
    this.#lines.add(this.#line);
    return this.#line;
  }

  async #loadedOther(): Promise<Wire> {
    this.#loading ??= this.#loadOther();
    this.#other = await this.#loading;
    return this.#other;
  }
}

/** One connection. */
class Line {
  readonly credentials: CurrentCredentials;
  /** `undefined` where the server wants HTTP/1.1. */
  readonly opened: Promise<http2.ClientHttp2Session | undefined>;
  /** Whether something was answered on it. */
  isReused = false;
  isOpen = true;
  readonly #socket: tls.TLSSocket;
  #session: http2.ClientHttp2Session | undefined;
  #inFlight = 0;

  constructor(server: URL, credentials: CurrentCredentials, options: tls.ConnectionOptions) {
    this.credentials = credentials;
    const address = addressOf(server);
    const socket = tls.connect({
      ...address,
      ALPNProtocols: ['h2', 'http/1.1'],
      ...(!isIP(address.host) && { servername: address.host }),
      ...options,
    });
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.once('error', (error) => {
        this.isOpen = false;
        reject(error);
      });
      socket.once('close', () => {
        this.isOpen = false;
        reject(broken('the connection was closed'));
      });
      socket.once('secureConnect', () => {
        if (socket.alpnProtocol !== 'h2') {
          resolve(undefined);
          socket.destroy();
          return;
        }
        this.#session = http2.connect(server.origin, { ...sessionOptions, createConnection: () => socket });
        const end = () => {
          this.isOpen = false;
        };
        // Errors are told by every exchange on it.
        this.#session.on('goaway', end).on('error', end).on('close', end);
        this.#session.on('connect', (session) => session.setLocalWindowSize(connectionWindowBytes));
        resolve(this.#session);
      });
    });
    // Whoever waits for it is told; there may be nobody any more.
    this.opened.catch(() => {});
  }

  /** Keeps the process alive until `ended` is called as often. */
  began(): void {
    if (this.#inFlight++ === 0) this.#session?.ref();
  }

  ended(): void {
    if (--this.#inFlight === 0) this.#session?.unref();
  }

  /** Lets what is in flight end and keeps nothing. */
  retire(): void {
    this.isOpen = false;
    if (this.#session === undefined) this.#socket.destroy();
    else this.#session.close();
  }

  close(): void {
    this.isOpen = false;
    this.#session?.destroy();
    this.#socket.destroy();
  }
}

const streamWindowBytes = 4 * 1024 * 1024;
const connectionWindowBytes = 64 * 1024 * 1024;
const sessionOptions = {
  // With the default of 64 KiB a long list comes in pieces of that, each after a round trip.
  settings: { enablePush: false, initialWindowSize: streamWindowBytes },
  // In megabytes: how large an answer may be is decided by who reads it.
  maxSessionMemory: 1024,
} satisfies http2.ClientSessionOptions;

function exchangeOn(
  session: http2.ClientHttp2Session,
  line: Line,
  { method, path, headers, body }: WireRequest,
  receiver: Receiver,
): Exchange {
  const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined });
  line.began();
  let isAnswered = false;
  let isComplete = false;
  stream.on('response', (headers) => {
    const { ':status': status = 0, warning } = headers;
    isAnswered = true;
    line.isReused = true;
    receiver.answered({ status, headers, warnings: warning === undefined ? [] : [warning], body: stream });
  });
  const failed = (error: Error) => receiver.failed(error, line.isReused);
  stream.on('end', () => {
    // To Node a server that cancels an exchange has ended its answer.
    isComplete = isAnswered && stream.rstCode === http2.constants.NGHTTP2_NO_ERROR;
    if (isComplete) return;
    const error = broken('the server cancelled the exchange');
    failed(error);
    stream.destroy(error);
  });
  stream.on('error', failed);
  stream.on('close', () => {
    if (!isComplete) failed(broken('the exchange was cut off'));
    receiver.closed();
    line.ended();
  });
  if (body !== undefined) stream.end(body);
  const destroy = () => void stream.close(http2.constants.NGHTTP2_CANCEL);
  const giveUp = () => {
    destroy();
    line.retire();
  };
  return { destroy, giveUp, isConnected: () => true };
}

function broken(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}
