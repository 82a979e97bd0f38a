import http from 'node:http';
import https from 'node:https';
import { addressOf } from './address.ts';
import type { Connection } from './connection.ts';
import type { CurrentCredentials } from './credential-source.ts';
import { haveSameCertificate, tlsOptions } from './tls-options.ts';
import { tunnelThrough } from './tunnel.ts';
import type { Exchange, Receiver, Wire, WireRequest } from './wire.ts';

type Pool = { readonly credentials: CurrentCredentials; readonly agent: http.Agent; streams?: http.Agent };

/** HTTP/1.1 over a pool of kept connections, directly or through a proxy. */
export class Http1Wire implements Wire {
  readonly #connection: Connection;
  readonly #server: URL;
  readonly #maxSockets: number;
  readonly #agents = new Set<http.Agent>();
  #pool: Pool | undefined;

  constructor(connection: Connection, { maxSockets }: { readonly maxSockets: number }) {
    this.#connection = connection;
    this.#server = new URL(connection.server);
    this.#maxSockets = maxSockets;
  }

  start({ method, path, headers, body, credentials, isStream }: WireRequest, receiver: Receiver): Exchange {
    const pool = this.#poolFor(credentials);
    const { request } = this.#server.protocol === 'https:' ? https : http;
    const outgoing = request({
      agent: isStream ? this.#streamsOf(pool) : pool.agent,
      ...addressOf(this.#server),
      method,
      path,
      headers,
    });
    outgoing.on('close', () => receiver.closed());
    outgoing.on('error', (error) => receiver.failed(error, outgoing.reusedSocket));
    outgoing.on('response', (answer) => {
      const { statusCode: status = 0, headers, headersDistinct } = answer;
      receiver.answered({ status, headers, warnings: headersDistinct.warning ?? [], body: answer });
    });
    outgoing.end(body);
    // Its connection was only for it.
    const destroy = () => void outgoing.destroy();
    return { destroy, giveUp: destroy, isConnected: () => isConnected(outgoing) };
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy();
    this.#agents.clear();
    this.#pool = undefined;
  }

  /** The pool; another one from the moment that certificates are others, since connections prove who we are. */
  #poolFor(credentials: CurrentCredentials): Pool {
    if (this.#pool !== undefined && haveSameCertificate(this.#pool.credentials, credentials)) return this.#pool;
    const pool = { credentials, agent: this.#newAgent(credentials, this.#maxSockets) };
    if (this.#pool !== undefined) {
      retire(this.#pool.agent);
      if (this.#pool.streams !== undefined) retire(this.#pool.streams);
    }
    this.#pool = pool;
    return pool;
  }

  /** One without a limit: streams end when they are told to, and as many are open as somebody follows. */
  #streamsOf(pool: Pool): http.Agent {
    pool.streams ??= this.#newAgent(pool.credentials, Number.POSITIVE_INFINITY);
    return pool.streams;
  }

  #newAgent(credentials: CurrentCredentials, maxSockets: number): http.Agent {
    const agent = this.#agentFor(credentials, {
      keepAlive: true,
      maxSockets,
      maxFreeSockets: this.#maxSockets,
      scheduling: 'lifo',
    });
    this.#agents.add(agent);
    return agent;
  }

  #agentFor(credentials: CurrentCredentials, options: http.AgentOptions): http.Agent {
    const { proxy, tls } = this.#connection;
    if (this.#server.protocol === 'http:') {
      // An HTTP proxy is asked for the whole URL: many allow CONNECT for TLS only.
      if (!proxy?.startsWith('socks5'))
        return new http.Agent({ ...options, ...(proxy !== undefined && { proxyEnv: { HTTP_PROXY: proxy } }) });
      return tunnelThrough(new http.Agent(options), proxy, { insecure: tls.insecure });
    }
    const agent = new https.Agent({ ...options, ...tlsOptions(this.#connection, credentials) });
    if (proxy === undefined) return agent;
    return tunnelThrough(agent, proxy, { ca: credentials.ca, insecure: tls.insecure });
  }
}

/** Lets what is in flight end and keeps nothing. */
function retire(agent: http.Agent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

function isConnected({ socket }: http.ClientRequest): boolean {
  return socket !== null && !socket.connecting && (socket as { secureConnecting?: boolean }).secureConnecting !== true;
}
