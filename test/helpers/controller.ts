import { ControlLoop, type ControlLoopOptions } from '../../controller/control-loop.ts';
import type { Happening } from '../../controller/happening.ts';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openClient } from './engine.ts';

export type Running = {
  readonly controller: ControlLoop;
  /** Everything that it told so far. */
  readonly happenings: Happening[];
  /** HTTP requests that it sent so far, watches included. */
  readonly requests: () => number;
  /** Waits until it has a finished plan that asks for no write, made after this call or matching `until`. */
  readonly settled: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Runs a controller as the owner of a kubeconfig, in this process. */
export function runController(kubeconfig: string, catalog: Catalog, options: ControlLoopOptions = {}): Running {
  const client = openClient(kubeconfig);
  const happenings: Happening[] = [];
  const controller = new ControlLoop(client, catalog, {
    ...options,
    listeners: [(happening) => happenings.push(happening), ...(options.listeners ?? [])],
  });
  const stopping = new AbortController();
  const running = controller.run(stopping.signal);
  return {
    controller,
    happenings,
    requests: () => client.requests,
    settled: () =>
      waitFor(
        () => {
          const { plan, inFlight } = controller.state;
          const writes = ['create', 'adopt', 'update', 'delete', 'unverified'];
          return plan !== undefined && inFlight === 0 && plan.items.every(({ decision }) => !writes.includes(decision));
        },
        { what: 'a plan that asks for no write', timeoutMs: 20_000 },
      ).then(() => {}),
    stop: async () => {
      stopping.abort();
      await running;
      client.close();
    },
  };
}
