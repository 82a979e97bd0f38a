import { BindAddressError, isLoopback, parseBindAddress } from './bind-address.ts';
import { debugRoutes } from './debug-routes.ts';
import { healthRoutes } from './health-routes.ts';
import { type Listening, listen } from './listen.ts';
import type { Route } from './respond.ts';
import type { View } from './view.ts';

/** As on the command line: `:8080`, `127.0.0.1:8081`, or `0` for none. */
export type ServerAddresses = { readonly metrics: string; readonly healthProbe: string; readonly debug: string };

export type Servers = {
  /** The port of each server that runs. */
  readonly ports: { readonly metrics?: number; readonly healthProbe?: number; readonly debug?: number };
  /** Lets requests under way finish for at most so long. Default 1000 ms. */
  readonly close: (timeoutMs?: number) => Promise<void>;
};

/**
 * Metrics, health and debug, each on its own address. All or none: when one can't listen, the others are closed again.
 *
 * @throws BindAddressError
 */
export async function startServers(view: View, addresses: ServerAddresses): Promise<Servers> {
  const running: Listening[] = [];
  const close = async (timeoutMs?: number) => {
    await Promise.all(running.map((server) => server.close(timeoutMs)));
  };
  const start = async (name: string, text: string, routes: readonly Route[], isLocal = false) => {
    const address = parseBindAddress(text);
    if (address === 'off') return undefined;
    if (isLocal && !isLoopback(address)) {
      throw new BindAddressError(
        `${name} is not served on ${JSON.stringify(text)}: it tells the whole configuration, so only a loopback address will do, as in 127.0.0.1:8081; reach it with kubectl port-forward`,
      );
    }
    const server = await listen(address, routes, { name, isLocal });
    running.push(server);
    return server.port;
  };
  try {
    const metrics = await start('metrics', addresses.metrics, metricsRoutes(view));
    const healthProbe = await start('health-probe', addresses.healthProbe, healthRoutes(view));
    const debug = await start('debug', addresses.debug, debugRoutes(view), true);
    const ports = {
      ...(metrics !== undefined && { metrics }),
      ...(healthProbe !== undefined && { healthProbe }),
      ...(debug !== undefined && { debug }),
    };
    return { ports, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function metricsRoutes({ metrics }: View): readonly Route[] {
  return [
    {
      path: '/metrics',
      about: "everything under virt_platform_, in Prometheus' text format",
      answer: async () => ({ text: await metrics.text(), contentType: metrics.contentType }),
    },
  ];
}
