import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpsRequest } from 'node:https';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { CertificateAuthority } from '../harness/control-plane/certificate-authority.ts';
import { kubeconfig as kubeconfigOf } from '../harness/control-plane/kubeconfig.ts';
import { waitFor } from '../helpers/cluster.ts';
import { writesOf } from '../helpers/controller-process.ts';
import { decisionsOf, drift, isDrifted, psi, type Survivor, survivors, swap, untilHealed } from './_survives.ts';

// Something between the controller and the API server that cuts, stalls and garbles what goes through it.
const test = anyTest as TestFn<Survivor>;
const { cluster, scenario } = survivors(test);
let proxy: Proxy;

test.serial.before(async (t) => {
  proxy = await startProxy(t.context.autopilot.token);
});
test.after.always(() => proxy?.close());

/** What becomes of a watch; `undefined`: it goes through. */
type Fault = (response: ServerResponse) => void;

const status = (code: number, reason: string, more = {}) => ({
  apiVersion: 'v1',
  kind: 'Status',
  status: 'Failure',
  message: `${reason}, says the proxy`,
  reason,
  code,
  ...more,
});

function answers(code: number, body: unknown, headers: Record<string, string> = {}): Fault {
  return (response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

function streams(text: string): Fault {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(text);
  };
}

// More of them, one watch at a time: test/unit/shared/kube/watch.ts.
const faults: Record<string, Fault> = {
  'cut in the middle of a line': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"type":"ADDED","object":{"kind":"Mach', () => response.socket?.destroy());
  },
  'answered with 410': answers(410, status(410, 'Expired')),
  'ended by a 410': streams(`${JSON.stringify({ type: 'ERROR', object: status(410, 'Expired') })}\n`),
  'answered with 429': answers(429, status(429, 'TooManyRequests'), { 'retry-after': '1' }),
  'answered with garbage': streams('\u0000\u0001}{ not JSON\n'),
};

scenario(
  'watches that are cut, refused or garbled end no belief in what is known, and it says so',
  async (t, { start }) => {
    const controller = await start({ kubeconfig: proxy.kubeconfig });
    for (const [index, [name, fault]] of Object.entries(faults).entries()) {
      // Turn and turn about: who heals one field six times within an hour takes it for a war.
      const drifting = index % 2 === 0 ? swap : psi;
      await controller.converged();
      const before = proxy.faulty;
      proxy.fault = fault;
      proxy.cutWatches();
      await waitFor(() => proxy.faulty >= before + 10, { what: `some watches to be ${name}`, timeoutMs: 60_000 });
      await waitFor(async () => (await controller.unready()) !== '', {
        what: `readiness to tell of watches ${name}`,
        timeoutMs: 60_000,
      });
      const plan = (await controller.plan()) ?? { items: [] };
      t.is(plan.activation.state, 'active', name);
      t.is(decisionsOf(plan)['swap-enable'], 'in-sync', name);
      await drift(cluster, drifting);
      proxy.fault = undefined;
      await untilHealed(cluster, drifting);
    }
    return controller;
  },
);

scenario(
  'a network that takes everything and answers nothing makes it unready, and it writes no more',
  async (t, { start }) => {
    const controller = await start({ kubeconfig: proxy.kubeconfig });
    await controller.converged();
    proxy.isStalled = true;
    const from = Date.now();
    try {
      await drift(cluster, swap);
      await waitFor(async () => (await controller.unready()).includes('[-]lease failed: no use of the Lease'), {
        what: 'readiness to tell of the Lease',
        timeoutMs: 60_000,
      });
      t.regex(await controller.metrics(), /^virt_platform_leader 0$/m);
      t.deepEqual(await writesOf(cluster, { from }), []);
      t.true(await isDrifted(cluster, swap));
    } finally {
      proxy.isStalled = false;
    }
    await controller.leading();
    await untilHealed(cluster, swap);
    return controller;
  },
);

type Proxy = {
  readonly kubeconfig: string;
  fault: Fault | undefined;
  /** Nothing that is asked is answered, and nothing arrives. */
  isStalled: boolean;
  /** Watches that met the fault so far. */
  readonly faulty: number;
  readonly cutWatches: () => void;
  readonly close: () => void;
};

async function startProxy(token: string): Promise<Proxy> {
  const authority = new CertificateAuthority('proxy');
  const { certificate, key } = authority.server();
  const watches = new Set<IncomingMessage>();
  const late: (() => void)[] = [];
  let isStalled = false;
  const agent = new Agent({ keepAlive: true, ca: cluster.controlPlane.ca });
  const server = createServer({ cert: certificate, key }, (request, response) => {
    if (proxy.isStalled) return;
    const isWatch = request.url?.includes('watch=true') === true;
    if (isWatch && proxy.fault !== undefined) {
      proxy.faulty += 1;
      proxy.fault(response);
      return;
    }
    const forwarded = httpsRequest(
      new URL(request.url ?? '/', cluster.controlPlane.url),
      { method: request.method ?? 'GET', headers: { ...request.headers, host: 'localhost' }, agent },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        // A watch of what never changes has no body for a long time.
        response.flushHeaders();
        answer.on('data', (chunk) => {
          if (proxy.isStalled) late.push(() => response.write(chunk));
          else response.write(chunk);
        });
        answer.once('end', () => response.end());
        answer.once('close', () => watches.delete(request));
        answer.once('error', () => response.destroy());
      },
    );
    forwarded.once('error', () => response.destroy());
    request.pipe(forwarded);
    if (!isWatch) return;
    watches.add(request);
    response.once('close', () => forwarded.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const file = path.join(cluster.controlPlane.directory, 'kubeconfig-proxy.yaml');
  const url = `https://127.0.0.1:${port}`;
  const content = kubeconfigOf({
    url,
    certificateAuthority: authority.certificate,
    user: 'autopilot',
    credentials: { token },
  });
  await writeFile(file, content, { mode: 0o600 });
  const proxy = {
    kubeconfig: file,
    fault: undefined as Fault | undefined,
    get isStalled() {
      return isStalled;
    },
    set isStalled(stalls: boolean) {
      isStalled = stalls;
      // What was on its way arrives after all.
      if (!stalls) for (const send of late.splice(0)) send();
    },
    faulty: 0,
    cutWatches: () => {
      for (const watch of watches) watch.socket.destroy();
    },
    close: () => {
      agent.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}
