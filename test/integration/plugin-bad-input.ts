import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import test from 'ava';
import { parse } from 'yaml';
import { CertificateAuthority } from '../harness/control-plane/certificate-authority.ts';
import { type AnyObject, useCluster, waitFor } from '../helpers/cluster.ts';
import { activated, failsWith, hyperConverged, makeNamespaces, runInShell, succeeds } from './_plugin.ts';

const cluster = useCluster(test);
const plugin = (...args: string[]) => cluster.kubectl(['virt-platform', ...args]);
const swap = {
  apiVersion: 'machineconfiguration.openshift.io/v1',
  kind: 'MachineConfig',
  name: '90-worker-swap-online',
};
const admission = 'admissionregistration.k8s.io/v1';
const machineConfigs = {
  apiGroups: ['machineconfiguration.openshift.io'],
  apiVersions: ['*'],
  operations: ['CREATE', 'UPDATE'],
  resources: ['machineconfigs'],
};

test.serial.before('everything is applied', async (t) => {
  await makeNamespaces(cluster);
  await cluster.apply(hyperConverged(activated));
  const { stdout } = await plugin('render');
  const args = ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'];
  const applied = await cluster.kubectl(args, { stdin: stdout });
  t.is(applied.code, 0, applied.stderr);
});

/** Until the API server lets a change of the object through (or not): policies and webhooks take effect a moment later. */
async function untilChanged(to: (answer: { status: number; body: AnyObject }) => boolean): Promise<void> {
  await waitFor(
    async () =>
      to(
        await cluster.request(
          'PATCH',
          `/apis/machineconfiguration.openshift.io/v1/machineconfigs/${swap.name}?dryRun=All`,
          {
            body: { spec: { config: { ignition: { version: '1.1.1' } } } },
            contentType: 'application/merge-patch+json',
          },
        ),
      ),
    { what: 'policies to take effect' },
  );
}

test.serial('what a webhook refuses is told in its own words, by status, diff and explain', async (t) => {
  const webhook = await startWebhook(() => ({ allowed: false, status: { message: 'not on a Friday', code: 403 } }));
  t.teardown(() => webhook.close());
  await cluster.apply(webhookConfiguration('ValidatingWebhookConfiguration', webhook));
  await untilChanged(({ status }) => status === 403);
  // Our own change is dry-run first, so something has to differ.
  await cluster.delete({ apiVersion: admission, kind: 'ValidatingWebhookConfiguration', name: 'friday' });
  await untilChanged(({ status }) => status === 200);
  await cluster.patch(swap, { spec: { config: { ignition: { version: '9.9.9' } } } }, { manager: 'somebody' });
  await cluster.apply(webhookConfiguration('ValidatingWebhookConfiguration', webhook));
  await untilChanged(({ status }) => status === 403);

  const status = await plugin('status', 'swap-enable', '--check');
  t.is(status.code, 1);
  t.regex(status.stdout, /\nswap-enable {3}rejected {3}.*friday\.example\.com.* denied the request: not on a Friday\n/);
  failsWith(
    t,
    await plugin('diff', 'swap-enable'),
    /swap-enable could not be compared \(rejected\): .*not on a Friday/,
  );
  const explained = await plugin('explain', 'swap-enable');
  t.regex(explained.stdout, /\n✗ stopped {5}comparison .*not on a Friday\n/);
  t.regex(explained.stdout, /\nWhat would change this: the server's own words are above/);
  await cluster.delete({ apiVersion: admission, kind: 'ValidatingWebhookConfiguration', name: 'friday' });
  await untilChanged(({ status }) => status === 200);
});

test.serial('where a webhook denies dry runs its words are shown, and the object is left as it is', async (t) => {
  const webhook = await startWebhook(({ dryRun }) =>
    dryRun ? { allowed: false, status: { message: 'no rehearsals here' } } : { allowed: true },
  );
  t.teardown(() => webhook.close());
  await cluster.patch(swap, { spec: { config: { ignition: { version: '8.8.8' } } } }, { manager: 'somebody' });
  await cluster.apply(webhookConfiguration('ValidatingWebhookConfiguration', webhook));
  await untilChanged(({ status }) => status >= 400);
  t.regex((await plugin('status', 'swap-enable')).stdout, /\nswap-enable {3}rejected {3}.*no rehearsals here\n/);
  failsWith(t, await plugin('diff', 'swap-enable'), /swap-enable could not be compared .*no rehearsals here/);
  await cluster.delete({ apiVersion: admission, kind: 'ValidatingWebhookConfiguration', name: 'friday' });
  await untilChanged(({ status }) => status === 200);
});

test.serial('what a policy refuses is told alike', async (t) => {
  await cluster.apply([
    {
      apiVersion: admission,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'versions' },
      spec: {
        matchConstraints: { resourceRules: [machineConfigs] },
        validations: [{ expression: 'false', message: 'no MachineConfig today' }],
      },
    },
    {
      apiVersion: admission,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: 'versions' },
      spec: { policyName: 'versions', validationActions: ['Deny'] },
    },
  ]);
  await untilChanged(({ status }) => status >= 400);
  const { stdout } = await plugin('status', 'swap-enable');
  t.regex(stdout, /\nswap-enable {3}rejected {3}.*ValidatingAdmissionPolicy 'versions'.*no MachineConfig today/);
  await cluster.delete({ apiVersion: admission, kind: 'ValidatingAdmissionPolicyBinding', name: 'versions' });
  await untilChanged(({ status }) => status === 200);
});

