import test, { type ExecutionContext } from 'ava';
import { useCluster } from '../helpers/cluster.ts';
import { activated, failsWith, hyperConverged, makeNamespaces, runInShell, succeeds } from './_plugin.ts';

const cluster = useCluster(test);
const hco = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};
const dashboard = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'ServiceMonitor',
  namespace: 'openshift-cnv',
  name: 'virt-platform-autopilot-metrics',
};
const key = (name: string) => `platform.kubevirt.io/${name}`;
const explain = (...args: string[]) => cluster.kubectl(['virt-platform', 'explain', ...args]);

/** The decision, and the command that would change it, run by a shell as somebody who copies it would. */
async function decisionOf(...args: string[]) {
  const { stdout } = await explain(...args);
  const [, decision] = /^.*: (\S+)\n/.exec(stdout) ?? [];
  const [, command] = /\nWhat would change this: .*:\n {2}(kubectl .*)\n$/.exec(stdout) ?? [];
  return { decision, command, stdout };
}

/** Commands of ours ask first, and here is nobody to answer. */
async function runSuggested(t: ExecutionContext, command: string | undefined) {
  const answered = command
    ?.split(' && ')
    .map((one) => (one.startsWith('kubectl virt-platform ') ? `${one} --yes` : one))
    .join(' && ');
  await runInShell(t, cluster, answered);
}

test.serial.before('HyperConverged is there, and everything is applied', async (t) => {
  await makeNamespaces(cluster);
  await cluster.apply(hyperConverged(activated));
  const { stdout } = await cluster.kubectl(['virt-platform', 'render']);
  const args = ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'];
  t.is((await cluster.kubectl(args, { stdin: stdout })).code, 0);
});

test.serial('every step is shown with what it saw, and what would change the decision', async (t) => {
  const ran = await explain('metrics-servicemonitor');
  succeeds(t, ran);
  t.regex(
    ran.stdout,
    /^metrics-servicemonitor: in-sync\n {2}object: ServiceMonitor\/openshift-cnv\/virt-platform-autopilot-metrics/,
  );
  for (const title of ['selected', 'CRDs', 'rendered', 'exclusions', 'comparison'])
    t.regex(ran.stdout, new RegExp(`\\n✓ passed {6}${title} +\\S`));
  t.regex(ran.stdout, /\nWhat would change this: /);
});

test.serial(
  'each condition stands by itself with the values that it saw, and what is missing is a command',
  async (t) => {
    const { stdout, decision, command } = await decisionOf('pci-passthrough');
    t.is(decision, 'condition-unmet');
    t.regex(stdout, /\n {4}✗ not met {5}enabled\('pci-passthrough'\)/);
    t.regex(stdout, /saw hardware\.gpuPresent = false, hardware\.pciDevicesPresent = false/);
    t.regex(stdout, /enable pci-passthrough; that alone is not enough: hardware\./);
    t.is(command, 'kubectl virt-platform enable pci-passthrough --context=admin');
    await runSuggested(t, command);
    t.notRegex((await decisionOf('pci-passthrough')).stdout, /not met {5}enabled/);
  },
);

