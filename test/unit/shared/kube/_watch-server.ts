import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';
import type { Clock } from '../../../../shared/kube/clock.ts';
import {
  type Watch,
  type WatchOptions,
  type WatchState,
  type WatchTarget,
  watchObjects,
} from '../../../../shared/kube/watch.ts';
import type { WatchChange } from '../../../../shared/kube/watch-store.ts';
import { waitFor } from '../../../harness/wait-for.ts';
import { fakeApiServer, type Reply, type Seen } from './_fake-api-server.ts';

/** Answers one request: with a whole reply, or by writing to the response, which stays open until it is ended. */
export type Script = (seen: Seen, response: ServerResponse) => Reply | undefined;

/** Answers the nth watch or list with the nth script; the last one again and again. */
export async function watchServer(t: ExecutionContext, scripts: readonly Script[], options: WatchOptions = {}) {
  const clock = new WatchClock();
  const server = await fakeApiServer(
    t,
    (seen, response) => {
      const script = scripts[Math.min(server.seen.length, scripts.length) - 1];
      return script?.(seen, response);
    },
    { clock, requestTimeoutMs: 5_000 },
  );
  const changes: WatchChange[] = [];
  const states: WatchState[] = [];
  const errors: unknown[] = [];
  const watch = (target: WatchTarget = configMaps, more: WatchOptions = {}): Watch => {
    const watch = watchObjects(server.cluster, target, {
      onChange: (change) => void changes.push(change),
      onState: (state) => void states.push(state),
      onError: (error) => void errors.push(error),
      ...options,
      ...more,
    });
    t.teardown(() => watch.stop());
    return watch;
  };
  const told = () => changes.map(({ change, key }) => `${change} ${key}`);
  return { ...server, clock, watch, changes, told, states, errors, phases: () => states.map(({ phase }) => phase) };
}

export const configMaps = { apiVersion: 'v1', kind: 'ConfigMap' } as const;

/** Short sleeps take no time; long ones (a minute or more) end when a test lets time pass, or are aborted. */
export class WatchClock implements Clock {
  readonly sleeps: number[] = [];
  #now = 0;
  #waiting: { readonly until: number; readonly ms: number; readonly wake: () => void }[] = [];

  readonly now = () => this.#now;
  readonly date = () => this.#now;
  readonly random = () => 1 - Number.EPSILON;

  /** The long sleeps that somebody is in. */
  get waiting(): number[] {
    return this.#waiting.map(({ ms }) => ms);
  }

  readonly sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    if (ms < 60_000) {
      this.sleeps.push(ms);
      this.#now += ms;
      await new Promise((resolve) => setImmediate(resolve));
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const one = { until: this.#now + ms, ms, wake: resolve };
      this.#waiting.push(one);
      signal?.addEventListener('abort', () => {
        this.#waiting = this.#waiting.filter((it) => it !== one);
        reject(signal.reason);
      });
    });
  };

  pass(ms: number): void {
    this.#now += ms;
    const due = this.#waiting.filter(({ until }) => until <= this.#now);
    this.#waiting = this.#waiting.filter(({ until }) => until > this.#now);
    for (const { wake } of due) wake();
  }
}

export function until(condition: () => unknown, what: string): Promise<unknown> {
  return waitFor(() => Boolean(condition()), { what, intervalMs: 2, timeoutMs: 20_000 });
}

export function object(name: string, resourceVersion: number, data: unknown = {}, uid = `uid-${name}`) {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', uid, resourceVersion: String(resourceVersion) },
    data,
  };
}

export const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;
export const added = (...args: Parameters<typeof object>) => line('ADDED', object(...args));
export const modified = (...args: Parameters<typeof object>) => line('MODIFIED', object(...args));
export const deleted = (...args: Parameters<typeof object>) => line('DELETED', object(...args));

export function bookmark(resourceVersion: number, annotations?: unknown): string {
  return line('BOOKMARK', {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { resourceVersion: String(resourceVersion), annotations },
  });
}

export const endOfList = (resourceVersion: number) =>
  bookmark(resourceVersion, { 'k8s.io/initial-events-end': 'true' });

/** Writes lines and leaves the answer open. */
export function stream(...lines: readonly string[]): Script {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(lines.join('') || '\n');
    return undefined;
  };
}

/** Writes lines and closes as agreed. */
export function closed(...lines: readonly string[]): Script {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(lines.join(''));
    return undefined;
  };
}
