import test from 'ava';
import { useCluster } from '../helpers/cluster.ts';
import { activated, failsWith, hyperConverged, letViewerRead, makeNamespaces, runInShell } from './_plugin.ts';
import { onTerminal } from './_plugin-terminal.ts';

const cluster = useCluster(test);
const swap = {
  apiVersion: 'machineconfiguration.openshift.io/v1',
  kind: 'MachineConfig',
  name: '90-worker-swap-online',
};
const hco = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};
const uiPlugin = { apiVersion: 'observability.openshift.io/v1alpha1', kind: 'UIPlugin', name: 'monitoring' };
const mode = 'platform.kubevirt.io/mode';
const paused = 'platform.kubevirt.io/reconcile-paused';
const pause = async (id: typeof swap, fields: readonly string[]) => {
  const by = { since: new Date(Date.now() - 300_000).toISOString(), fields, manager: 'rival' };
  const annotations = { [paused]: 'true', 'platform.kubevirt.io/paused-by': JSON.stringify(by) };
  await cluster.patch(id, { metadata: { annotations } });
};
const plugin = (...args: string[]) => cluster.kubectl(['virt-platform', ...args]);
const annotationsOf = async (id: typeof swap) => (await cluster.get(id))?.metadata.annotations ?? {};

test.serial.before('a baseline is there', async (t) => {
  await makeNamespaces(cluster);
  await cluster.apply(hyperConverged(activated));
  const { stdout } = await plugin('render');
  const args = ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'];
  const applied = await cluster.kubectl(args, { stdin: stdout });
  t.is(applied.code, 0, applied.stderr);
});

test.serial('what doesn’t exist carries no annotation: the error says so', async (t) => {
  failsWith(
    t,
    await plugin('unmanage', 'pci-passthrough', '-y'),
    /doesn't exist, and nothing else can carry the annotation: "exclude pci-passthrough" keeps it from being created$/m,
  );
});

