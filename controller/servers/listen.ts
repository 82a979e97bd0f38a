import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BindAddress, BindAddressError } from './bind-address.ts';
import { answer, type Route } from './respond.ts';

/** A server that listens. */
export type Listening = {
  /** The port in use, also where 0 was asked for. */
  readonly port: number;
  /** Takes no more requests, lets those under way finish for at most so long, and ends all connections. */
  readonly close: (timeoutMs?: number) => Promise<void>;
};

/**
 * Serves the routes, to GET and HEAD alone.
 *
 * @throws BindAddressError when the address is taken, or isn't one of this host
 */
export async function listen(
  address: BindAddress,
  routes: readonly Route[],
  { name, isLocal = false }: { readonly name: string; readonly isLocal?: boolean },
): Promise<Listening> {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5000, keepAliveTimeout: 5000 },
    (request, response) => {
      answer(request, response, routes, { isLocal });
    },
  );
  server.maxConnections = 100;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: address.port, ...(address.host !== undefined && { host: address.host }) }, resolve);
    });
  } catch (error) {
    throw new BindAddressError(messageOf(error, address, name), { cause: error });
  }
  // What one connection meets concerns nobody else.
  server.on('error', () => {});
  server.on('clientError', (_, socket) => socket.destroy());
  const { port } = server.address() as AddressInfo;
  return { port, close: (timeoutMs = 1000) => close(server, timeoutMs) };
}

async function close(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearTimeout(timer);
}

function messageOf(error: unknown, { host = '', port }: BindAddress, name: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const why =
    code === 'EADDRINUSE'
      ? 'another process listens there'
      : code === 'EACCES'
        ? 'this user may not use that port'
        : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
          ? 'this host has no such address'
          : message;
  return `could not serve ${name} on ${where}: ${why}; choose another with --${name}-bind-address, or 0 for none`;
}