test.serial('each command that is suggested leads to another decision', async (t) => {
  const annotate = (id: typeof hco, annotations: Record<string, string | null>) =>
    cluster.patch(id, { metadata: { annotations } });
  const leadsBack = async (decision: string) => {
    const held = await decisionOf('metrics-servicemonitor');
    t.is(held.decision, decision);
    const isOurs = held.command?.startsWith('kubectl virt-platform ');
    t.regex(held.command ?? '', isOurs ? / --context=admin$/ : /^kubectl --context=admin /);
    await runSuggested(t, held.command);
    t.is((await decisionOf('metrics-servicemonitor')).decision, 'in-sync', decision);
    return held.command;
  };

  await annotate(dashboard, { [key('reconcile-paused')]: 'true', [key('paused-by')]: '{"fields":["/spec/x"]}' });
  await leadsBack('paused');
  await annotate(dashboard, { [key('mode')]: 'Unmanged' });
  const mistyped = await decisionOf('metrics-servicemonitor');
  t.is(mistyped.decision, 'override-invalid');
  await runSuggested(t, mistyped.command);
  await leadsBack('unmanaged');
  // Nothing seems to be meant by these: they can only be taken away.
  await annotate(dashboard, { [key('mode')]: 'whatever', [key('patch')]: '[{"op":"replace","path":"/kind"}]' });
  t.regex((await leadsBack('override-invalid')) ?? '', / manage .* && .* patch .* --clear | patch .* --clear .* && /);
  await annotate(hco, {
    [key('disabled-resources')]: '- {kind: ServiceMonitor, name: "virt-*"}\n- {kind: UIPlugin, name: "monitoring"}\n',
  });
  await leadsBack('excluded');
  t.is((await decisionOf('monitoring-ui-plugin')).decision, 'excluded', 'the other rule stays');
  await annotate(hco, { [key('disabled-resources')]: null });
  await annotate(hco, { [key('autopilot')]: 'swap-enable' });
  await leadsBack('not-selected');
  await annotate(hco, { [key('autopilot')]: 'false' });
  await leadsBack('inactive');
});

test.serial('without its overrides an object goes back to the baseline', async (t) => {
  await cluster.patch(dashboard, {
    metadata: {
      labels: { team: 'a' },
      annotations: {
        [key('patch')]: '[{"op":"add","path":"/metadata/labels/team","value":"a"}]',
        [key('patch-reason')]: 'a test',
        // Nothing of ours is there, so nothing has to be given up first.
        [key('ignore-fields')]: '/spec/attachMetadata,/spec/jobLabel',
      },
    },
  });
  const { decision, command } = await decisionOf('metrics-servicemonitor');
  t.is(decision, 'in-sync');
  await runSuggested(t, command);
  t.deepEqual(
    Object.keys((await cluster.get(dashboard))?.metadata.annotations ?? {}).filter((name) => name.startsWith(key(''))),
    [],
  );
});

test.serial('what is only there to be deleted is kept by the command, and given up again', async (t) => {
  const old = {
    apiVersion: 'remediation.medik8s.io/v1alpha1',
    kind: 'NodeHealthCheck',
    name: 'virt-node-health-check',
  };
  await cluster.apply(
    {
      apiVersion: old.apiVersion,
      kind: old.kind,
      metadata: { name: old.name, labels: { [key('managed-by')]: 'virt-platform-autopilot' } },
      spec: { selector: { matchLabels: { 'node-role.kubernetes.io/worker': '' } } },
    },
    { manager: 'virt-platform-autopilot' },
  );
  const leadsTo = async (before: string, after: string) => {
    const { decision, command } = await decisionOf('v0-virt-node-health-check');
    t.is(decision, before);
    await runSuggested(t, command);
    t.is((await decisionOf('v0-virt-node-health-check')).decision, after, command);
  };
  await leadsTo('delete', 'kept');
  await leadsTo('kept', 'delete');
  await cluster.patch(old, { metadata: { annotations: { [key('reconcile-paused')]: 'true' } } });
  await leadsTo('kept', 'delete');
  failsWith(
    t,
    await cluster.kubectl(['virt-platform', 'patch', 'v0-virt-node-health-check', '--clear', '--yes']),
    /^error: v0-virt-node-health-check is only there to be deleted, and has no fields to steer; "unmanage" keeps it\n$/,
  );
});

