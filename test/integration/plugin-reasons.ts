import test from 'ava';
import { useCluster } from '../helpers/cluster.ts';
import { activated, failsWith, hyperConverged, makeNamespaces } from './_plugin.ts';

const cluster = useCluster(test);
const swap = {
  apiVersion: 'machineconfiguration.openshift.io/v1',
  kind: 'MachineConfig',
  name: '90-worker-swap-online',
};
const ours = 'platform.kubevirt.io/';
const plugin = (...args: string[]) => cluster.kubectl(['virt-platform', ...args]);
const annotationsOf = async () => {
  const annotations: Record<string, string> = (await cluster.get(swap))?.metadata.annotations ?? {};
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => key.startsWith(ours)));
};
const overrides = async () =>
  JSON.parse((await plugin('status', 'swap-enable', '-o', 'json')).stdout).items[0].overrides;

test.serial.before('a baseline is there', async (t) => {
  await makeNamespaces(cluster);
  await cluster.apply(hyperConverged(activated));
  const { stdout } = await plugin('render', 'swap-enable');
  const args = ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'];
  const applied = await cluster.kubectl(args, { stdin: stdout });
  t.is(applied.code, 0, applied.stderr);
});

test.serial('what --reason and --until say stands beside the override, and status shows it', async (t) => {
  const ran = await plugin('unmanage', 'swap-enable', '--reason', 'new disks', '--until', '2099-12-31', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.deepEqual(await annotationsOf(), {
    [`${ours}mode`]: 'unmanaged',
    [`${ours}mode-reason`]: 'new disks',
    [`${ours}mode-until`]: '2099-12-31',
  });
  t.deepEqual(await overrides(), [
    { type: 'unmanaged', how: 'mode', reason: 'new disks', until: '2099-12-31', expired: false },
  ]);
  t.regex((await plugin('status', 'swap-enable')).stdout, /unmanaged; unmanaged until 2099-12-31: new disks\n/);
  t.regex((await plugin('explain', 'swap-enable')).stdout, /\n {2}note: unmanaged until 2099-12-31: new disks\n/);
  t.is((await plugin('status', 'swap-enable', '--check')).code, 0);
});

test.serial('the date alone can be moved, and either be taken away', async (t) => {
  const moved = await plugin('unmanage', 'swap-enable', '--until', '30d', '--reason', '', '-y');
  t.is(moved.code, 0, moved.stderr);
  const { [`${ours}mode-until`]: until = '', ...rest } = await annotationsOf();
  t.regex(until, /^\d{4}-\d\d-\d\d$/);
  t.deepEqual(rest, { [`${ours}mode`]: 'unmanaged' });
});

test.serial('past its date it is reported, stays in effect, and --check ends with 1', async (t) => {
  await cluster.patch(swap, { metadata: { annotations: { [`${ours}mode-until`]: '2020-12-31' } } });
  const ran = await plugin('status', 'swap-enable', '--check', '--no-headers');
  t.is(ran.code, 1, ran.stderr);
  t.regex(ran.stdout, /^swap-enable +unmanaged .* unmanaged\(expired\) .* until 2020-12-31, which is over\n$/);
  t.like(await overrides(), [{ type: 'unmanaged', expired: true }]);
});

test.serial('a date that is over or none is refused, and nothing is written', async (t) => {
  const before = await annotationsOf();
  failsWith(t, await plugin('unmanage', 'swap-enable', '--until', '2020-12-31', '-y'), /is over since 2021-01-01T/);
  failsWith(t, await plugin('unmanage', 'swap-enable', '--until', 'soon', '-y'), /--until=soon is no date/);
  failsWith(t, await plugin('ignore', 'swap-enable', '--list', '--reason', 'x'), /--reason goes with an override/);
  t.deepEqual(await annotationsOf(), before);
});

test.serial('both go with their override', async (t) => {
  const managed = await plugin('manage', 'swap-enable', '-y');
  t.is(managed.code, 0, managed.stderr);
  t.deepEqual(await annotationsOf(), {});
  const pointer = '/spec/config/ignition/version';
  const ignored = await plugin('ignore', 'swap-enable', pointer, '--reason', 'theirs', '--until', '2099-12-31', '-y');
  t.is(ignored.code, 0, ignored.stderr);
  t.like(await overrides(), [{ type: 'ignore', reason: 'theirs', until: '2099-12-31', expired: false }]);
  const again = await plugin('ignore', 'swap-enable', pointer, '--reason', 'ours', '-y');
  t.is(again.code, 0, again.stderr);
  t.like(await overrides(), [{ type: 'ignore', reason: 'ours', until: '2099-12-31' }]);
  const removed = await plugin('ignore', 'swap-enable', pointer, '--remove', '-y');
  t.is(removed.code, 0, removed.stderr);
  t.deepEqual(await annotationsOf(), {});
});

test.serial('-o yaml has them for a repository', async (t) => {
  const ran = await plugin('unmanage', 'swap-enable', '--reason', 'new disks', '--until', '2099-12-31', '-o', 'yaml');
  t.is(ran.stderr, '');
  t.true(
    ran.stdout.endsWith(`  annotations:
    platform.kubevirt.io/mode: unmanaged
    platform.kubevirt.io/mode-reason: new disks
    platform.kubevirt.io/mode-until: "2099-12-31"
`),
    ran.stdout,
  );
  t.deepEqual(await annotationsOf(), {});
});
