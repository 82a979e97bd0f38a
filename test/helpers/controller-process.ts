import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { waitFor } from '../harness/wait-for.ts';
import type { AnyObject, Cluster } from './cluster.ts';

const program = path.resolve(import.meta.dirname, '../../controller/main.ts');

export type ControllerProcessOptions = {
  readonly kubeconfig: string;
  /** The pod's name, as it is on the Lease and in events. Default `autopilot`. */
  readonly name?: string;
  /** HyperConverged's and the Lease's namespace. Default `openshift-cnv`. */
  readonly namespace?: string;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  /** What is started instead of the checkout's own program. */
  readonly entryPoint?: readonly string[];
  readonly cwd?: string;
  /** As whom; as the user of the test when absent. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly env?: Readonly<Record<string, string>>;
};

/** Short enough to be waited for, and told apart on a busy machine. */
export const shortLead = [
  '--leader-elect-lease-duration=6s',
  '--leader-elect-renew-deadline=4s',
  '--leader-elect-retry-period=1s',
];

/** The controller as people run it: a process of its own, looked at from outside only. */
export class ControllerProcess {
  readonly child: ChildProcess;
  readonly ports: Ports;
  #log = '';
  readonly #exited: Promise<number | string>;

  constructor(child: ChildProcess, ports: Ports) {
    this.child = child;
    this.ports = ports;
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#log += chunk;
    });
    this.#exited = once(child, 'close').then(([code, signal]) => code ?? signal);
  }

  /** What it wrote to standard error so far. */
  get stderr(): string {
    return this.#log;
  }

  /** Its log lines, parsed. */
  get lines(): readonly AnyObject[] {
    return this.#log.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as AnyObject] : []));
  }

  /** Its exit code, or the signal that ended it; `signal` is sent first. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.child.kill(signal);
    return await this.#exited;
  }

  get exited(): Promise<number | string> {
    return this.#exited;
  }

  /** The last finished plan, as `/debug/plan` gives it; undefined while there is none. */
  async plan(): Promise<AnyObject | undefined> {
    const response = await fetch(`http://127.0.0.1:${this.ports.debug}/debug/plan`);
    return response.status === 200 ? ((await response.json()) as AnyObject) : undefined;
  }

  /** What is not ready; empty when it is. */
  async unready(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.ports.health}/readyz?verbose`);
    const text = await response.text();
    return response.status === 200 ? '' : text;
  }

  async metrics(): Promise<string> {
    return await (await fetch(`http://127.0.0.1:${this.ports.metrics}/metrics`)).text();
  }

  /** Waits for a plan of which `is` is true. */
  async planWhere(is: (plan: AnyObject) => boolean, what: string, timeoutMs = 90_000): Promise<AnyObject> {
    return await waitFor(
      async () => {
        const plan = await this.plan();
        return plan !== undefined && is(plan) && plan;
      },
      { what, timeoutMs, intervalMs: 50 },
    ).catch((error) => {
      throw new Error(`${error.message}; the end of its log:\n${this.#log.split('\n').slice(-12).join('\n')}`);
    });
  }

  /** Waits for a plan that leaves nothing to do, and for being ready. */
  async converged(timeoutMs = 90_000): Promise<AnyObject> {
    const plan = await this.planWhere(asksForNothing, 'a plan that leaves nothing to do', timeoutMs);
    await waitFor(async () => (await this.unready()) === '', { what: 'being ready', timeoutMs });
    return plan;
  }

  /** Waits until it leads. */
  async leading(timeoutMs = 60_000): Promise<void> {
    await waitFor(async () => /^virt_platform_leader 1$/m.test(await this.metrics()), {
      what: 'it to lead',
      timeoutMs,
    });
  }
}

/** Whether every asset is as it is to be, or is left alone for a reason that stands. */
export function asksForNothing({ items }: AnyObject): boolean {
  return items.every(({ decision }: AnyObject) => !unfinished.has(decision));
}

const unfinished = new Set(['create', 'adopt', 'update', 'delete', 'waiting', 'unverified', 'unreadable', 'rejected']);

type Ports = { readonly metrics: number; readonly health: number; readonly debug: number };

/** Starts it, and waits until its servers answer. */
export async function startControllerProcess(options: ControllerProcessOptions): Promise<ControllerProcess> {
  const ports = { metrics: await freePort(), health: await freePort(), debug: await freePort() };
  const running = spawnController(options, ports);
  const ended = running.exited.then((code) => {
    throw new Error(`The controller ended with ${code}: ${running.stderr}`);
  });
  const serving = waitFor(async () => (await running.unready()) !== undefined, {
    what: 'its servers',
    timeoutMs: 60_000,
  });
  await Promise.race([serving, ended]);
  // From here on it may end as it likes.
  ended.catch(() => {});
  return running;
}