test.serial('what a webhook rewrites is said to be the server’s doing, and is nobody’s edit', async (t) => {
  const patch = [{ op: 'replace', path: '/spec/config/ignition/version', value: '7.7.7' }];
  const webhook = await startWebhook(() => ({
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
  }));
  t.teardown(() => webhook.close());
  await cluster.apply(webhookConfiguration('MutatingWebhookConfiguration', webhook));
  await untilChanged(({ body }) => body.spec?.config?.ignition?.version === '7.7.7');
  await checkRewritten(t);
  await cluster.delete({ apiVersion: admission, kind: 'MutatingWebhookConfiguration', name: 'friday' });
  await untilChanged(({ body }) => body.spec?.config?.ignition?.version === '1.1.1');
});

test.serial('so is what a policy rewrites', async (t) => {
  const policy = {
    apiVersion: admission,
    kind: 'MutatingAdmissionPolicy',
    metadata: { name: 'rewrite' },
    spec: {
      matchConstraints: { resourceRules: [machineConfigs] },
      reinvocationPolicy: 'Never',
      mutations: [
        {
          patchType: 'JSONPatch',
          jsonPatch: {
            expression: `[JSONPatch{op: "replace", path: "/spec/config/ignition/version", value: "7.7.7"}]`,
          },
        },
      ],
    },
  };
  const { body } = await cluster.request('GET', `/apis/${admission}`);
  if (!body.resources.some(({ kind }: AnyObject) => kind === 'MutatingAdmissionPolicy')) {
    t.pass('this API server has no such policies yet');
    return;
  }
  await cluster.apply([
    policy,
    {
      apiVersion: admission,
      kind: 'MutatingAdmissionPolicyBinding',
      metadata: { name: 'rewrite' },
      spec: { policyName: 'rewrite' },
    },
  ]);
  await untilChanged((answer) => answer.body.spec?.config?.ignition?.version === '7.7.7');
  await checkRewritten(t);
  await cluster.delete({ apiVersion: admission, kind: 'MutatingAdmissionPolicyBinding', name: 'rewrite' });
  await untilChanged((answer) => answer.body.spec?.config?.ignition?.version === '1.1.1');
});

/** Live already is what the server makes of it, so there is nothing to do, and nobody to blame. */
async function checkRewritten(t: {
  is: (a: unknown, b: unknown, message?: string) => unknown;
  regex: (text: string, pattern: RegExp) => unknown;
  notRegex: (text: string, pattern: RegExp) => unknown;
}) {
  await cluster.patch(swap, { metadata: { labels: { touched: 'x' } } }, { manager: 'somebody' });
  const { stdout } = await plugin('status', 'swap-enable');
  t.regex(
    stdout,
    /\nswap-enable {3}in-sync {3}.*the server keeps something else than what we send at \/spec\/config\/ignition\/version\n/,
  );
  t.notRegex(stdout, /somebody/);
  const diff = await plugin('diff', 'swap-enable');
  t.is(diff.code, 0, diff.stderr);
  t.regex(diff.stderr, /^note: swap-enable: the server rewrites \/spec\/config\/ignition\/version, whatever is sent/);
}

test.serial('an annotation in another format comes with the command that writes it right', async (t) => {
  const monitor = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    namespace: 'openshift-cnv',
    name: 'virt-platform-autopilot-metrics',
  };
  await cluster.patch(monitor, {
    metadata: { annotations: { 'platform.kubevirt.io/patch': '{"metadata":{"labels":{"team":"a"}}}' } },
  });
  const { stdout } = await plugin('status', 'metrics-servicemonitor');
  const [, command] = /\nmetrics-servicemonitor is written right by: kubectl (.*)\n$/.exec(stdout) ?? [];
  t.is(
    command,
    `--context=admin annotate servicemonitor.monitoring.coreos.com/virt-platform-autopilot-metrics -n openshift-cnv --overwrite 'platform.kubevirt.io/patch=[{"op":"add","path":"/metadata/labels/team","value":"a"}]'`,
  );
  await cluster.patch(monitor, { metadata: { annotations: { 'platform.kubevirt.io/patch': null } } });
});

