import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

export type Proxies = {
  readonly http: string;
  readonly https: string;
  readonly socks: string;
  /** Forwards what is below `/k8s/clusters/c-1`. */
  readonly prefixed: string;
  /** The API server itself, at `[::1]`. */
  readonly ipv6: string;
  /** The API server without TLS. */
  readonly plain: string;
  /** Listens and says nothing. */
  readonly silent: string;
  /** What was asked of the first three, as in `CONNECT api.invalid by name:password`. */
  readonly seen: string[];
  readonly close: () => void;
};

/** All of them lead to the API server, whatever host they are asked for. */
export async function startProxies(directory: string, target: URL): Promise<Proxies> {
  const seen: string[] = [];
  const onward = (socket: Duplex, then: () => void) => {
    const other = connect(Number(target.port), target.hostname, then);
    other.on('error', () => socket.destroy());
    socket.on('error', () => other.destroy());
    other.pipe(socket);
    socket.pipe(other);
  };
  const onConnect = (request: http.IncomingMessage, socket: Duplex) => {
    const authorization = request.headers['proxy-authorization'];
    const who = authorization && Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
    if (who === 'bad:bad') return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    seen.push(`CONNECT ${new URL(`http://${request.url}`).hostname}${who === undefined ? '' : ` by ${who}`}`);
    return onward(socket, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
  };
  const [cert, key] = await Promise.all(
    ['serving.crt', 'serving.key'].map(async (file) => await readFile(join(directory, file))),
  );
  const tls = { cert, key };
  const plain = http.createServer().on('connect', onConnect);
  const secure = https.createServer(tls).on('connect', onConnect);
  const socks = createServer((socket) => void serveSocks(socket, seen, onward).catch(() => socket.destroy()));
  const forward = (request: http.IncomingMessage, response: http.ServerResponse, path: string) => {
    const { host, ...headers } = request.headers;
    const asked = https.request(`${target.origin}${path}`, {
      method: request.method ?? 'GET',
      headers: { ...headers, 'x-asked-of': host },
      rejectUnauthorized: false,
      agent: false,
    });
    asked.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    asked.on('error', () => response.destroy());
    request.pipe(asked);
  };
  const prefixed = https.createServer(tls, (request, response) => {
    const path = request.url?.replace(/^\/k8s\/clusters\/c-1(?=\/)/, '') ?? '';
    if (path === request.url) response.writeHead(404).end();
    else forward(request, response, path);
  });
  const unencrypted = http.createServer((request, response) => {
    seen.push(`HTTP ${request.headers.authorization === undefined ? 'without' : 'with'} credentials`);
    forward(request, response, request.url ?? '');
  });
  const silent = createServer((socket) => socket.on('error', () => socket.destroy()));
  const ipv6 = createServer((socket) => onward(socket, () => {}));
  const servers = [plain, secure, socks, prefixed, unencrypted, silent];
  const [http1, https1, socks1, prefixed1, plain1, silent1] = await Promise.all(servers.map((it) => listen(it)));
  return {
    plain: `http://127.0.0.1:${plain1}`,
    silent: `https://127.0.0.1:${silent1}`,
    http: `http://127.0.0.1:${http1}`,
    https: `https://127.0.0.1:${https1}`,
    socks: `socks5://127.0.0.1:${socks1}`,
    prefixed: `https://127.0.0.1:${prefixed1}`,
    ipv6: `https://[::1]:${await listen(ipv6, '::1')}`,
    seen,
    close: () => {
      for (const server of [...servers, ipv6]) server.close();
    },
  };
}

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  server.unref();
  return (server.address() as AddressInfo).port;
}

async function serveSocks(
  socket: Socket,
  seen: string[],
  onward: (socket: Duplex, then: () => void) => void,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  const read = async (count: number): Promise<Buffer> => {
    for (;;) {
      const bytes: Buffer | null = socket.read(count);
      if (bytes !== null) return bytes;
      await once(socket, 'readable');
    }
  };
  const byte = async () => (await read(1))[0] ?? 0;
  const [, methods = 0] = await read(2);
  const wantsPassword = (await read(methods)).includes(2);
  socket.write(Buffer.from([5, wantsPassword ? 2 : 0]));
  let who = '';
  if (wantsPassword) {
    await byte();
    const name = await read(await byte());
    who = ` by ${name}:${await read(await byte())}`;
    socket.write(Buffer.from([1, 0]));
  }
  const type = (await read(4))[3];
  const host = type === 1 ? (await read(4)).join('.') : (await read(await byte())).toString();
  await read(2);
  seen.push(`SOCKS ${host}${who}`);
  onward(socket, () => socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])));
}
