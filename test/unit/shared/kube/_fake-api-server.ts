import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { type Cluster, type ClusterOptions, openCluster } from '../../../../shared/kube/client.ts';
import type { Clock } from '../../../../shared/kube/clock.ts';
import type { Connection } from '../../../../shared/kube/connection.ts';

export type Seen = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly socket: Socket;
};

/** What to answer; an object is sent as JSON with status 200; undefined: nothing is ever answered. */
export type Handler = (seen: Seen, response: ServerResponse) => Reply | undefined;
export type Reply = { status?: number; headers?: Record<string, string | string[]>; json?: unknown; text?: string };

/** A server with real sockets that answers what a test tells it to, and a client of it whose clock needs no time. */
export async function fakeApiServer(
  t: ExecutionContext,
  handler: Handler,
  { connection = {}, ...options }: Partial<ClusterOptions> & { connection?: Partial<Connection> } = {},
): Promise<{ cluster: Cluster; seen: Seen[]; sleeps: number[]; url: string; connections: () => number }> {
  const seen: Seen[] = [];
  let connections = 0;
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://fake');
    const one: Seen = {
      method: request.method ?? '',
      path: pathname,
      query: searchParams,
      headers: request.headers,
      body: await text(request),
      socket: request.socket,
    };
    const discovery = discoveryOf(one);
    if (discovery === undefined) seen.push(one);
    const reply = discovery ?? handler(one, response);
    if (reply === undefined) return;
    const body = reply.text ?? JSON.stringify(reply.json ?? {});
    const type = reply.text === undefined ? 'application/json' : 'text/plain';
    response.writeHead(reply.status ?? 200, { 'content-type': type, ...reply.headers });
    response.end(body);
  });
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sleeps: number[] = [];
  const cluster = openCluster(
    { ...plainConnection(url), ...connection },
    {
      userAgent: 'test/1',
      clock: clockWithoutTime(sleeps),
      ...options,
    },
  );
  t.teardown(() => {
    cluster.close();
    server.closeAllConnections();
    server.close();
  });
  return { cluster, seen, sleeps, url, connections: () => connections };
}

export function plainConnection(server: string): Connection {
  return { server, namespace: 'default', tls: { insecure: false }, credentials: {} };
}

/** Sleeping takes no time, but moves the clock on. */
export function clockWithoutTime(sleeps: number[] = []): Clock {
  let now = 0;
  return {
    now: () => now,
    date: () => now,
    sleep: async (ms) => {
      sleeps.push(ms);
      now += ms;
    },
    random: () => 1,
  };
}

export const configMap = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'settings' } as const;

export function status(code: number, reason: string, message: string, details?: unknown): Reply {
  return {
    status: code,
    json: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details },
  };
}

/** ConfigMaps and Things are served. */
function discoveryOf({ path, headers }: Seen): Reply | undefined {
  if (!headers.accept?.includes('APIGroupDiscoveryList')) return undefined;
  const resource = (plural: string, kind: string) => ({
    resource: plural,
    responseKind: { kind },
    scope: 'Namespaced',
  });
  const group = (name: string, resources: unknown[]) => ({
    metadata: { name },
    versions: [{ version: 'v1', resources }],
  });
  if (path === '/api')
    return { json: list([group('', [resource('configmaps', 'ConfigMap'), resource('secrets', 'Secret')])]) };
  if (path !== '/apis') return undefined;
  const down = { metadata: { name: 'down.example.com' }, versions: [{ version: 'v1', freshness: 'Stale' }] };
  return { json: list([group('example.com', [resource('things', 'Thing')]), down]) };
}

function list(items: unknown[]): unknown {
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', items };
}