test.serial('exclusions in another format come with the command that writes them right', async (t) => {
  const annotations = { 'platform.kubevirt.io/disabled-resources': 'MachineConfig/90-worker-*' };
  await cluster.apply(hyperConverged({ ...activated, ...annotations }));
  const held = await plugin('status', 'swap-enable');
  t.regex(
    held.stderr,
    /: it isn't a list; written right it is \[\{"kind": "MachineConfig", "name": "90-worker-\*"\}\]; /,
  );
  t.regex(held.stdout, /\nswap-enable {3}exclusions-invalid {3}/);
  const explained = await plugin('explain', 'swap-enable');
  const [, command] = /\n {2}(kubectl --context=admin annotate hyperconverged.*)\n$/.exec(explained.stdout) ?? [];
  await runInShell(t, cluster, command);
  t.regex((await plugin('status', 'swap-enable')).stdout, /\nswap-enable {3}excluded {3}/);
  // The command's own manager keeps it otherwise.
  const without = Object.fromEntries(Object.keys(annotations).map((name) => [name, null]));
  const { apiVersion, kind, metadata } = hyperConverged();
  await cluster.patch({ apiVersion, kind, ...metadata }, { metadata: { annotations: without } });
});

test.serial('a CRD that serves other versions only is told from one that is missing', async (t) => {
  const name = 'uiplugins.observability.openshift.io';
  const { stdout } = await cluster.kubectl(['get', 'crd', name, '-o', 'yaml']);
  const crd = parse(stdout);
  await cluster.delete({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name });
  await waitFor(
    async () => (await cluster.request('GET', `/apis/observability.openshift.io/v1alpha1`)).status === 404,
    { what: 'the CRD to be gone', timeoutMs: 60_000 },
  );
  t.regex(
    (await plugin('status', 'monitoring-ui-plugin')).stdout,
    /missing-crd .* not installed: uiplugins\.observability\.openshift\.io\n/,
  );
  const [version] = crd.spec.versions;
  await cluster.apply({
    apiVersion: crd.apiVersion,
    kind: crd.kind,
    metadata: { name },
    spec: { ...crd.spec, conversion: undefined, versions: [{ ...version, name: 'v9', storage: true, served: true }] },
  });
  await waitFor(
    async () =>
      (await cluster.request('GET', `/apis/observability.openshift.io/v9`)).status === 200 ? true : undefined,
    { what: 'the other version to be served', timeoutMs: 60_000 },
  );
  const explained = await plugin('explain', 'monitoring-ui-plugin');
  t.regex(
    explained.stdout,
    /\n✗ stopped {5}CRDs .*\(UIPlugin is served as v9, not as v1alpha1|\n✗ stopped {5}CRDs .*served as v9/,
  );
  t.regex(explained.stdout, /\n {2}kubectl --context=admin get crd uiplugins\.observability\.openshift\.io\n$/);
});

test.serial('status --watch survives a server that goes away, and Ctrl-C ends it with 130', async (t) => {
  const child = spawn(
    path.resolve('plugin/kubectl-virt_platform'),
    ['status', 'swap-enable', '-w', '--interval', '200ms', '--request-timeout', '1s'],
    {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', KUBECONFIG: cluster.kubeconfig },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    said.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said.stderr += chunk;
  });
  const exit = once(child, 'exit');
  t.teardown(() => child.kill('SIGKILL'));
  const until = (what: string, is: () => boolean) => waitFor(async () => is(), { what, timeoutMs: 60_000 });
  await until('the first table', () => said.stdout.includes('swap-enable'));
  await cluster.controlPlane.stopApiServer();
  await until('word of the server', () =>
    /^Warning: could not reach the API server .*; trying again$/m.test(said.stderr),
  );
  failsWith(t, await plugin('status', '--request-timeout', '1s'), /^error: could not reach the API server/);
  await cluster.controlPlane.startApiServer();
  await until('word that it is back', () => /^note: it can be looked at again, after \d+s$/m.test(said.stderr));
  child.kill('SIGINT');
  t.deepEqual(await exit, [130, null]);
  succeeds(t, await plugin('version'));
});

test.serial('status --watch logs in once, however often it looks', async (t) => {
  const { adminToken, directory, kubeconfig } = cluster.controlPlane;
  const folder = mkdtempSync(path.join(directory, 'watch-'));
  const apiVersion = 'client.authentication.k8s.io/v1';
  const credential = { apiVersion, kind: 'ExecCredential', status: { token: adminToken } };
  writeFileSync(path.join(folder, 'login'), `#!/bin/sh\necho >>"$0.log"\necho '${JSON.stringify(credential)}'\n`, {
    mode: 0o755,
  });
  const exec = { apiVersion, command: './login', interactiveMode: 'Never' };
  const config: { users: { name: string }[] } = parse(readFileSync(kubeconfig, 'utf8'));
  const users = config.users.map(({ name }) => ({ name, user: { exec } }));
  writeFileSync(path.join(folder, 'config'), JSON.stringify({ ...config, users }));
  const child = spawn(
    path.resolve('plugin/kubectl-virt_platform'),
    ['status', 'swap-enable', '-w', '--interval', '1ms'],
    {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', KUBECONFIG: path.join(folder, 'config') },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.teardown(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  let shown = '';
  child.stdout.on('data', (chunk) => {
    shown += chunk;
  });
  const tables = (count: number) =>
    waitFor(async () => shown.split('ASSET').length > count, { what: `table ${count}`, timeoutMs: 60_000 });
  await tables(1);
  await cluster.patch(swap, { metadata: { annotations: { 'platform.kubevirt.io/mode': 'unmanaged' } } });
  await tables(2);
  await cluster.patch(swap, { metadata: { annotations: { 'platform.kubevirt.io/mode': null } } });
  await tables(3);
  child.kill('SIGINT');
  t.deepEqual(await exit, [130, null]);
  t.is(readFileSync(path.join(folder, 'login.log'), 'utf8'), '\n');
});

test.serial('a server that goes away in the middle is one clear error, and nothing is half-written', async (t) => {
  const mode = 'platform.kubevirt.io/mode';
  const codes = { status: new Set<number>(), unmanage: new Set<number>() };
  for (const bytes of [0, 20_000, 100_000, 10_000_000]) {
    for (const [command, args] of [
      ['status', ['status', 'swap-enable']],
      ['unmanage', ['unmanage', 'swap-enable', '--yes']],
    ] as const) {
      const going = await startGoing(bytes);
      const ran = await plugin(...args, '--server', going.url, '--request-timeout', '2s');
      going.close();
      codes[command].add(ran.code);
      const isWritten = (await cluster.get(swap))?.metadata.annotations?.[mode] === 'unmanaged';
      if (ran.code === 0) {
        t.is(isWritten, command === 'unmanage', `${command} after ${bytes} bytes`);
      } else {
        t.is(ran.code, 2);
        t.regex(
          ran.stderr,
          /^(?:Warning: .*\n)*error: could not reach the API server https:.*\n$/,
          `after ${bytes} bytes`,
        );
      }
      // Where only its answer was lost, a write is there all the same, and whole.
      if (isWritten) succeeds(t, await plugin('manage', 'swap-enable', '--yes'));
    }
  }
  // Gone at once, on the way, and never.
  t.deepEqual(
    [[...codes.status].sort(), [...codes.unmanage].sort()],
    [
      [0, 2],
      [0, 2],
    ],
  );
});

/** The API server at another address, which goes away for good once so much was answered. */
async function startGoing(bytes: number): Promise<{ readonly url: string; readonly close: () => void }> {
  const { hostname, port } = new URL(cluster.controlPlane.url);
  const sockets = new Set<Socket>();
  let left = bytes;
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  const server = createTcpServer((socket) => {
    const onward = connect(Number(port), hostname);
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on('error', () => {}).on('close', () => (one === socket ? onward.destroy() : socket.destroy()));
    }
    socket.pipe(onward);
    onward.on('data', (chunk) => {
      left -= chunk.length;
      if (left < 0) close();
      else socket.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

type Webhook = { readonly url: string; readonly ca: string; readonly close: () => void };

/** A webhook as people run them: over TLS, with what it answers to every review. */
async function startWebhook(answer: (request: AnyObject) => Record<string, unknown>): Promise<Webhook> {
  const authority = new CertificateAuthority('webhook');
  const { certificate, key } = authority.server();
  const server: Server = createServer({ cert: certificate, key }, async (request, response) => {
    const review = (await json(request)) as AnyObject;
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        apiVersion: review.apiVersion,
        kind: review.kind,
        response: { uid: review.request.uid, ...answer(review.request) },
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `https://127.0.0.1:${port}/`,
    ca: authority.certificate,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function webhookConfiguration(kind: string, { url, ca }: Webhook): AnyObject {
  return {
    apiVersion: admission,
    kind,
    metadata: { name: 'friday' },
    webhooks: [
      {
        name: 'friday.example.com',
        clientConfig: { url, caBundle: Buffer.from(ca).toString('base64') },
        rules: [machineConfigs],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 5,
      },
    ],
  };
}
