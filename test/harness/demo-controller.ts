import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Server } from './control-plane/server.ts';
import { Watchdog } from './control-plane/watchdog.ts';
import type { ControlPlane } from './control-plane.ts';
import { waitFor } from './wait-for.ts';

const root = path.resolve(import.meta.dirname, '../..');
const namespace = 'openshift-cnv';
const name = 'virt-platform-autopilot';

/** The controller as the Deployment would run it: its program, as its ServiceAccount, with what it may do and no more. */
export class DemoController {
  readonly logFile: string;
  /** As in `http://127.0.0.1:8081`. */
  readonly debug: string;
  readonly metrics: string;
  readonly #server: Server;
  readonly #watchdog: Watchdog;

  /** Starts it, once the manifests are applied. */
  static async start(controlPlane: ControlPlane): Promise<DemoController> {
    const token = await tokenOf(controlPlane);
    const kubeconfig = await controlPlane.kubeconfigWith(name, { token });
    return new DemoController(kubeconfig, await mkdtemp(path.join(tmpdir(), 'virt-platform-')), await freePorts());
  }

  constructor(kubeconfig: string, folder: string, [metrics, health, debug]: readonly number[]) {
    this.logFile = path.join(folder, 'controller.log');
    this.metrics = `http://127.0.0.1:${metrics}`;
    this.debug = `http://127.0.0.1:${debug}`;
    // Ends with us, however we end.
    this.#watchdog = new Watchdog(folder);
    this.#server = new Server('The controller', {
      command: process.execPath,
      args: [
        path.join(root, 'controller/main.ts'),
        `--kubeconfig=${kubeconfig}`,
        `--namespace=${namespace}`,
        `--metrics-bind-address=127.0.0.1:${metrics}`,
        `--health-probe-bind-address=127.0.0.1:${health}`,
        `--debug-bind-address=127.0.0.1:${debug}`,
        '--log-format=text',
      ],
      logFile: this.logFile,
      watchdog: this.#watchdog,
    });
  }

  /** Waits until a plan asks for no write. */
  async settled(timeoutMs = 60_000): Promise<void> {
    const writes = ['create', 'adopt', 'update', 'delete', 'waiting'];
    const isSettled = async () => {
      const answer = await fetch(`${this.debug}/debug/plan`);
      const { summary } = (await answer.json()) as { summary: Record<string, number> };
      return answer.ok && writes.every((decision) => summary[decision] === undefined);
    };
    await this.#server.ready(isSettled, { timeoutMs });
  }

  async stop(): Promise<void> {
    await this.#server.kill();
    await this.#watchdog.release();
  }
}

async function tokenOf({ client }: ControlPlane): Promise<string> {
  const { status, body } = await client.request(
    'POST',
    `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 86_400 } } },
  );
  if (status !== 201) throw new Error(`There is no token for the ServiceAccount ${name}: ${body.message}`);
  // An API server takes a moment to see new roles and bindings.
  await waitFor(
    async () => {
      const path = '/apis/hco.kubevirt.io/v1/hyperconvergeds';
      return (await client.request('GET', path, { as: { token: body.status.token } })).status === 200;
    },
    { what: 'the permissions of the controller' },
  );
  return body.status.token;
}

async function freePorts(): Promise<number[]> {
  const servers = [1, 2, 3].map(() => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(
    servers.map(async (server) => {
      server.close();
      await once(server, 'close');
    }),
  );
  return ports;
}
