import test from 'ava';
import { type ObjectId, useCluster } from '../helpers/cluster.ts';
import { runPlugin } from '../unit/plugin/_environment.ts';
import { activated, failsWith, hyperConverged, letViewerRead, makeNamespaces } from './_plugin.ts';
import { onTerminal } from './_plugin-terminal.ts';

const cluster = useCluster(test);
const descheduler = {
  apiVersion: 'operator.openshift.io/v1',
  kind: 'KubeDescheduler',
  namespace: 'openshift-kube-descheduler-operator',
  name: 'cluster',
};
const hco = {
  ...descheduler,
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};
const key = (name: string) => `platform.kubevirt.io/${name}`;
const seconds = '/spec/deschedulingIntervalSeconds';
const kubectl = (...args: string[]) => cluster.kubectl(['virt-platform', ...args]);
/** In this process, on the same API server: that takes a fraction of the time. */
const patch = (...args: string[]) =>
  runPlugin(['patch', 'descheduler-loadaware', ...args], { variables: { KUBECONFIG: cluster.kubeconfig } });

async function annotationsOf(id: ObjectId): Promise<Record<string, string>> {
  return (await cluster.get(id))?.metadata.annotations ?? {};
}

async function patchOf(id: ObjectId): Promise<unknown> {
  const value = (await annotationsOf(id))[key('patch')];
  return value === undefined ? undefined : JSON.parse(value);
}

async function annotate(id: ObjectId, annotations: Record<string, string | null>): Promise<void> {
  await cluster.patch(id, { metadata: { annotations } }, { manager: 'somebody' });
}

/** Everything as the controller would leave it. */
async function applyBaseline(): Promise<void> {
  const { stdout } = await kubectl('render', '--baseline');
  const args = ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'];
  const applied = await cluster.kubectl(args, { stdin: stdout });
  if (applied.code !== 0) throw new Error(applied.stderr);
}

test.serial.before('a baseline is there', async () => {
  await makeNamespaces(cluster);
  await cluster.apply(hyperConverged(activated));
  await applyBaseline();
});

test.beforeEach('nothing is overridden', async () => {
  const ours = Object.keys(await annotationsOf(descheduler)).filter((name) => name.startsWith(key('')));
  await annotate(descheduler, Object.fromEntries(ours.map((name) => [name, null])));
});

test.serial('--list shows each operation with what is rendered there; -o json prints the operations', async (t) => {
  t.regex((await patch('--list')).stderr, /^note: descheduler-loadaware has no patch\n$/);
  await patch('--set', 'spec.deschedulingIntervalSeconds=300', '--set', 'spec.logLevel=Debug', '-y');
  t.is(
    (await patch('--list')).stdout,
    `OP        PATH                                RENDERED   VALUE
replace   /spec/deschedulingIntervalSeconds   60         300
add       /spec/logLevel                      <none>     "Debug"
`,
  );
  t.deepEqual(JSON.parse((await patch('--list', '-o', 'json')).stdout), await patchOf(descheduler));
  await annotate(descheduler, { [key('patch')]: '[{"op":"add"}]' });
  failsWith(t, await patch('--list'), /operation 1 of the patch: it has no path; the object is held .* --clear/);
});

