import type { Connection } from './connection.ts';
import type { Wire } from './wire.ts';

export type WireOptions = {
  /** Connections at most where each carries one request at a time, kept while idle. */
  readonly maxSockets: number;
  /** Sends all requests over one connection where the server can do that. */
  readonly multiplexed: boolean;
};

/** Each version of HTTP is loaded only where it is spoken: that takes longer than most requests. */
export async function openWire(connection: Connection, options: WireOptions): Promise<Wire> {
  const isDirect = connection.server.startsWith('https:') && connection.proxy === undefined;
  const load1 = async () => new (await import('./http1-wire.ts')).Http1Wire(connection, options);
  if (!options.multiplexed || !isDirect) return await load1();
  const { Http2Wire } = await import('./http2-wire.ts');
  return new Http2Wire(connection, load1);
}