test.serial('without a terminal and without --yes a write is shown and refused', async (t) => {
  const ran = await plugin('unmanage', 'swap-enable');
  t.is(ran.code, 2);
  t.regex(ran.stderr, /^error: nothing was written to context "admin" \(https:.*there is no terminal.*--yes/);
  t.regex(
    ran.stdout,
    /^MachineConfig\/90-worker-swap-online\n {2}platform\.kubevirt\.io\/mode: <none> → "unmanaged"\n/,
  );
  t.regex(ran.stdout, /\nswap-enable: in-sync → unmanaged \(/);
  t.is((await annotationsOf(swap))[mode], undefined);
});

test.serial('what is to be written is written, though nobody reads what is said about it', async (t) => {
  await runInShell(t, cluster, 'kubectl virt-platform unmanage swap-enable --yes | true');
  t.is((await annotationsOf(swap))[mode], 'unmanaged');
  await runInShell(t, cluster, 'kubectl virt-platform manage swap-enable --yes 2>&1 | true');
  t.is((await annotationsOf(swap))[mode], undefined);
});

test.serial('--dry-run=client and =server write nothing, and a bare one is refused with a hint', async (t) => {
  const client = await plugin('unmanage', 'swap-enable', '--dry-run=client');
  t.is(client.code, 0, client.stderr);
  t.regex(client.stdout, /\/90-worker-swap-online annotated \(dry run\)\n$/);
  const server = await plugin('unmanage', 'swap-enable', '--dry-run=server');
  t.is(server.code, 0, server.stderr);
  t.regex(server.stdout, / annotated \(server dry run\)\n$/);
  failsWith(t, await plugin('unmanage', '--dry-run', 'swap-enable'), /--dry-run needs a value: --dry-run=client/);
  failsWith(t, await plugin('unmanage', 'swap-enable', '-y', '--dry-run'), /--dry-run needs a value: --dry-run=client/);
  failsWith(t, await plugin('unmanage', 'swap-enable', '--dry-run=sever'), /--dry-run=sever isn't known/);
  t.is((await annotationsOf(swap))[mode], undefined);
});

test.serial('-o yaml prints the change for a repository, and makes none', async (t) => {
  const ran = await plugin('unmanage', 'swap-enable', '-o', 'yaml');
  t.is(ran.stderr, '');
  t.is(
    ran.stdout,
    `apiVersion: machineconfiguration.openshift.io/v1
kind: MachineConfig
metadata:
  name: 90-worker-swap-online
  annotations:
    platform.kubevirt.io/mode: unmanaged
`,
  );
  t.is((await annotationsOf(swap))[mode], undefined);
});

test.serial("the controller's own field manager is refused", async (t) => {
  const ran = await plugin('unmanage', 'swap-enable', '-y', '--field-manager=virt-platform-autopilot');
  failsWith(t, ran, /is the controller's own name/);
});

test.serial('on a terminal the question names context and server; no and Ctrl-C leave nothing written', async (t) => {
  const no = await onTerminal(cluster, ['unmanage', 'swap-enable'], { answer: 'n\n' });
  t.regex(no.text, /\nWrite this to context "admin" \(https:\/\/[^)]+\)\? \[y\/N\] /);
  t.regex(no.text, /note: nothing was written\n$/);
  t.is(no.code, 0);
  const ended = await onTerminal(cluster, ['unmanage', 'swap-enable'], { answer: '\u0004' });
  t.regex(ended.text, /\[y\/N\] \nnote: nothing was written\n$/);
  t.is(ended.code, 0);
  const interrupted = await onTerminal(cluster, ['unmanage', 'swap-enable'], { answer: '\u0003' });
  t.is(interrupted.code, 130, interrupted.text);
  t.is((await annotationsOf(swap))[mode], undefined);
});

test.serial('somebody else’s write meanwhile is kept, and ours made beside it', async (t) => {
  const yes = await onTerminal(cluster, ['unmanage', 'swap-enable'], {
    answer: 'y\n',
    meanwhile: () => cluster.patch(swap, { metadata: { annotations: { 'example.com/other': 'x' } } }),
  });
  t.is(yes.code, 0, yes.text);
  t.like(await annotationsOf(swap), { [mode]: 'unmanaged', 'example.com/other': 'x' });
  const { managedFields } = (await cluster.get(swap))?.metadata ?? {};
  t.true(managedFields.some(({ manager }: { manager: string }) => manager === 'kubectl-virt-platform'));
});

test.serial('what is so already is not written again', async (t) => {
  const ran = await plugin('unmanage', 'swap-enable');
  t.deepEqual(ran, { code: 0, stdout: '', stderr: 'note: nothing to change: swap-enable is unmanaged\n' });
});

test.serial('manage shows what goes back to the baseline; where somebody steered meanwhile it refuses', async (t) => {
  await cluster.patch(swap, { spec: { config: { ignition: { version: '9.9.9' } } } }, { manager: 'somebody' });
  const refused = await onTerminal(cluster, ['manage', 'swap-enable'], {
    answer: 'y\n',
    meanwhile: () =>
      cluster.patch(swap, { metadata: { annotations: { 'platform.kubevirt.io/ignore-fields': '/spec/x' } } }),
  });
  t.is(refused.code, 2);
  t.regex(refused.text, /swap-enable: unmanaged → update/);
  t.regex(refused.text, /\n--- NOW\/.*\n\+\+\+ AFTERWARDS\//);
  t.regex(refused.text, /\n- +version: "?9\.9\.9"?\n\+ +version: /);
  t.regex(refused.text, /was left as it is: meanwhile it was changed: \S+ignore-fields was not set and is "\/spec\/x"/);
  t.is((await annotationsOf(swap))[mode], 'unmanaged');

  await cluster.patch(swap, { metadata: { annotations: { 'platform.kubevirt.io/ignore-fields': null } } });
  const ran = await plugin('manage', 'swap-enable', '--yes');
  t.is(ran.code, 0, ran.stderr);
  t.is((await annotationsOf(swap))[mode], undefined);
});

test.serial('who may not write is told which permission is missing', async (t) => {
  await letViewerRead(cluster);
  const ran = await cluster.kubectl(['virt-platform', 'unmanage', 'swap-enable', '-y'], { as: 'viewer' });
  t.is(ran.code, 2);
  t.regex(
    ran.stderr,
    /^Error from server \(Forbidden\): .*kubectl \S+ auth can-i patch machineconfigs\.\S+\/90-worker/m,
  );
  t.is((await annotationsOf(swap))[mode], undefined);
});

test.serial('enable opts in, and says what that brings and what is still not met', async (t) => {
  const ran = await plugin('enable', 'thp-tuning', 'pci-passthrough', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.regex(ran.stdout, /^HyperConverged\/openshift-cnv\/kubevirt-hyperconverged\n/);
  t.regex(ran.stdout, /\n {2}platform\.kubevirt\.io\/enable-thp-tuning: <none> → "true"\n/);
  t.regex(ran.stdout, /\nthp-tuning: condition-unmet → create \(/);
  t.regex(ran.stdout, /\npci-passthrough stays off: not met: hardware/);
  t.like(await annotationsOf(hco), { 'platform.kubevirt.io/enable-thp-tuning': 'true' });
  t.regex((await plugin('enable', 'thp-tuning')).stderr, /^note: nothing to change: thp-tuning is enabled already\n$/);
});

test.serial('enable says of what the autopilot isn’t to keep that it stays off', async (t) => {
  await cluster.patch(hco, { metadata: { annotations: { 'platform.kubevirt.io/autopilot': 'swap-enable' } } });
  const { stdout } = await plugin('enable', 'numa-tuning', '--dry-run=client');
  await cluster.patch(hco, { metadata: { annotations: { 'platform.kubevirt.io/autopilot': 'true' } } });
  t.regex(stdout, /\nNo decision changes\.\nnuma-tuning stays off: the autopilot is active for swap-enable only\n/);
});

test.serial('a feature without an opt-in, and one that there isn’t, are errors that say what to do', async (t) => {
  failsWith(t, await plugin('enable', 'thp-tunning'), /there is no feature "thp-tunning": did you mean "thp-tuning/);
  failsWith(t, await plugin('enable', 'cpu-manager'), /follows the feature gate CPUManager of HyperConverged/);
  failsWith(t, await plugin('enable', 'memory-overcommit'), /has no opt-in: it is there wherever/);
  failsWith(t, await plugin('enable'), /needs to know which feature/);
});

test.serial('disable opts out, and says what stays behind with the command that deletes it', async (t) => {
  const { stdout } = await plugin('render', 'thp-tuning');
  const applied = await cluster.kubectl(
    ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '-f', '-'],
    {
      stdin: stdout,
    },
  );
  t.is(applied.code, 0, applied.stderr);
  const ran = await plugin('disable', 'thp-tuning', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.regex(ran.stdout, /\nthp-tuning: in-sync → condition-unmet \(/);
  t.notRegex(ran.stdout, /\n--- NOW/);
  t.is((await annotationsOf(hco))['platform.kubevirt.io/enable-thp-tuning'], undefined);
  const command = /\n {2}kubectl (.* delete \S+)/.exec(ran.stdout)?.[1]?.split(' ') ?? [];
  const deleted = await cluster.kubectl(command);
  t.is(deleted.code, 0, deleted.stderr);
});

test.serial('disable offers to delete nothing that others have a part in', async (t) => {
  const settings = { name: 'cluster-monitoring-config', namespace: 'openshift-monitoring' };
  const theirs = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: settings,
    data: { 'config.yaml': 'enableUserWorkload: true\n' },
  };
  await cluster.apply(theirs);
  t.is((await plugin('enable', 'ksm-zero-only', '-y')).code, 0);
  const { stdout } = await plugin('render', 'ksm-cluster-monitoring');
  const manager = ['--field-manager', 'virt-platform-autopilot', '--force-conflicts'];
  const applied = await cluster.kubectl(['apply', '--server-side', ...manager, '-f', '-'], { stdin: stdout });
  t.is(applied.code, 0, applied.stderr);

  const ran = await plugin('disable', 'ksm-zero-only', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.notRegex(ran.stdout, /delete configmap/);
  const offered =
    /:\n {4}kubectl (.* label configmap\/cluster-monitoring-config .*)/.exec(ran.stdout)?.[1]?.split(' ') ?? [];
  const taken = await cluster.kubectl(offered);
  t.is(taken.code, 0, taken.stderr);
  const left = await cluster.get({ ...theirs, ...settings });
  t.is(left?.metadata.labels, undefined);
  t.regex(String(Object(left?.data)['config.yaml']), /enableUserWorkload: true/);
});

test.serial('unpause shows who fought over what and since when, and what ends it; then it resumes', async (t) => {
  const version = '/spec/config/ignition/version';
  await cluster.patch(swap, { spec: { config: { ignition: { version: '9.9.8' } } } }, { manager: 'rival' });
  await pause(swap, [version]);
  failsWith(t, await plugin('unpause'), /needs a name, or --all/);
  failsWith(t, await plugin('unpause', 'swap-enable', '--all'), /exclude each other/);
  failsWith(t, await plugin('unpause', '--all', '--reason', 'x'), /--reason and --until .* need --ignore/);
  const ran = await plugin('unpause', '--all', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.regex(
    ran.stdout,
    /^swap-enable is paused since \S+ \(5m\d*s? ago\): rival kept changing \/spec\/config\/ignition\/version\n/,
  );
  t.regex(ran.stdout, /\n {2}test set the pause, not the controller\n/);
  t.regex(ran.stdout, /\nswap-enable: paused → update \(/);
  t.regex(
    ran.stdout,
    /\nswap-enable goes back and forth:\n {2}\/spec\/config\/ignition\/version: rival sets "9\.9\.8", wanted is "3\.\d\.\d"\nIf rival goes on, swap-enable will be paused again\./,
  );
  t.regex(
    ran.stdout,
    /\n {4}kubectl virt-platform ignore swap-enable \/spec\/config\/ignition\/version --context=admin\n/,
  );
  t.notRegex(ran.stdout, /virt-platform patch/, 'a MachineConfig takes none');
  const left = await annotationsOf(swap);
  t.deepEqual([left[paused], left['platform.kubevirt.io/paused-by']], [undefined, undefined]);
  t.regex((await plugin('unpause', 'swap-enable')).stderr, /^note: nothing to change: swap-enable isn't paused\n$/);
});

test.serial('each command that unpause offers ends the fight', async (t) => {
  const enabled = '/spec/monitoring/perses/enabled';
  const asRival = (value: boolean) =>
    cluster.patch(uiPlugin, { spec: { monitoring: { perses: { enabled: value } } } }, { manager: 'rival' });
  const { spec } = (await cluster.get(uiPlugin)) ?? {};
  const wanted: boolean = spec.monitoring.perses.enabled;
  const inSync = async () =>
    /^\S+ +in-sync /.test((await plugin('status', 'monitoring-ui-plugin', '--no-headers')).stdout);
  const clear = { 'platform.kubevirt.io/patch': null, 'platform.kubevirt.io/ignore-fields': null };
  const team = JSON.stringify([{ op: 'add', path: '/metadata/labels/team', value: 'a' }]);
  for (const [command, patched] of [['ignore'], ['patch'], ['patch', team]] as const) {
    await asRival(!wanted);
    if (patched !== undefined) {
      const labels = { team: 'a' };
      await cluster.patch(uiPlugin, { metadata: { labels, annotations: { 'platform.kubevirt.io/patch': patched } } });
    }
    await pause(uiPlugin, [enabled]);
    const ran = await plugin('unpause', 'monitoring-ui-plugin', '-y');
    t.is(ran.code, 0, ran.stderr);
    t.false(await inSync());
    const offered = new RegExp(`\\n    (kubectl virt-platform ${command} .*)\\n`).exec(ran.stdout)?.[1];
    await runInShell(t, cluster, `${offered} --yes`);
    t.true(await inSync(), offered);
    await cluster.patch(uiPlugin, { metadata: { annotations: clear } });
  }
  await asRival(wanted);
});

test.serial('unpause --ignore resumes and ends the fight in one write', async (t) => {
  const version = '/spec/config/ignition/version';
  await pause(swap, [version]);
  const ran = await plugin('unpause', 'swap-enable', '--ignore', '--reason', 'theirs', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.like(await annotationsOf(swap), {
    [paused]: undefined,
    'platform.kubevirt.io/ignore-fields': version,
    'platform.kubevirt.io/ignore-fields-reason': 'theirs',
  });
  await cluster.patch(swap, {
    metadata: {
      annotations: { 'platform.kubevirt.io/ignore-fields': null, 'platform.kubevirt.io/ignore-fields-reason': null },
    },
  });
  await cluster.patch(swap, { metadata: { annotations: { [paused]: 'true' } } });
  failsWith(
    t,
    await plugin('unpause', 'swap-enable', '--ignore', '-y'),
    /nothing says over which fields of swap-enable/,
  );
  await cluster.patch(swap, { metadata: { annotations: { [paused]: null } } });
});

test.serial(
  'ignore adds pointers, lists and removes them; what can’t be is refused before anything is written',
  async (t) => {
    const key = 'platform.kubevirt.io/ignore-fields';
    const version = '/spec/config/ignition/version';
    await cluster.patch(swap, { spec: { config: { ignition: { version: '9.9.7' } } } }, { manager: 'rival' });
    const ran = await plugin('ignore', 'MachineConfig', '90-worker-swap-online', version, '-y');
    t.is(ran.code, 0, ran.stderr);
    t.regex(ran.stdout, /\nswap-enable: still update \(gives up/);
    t.regex(ran.stdout, /\n- +version: 3\.\d\.\d\n\+ +version: 9\.9\.7\n/);
    t.is((await annotationsOf(swap))[key], version);

    t.regex(
      (await plugin('ignore', 'swap-enable', '--list')).stdout,
      /^POINTER +STATE\n\/spec\/config\/ignition\/version +yielded\n$/,
    );
    t.regex((await plugin('ignore', 'swap-enable', version)).stderr, /^note: nothing to change: swap-enable ignores /);
    failsWith(
      t,
      await plugin('ignore', 'swap-enable', '/kind'),
      /\/kind can't be ignored: it is the object's identity/,
    );
    failsWith(t, await plugin('ignore', 'swap-enable', 'spec.config'), /written right it is \/spec\/config/);
    failsWith(
      t,
      await plugin('ignore', 'swap-enable', '/spec/x', '--remove'),
      /doesn't ignore \/spec\/x: it ignores \/spec/,
    );
    failsWith(t, await plugin('ignore', 'swap-enable'), /say which fields/);

    const removed = await plugin('ignore', 'swap-enable', version, '--remove', '-y');
    t.is(removed.code, 0, removed.stderr);
    t.is((await annotationsOf(swap))[key], undefined);
  },
);

test.serial('unpause --ignore of what can’t be ignored says what can be done', async (t) => {
  await pause(swap, ['/metadata']);
  const says =
    /swap-enable can't be left to the other side: \/metadata can't be ignored: .*; resume it without --ignore, or "unmanage" it/;
  failsWith(t, await plugin('unpause', 'swap-enable', '--ignore', '-y'), says);
  await pause(swap, ['spec.config']);
  failsWith(t, await plugin('unpause', 'swap-enable', '--ignore', '-y'), /resume it without --ignore/);
  t.is((await plugin('unpause', 'swap-enable', '-y')).code, 0);
});

test.serial('ignore says which part can’t be yielded', async (t) => {
  const ran = await plugin('ignore', 'swap-enable', '/spec/config/systemd/units/0/contents', '--dry-run=client');
  t.is(ran.code, 0, ran.stderr);
  const said = ran.stdout.split('\n').filter((line) => line.startsWith('/spec/config/systemd'));
  t.is(said.length, 1, ran.stdout);
  t.regex(said[0] ?? '', /^\/spec\/config\/systemd\/units\/0\/contents can't be yielded by itself: .* stays ours/);
});

test.serial(
  'ignore says of what tells an item of a list from others that it stays, and what to ignore instead',
  async (t) => {
    const ran = await plugin('ignore', 'metrics-service', '/spec/ports/0/port', '--dry-run=client');
    t.is(ran.code, 0, ran.stderr);
    t.regex(
      ran.stdout,
      /\nNo decision changes\.\n\/spec\/ports\/0\/port can't be yielded by itself: it tells the item from others of its list; \/spec\/ports\/0 leaves the whole item to others\n/,
    );
  },
);

test.serial('ignore says when it has no effect for now, and --list says so too', async (t) => {
  const list = 'platform.kubevirt.io/ignore-fields';
  const mode = 'platform.kubevirt.io/mode';
  t.teardown(() => cluster.patch(swap, { metadata: { annotations: { [mode]: null, [list]: null } } }));
  await cluster.patch(swap, { metadata: { annotations: { [mode]: 'unmanaged' } } });
  const ran = await plugin('ignore', 'swap-enable', '/spec/config', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.regex(
    ran.stdout,
    /\nNo decision changes\.\nswap-enable is unmanaged: the list is written, and has no effect until "manage swap-enable" gives the object back\n/,
  );
  t.regex((await plugin('ignore', 'swap-enable', '--list')).stdout, /\n\/spec\/config +without effect: unmanaged\n$/);
  await cluster.patch(swap, { metadata: { annotations: { [mode]: null } } });
  const rules = 'platform.kubevirt.io/disabled-resources';
  await cluster.patch(hco, { metadata: { annotations: { [rules]: '[{kind: MachineConfig, name: "*"}]' } } });
  t.teardown(() => cluster.patch(hco, { metadata: { annotations: { [rules]: null } } }));
  const excluded = await plugin('ignore', 'swap-enable', '--list');
  t.regex(excluded.stdout, /\n\/spec\/config +without effect: excluded\n$/, 'it is there, though nobody looks at it');
  t.regex(excluded.stderr, /^note: swap-enable is excluded: disabled-resources covers it with .*\n$/);
  failsWith(
    t,
    await plugin('ignore', 'swap-enable', '--list', '/spec/config'),
    /^error: --list takes no pointers \(\/spec\/config\): it lists all that are ignored\n$/,
  );
});

test.serial(
  'a list of ignored fields that is there and can’t be read is left alone, with the command for it',
  async (t) => {
    const list = 'platform.kubevirt.io/ignore-fields';
    t.teardown(() => cluster.patch(swap, { metadata: { annotations: { [list]: null } } }));
    const commands = [
      ['spec.config', /--overwrite platform\.kubevirt\.io\/ignore-fields=\/spec\/config\n$/],
      ['/spec/a~2', /annotate machineconfig\S+\/90-worker-swap-online platform\.kubevirt\.io\/ignore-fields-\n$/],
      ['', /annotate machineconfig\S+\/90-worker-swap-online platform\.kubevirt\.io\/ignore-fields-\n$/],
    ] as const;
    for (const [there, command] of commands) {
      await cluster.patch(swap, { metadata: { annotations: { [list]: there } } });
      for (const more of [[], ['--remove']]) {
        const ran = await plugin('ignore', 'swap-enable', '/spec/x', '-y', ...more);
        failsWith(
          t,
          ran,
          /^error: what MachineConfig\/90-worker-swap-online ignores already is invalid: .*; first put /,
        );
        t.regex(ran.stderr, command);
        t.is((await annotationsOf(swap))[list], there);
      }
    }
  },
);
