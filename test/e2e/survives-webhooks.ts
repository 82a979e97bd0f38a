import { once } from 'node:events';
import { createServer } from 'node:https';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { CertificateAuthority } from '../harness/control-plane/certificate-authority.ts';
import { type AnyObject, waitFor } from '../helpers/cluster.ts';
import { writesOf } from '../helpers/controller-process.ts';
import {
  annotate,
  decisionsOf,
  drift,
  isDrifted,
  oneView,
  psi,
  type Survivor,
  service,
  survivors,
  swap,
  untilHealed,
} from './_survives.ts';

// Admission webhooks in the controller's way, which runs as its ServiceAccount.
const test = anyTest as TestFn<Survivor>;
const { cluster, scenario } = survivors(test);
const admission = 'admissionregistration.k8s.io/v1';

type Review = { dryRun: boolean; name: string; operation: string; isOurs: boolean };
type Verdict = { allowed: boolean; status?: AnyObject; patchType?: string; patch?: string };

/** Puts a webhook before every write of MachineConfigs (or another resource) until the test ends, or it is removed. */
async function webhook(
  t: ExecutionContext<Survivor>,
  kind: 'ValidatingWebhookConfiguration' | 'MutatingWebhookConfiguration',
  answer: (review: Review) => Verdict | Promise<Verdict>,
  rule: AnyObject = {
    apiGroups: ['machineconfiguration.openshift.io'],
    apiVersions: ['v1'],
    resources: ['machineconfigs'],
  },
): Promise<{ remove: () => Promise<void> }> {
  const authority = new CertificateAuthority('webhook');
  const { certificate, key } = authority.server();
  const seen: string[] = [];
  const server = createServer({ cert: certificate, key }, async (request, response) => {
    const { apiVersion, kind, request: asked } = (await json(request)) as AnyObject;
    seen.push(asked.name);
    const isOurs = asked.userInfo.username === t.context.autopilot.user;
    const verdict = await answer({
      dryRun: asked.dryRun === true,
      name: asked.name,
      operation: asked.operation,
      isOurs,
    });
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ apiVersion, kind, response: { uid: asked.uid, ...verdict } }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const name = 'in-the-way';
  await cluster.apply({
    apiVersion: admission,
    kind,
    metadata: { name },
    webhooks: [
      {
        name: 'in-the-way.example.com',
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: Buffer.from(authority.certificate).toString('base64'),
        },
        rules: [{ ...rule, operations: ['CREATE', 'UPDATE'] }],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 30,
      },
    ],
  });
  const remove = async () => {
    await cluster.delete({ apiVersion: admission, kind, name });
    server.closeAllConnections();
    server.close();
  };
  t.teardown(remove);
  // It takes effect a moment later: as soon as it is asked about a change of somebody.
  const probe = rule.resources[0] === 'machineconfigs' ? psi : service;
  await waitFor(
    async () => {
      seen.length = 0;
      const path = await cluster.controlPlane.client.pathOf(probe);
      const label = { metadata: { labels: { probe: 'true' } } };
      await cluster.request('PATCH', `${path}?dryRun=All`, {
        body: label,
        contentType: 'application/merge-patch+json',
      });
      return seen.length > 0;
    },
    { what: 'the webhook to be asked', timeoutMs: 30_000 },
  );
  return { remove };
}

for (const when of ['dry run', 'write'] as const) {
  scenario(`an override that a person writes during our ${when} wins`, async (t, { start }) => {
    const controller = await start();
    await controller.converged();
    let isWritten = false;
    const { remove } = await webhook(t, 'ValidatingWebhookConfiguration', async ({ dryRun, isOurs, name }) => {
      if (isOurs && !isWritten && name === swap.name && dryRun === (when === 'dry run')) {
        isWritten = true;
        await annotate(cluster, swap, { mode: 'unmanaged' });
      }
      return { allowed: true };
    });
    const from = Date.now();
    await drift(cluster, swap, 'person');
    await controller.planWhere((plan) => decisionsOf(plan)['swap-enable'] === 'unmanaged', 'the override to be seen');
    t.true(isWritten);
    t.true(await isDrifted(cluster, swap), 'the person’s value stands');
    const written = (await writesOf(cluster, { from })).filter(({ name }) => name === swap.name);
    t.deepEqual(
      written.filter(({ code }) => code !== 409),
      [],
      'what was tried was refused',
    );
    t.is(written.length, when === 'write' ? 1 : written.length);
    await remove();
    await oneView(t, cluster, controller);
    await annotate(cluster, swap, { mode: null });
    await untilHealed(cluster, swap);
    return controller;
  });
}

scenario(
  'what a webhook rejects is told in its words and holds up nothing else; once it is mended, it is healed',
  async (t, { start }) => {
    const controller = await start();
    await controller.converged();
    const { remove } = await webhook(t, 'ValidatingWebhookConfiguration', ({ isOurs, name }) =>
      isOurs && name === psi.name
        ? { allowed: false, status: { code: 403, message: 'not on a Friday' } }
        : { allowed: true },
    );
    await drift(cluster, psi);
    const plan = await controller.planWhere((it) => decisionsOf(it)['psi-enable'] === 'rejected', 'the rejection');
    t.regex(plan.items.find(({ asset }: AnyObject) => asset === 'psi-enable').why, /not on a Friday/);
    await drift(cluster, swap);
    await untilHealed(cluster, swap);
    t.true(await isDrifted(cluster, psi));
    await remove();
    await untilHealed(cluster, psi);
    return controller;
  },
);