/** Starts it, and waits for nothing. */
export function spawnController(
  {
    kubeconfig,
    name = 'autopilot',
    namespace = 'openshift-cnv',
    args = shortLead,
    nodeArgs = [],
    entryPoint = [process.execPath, ...nodeArgs, program],
    cwd,
    user,
    env = {},
  }: ControllerProcessOptions,
  { metrics, health, debug }: Ports,
): ControllerProcess {
  const [command = '', ...first] = entryPoint;
  const child = spawn(
    command,
    [
      ...first,
      `--kubeconfig=${kubeconfig}`,
      `--metrics-bind-address=127.0.0.1:${metrics}`,
      `--health-probe-bind-address=127.0.0.1:${health}`,
      `--debug-bind-address=127.0.0.1:${debug}`,
      ...args,
    ],
    {
      env: {
        PATH: process.env.PATH,
        POD_NAME: name,
        POD_NAMESPACE: namespace,
        ...(process.env.NODE_V8_COVERAGE !== undefined && { NODE_V8_COVERAGE: process.env.NODE_V8_COVERAGE }),
        ...env,
      },
      stdio: ['ignore', 'inherit', 'pipe'],
      ...(cwd !== undefined && { cwd }),
      ...user,
    },
  );
  // Whatever becomes of the test, it doesn't outlive it.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  return new ControllerProcess(child, { metrics, health, debug });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.');
  return address.port;
}

/** One request of the audit log, as far as it is looked at. */
export type Audited = {
  readonly verb: string;
  /** `KIND/NAME` in the API's words: `configmaps/settings`. */
  readonly object: string;
  readonly resource: string;
  readonly name: string;
  readonly namespace: string;
  readonly isDryRun: boolean;
  readonly isWatch: boolean;
  readonly code: number;
  readonly agent: string;
  /** When it was received, in milliseconds since 1970. */
  readonly at: number;
};

/** What the controller asked the API server for, in order; `from`: since then. */
export async function auditedOf(cluster: Cluster, { from = 0 }: { from?: number } = {}): Promise<readonly Audited[]> {
  const { auditLog } = cluster.controlPlane;
  const log = logs.get(auditLog) ?? { read: 0, rest: '', requests: [] };
  logs.set(auditLog, log);
  // It grows to many megabytes, and is looked at again and again: only what is new is read.
  const file = await open(auditLog);
  try {
    const { size } = await file.stat();
    const start = log.read;
    if (size > start) {
      log.read = size;
      const { buffer } = await file.read({ buffer: Buffer.alloc(size - start), position: start });
      const lines = `${log.rest}${buffer}`.split('\n');
      log.rest = lines.pop() ?? '';
      log.requests.push(...lines.flatMap(requestsIn));
    }
  } finally {
    await file.close();
  }
  return log.requests.filter(({ at }) => at >= from);
}

/** By file: how far it was read, the line that isn't complete yet, and what was in the others. */
const logs = new Map<string, { read: number; rest: string; readonly requests: Audited[] }>();

/** One of ours. A server that was killed leaves half a line, to which the next one adds its own. */
function requestsIn(line: string): readonly Audited[] {
  const event = line.slice(line.lastIndexOf('{"kind":"Event"'));
  if (!event.includes('"userAgent":"virt-platform-autopilot/')) return [];
  const {
    verb,
    objectRef = {},
    requestURI,
    responseStatus = {},
    userAgent,
    requestReceivedTimestamp,
  } = JSON.parse(event);
  return [
    {
      verb,
      object: `${objectRef.resource}/${objectRef.name}`,
      resource: objectRef.resource ?? '',
      name: objectRef.name ?? '',
      namespace: objectRef.namespace ?? '',
      isDryRun: requestURI.includes('dryRun=All'),
      isWatch: verb === 'watch',
      code: responseStatus.code ?? 0,
      agent: userAgent,
      at: Date.parse(requestReceivedTimestamp),
    },
  ];
}

/** What it wrote, or tried to write, of the objects that it keeps: neither dry runs, nor its Lease, nor events. */
export async function writesOf(cluster: Cluster, options: { from?: number } = {}): Promise<readonly Audited[]> {
  const all = await auditedOf(cluster, options);
  return all.filter(
    ({ verb, isDryRun, resource }) =>
      ['create', 'update', 'patch', 'delete', 'deletecollection'].includes(verb) &&
      !isDryRun &&
      resource !== 'leases' &&
      resource !== 'events',
  );
}