test.serial('an override in another known format is written right by the command', async (t) => {
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    namespace: 'openshift-cnv',
    name: 'virt-platform-autopilot-alerts',
  };
  const set = (name: string, value: string | null) =>
    cluster.patch(rule, { metadata: { annotations: { [key(name)]: value } } });
  for (const [name, value, right] of [
    [
      'patch',
      `{"metadata":{"labels":{"it's":"mine","a/b":"c~d"}}}`,
      /^\[\{"op":"add","path":"\/metadata\/labels\/it's","value":"mine"\},\{"op":"add","path":"\/metadata\/labels\/a~1b","value":"c~d"\}\]$/,
    ],
    ['patch', 'metadata.labels.x=y', /^\[\{"op":"add","path":"\/metadata\/labels\/x","value":"y"\}\]$/],
    ['ignore-fields', '.spec.groups[0].rules[0].for', /^\/spec\/groups\/0\/rules\/0\/for$/],
    ['pacth', '[]', undefined],
  ] as const) {
    await set(name, value);
    const { decision, stdout, command } = await decisionOf('prometheus-alerts');
    t.is(decision, 'override-invalid', value);
    t.regex(stdout, /\n✗ stopped {5}/);
    await runSuggested(t, command);
    const { decision: after } = await decisionOf('prometheus-alerts');
    t.not(after, 'override-invalid', value);
    const { metadata } = (await cluster.get(rule)) ?? {};
    if (right !== undefined) t.regex(metadata.annotations[key(name)], right);
    else t.is(metadata.annotations[key('patch')], '[]');
    await cluster.patch(rule, { metadata: { annotations: { [key('patch')]: null, [key('ignore-fields')]: null } } });
  }
});

test.serial('live values are kept by the command that ignores them', async (t) => {
  await cluster.patch(dashboard, { spec: { endpoints: [] } }, { manager: 'somebody' });
  const { decision, command, stdout } = await decisionOf('ServiceMonitor', 'virt-platform-autopilot-metrics');
  t.is(decision, 'update');
  t.regex(stdout, /\nWhat differs:\n {2}\/spec\/endpoints.* \(somebody, \d+s ago\)\n/);
  await runSuggested(t, command);
  const after = await decisionOf('metrics-servicemonitor');
  t.deepEqual((await cluster.get(dashboard))?.spec.endpoints, []);
  t.notRegex(after.stdout, /\/spec\/endpoints: /);
});

test.serial('explain -o json is the item of status, with each condition', async (t) => {
  const ran = await explain('pci-passthrough', '-o', 'json');
  succeeds(t, ran);
  const { conditions, ...item } = JSON.parse(ran.stdout);
  const status = await cluster.kubectl(['virt-platform', 'status', 'pci-passthrough', '-o', 'json']);
  t.deepEqual(item, JSON.parse(status.stdout).items[0]);
  t.deepEqual(Object.keys(conditions[0]), ['expression', 'result', 'saw']);
  t.regex((await explain('pci-passthrough', '-o', 'yaml')).stdout, /^asset: pci-passthrough\n/);
});

test.serial('the graph of everything, and around one asset', async (t) => {
  const all = await explain('--graph');
  succeeds(t, all);
  t.regex(all.stdout, /^flowchart LR\n {2}n1\["hco-golden-config<br\/>[a-z-]+"\]\n/);
  const one = await explain('swap-enable', '--graph=dot');
  t.regex(one.stdout, /^digraph .*\n(?:.*\n)* {2}"hco-golden-config" -> "swap-enable"/);
  t.notRegex(one.stdout, /psi-enable/);
});

test.serial('a target that is ambiguous, unknown, or missing is an error with names', async (t) => {
  failsWith(t, await explain(), /explain needs to know what/);
  failsWith(t, await explain('swap-enabel'), /did you mean "swap-enable"\?/);
  failsWith(
    t,
    await explain('node-remediation'),
    /"node-remediation" names 3, say which one: sbr-detection-config, sbr-detection-config-upstream, nhc-far/,
  );
  failsWith(t, await explain('MachineConfig'), /"MachineConfig" is a kind: say which one/);
  failsWith(t, await explain('swap-enable', '-n', 'openshift-cnv'), /is not in namespace openshift-cnv/);
  failsWith(t, await explain('--graph=svg'), /--graph=svg isn't known: it is one of mermaid, dot/);
});
