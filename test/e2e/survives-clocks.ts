import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { waitFor } from '../helpers/cluster.ts';
import { auditedOf, type ControllerProcess, writesOf } from '../helpers/controller-process.ts';
import { drift, key, type Survivor, survivors, swap, untilHealed } from './_survives.ts';

// The calendar of a controller's machine is set, by hours and in both directions.
const test = anyTest as TestFn<Survivor>;
const { cluster, scenario } = survivors(test);
const lease = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  namespace: 'openshift-cnv',
  name: 'virt-platform-autopilot',
};
const hourMs = 60 * 60 * 1000;
const jumps = { 'five hours ahead': 5 * hourMs, 'five hours back': -5 * hourMs, 'right again': 0 };

const offsetFile = (name: string) => path.join(cluster.controlPlane.directory, `clock-of-${name}`);
const shifted = (name: string) => ({
  name,
  nodeArgs: [`--import=${path.join(import.meta.dirname, '_shifted-clock.mjs')}`],
  env: { CLOCK_OFFSET_FILE: offsetFile(name) },
});

async function setClock(name: string, controller: ControllerProcess, offsetMs: number): Promise<void> {
  await writeFile(offsetFile(name), `${offsetMs}`);
  controller.child.kill('SIGUSR2');
}

/** Hours by which the time on the Lease is off. */
async function leaseIsOffBy(): Promise<number> {
  const { renewTime } = (await cluster.get(lease))?.spec ?? {};
  return Math.round((Date.parse(renewTime) - Date.now()) / hourMs);
}

const leads = async (controller: ControllerProcess) => /^virt_platform_leader 1$/m.test(await controller.metrics());

scenario('whatever the clocks say, the leader leads, the other follows, and drift is healed', async (t, { start }) => {
  const leader = await start(shifted('leader'));
  await leader.converged();
  const follower = await start(shifted('follower'));
  await waitFor(async () => (await follower.unready()) === '', { what: 'the replica to be ready', timeoutMs: 60_000 });
  const { leaseTransitions } = (await cluster.get(lease))?.spec ?? {};
  const wanted = { leader, follower };
  for (const [who, controller] of Object.entries(wanted)) {
    for (const [jump, offsetMs] of Object.entries(jumps)) {
      const from = Date.now();
      await setClock(who, controller, offsetMs);
      if (who === 'leader') {
        await waitFor(async () => (await leaseIsOffBy()) === Math.round(offsetMs / hourMs), {
          what: `the Lease to tell that the leader's clock is ${jump}`,
          timeoutMs: 30_000,
        });
      }
      await drift(cluster, swap);
      await untilHealed(cluster, swap);
      const renewals = async () =>
        (await auditedOf(cluster, { from })).filter(({ resource, verb }) => resource === 'leases' && verb === 'patch');
      await waitFor(async () => (await renewals()).length >= 4, { what: 'some renewals', timeoutMs: 60_000 });
      t.true(await leads(leader), `the leader leads, with the clock of the ${who} ${jump}`);
      t.false(await leads(follower), `the other follows, with the clock of the ${who} ${jump}`);
      t.is((await cluster.get(lease))?.spec.leaseTransitions, leaseTransitions, 'nobody took over in between');

      const seconds = (Date.now() - from) / 1000;
      const asked = await auditedOf(cluster, { from });
      t.true(asked.length < 40 + 8 * seconds, `no hot loop: ${asked.length} requests in ${seconds} s`);
      t.is((await writesOf(cluster, { from })).length, 1, 'one write heals');
    }
  }
  const { annotations = {} } = (await cluster.get(swap))?.metadata ?? {};
  t.is(annotations[key('reconcile-paused')], undefined);
  return leader;
});

scenario('a clock that is set refills no bucket: an edit war is found as ever', async (t, { start }) => {
  const controller = await start(shifted('leader'));
  await controller.converged();
  const paused = async () => (await cluster.get(swap))?.metadata.annotations?.[key('reconcile-paused')] === 'true';
  const throttles = () =>
    controller.lines.filter(({ message }) => message === 'object changes too often; held back').length;
  let edits = 0;
  while (edits < 12 && !(await paused())) {
    const before = throttles();
    const version = `1.1.${edits}`;
    await cluster.patch(swap, { spec: { config: { ignition: { version } } } }, { manager: 'rival' });
    edits += 1;
    await waitFor(
      async () => {
        const isHealed = (await cluster.get(swap))?.spec.config.ignition.version !== version;
        return isHealed || throttles() > before || (await paused());
      },
      { what: `an answer to edit ${edits}`, timeoutMs: 60_000 },
    );
    await setClock('leader', controller, edits * hourMs);
  }
  t.true(await paused());
  // Five are healed, and the third refusal in a row ends it; a minute more or less of this machine adds some.
  t.true(edits >= 8 && edits <= 11, `${edits} edits`);
  await setClock('leader', controller, 0);
  const annotations = { [key('reconcile-paused')]: null, [key('paused-by')]: null };
  await cluster.patch(swap, { metadata: { annotations } });
  await waitFor(async () => (await cluster.get(swap))?.spec.config.ignition.version === '3.5.0', {
    what: 'it to be healed',
    timeoutMs: 60_000,
  });
  return controller;
});
