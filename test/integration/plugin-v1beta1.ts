import { readFile } from 'node:fs/promises';
import test from 'ava';
import { useCluster, waitFor } from '../helpers/cluster.ts';

// Older clusters serve HyperConverged as v1beta1 only; what steers is written to that.
const cluster = useCluster(test, { crds: 'none' });
const hco = {
  apiVersion: 'hco.kubevirt.io/v1beta1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};
const swap = {
  apiVersion: 'machineconfiguration.openshift.io/v1',
  kind: 'MachineConfig',
  name: '90-worker-swap-online',
};
const ours = 'platform.kubevirt.io/';
const spec = {
  featureGates: { withHostPassthroughCPU: true },
  liveMigrationConfig: { parallelMigrationsPerCluster: 9 },
};
const plugin = (...args: string[]) => cluster.kubectl(['virt-platform', ...args]);
const annotationsOf = async (id: typeof hco | typeof swap) => (await cluster.get(id))?.metadata.annotations ?? {};

test.serial.before('HyperConverged is served as v1beta1 only, and a baseline is there', async (t) => {
  const crd = (file: string) => readFile(new URL(`../crds/${file}`, import.meta.url), 'utf8');
  await cluster.apply(await crd('testdata/hyperconvergeds-v1beta1-only.yaml'));
  await cluster.apply(await crd('machineconfigs.yaml'));
  await cluster.apply('{apiVersion: v1, kind: Namespace, metadata: {name: openshift-cnv}}');
  for (const path of [
    'hco.kubevirt.io/v1beta1/hyperconvergeds',
    'machineconfiguration.openshift.io/v1/machineconfigs',
  ]) {
    await waitFor(async () => (await cluster.request('GET', `/apis/${path}`)).status === 200, { what: path });
  }
  const { apiVersion, kind, namespace, name } = hco;
  const annotations = { [`${ours}autopilot`]: 'true', [`${ours}openshift`]: 'true' };
  await cluster.apply({ apiVersion, kind, metadata: { namespace, name, annotations }, spec }, { manager: 'person' });
  const { stdout } = await plugin('render', 'swap-enable');
  const args = ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'];
  const applied = await cluster.kubectl(args, { stdin: stdout });
  t.is(applied.code, 0, applied.stderr);
});

test.serial('enable and disable write to it, and touch nothing else', async (t) => {
  const before = (await cluster.get(hco))?.spec;
  const enabled = await plugin('enable', 'thp-tuning', '-y');
  t.is(enabled.code, 0, enabled.stderr);
  t.regex(enabled.stdout, /\nthp-tuning: condition-unmet → create \(/);
  t.is((await annotationsOf(hco))[`${ours}enable-thp-tuning`], 'true');
  t.deepEqual((await cluster.get(hco))?.spec, before);
  const disabled = await plugin('disable', 'thp-tuning', '-y');
  t.is(disabled.code, 0, disabled.stderr);
  t.is((await annotationsOf(hco))[`${ours}enable-thp-tuning`], undefined);
});

test.serial('exclude adds and removes its rule there', async (t) => {
  const excluded = await plugin('exclude', 'swap-enable', '--reason', 'no swap', '-y');
  t.is(excluded.code, 0, excluded.stderr);
  t.regex(excluded.stdout, /\nswap-enable: in-sync → excluded \(/);
  t.regex(
    (await plugin('exclude', '--list')).stdout,
    /\nMachineConfig +90-worker-swap-online .* swap-enable +<none> +no swap\n/,
  );
  const removed = await plugin('exclude', 'swap-enable', '--remove', '-y');
  t.is(removed.code, 0, removed.stderr);
  t.is((await annotationsOf(hco))[`${ours}disabled-resources`], undefined);
});

test.serial('the change for a repository is in the version that is served', async (t) => {
  for (const args of [
    ['enable', 'thp-tuning'],
    ['exclude', 'swap-enable'],
  ]) {
    const { stdout, stderr } = await plugin(...args, '-o', 'yaml');
    t.is(stderr, '');
    t.regex(stdout, /^apiVersion: hco\.kubevirt\.io\/v1beta1\nkind: HyperConverged\n/);
  }
});

test.serial('objects are ignored in part, handed over, taken back and resumed', async (t) => {
  const annotate = (annotations: Record<string, string | null>) => cluster.patch(swap, { metadata: { annotations } });
  const works = async (...args: string[]) => {
    const ran = await plugin(...args, '-y');
    t.is(ran.code, 0, ran.stderr);
    return await annotationsOf(swap);
  };
  const version = '/spec/config/ignition/version';
  t.is((await works('ignore', 'swap-enable', version))[`${ours}ignore-fields`], version);
  t.is((await works('ignore', 'swap-enable', version, '--remove'))[`${ours}ignore-fields`], undefined);
  t.is((await works('unmanage', 'swap-enable'))[`${ours}mode`], 'unmanaged');
  t.is((await works('manage', 'swap-enable'))[`${ours}mode`], undefined);
  await annotate({ [`${ours}reconcile-paused`]: 'true' });
  t.is((await works('unpause', '--all'))[`${ours}reconcile-paused`], undefined);
});

test.serial('HyperConverged itself is steered as any object', async (t) => {
  const unmanaged = await plugin('unmanage', 'HyperConverged/kubevirt-hyperconverged', '--reason', 'ours', '-y');
  t.is(unmanaged.code, 0, unmanaged.stderr);
  t.like(await annotationsOf(hco), { [`${ours}mode`]: 'unmanaged', [`${ours}mode-reason`]: 'ours' });
  const { stdout, stderr } = await plugin('status', 'HyperConverged/kubevirt-hyperconverged', '--no-headers');
  t.regex(stdout, / unmanaged +HyperConverged\/openshift-cnv\/kubevirt-hyperconverged .*unmanaged: ours\n$/);
  t.is(stderr, '', 'none of the keys is unknown there');
  const managed = await plugin('manage', 'HyperConverged/kubevirt-hyperconverged', '-y');
  t.is(managed.code, 0, managed.stderr);
});
