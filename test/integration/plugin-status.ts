import test from 'ava';
import { leaseAnnotation } from '../../shared/api/lease.ts';
import { parseYaml } from '../../shared/yaml/parse-yaml.ts';
import { useCluster } from '../helpers/cluster.ts';
import { activated, failsWith, hyperConverged, makeNamespaces, rowsOf, succeeds } from './_plugin.ts';

const cluster = useCluster(test);
const swap = {
  apiVersion: 'machineconfiguration.openshift.io/v1',
  kind: 'MachineConfig',
  name: '90-worker-swap-online',
};
const status = (...args: string[]) => cluster.kubectl(['virt-platform', 'status', ...args]);

test.serial('without a HyperConverged status says where it looked and what to do', async (t) => {
  await makeNamespaces(cluster);
  failsWith(t, await status(), /there is no HyperConverged in any namespace: install .*--context/);
});

test.serial(
  'an autopilot that is not activated: every asset is inactive, which is said once, and the command that activates it works',
  async (t) => {
    await cluster.apply(hyperConverged());
    const ran = await status();
    succeeds(t, ran);
    t.regex(ran.stdout, /^autopilot: inactive \(.*annotation platform\.kubevirt\.io\/autopilot is not set/);
    t.regex(ran.stdout, /\n\d+ assets: (\d+) inactive; .*\nnot listed: \d+ inactive \(-o wide lists all\)\n$/);
    const [header, ...rows] = rowsOf((await status('-o', 'wide')).stdout);
    t.deepEqual(header, ['ASSET', 'STATE', 'OBJECT', 'OVERRIDES', 'FEATURE', 'GROUP', 'WHY']);
    t.true(rows.length > 5);
    t.true(rows.every(([, state]) => state === 'inactive'));

    const command = /activate it with: kubectl (.*)/.exec(ran.stdout)?.[1]?.split(' ') ?? [];
    t.true(command.some((word) => word.startsWith('--context=')));
    t.is((await cluster.kubectl(command)).code, 0);
    t.regex((await status()).stdout, /^autopilot: active\n/);
  },
);

test.serial('status shows what would be created, and that no controller is there', async (t) => {
  const ran = await status();
  succeeds(t, ran);
  t.regex(ran.stdout, /\ncontroller: not found/);
  t.regex(ran.stdout, /\n\d+ assets: .*\d+ create/);
  t.deepEqual(
    rowsOf(ran.stdout)
      .find(([asset]) => asset === 'swap-enable')
      ?.slice(0, 4),
    ['swap-enable', 'create', 'MachineConfig/90-worker-swap-online', '<none>'],
  );
});

test.serial('what render prints is taken by kubectl apply, and is in sync afterwards', async (t) => {
  const rendered = await cluster.kubectl(['virt-platform', 'render']);
  t.is(rendered.code, 0, rendered.stderr);
  const applied = await cluster.kubectl(
    ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'],
    { stdin: rendered.stdout },
  );
  t.is(applied.code, 0, applied.stderr);

  const names = (await cluster.kubectl(['virt-platform', 'render', '-o', 'name'])).stdout.trim().split('\n');
  t.true(names.includes('machineconfig.machineconfiguration.openshift.io/90-worker-swap-online'));
  const { items } = JSON.parse((await status('-o', 'json')).stdout);
  const inSync = items.filter(({ decision }: { decision: string }) => decision === 'in-sync');
  t.is(inSync.length, names.length);
  t.is((await status('swap-enable', '--check')).code, 0);
});

test.serial('a field that somebody changed is shown with its values and who changed it', async (t) => {
  await cluster.patch(swap, { spec: { config: { ignition: { version: '9.9.9' } } } }, { manager: 'somebody' });
  const ran = await status('swap-enable');
  succeeds(t, ran);
  t.regex(ran.stdout, /\n1 asset: 1 update\n/);
  t.is((await status('swap-enable', '--check')).code, 1);
  t.regex(ran.stdout, /\n {2}\/spec\/config\/ignition\/version: "9\.9\.9" → "3\.\d\.\d" \(somebody, \d+s ago\)\n/);
});

test.serial('status -o json has the documented shape, and -o yaml the same data', async (t) => {
  const ran = await status('swap-enable', '-o', 'json');
  succeeds(t, ran);
  const report = JSON.parse(ran.stdout);
  t.deepEqual(Object.keys(report), ['apiVersion', 'kind', 'activation', 'controller', 'summary', 'items']);
  t.like(report, {
    apiVersion: 'virt-platform/v1',
    kind: 'Status',
    activation: { state: 'active' },
    controller: { state: 'not-found' },
    summary: { update: 1 },
  });
  t.is(report.items.length, 1);
  const [item] = report.items;
  t.deepEqual(Object.keys(item), [
    'asset',
    'feature',
    'features',
    'group',
    'decision',
    'target',
    'overrides',
    'why',
    'drift',
    'steps',
  ]);
  t.deepEqual(item.target, swap);
  t.is(item.drift.length, 1);
  t.like(item.drift[0], { pointer: '/spec/config/ignition/version', live: '9.9.9', manager: 'somebody' });
  t.deepEqual(Object.keys(item.drift[0]), ['pointer', 'live', 'desired', 'manager', 'time']);
  t.regex(item.drift[0].time, /^\d{4}-\d\d-\d\dT[\d:]+Z$/);
  for (const step of item.steps) t.deepEqual(Object.keys(step), ['step', 'passed', 'detail']);

  const yaml = await status('swap-enable', '-o', 'yaml');
  t.deepEqual(parseYaml(yaml.stdout), report);
});

test.serial(
  'an asset is chosen by its name, feature, group, object, kind and name; others are an error with the nearest',
  async (t) => {
    const [item] = JSON.parse((await status('swap-enable', '-o', 'json')).stdout).items;
    for (const words of [
      [item.feature],
      ['MachineConfig/90-worker-swap-online'],
      ['machineconfigs', '90-worker-swap-online'],
      ['machineconfig.machineconfiguration.openshift.io/90-worker-swap-online'],
    ]) {
      const ran = await status(...words, '--no-headers');
      succeeds(t, ran);
      t.regex(ran.stdout, /^swap-enable {3}/m, words.join(' '));
    }
    for (const feature of ['node-maintenance', 'fence-agents'])
      t.regex((await status(feature, '--no-headers')).stdout, /^workload-availability-namespace {3}/m, feature);
    failsWith(t, await status('swap-enabel'), /"swap-enabel".*did you mean "swap-enable"\?/);
    failsWith(
      t,
      await status('MachineConfig/90-worker-swap-onlin'),
      /did you mean "MachineConfig\/90-worker-swap-online"\?/,
    );
    failsWith(t, await status('swap-enable', '-n', 'openshift-cnv'), /is not in namespace openshift-cnv/);
  },
);

test.serial(
  '-n shows what is in one namespace, -o name names as kubectl does, --no-headers gives rows only',
  async (t) => {
    const inNamespace = await status('-n', 'openshift-cnv', '-o', 'name');
    succeeds(t, inNamespace);
    t.true(inNamespace.stdout.includes('hyperconverged.hco.kubevirt.io/kubevirt-hyperconverged\n'));
    t.false(inNamespace.stdout.includes('machineconfig'));
    const rows = await status('--no-headers');
    t.true(rows.stdout.split('\n').every((line) => line === '' || line.split(/ {3,}/).length === 5));
  },
);

test.serial('what objects say is printed without what a terminal would act upon', async (t) => {
  const mode = 'un\u001b[31m\u202emanaged';
  await cluster.patch(swap, { metadata: { annotations: { 'platform.kubevirt.io/mode': mode } } });
  for (const format of [[], ['-o', 'wide'], ['-o', 'json'], ['-o', 'yaml']]) {
    const { stdout } = await status('swap-enable', ...format);
    t.regex(stdout, /override-invalid/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
    t.notRegex(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
  await cluster.patch(swap, { metadata: { annotations: { 'platform.kubevirt.io/mode': null } } });
});

test.serial(
  'an ignored field that only we set is rendered with its live value, so that a pipe into kubectl keeps it',
  async (t) => {
    await cluster.patch(swap, {
      metadata: { annotations: { 'platform.kubevirt.io/ignore-fields': '/spec/config/systemd' } },
    });
    const { stdout } = await cluster.kubectl(['virt-platform', 'render', 'swap-enable', '-o', 'json']);
    const live = await cluster.get(swap);
    t.deepEqual(JSON.parse(stdout).items[0].spec.config.systemd, live?.spec.config.systemd);
    await cluster.patch(swap, { metadata: { annotations: { 'platform.kubevirt.io/ignore-fields': null } } });
  },
);

test.serial('render leaves out what is not wanted, with a note, and refuses it when it is named', async (t) => {
  await cluster.patch(swap, { metadata: { annotations: { 'platform.kubevirt.io/mode': 'unmanaged' } } });
  const all = await cluster.kubectl(['virt-platform', 'render', '-o', 'name']);
  t.is(all.code, 0);
  t.false(all.stdout.includes('swap-online'));
  t.regex(all.stderr, /^note: left out \d+: .*1 unmanaged.* \(--show-excluded says why\)\n$/);
  const named = await cluster.kubectl(['virt-platform', 'render', 'swap-enable']);
  failsWith(t, named, /swap-enable is left out \(unmanaged\): /);
  const baseline = await cluster.kubectl(['virt-platform', 'render', 'swap-enable', '--baseline', '-o', 'name']);
  t.is(baseline.stdout, 'machineconfig.machineconfiguration.openshift.io/90-worker-swap-online\n');
  await cluster.patch(swap, { metadata: { annotations: { 'platform.kubevirt.io/mode': null } } });
});

test.serial('a controller that holds its Lease is shown', async (t) => {
  await cluster.apply({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'virt-platform-autopilot', namespace: 'openshift-cnv' },
    spec: { holderIdentity: 'pod-1', renewTime: new Date().toISOString().replace('Z', '000Z') },
  });
  const ran = await status('swap-enable');
  t.regex(ran.stdout, /\ncontroller: installed, leader pod-1, last seen \d+s ago\n/);
  const versions = await cluster.kubectl(['virt-platform', 'version', '-o', 'json']);
  succeeds(t, versions);
  t.like(JSON.parse(versions.stdout), { controller: { state: 'found', holder: 'pod-1' } });
});

test.serial('a controller with another catalog is warned of', async (t) => {
  await cluster.patch(
    {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      name: 'virt-platform-autopilot',
      namespace: 'openshift-cnv',
    },
    {
      metadata: {
        annotations: { [leaseAnnotation.catalogDigest]: 'sha256:other', [leaseAnnotation.version]: 'v9.9.9' },
      },
    },
  );
  for (const command of ['status', 'version']) {
    const { stderr, code } = await cluster.kubectl(['virt-platform', command, '-o', 'json']);
    t.is(code, 0);
    t.regex(stderr, /^Warning: the controller \(v9\.9\.9\) has another catalog than this plugin[^\n]*\n$/);
  }
  await cluster.delete({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    name: 'virt-platform-autopilot',
    namespace: 'openshift-cnv',
  });
});

test.serial('version says which plugin, catalog, controller and API server', async (t) => {
  const ran = await cluster.kubectl(['virt-platform', 'version']);
  succeeds(t, ran);
  t.regex(
    ran.stdout,
    /^Client Version: v\d+\.\d+\.\d+\nCatalog Version: .*\nController: .*\nServer Version: v1\.\d+\.\d+\n$/,
  );
});

test.serial('an inactive autopilot renders nothing, and says why', async (t) => {
  await cluster.apply(hyperConverged({ 'platform.kubevirt.io/autopilot': 'false' }));
  const ran = await cluster.kubectl(['virt-platform', 'render']);
  t.is(ran.code, 0);
  t.is(ran.stdout, '');
  t.regex(
    ran.stderr,
    /^note: nothing is rendered, since the autopilot is inactive.*kubectl .*annotate hyperconverged\.hco\.kubevirt\.io\/[^\n]*\n$/,
  );
  await cluster.apply(hyperConverged(activated));
});

test.serial('with two HyperConverged status names both', async (t) => {
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'another' } });
  await cluster.apply(hyperConverged({}, 'another'));
  failsWith(
    t,
    await status(),
    /there are 2 HyperConverged \(another\/kubevirt-hyperconverged, openshift-cnv\/kubevirt-hyperconverged\)/,
  );
});
