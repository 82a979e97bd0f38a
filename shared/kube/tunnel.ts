import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export type TunnelOptions = {
  /** Whom to trust when the way to the proxy itself is TLS. */
  readonly ca?: string | undefined;
  readonly insecure: boolean;
};

/**
 * Has an agent make its connections through a proxy: CONNECT for `http` and `https` ones, SOCKS 5 for the others, which
 * also look up the host's name. Node's own way trusts only its own authorities and knows no SOCKS.
 */
export function tunnelThrough<Agent extends http.Agent>(agent: Agent, proxyUrl: string, options: TunnelOptions): Agent {
  const proxy = new URL(proxyUrl);
  const direct = agent.createConnection.bind(agent);
  const isTls = agent instanceof https.Agent;
  const opening = new Set<AbortController>();
  const destroy = agent.destroy.bind(agent);
  agent.createConnection = (target, done) => {
    const ended = new AbortController();
    const late = setTimeout(() => ended.abort(new Error(`no answer within ${longestMs / 1000} s`)), longestMs);
    opening.add(ended);
    // From here on nothing may abort: the tunnel is the agent's.
    const close = () => {
      clearTimeout(late);
      opening.delete(ended);
    };
    open(proxy, target.host ?? '', Number(target.port), options, ended.signal)
      .finally(close)
      .then(
        (socket) => done?.(null, isTls ? (direct({ ...target, socket } as typeof target) as Duplex) : socket),
        (error) => done?.(proxyError(proxy, error), undefined as never),
      );
    return undefined;
  };
  agent.destroy = () => {
    for (const ended of opening) ended.abort();
    destroy();
  };
  return agent;
}

// A proxy that says nothing: what is asked of it has its own deadline, this one only cleans up.
const longestMs = 60_000;

async function open(
  proxy: URL,
  host: string,
  port: number,
  options: TunnelOptions,
  signal: AbortSignal,
): Promise<Socket> {
  if (proxy.protocol.startsWith('socks5')) return await openSocks(proxy, host, port, signal);
  return await openConnect(proxy, host, port, options, signal);
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#CONNECT */
async function openConnect(
  proxy: URL,
  host: string,
  port: number,
  { ca, insecure }: TunnelOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const [username, password] = nameAndPassword(proxy);
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const asked = (proxy.protocol === 'https:' ? https : http).request({
    method: 'CONNECT',
    host: bare(proxy.hostname),
    port: portOf(proxy),
    path: target,
    agent: false,
    signal,
    ...(ca !== undefined && { ca }),
    rejectUnauthorized: !insecure,
    headers: { Host: target, ...(username !== '' && { 'Proxy-Authorization': `Basic ${basic}` }) },
  });
  return await new Promise((resolve, reject) => {
    asked.on('error', reject);
    asked.on('response', (answer) => {
      answer.resume();
      reject(new Error(`it answered ${answer.statusCode} to CONNECT`));
    });
    asked.on('connect', ({ statusCode, statusMessage }, socket: Socket) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      const hint = statusCode === 407 ? '; put name and password into its URL' : '';
      reject(new Error(`it answered ${statusCode} ${statusMessage}${hint}`));
    });
    asked.end();
  });
}

/** @see https://www.rfc-editor.org/rfc/rfc1928 and https://www.rfc-editor.org/rfc/rfc1929 */
async function openSocks(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host: bare(proxy.hostname), port: portOf(proxy) });
  try {
    await once(socket, 'connect', { signal });
    const [username, password] = nameAndPassword(proxy);
    const methods = username === '' ? [noPassword] : [noPassword, withPassword];
    socket.write(Buffer.from([5, methods.length, ...methods]));
    const [version, method] = await bytes(socket, 2, signal);
    if (version !== 5) throw new Error('it does not speak SOCKS 5');
    if (method === withPassword && username !== '') {
      socket.write(Buffer.concat([Buffer.from([1]), sized(username), sized(password)]));
      const [, refused] = await bytes(socket, 2, signal);
      if (refused !== 0) throw new Error('it refused name and password');
    } else if (method !== noPassword) {
      throw new Error('it wants to know who asks; put name and password into its URL');
    }
    socket.write(Buffer.concat([Buffer.from([5, 1, 0]), address(host), Buffer.from([port >> 8, port & 255])]));
    const [, code = 1, , type] = await bytes(socket, 4, signal);
    if (code !== 0) throw new Error(`it could not connect: ${socksProblems[code] ?? `reply ${code}`}`);
    const length = type === 1 ? 4 : type === 4 ? 16 : ((await bytes(socket, 1, signal))[0] ?? 0);
    await bytes(socket, length + 2, signal);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

const noPassword = 0;
const withPassword = 2;
const socksProblems = [
  '',
  'general failure',
  'its rules forbid it',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'time to live expired',
  'command not supported',
  'kind of address not supported',
];

function address(host: string): Buffer {
  if (isIP(host) === 4) return Buffer.from([1, ...host.split('.').map(Number)]);
  if (isIP(host) === 6) return Buffer.concat([Buffer.from([4]), ipv6Bytes(host)]);
  return Buffer.concat([Buffer.from([3]), sized(host)]);
}

/** The URL parser knows how to write out the short forms, but for the `::` itself. */
function ipv6Bytes(host: string): Buffer {
  const [before = '', after = ''] = bare(new URL(`http://[${host}]`).hostname).split('::');
  const words = (text: string) => text.split(':').filter((word) => word !== '');
  const missing = 8 - words(before).length - words(after).length;
  const all = [...words(before), ...Array.from({ length: missing }, () => '0'), ...words(after)];
  return Buffer.from(all.map((word) => word.padStart(4, '0')).join(''), 'hex');
}

function sized(text: string): Buffer {
  const encoded = Buffer.from(text);
  if (encoded.length > 255) throw new Error('a name or password is longer than SOCKS allows');
  return Buffer.concat([Buffer.from([encoded.length]), encoded]);
}

async function bytes(socket: Socket, count: number, signal: AbortSignal): Promise<Buffer> {
  let read = Buffer.alloc(0);
  while (read.length < count) {
    // Always all that is there: a part that is left would be announced again at once, and for ever.
    const chunk: Buffer | null = socket.read();
    if (chunk !== null) read = Buffer.concat([read, chunk]);
    else if (socket.readableEnded || socket.destroyed) throw new Error('it ended the connection');
    else await more(socket, signal);
  }
  if (read.length > count) socket.unshift(read.subarray(count));
  return read.subarray(0, count);
}

async function more(socket: Socket, aborted: AbortSignal): Promise<void> {
  const enough = new AbortController();
  const signal = AbortSignal.any([aborted, enough.signal]);
  try {
    await Promise.race([once(socket, 'readable', { signal }), once(socket, 'end', { signal })]);
  } finally {
    // Leaves no listener behind.
    enough.abort();
  }
}

function nameAndPassword({ username, password }: URL): [string, string] {
  return [decodeURIComponent(username), decodeURIComponent(password)];
}

const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

function portOf({ protocol, port }: URL): number {
  return port === '' ? (defaultPorts[protocol] ?? 1080) : Number(port);
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Never shows the whole URL: it may hold a password. */
function proxyError({ host }: URL, cause: unknown): Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = message || code || String(cause);
  return Object.assign(new Error(`${host}: ${why}`, { cause }), { code: 'ERR_PROXY_TUNNEL' });
}