test.serial('--clear takes the patch away, with its reason', async (t) => {
  await patch('--set', 'spec.logLevel=Debug', '--reason', 'we look into something', '-y');
  t.is((await annotationsOf(descheduler))[key('patch-reason')], 'we look into something');
  const ran = await patch('--clear', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.regex(ran.stdout, /\ndescheduler-loadaware: update → in-sync \(/);
  t.deepEqual(
    Object.keys(await annotationsOf(descheduler)).filter((name) => name.startsWith(key('patch'))),
    [],
  );
  t.regex((await patch('--clear')).stderr, /^note: nothing to change: descheduler-loadaware has no patch\n$/);
});

test.serial('--guard tests what is rendered; should that change, the object is held', async (t) => {
  await patch('--set', 'spec.deschedulingIntervalSeconds=300', '--set', 'spec.logLevel=Debug', '-y');
  const ran = await patch('--guard', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.regex(ran.stdout, /^nothing can guard what isn't rendered: \/spec\/logLevel\n/);
  const test = { op: 'test', path: seconds, value: 60 };
  const replace = { op: 'replace', path: seconds, value: 300 };
  t.deepEqual(await patchOf(descheduler), [test, replace, { op: 'add', path: '/spec/logLevel', value: 'Debug' }]);

  await patch('--remove', '/spec/logLevel', '-y');
  t.deepEqual(await patchOf(descheduler), [test, replace], 'the guard stays with what it guards');
  await patch('--set', 'spec.deschedulingIntervalSeconds=60', '--set', 'spec.logLevel=Debug', '-y');
  t.deepEqual(await patchOf(descheduler), [{ op: 'add', path: '/spec/logLevel', value: 'Debug' }], 'and goes with it');

  // As after an upgrade whose baseline has another value.
  await annotate(descheduler, { [key('patch')]: JSON.stringify([{ ...test, value: 90 }, replace]) });
  const { stdout } = await kubectl('status', 'descheduler-loadaware', '--no-headers');
  t.regex(stdout, /override-invalid .*operation 1 \(test \/spec\/deschedulingIntervalSeconds\)/);
});

test.serial(
  'a patch that is invalid, or written in another format, is put right by the next one, which says so',
  async (t) => {
    await annotate(descheduler, { [key('patch')]: '[{"op":"replace","path":"/spec/nowhere","value":1}]' });
    const replaced = await patch('--set', 'spec.logLevel=Debug', '-y');
    t.is(replaced.code, 0, replaced.stderr);
    t.regex(
      replaced.stdout,
      /^the patch that is there is invalid, and is replaced: operation 1 .*nothing at \/spec\/nowhere/,
    );
    t.deepEqual(await patchOf(descheduler), [{ op: 'add', path: '/spec/logLevel', value: 'Debug' }]);

    await annotate(descheduler, { [key('patch')]: '{"spec":{"deschedulingIntervalSeconds":300}}' });
    const converted = await patch('--set', 'spec.logLevel=Debug', '-y');
    t.regex(converted.stdout, /^the patch that is there isn't RFC 6902, and is taken as \[/);
    t.deepEqual(await patchOf(descheduler), [
      { op: 'replace', path: seconds, value: 300 },
      { op: 'add', path: '/spec/logLevel', value: 'Debug' },
    ]);
  },
);

test.serial('--from-live makes the drift the patch: afterwards nothing differs', async (t) => {
  t.teardown(applyBaseline);
  t.regex((await patch('--from-live')).stderr, /^note: nothing to change: descheduler-loadaware hasn't drifted\n$/);
  await cluster.patch(
    descheduler,
    { spec: { deschedulingIntervalSeconds: 900, evictionLimits: { node: null }, logLevel: 'Trace' } },
    { manager: 'night-shift' },
  );
  const ran = await patch('--from-live', '-y');
  t.is(ran.code, 0, ran.stderr);
  t.regex(ran.stdout, /\ndescheduler-loadaware: update → in-sync \(/);
  t.deepEqual(
    await patchOf(descheduler),
    [
      { op: 'replace', path: seconds, value: 900 },
      { op: 'remove', path: '/spec/evictionLimits/node' },
    ],
    'what the baseline has no opinion about is left alone',
  );
});

test.serial('where the object is left alone, the patch is written, and what it will do is shown', async (t) => {
  await annotate(descheduler, { [key('mode')]: 'unmanaged' });
  const unmanaged = await patch('--set', 'spec.deschedulingIntervalSeconds=300', '--dry-run=client');
  t.is(unmanaged.code, 0, unmanaged.stderr);
  t.regex(
    unmanaged.stdout,
    /\nNo decision changes\.\ndescheduler-loadaware is unmanaged: the patch is written, and has no effect until "manage descheduler-loadaware" gives the object back\n {2}then it becomes:\n--- NOW\/.*\n\+\+\+ THEN\//,
  );
  t.regex(unmanaged.stdout, /\n- {2}deschedulingIntervalSeconds: 60\n\+ {2}deschedulingIntervalSeconds: 300\n/);
  failsWith(t, await patch('--set', 'spec.managementState=Manged', '-y'), /the API server refuses the result/);

  await annotate(descheduler, { [key('mode')]: null, [key('reconcile-paused')]: 'true' });
  const paused = await patch('--set', 'spec.deschedulingIntervalSeconds=300', '--dry-run=client');
  t.regex(paused.stdout, /\ndescheduler-loadaware is paused: .* until "unpause descheduler-loadaware" resumes it\n/);

  await annotate(descheduler, { [key('reconcile-paused')]: null });
  await annotate(hco, { [key('disabled-resources')]: '[{kind: KubeDescheduler, name: "*"}]' });
  t.teardown(() => annotate(hco, { [key('disabled-resources')]: null }));
  const excluded = await patch('--set', 'spec.deschedulingIntervalSeconds=300', '--dry-run=client');
  t.regex(excluded.stdout, /\ndescheduler-loadaware is excluded: .* until no rule of disabled-resources covers it\n/);
});

test.serial(
  'a patch that puts right what the object is held for has its effect, and nothing else is said',
  async (t) => {
    const held: [name: string, value: string, waits: boolean][] = [
      ['patch', '{"spec":{"logLevel":"Debug"}}', false],
      ['patch', 'rubbish', false],
      ['mode', 'unmanged', true],
    ];
    for (const [name, value, waits] of held) {
      await annotate(descheduler, { [key(name)]: value });
      const ran = await patch('--set', 'spec.deschedulingIntervalSeconds=300', '--dry-run=client');
      t.is(ran.code, 0, ran.stderr);
      t.is(/has no effect until that is over: held as it is: /.test(ran.stdout), waits, ran.stdout);
      t.is(/\ndescheduler-loadaware: override-invalid → update /.test(ran.stdout), !waits, ran.stdout);
      await annotate(descheduler, { [key(name)]: null });
    }
  },
);

test.serial('a patch of a field that is ignored is said to have no effect', async (t) => {
  await annotate(descheduler, { [key('ignore-fields')]: seconds });
  const ran = await patch('--set', 'spec.deschedulingIntervalSeconds=300', '--dry-run=client');
  t.is(ran.code, 0, ran.stderr);
  t.regex(
    ran.stdout,
    /^\/spec\/deschedulingIntervalSeconds is ignored: whatever is patched there, the live value stays until "ignore descheduler-loadaware \/spec\/deschedulingIntervalSeconds --remove"\n/,
  );
});

test.serial(
  'what takes no patch, isn’t rendered, doesn’t exist or isn’t known is refused, with what to do instead',
  async (t) => {
    const set = ['--set', 'spec.x=1', '-y'];
    failsWith(
      t,
      await kubectl('patch', 'MachineConfig/90-worker-swap-online', ...set),
      /MachineConfig is a sensitive kind and takes no patch: "unmanage swap-enable" hands .* "ignore swap-enable POINTER"/,
    );
    failsWith(
      t,
      await kubectl('patch', 'mtv-operator', ...set),
      /mtv-operator isn't rendered here.*\(condition-unmet\): /,
    );
    failsWith(
      t,
      await kubectl('patch', 'descheduler-loadawar', ...set),
      /there is no asset.*did you mean "descheduler-loadaware"/,
    );
    failsWith(t, await kubectl('patch', ...set), /say which object: the name of an asset, or KIND\/NAME/);
    await cluster.delete(descheduler);
    t.teardown(applyBaseline);
    failsWith(
      t,
      await patch(...set),
      /KubeDescheduler\/\S+ doesn't exist, and nothing else can carry the annotation: patch it once the controller .*"status descheduler-loadaware".*"render descheduler-loadaware"/,
    );
  },
);

test.serial('--dry-run and -o yaml write nothing; the command names its object as KIND NAME too', async (t) => {
  const name = ['patch', 'KubeDescheduler', 'cluster', '--set', 'spec.logLevel=Debug'];
  const server = await kubectl(...name, '--dry-run=server');
  t.is(server.code, 0, server.stderr);
  t.regex(server.stdout, / annotated \(server dry run\)\n$/);
  const printed = await kubectl(...name, '-o', 'yaml');
  t.is(
    printed.stdout,
    `apiVersion: operator.openshift.io/v1
kind: KubeDescheduler
metadata:
  name: cluster
  namespace: openshift-kube-descheduler-operator
  annotations:
    platform.kubevirt.io/patch: "[{\\"op\\":\\"add\\",\\"path\\":\\"/spec/logLevel\\",\\"value\\":\\"Debug\\"}]"
`,
  );
  t.is(await patchOf(descheduler), undefined);
});

test.serial('--gitops prints the rules for what is kept, with and without a patch', async (t) => {
  for (const args of [[], ['--set', 'spec.logLevel=Debug']]) {
    const { code, stdout, stderr } = await patch(...args, '--gitops', 'argocd');
    t.is(code, 0, stderr);
    t.regex(stdout, /deschedulingIntervalSeconds/);
    t.is(stdout.includes('logLevel'), args.length > 0);
  }
  t.is(await patchOf(descheduler), undefined);
});

test.serial('who may not write is told which permission is missing', async (t) => {
  await letViewerRead(cluster);
  const args = ['virt-platform', 'patch', 'descheduler-loadaware'];
  const ran = await cluster.kubectl([...args, '--set', 'spec.logLevel=Debug', '-y'], { as: 'viewer' });
  t.is(ran.code, 2);
  const permission =
    /kubectl \S+ auth can-i patch kubedeschedulers\.operator\.openshift\.io\/cluster -n openshift-kube-desch/;
  t.regex(ran.stdout, /^the API server couldn't check the result of descheduler-loadaware: no permission to patch /);
  t.regex(ran.stderr, /^Error from server \(Forbidden\): /);
  t.regex(ran.stderr, permission);
  failsWith(
    t,
    await cluster.kubectl([...args, '--from-live'], { as: 'viewer' }),
    /what has drifted can't be told: no permission/,
  );
  t.is(await patchOf(descheduler), undefined);
});

test.serial('of two people who patch at once, the second is told what the first wrote', async (t) => {
  const second = await onTerminal(cluster, ['patch', 'descheduler-loadaware', '--set', 'spec.logLevel=Debug'], {
    answer: 'y\n',
    meanwhile: () => patch('--set', 'spec.deschedulingIntervalSeconds=300', '-y'),
  });
  t.is(second.code, 2, second.text);
  t.regex(second.text, /was left as it is: meanwhile it was changed: \S+patch was not set and is "\[/);
  t.deepEqual(await patchOf(descheduler), [{ op: 'replace', path: seconds, value: 300 }]);
});

test.serial('on a terminal the question names context and server; no and Ctrl-C leave nothing written', async (t) => {
  const args = ['patch', 'descheduler-loadaware', '--set', 'spec.logLevel=Debug'];
  const no = await onTerminal(cluster, args, { answer: 'n\n' });
  t.regex(no.text, /\nWrite this to context "admin" \(https:\/\/[^)]+\)\? \[y\/N\] /);
  t.is(no.code, 0);
  t.is((await onTerminal(cluster, args, { answer: '\u0003' })).code, 130);
  t.is(await patchOf(descheduler), undefined);
});
