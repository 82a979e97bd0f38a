import test from 'ava';
import { useCluster } from '../helpers/cluster.ts';
import { activated, failsWith, hyperConverged, letViewerRead, makeNamespaces } from './_plugin.ts';
import { onTerminal } from './_plugin-terminal.ts';

const cluster = useCluster(test);
const hco = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};
const key = 'platform.kubevirt.io/disabled-resources';
const plugin = (...args: string[]) => cluster.kubectl(['virt-platform', ...args]);
const exclude = (...args: string[]) => plugin('exclude', ...args);
const rules = async () => (await cluster.get(hco))?.metadata.annotations?.[key];
const write = (text: string | null) => cluster.patch(hco, { metadata: { annotations: { [key]: text } } });
const swapRule = '- kind: MachineConfig\n  name: 90-worker-swap-online\n';

test.serial.before('a baseline is there, in part', async (t) => {
  await makeNamespaces(cluster);
  await cluster.apply(hyperConverged(activated));
  const { stdout } = await plugin('render', 'psi-enable');
  const args = ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'];
  const applied = await cluster.kubectl(args, { stdin: stdout });
  t.is(applied.code, 0, applied.stderr);
});

test.serial('exclude says what a rule covers, and keeps what is written there', async (t) => {
  const written = '# ours\n- {kind: ConfigMap, name: mine}\n';
  await write(written);
  const ran = await exclude('swap-enable', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.regex(
    ran.stdout,
    /^swap-enable \(MachineConfig\/90-worker-swap-online\) isn't there, and won't be created\.\n\nHyperConverged\//,
  );
  t.regex(ran.stdout, /\nswap-enable: create → excluded \(/);
  t.is(await rules(), `${written}${swapRule}`);
  t.regex(
    (await exclude('swap-enable')).stderr,
    /^note: nothing to change: the rule \{kind: MachineConfig, name: 90-w/,
  );
});

test.serial('a pattern says what it covers now, and that others may come', async (t) => {
  const ran = await exclude('--kind', 'MachineConfig', '--name', '*p*', '--dry-run=client');
  t.is(ran.code, 0, ran.stderr);
  const [about = ''] = ran.stdout.split('\n\n');
  t.regex(about, /^psi-enable \(MachineConfig\/99-\S+\) stays as it is\.$/m);
  t.regex(
    about,
    /^pci-passthrough \(MachineConfig\/\S+\) is condition-unmet now, and won't be touched when it is wanted/m,
  );
  t.regex(about, /^swap-enable \(.*\) is excluded already\.$/m);
  t.regex(
    about,
    /\nWhatever MachineConfig fits is covered too when it comes into the baseline, as with a later version\.$/,
  );
});

test.serial('--list shows each rule with what it covers, why, and until when', async (t) => {
  await write(`${await rules()}- {kind: UIPlugin, name: "*", reason: no console, until: 2020-12-31}\n`);
  const { stdout, stderr } = await exclude('--list');
  t.regex(stdout, /^KIND +NAME +NAMESPACE +COVERS +UNTIL +REASON\n/);
  t.regex(stdout, /\nConfigMap +mine +<none> +<none> +<none> +<none>\n/);
  t.regex(stdout, /\nMachineConfig +90-worker-swap-online +<none> +swap-enable +<none> +<none>\n/);
  t.regex(stdout, /\nUIPlugin +\* +<none> +.*monitoring-ui-plugin.* +2020-12-31 \(over\) +no console\n$/);
  t.regex(stderr, /^Warning: \S+disabled-resources: the rule \{kind: ConfigMap, name: mine\} matches nothing/);
  failsWith(t, await exclude('--list', 'swap-enable'), /--list prints a table of all rules, and takes nothing else/);
});

test.serial('--reason and --until stand in the rule, and can be given afterwards', async (t) => {
  await write(`# ours\n${swapRule}`);
  const ran = await exclude('swap-enable', '--reason', 'no swap here', '--until', '2099-12-31', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.is(await rules(), `# ours\n${swapRule}  reason: no swap here\n  until: "2099-12-31"\n`);
  const { stdout } = await plugin('status', 'swap-enable', '-o', 'json');
  t.like(JSON.parse(stdout).items[0].overrides, [
    { type: 'excluded', reason: 'no swap here', until: '2099-12-31', expired: false },
  ]);
  const again = await exclude('swap-enable', '--until=', '-y');
  t.is(again.code, 0, again.stderr);
  t.is(await rules(), `# ours\n${swapRule}  reason: no swap here\n`);
});

test.serial('a rule that matches nothing is a warning, and one that is none an error', async (t) => {
  const ran = await exclude('--kind', 'machineconfig', '--name', 'x', '--dry-run=client');
  t.is(ran.code, 0);
  t.regex(
    ran.stderr,
    /^Warning: the rule \{kind: machineconfig, name: x\} matches nothing.*the kind is written MachineConfig/,
  );
  t.regex(ran.stdout, /^It covers nothing now\. Whatever machineconfig fits/);
  t.regex(
    (await exclude('--kind', 'MachineConfig', '--name', '*', '--namespace', 'x', '--dry-run=client')).stderr,
    /matches nothing in the catalog; no MachineConfig is in a namespace: leave --namespace out$/m,
  );
  failsWith(t, await exclude('--kind', 'Config*', '--name', 'x'), /that is no rule: .*kind takes no wildcards/);
  failsWith(t, await exclude('--kind', 'ConfigMap'), /say what to exclude/);
  failsWith(t, await exclude('--kind', 'ConfigMap', '--name', 'x', '--namespace', ''), /namespace must be a text/);
  failsWith(t, await exclude('swap-enabel'), /did you mean "swap-enable"/);
  failsWith(t, await exclude('swap-enable', '--kind', 'ConfigMap'), /say either which object, or --kind and --name/);
});

test.serial('--remove takes exactly that rule away; where another covers it too, it says how', async (t) => {
  await write(`# ours\n${swapRule}- {kind: MachineConfig, name: "90-*"}\n`);
  const ran = await exclude('swap-enable', '--remove', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.regex(ran.stdout, /\nStill excluded by the rule \{kind: MachineConfig, name: 90-\*\}: .*swap-enable/);
  t.is(await rules(), '# ours\n- {kind: MachineConfig, name: "90-*"}\n');

  const wider = await exclude('swap-enable', '--remove', '-y');
  failsWith(
    t,
    wider,
    /but \{kind: MachineConfig, name: 90-\*\} covers it: remove that with kubectl virt-platform exclude/,
  );
  t.regex(wider.stderr, / exclude --kind MachineConfig --name '90-\*' --remove --context=admin\n$/);
  t.regex((await exclude('swap-enable')).stderr, /^note: nothing to change: the rule \{.*90-\*\} covers it\n$/);
  const last = await exclude('--kind', 'MachineConfig', '--name', '90-*', '--remove', '-y');
  t.is(last.code, 0, last.stderr);
  t.regex(last.stdout, /\nswap-enable: excluded → create \(/);
  t.is(await rules(), '# ours\n');
});

test.serial('a rule that is there twice is gone at once, and not said to be there still', async (t) => {
  await write(`${swapRule}${swapRule}`);
  const ran = await exclude('swap-enable', '--remove', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.notRegex(ran.stdout, /Still excluded/);
  t.is(await rules(), undefined);
});

test.serial('a rule about another group of the same name is another rule', async (t) => {
  const other = '- {kind: MachineConfig, name: 90-worker-swap-online, apiVersion: example.com/v1}\n';
  await write(other);
  t.regex(
    (await exclude('swap-enable', '--remove')).stderr,
    /^note: nothing to change: there is no rule \{kind: MachineConfig, name: 90-worker-swap-online\}$/m,
  );
  const ran = await exclude('swap-enable', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.is(await rules(), `${other}${swapRule}`);

  const ours = other.replace('example.com/v1', 'machineconfiguration.openshift.io/v1');
  await write(ours);
  t.regex((await exclude('swap-enable')).stderr, /^note: nothing to change: the rule \{.* is there$/m);
  t.is((await exclude('swap-enable', '--remove', '-y')).code, 0);
  t.is(await rules(), undefined);
  await write(other);
  t.is((await exclude('--kind', 'MachineConfig', '--name', '90-worker-swap-online', '--remove', '-y')).code, 0);
  t.is(await rules(), undefined);
});

test.serial('of a long list only what changes is shown', async (t) => {
  const others = Array.from({ length: 50 }, (_, index) => `- {kind: ConfigMap, name: mine-${index}}\n`);
  await write(others.join(''));
  const { stdout } = await exclude('swap-enable', '--dry-run=client');
  const shown = stdout.split('\n').filter((line) => /^ {2}[-+ ] /.test(line));
  t.deepEqual(shown, [
    '    …',
    ...others.slice(-3).map((line) => `    ${line.trimEnd()}`),
    '  + - kind: MachineConfig',
    '  +   name: 90-worker-swap-online',
  ]);
  await write(null);
  t.regex((await exclude('swap-enable', '--dry-run=client')).stdout, /disabled-resources:\n {2}\+ - kind: /);
});

test.serial('a list that is full takes no other rule, and says so', async (t) => {
  const many = Array.from({ length: 200 }, (_, index) => `- {kind: ConfigMap, name: mine-${index}}\n`).join('');
  await write(many);
  failsWith(t, await exclude('swap-enable', '-y'), /has 200 rules, and no more are taken: .*pattern/);
  const long = `# ${'x'.repeat(65_520)}\n`;
  await write(long);
  failsWith(
    t,
    await exclude('swap-enable', '-y'),
    /would be longer than 65536 characters: shorten it.*kubectl .*edit /,
  );
  t.is(await rules(), long);
  await write(null);
});

test.serial('a list that can’t be read is refused, with where the mistake is', async (t) => {
  for (const [text, says] of [
    [
      '- {kind: ConfigMap, nam: x}',
      /has to be put right first, .*rule 1: the key "nam" isn't known; did you mean name/,
    ],
    ['- {kind: A, name: b}\n- {kind', /has to be put right first, .*line 2/],
  ] as const) {
    await write(text);
    failsWith(t, await exclude('swap-enable', '-y'), says);
    failsWith(t, await exclude('--list'), says);
    t.is(await rules(), text);
  }
  await write(null);
});

test.serial('comments that would be lost are left to people', async (t) => {
  await write('[{kind: ConfigMap, name: mine}] # ours');
  failsWith(t, await exclude('swap-enable', '-y'), /can't be changed without losing its comments: edit it by hand/);
  await write(null);
});

test.serial('two people at once: neither rule is lost', async (t) => {
  const theirs = '- {kind: UIPlugin, name: monitoring}\n';
  const ran = await onTerminal(cluster, ['exclude', 'swap-enable'], {
    answer: 'y\n',
    meanwhile: () => write(theirs),
  });
  t.is(ran.code, 2, ran.text);
  t.regex(
    ran.text,
    /was left as it is: meanwhile it was changed: \S+disabled-resources was not set and is "- \{kind: UI/,
  );
  t.is(await rules(), theirs);
  const again = await onTerminal(cluster, ['exclude', 'swap-enable'], {
    answer: 'y\n',
    meanwhile: () => cluster.patch(hco, { metadata: { annotations: { 'example.com/other': 'x' } } }),
  });
  t.is(again.code, 0, again.text);
  t.is(await rules(), `${theirs}${swapRule}`);
  await write(null);
});

test.serial('nothing is written without a yes, by a dry run, or for a repository', async (t) => {
  t.is((await onTerminal(cluster, ['exclude', 'swap-enable'], { answer: 'n\n' })).code, 0);
  t.is((await onTerminal(cluster, ['exclude', 'swap-enable'], { answer: '\u0003' })).code, 130);
  t.regex((await exclude('swap-enable')).stderr, /^error: nothing was written to context "admin"/);
  t.regex((await exclude('swap-enable', '--dry-run=server')).stdout, / annotated \(server dry run\)\n$/);
  const yaml = await exclude('swap-enable', '-o', 'yaml');
  t.is(yaml.stderr, '');
  t.true(yaml.stdout.endsWith(`    ${key}: |\n${swapRule.replace(/^(?=.)/gm, '      ')}`), yaml.stdout);
  t.is(await rules(), undefined);
});

test.serial('who may not write is told which permission is missing', async (t) => {
  await letViewerRead(cluster);
  const ran = await cluster.kubectl(['virt-platform', 'exclude', 'swap-enable', '-y'], { as: 'viewer' });
  t.is(ran.code, 2);
  t.regex(
    ran.stderr,
    /^Error from server \(Forbidden\): .*kubectl \S+ auth can-i patch hyperconvergeds\.\S+\/kubevirt-hyperconverged -n openshift-cnv/m,
  );
  t.is(await rules(), undefined);
});

test.serial('it works before the autopilot is active', async (t) => {
  await cluster.patch(hco, { metadata: { annotations: { 'platform.kubevirt.io/autopilot': null } } });
  const ran = await exclude('swap-enable', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.is(await rules(), swapRule);
  t.regex((await exclude('--list')).stdout, /\nMachineConfig +90-worker-swap-online +<none> +swap-enable/);
});