scenario('one that allows dry runs and rejects writes is no endless loop', async (t, { start }) => {
  const controller = await start();
  await controller.converged();
  const { remove } = await webhook(t, 'ValidatingWebhookConfiguration', ({ isOurs, dryRun }) =>
    isOurs && !dryRun ? { allowed: false, status: { code: 403, message: 'never' } } : { allowed: true },
  );
  const from = Date.now();
  await drift(cluster, psi);
  const tries = async () => (await writesOf(cluster, { from })).length;
  await waitFor(async () => (await tries()) >= 3, { what: 'it to try again', timeoutMs: 60_000 });
  const ms = Date.now() - from;
  t.true((await tries()) <= 3 + Math.log2(ms / 250), `${await tries()} tries in ${ms} ms`);
  await remove();
  await untilHealed(cluster, psi);
  return controller;
});

scenario('one that hangs delays its own object, and nothing else', async (t, { start }) => {
  const controller = await start();
  await controller.converged();
  const hung: Promise<unknown>[] = [];
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const { remove } = await webhook(t, 'ValidatingWebhookConfiguration', async ({ isOurs, name }) => {
    if (isOurs && name === psi.name) {
      const hanging = delay(60_000, undefined, { signal: stop.signal }).catch(() => {});
      hung.push(hanging);
      await hanging;
    }
    return { allowed: true };
  });
  await drift(cluster, psi);
  await waitFor(() => hung.length > 0, { what: 'a dry run that hangs', timeoutMs: 60_000 });
  for (const id of [swap]) {
    await drift(cluster, id);
    await untilHealed(cluster, id);
  }
  await cluster.patch(service, { spec: { selector: { other: 'x' } } }, { manager: 'rival' });
  await waitFor(async () => (await cluster.get(service))?.spec.selector.other === undefined, {
    what: 'the service to be healed',
    timeoutMs: 60_000,
  });
  t.is(hung.length, 1, 'all that while the same dry run hung');
  t.true(await isDrifted(cluster, psi));
  stop.abort();
  await untilHealed(cluster, psi);
  await remove();
  return controller;
});

scenario('one that rewrites what we apply is told apart from people, and is not fought', async (t, { start }) => {
  const controller = await start();
  await controller.converged();
  const patch = [{ op: 'add', path: '/spec/config/ignition/version', value: '7.7.7' }];
  const { remove } = await webhook(t, 'MutatingWebhookConfiguration', ({ name }) =>
    name === swap.name
      ? { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
      : { allowed: true },
  );
  const from = Date.now();
  await cluster.patch(swap, { metadata: { labels: { touched: 'true' } } }, { manager: 'person' });
  await controller.planWhere((it) => decisionsOf(it)['swap-enable'] === 'in-sync', 'a plan that leaves it');
  await oneView(t, cluster, controller);
  const written = (await writesOf(cluster, { from })).filter(({ name }) => name === swap.name);
  t.true(written.length <= 2, `${written.length} writes`);
  await remove();
  await cluster.patch(swap, { metadata: { labels: { touched: null } } }, { manager: 'person' });
  await waitFor(async () => (await cluster.get(swap))?.spec.config.ignition.version !== '7.7.7', {
    what: 'the baseline to be back',
    timeoutMs: 60_000,
  });
  return controller;
});

scenario('one that takes our label away again is not adopted without end', async (t, { start }) => {
  const controller = await start();
  await controller.converged();
  const patch = [{ op: 'remove', path: '/metadata/labels/platform.kubevirt.io~1managed-by' }];
  const { remove } = await webhook(t, 'MutatingWebhookConfiguration', ({ name, dryRun, isOurs }) =>
    name === swap.name && (isOurs ? !dryRun : false)
      ? { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
      : { allowed: true },
  );
  const from = Date.now();
  await cluster.patch(
    swap,
    { metadata: { labels: { 'platform.kubevirt.io/managed-by': null } } },
    { manager: 'person' },
  );
  const tries = async () => (await writesOf(cluster, { from })).filter(({ name }) => name === swap.name).length;
  await waitFor(async () => (await tries()) >= 5, { what: 'its tries', timeoutMs: 60_000 });
  // After the fifth it waits for its bucket to be filled again, every twelve seconds.
  await controller.planWhere(() => true, 'it to be alive');
  const ms = Date.now() - from;
  t.true((await tries()) <= 6 + ms / 12_000, `${await tries()} tries in ${ms} ms`);
  await remove();
  await annotate(cluster, swap, { 'reconcile-paused': null, 'paused-by': null });
  return controller;
});

scenario('one that denies dry runs leaves its objects as they are, and says so', async (t, { start }) => {
  const controller = await start();
  await controller.converged();
  const { remove } = await webhook(t, 'ValidatingWebhookConfiguration', ({ dryRun, isOurs }) =>
    dryRun && isOurs ? { allowed: false, status: { code: 400, message: 'no dry runs here' } } : { allowed: true },
  );
  await drift(cluster, psi);
  const plan = await controller.planWhere((it) => decisionsOf(it)['psi-enable'] === 'rejected', 'the refusal');
  t.regex(plan.items.find(({ asset }: AnyObject) => asset === 'psi-enable').why, /no dry runs here/);
  t.true(await isDrifted(cluster, psi));
  await remove();
  await untilHealed(cluster, psi);
  return controller;
});
