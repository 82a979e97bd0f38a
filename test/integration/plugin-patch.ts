import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { useCluster } from '../helpers/cluster.ts';
import { runPlugin } from '../unit/plugin/_environment.ts';
import { activated, failsWith, hyperConverged, makeNamespaces } from './_plugin.ts';

const cluster = useCluster(test);
const descheduler = {
  apiVersion: 'operator.openshift.io/v1',
  kind: 'KubeDescheduler',
  namespace: 'openshift-kube-descheduler-operator',
  name: 'cluster',
};
const key = 'platform.kubevirt.io/patch';
const seconds = '/spec/deschedulingIntervalSeconds';
const plugin = (...args: string[]) => cluster.kubectl(['virt-platform', ...args]);
const patch = (...args: string[]) => plugin('patch', 'descheduler-loadaware', ...args);
/** In this process, on the same API server: many of these in little time. */
const patchHere = (...args: string[]) =>
  runPlugin(['patch', 'descheduler-loadaware', ...args], { variables: { KUBECONFIG: cluster.kubeconfig } });

async function annotations(): Promise<Record<string, string>> {
  return (await cluster.get(descheduler))?.metadata.annotations ?? {};
}

async function operations(): Promise<unknown> {
  const value = (await annotations())[key];
  return value === undefined ? undefined : JSON.parse(value);
}

test.serial.before('a baseline is there', async (t) => {
  await makeNamespaces(cluster);
  await cluster.apply(hyperConverged(activated));
  const { stdout } = await plugin('render');
  const args = ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'];
  const applied = await cluster.kubectl(args, { stdin: stdout });
  t.is(applied.code, 0, applied.stderr);
});

test.afterEach.always('nothing is patched any more', async () => {
  const isThere = (await annotations())[key] !== undefined;
  if (isThere) await cluster.patch(descheduler, { metadata: { annotations: { [key]: null } } });
});

test.serial('--set writes the smallest patch, after showing it and what the object becomes', async (t) => {
  const ran = await patch('--set', 'spec.deschedulingIntervalSeconds=300', '-y');
  t.is(ran.stderr, '');
  t.is(ran.code, 0);
  t.regex(
    ran.stdout,
    /^KubeDescheduler\/openshift-kube-descheduler-operator\/cluster\n {2}platform\.kubevirt\.io\/patch: <none> → "\[/,
  );
  t.regex(ran.stdout, /\ndescheduler-loadaware: in-sync → update \(/);
  t.regex(ran.stdout, /\n- {2}deschedulingIntervalSeconds: 60\n\+ {2}deschedulingIntervalSeconds: 300\n/);
  t.deepEqual(await operations(), [{ op: 'replace', path: seconds, value: 300 }]);
});

test.serial(
  'what is patched already is composed with what is new, and what is the baseline again is dropped',
  async (t) => {
    await patch('--set', 'spec.deschedulingIntervalSeconds=300', '-y');
    const more = await patch('--set', 'spec.logLevel=Debug', '--set', 'spec.evictionLimits.total=7', '-y');
    t.is(more.code, 0, more.stderr);
    t.deepEqual(await operations(), [
      { op: 'replace', path: seconds, value: 300 },
      { op: 'replace', path: '/spec/evictionLimits/total', value: 7 },
      { op: 'add', path: '/spec/logLevel', value: 'Debug' },
    ]);
    await patch('--set', 'spec.deschedulingIntervalSeconds=60', '--remove', '/spec/logLevel', '-y');
    t.deepEqual(await operations(), [{ op: 'replace', path: '/spec/evictionLimits/total', value: 7 }]);
    const back = await patch('--set', 'spec.evictionLimits.total=5', '-y', '--reason', 'unneeded');
    t.is(back.code, 0, back.stderr);
    t.regex(back.stdout, /^descheduler-loadaware is the rendered state again: its patch goes away\n/);
    t.is(await operations(), undefined);
  },
);

test.serial('a merge patch and dotted paths become operations; standard input and files are read', async (t) => {
  const merged = await patch('-p', '{"spec":{"deschedulingIntervalSeconds":300,"evictionLimits":{"node":null}}}', '-y');
  t.is(merged.code, 0, merged.stderr);
  const both = [
    { op: 'replace', path: seconds, value: 300 },
    { op: 'remove', path: '/spec/evictionLimits/node' },
  ];
  t.deepEqual(await operations(), both);
  const again = await patch('-p', 'spec: {deschedulingIntervalSeconds: 300}', '--type=merge');
  t.deepEqual([again.code, again.stdout], [0, '']);
  t.is(again.stderr, 'note: nothing to change: the patch of descheduler-loadaware says so already\n');

  const file = path.join(cluster.controlPlane.directory, 'patch.yaml');
  await writeFile(file, '# what we agreed on\n- {op: add, path: spec.logLevel, value: Trace}\n');
  const fromFile = await patch('--patch-file', file, '-y');
  t.is(fromFile.code, 0, fromFile.stderr);
  t.deepEqual(await operations(), [...both, { op: 'add', path: '/spec/logLevel', value: 'Trace' }]);

  const stdin = '[{"op":"move","from":"/spec/logLevel","path":"/spec/operatorLogLevel"}]';
  const piped = await cluster.kubectl(['virt-platform', 'patch', 'descheduler-loadaware', '--patch-file=-', '-y'], {
    stdin,
  });
  t.is(piped.code, 0, piped.stderr);
  t.deepEqual(await operations(), [...both, { op: 'add', path: '/spec/operatorLogLevel', value: 'Trace' }]);
});

test.serial('a map can be emptied', async (t) => {
  const emptied = ['/spec/evictionLimits/total', '/spec/evictionLimits/node'];
  const ran = await patch(...emptied.flatMap((pointer) => ['--remove', pointer]), '-y');
  t.is(ran.code, 0, ran.stderr);
  t.deepEqual(
    await operations(),
    emptied.map((at) => ({ op: 'remove', path: at })),
  );
});

test.serial(
  'a map that the server takes as one value can be emptied: the controller sees that it differs',
  async (t) => {
    const ran = await runPlugin(['patch', 'metrics-service', '--set', 'spec.selector={}', '--dry-run=client'], {
      variables: { KUBECONFIG: cluster.kubeconfig },
    });
    t.is(ran.code, 0, ran.stderr);
    t.regex(ran.stdout, /\nmetrics-service: in-sync → update \(2 fields differ: \/spec\/selector\/app /);
    t.regex(ran.stdout, /\n- {2}selector:\n/);
  },
);

test.serial('a patch from standard input can’t be asked about there', async (t) => {
  const ran = await cluster.kubectl(['virt-platform', 'patch', 'descheduler-loadaware', '--patch-file', '-'], {
    stdin: '{"spec":{"logLevel":"Debug"}}',
  });
  t.is(ran.code, 2);
  t.regex(ran.stderr, /^error: nothing was written .*--yes/);
});

const mistakes: Readonly<Record<string, readonly [args: readonly string[], message: RegExp]>> = {
  'nothing to do': [[], /say what to patch: with --set PATH=VALUE, --remove POINTER, -p, .* --list shows/],
  'two ways at once': [['--edit', '--set', 'spec.x=1'], /--set and --edit exclude each other/],
  'two patches': [['-p', '[]', '--patch-file', 'x'], /--patch and --patch-file exclude each other/],
  'a type of nothing': [['--set', 'spec.x=1', '--type=json'], /--type says what -p or --patch-file is/],
  'a list with a guard': [['--list', '--guard'], /--list and --guard exclude each other/],
  'a reason for a list': [['--list', '--reason=x'], /--reason goes with an override that is made, not with --list/],
  'broken JSON': [['-p', '[{"op": "add",\n "path": ]'], /-p is neither JSON nor YAML: line 2, column \d+: /],
  'broken YAML': [
    ['-p', 'spec: {a: *x}'],
    /-p is neither JSON nor YAML: line 1, column 11: Aliases \(\*name\) aren't allowed/,
  ],
  'an empty patch': [['-p', ''], /-p is empty: it is to hold a patch, as in \[/],
  'a text': [['-p', 'bigger'], /-p is "bigger", and no patch: it is operations/],
  'an assignment': [['-p', 'spec.x=5'], /-p is an assignment: give it with --set/],
  'an unknown operation': [
    ['-p', '[{"op":"set","path":"/spec/x","value":1}]'],
    /operation 1 of the patch: op is "set"; it is one of add, remove/,
  ],
  'an unknown type': [['-p', '{}', '--type=apply'], /--type=apply isn't known: it is json/],
  'a strategic merge patch by type': [
    ['-p', '{}', '--type=strategic'],
    /--type=strategic has no meaning here.*--type=merge.*--edit/,
  ],
  'a strategic merge patch by form': [
    ['-p', '{"spec":{"profiles":[{"$patch":"delete"}]}}'],
    /-p has \$patch, of a strategic merge patch/,
  ],
  'the other type': [['-p', '{"spec":{}}', '--type=json'], /is a merge patch, and --type=json wants.*--type=merge/],
  'operations as a merge patch': [['-p', '[]', '--type=merge'], /has operations of RFC 6902.*--type=json/],
  JSONPath: [
    ['-p', '[{"op":"remove","path":"$.spec.profiles[?(@=="a")]"}]'.replaceAll('"a"', 'a')],
    /selects with .*JSONPath.*--edit/,
  ],
  'a pointer at nothing': [
    ['-p', '[{"op":"replace","path":"/spec/deschedulingIntervalSecond","value":5}]'],
    /-p doesn't fit: operation 1 \(replace \S+\): there is nothing at \S+; did you mean \/spec\/deschedulingIntervalSeconds\?/,
  ],
  'a pointer beyond a list': [
    ['-p', '[{"op":"remove","path":"/spec/profiles/3"}]'],
    /nothing at \/spec\/profiles\/3, a list of 1/,
  ],
  'a test that fails': [['-p', `[{"op":"test","path":"${seconds}","value":61}]`], /operation 1 \(test/],
  'a bomb of copies': [
    [
      '-p',
      JSON.stringify(
        Array.from({ length: 40 }, (_, index) => ({ op: 'copy', from: '/spec', path: `/spec/x${index}` })),
      ),
    ],
    /-p doesn't fit: operation \d+ \(copy \S+\): the result is (\d+ bytes long|nested)/,
  ],
  'too many operations': [
    [
      '-p',
      JSON.stringify(Array.from({ length: 201 }, () => ({ op: 'test', path: '/kind', value: 'KubeDescheduler' }))),
    ],
    /the patch has 201 operations; at most 200/,
  ],
  'a value that is too large': [
    ['--set', `spec.logLevel=${'x'.repeat(70_000)}`],
    /no patch can do that: the patch is 70\d+ bytes long; at most 65536/,
  ],
  'the identity': [['--set', 'metadata.name=other'], /no patch can do that: it changes \/metadata\/name/],
  'the kind': [['-p', '{"kind":"Secret"}'], /it changes \/kind, which is the object's identity/],
  'the status': [['--set', 'status.x=1'], /it changes \/status/],
  'an owner': [['--set', 'metadata.finalizers=[x]'], /it changes \/metadata\/finalizers/],
  'a key of ours': [['--set', "metadata.annotations['platform.kubevirt.io/mode']=unmanaged"], /a key of ours/],
  'a key of another controller': [
    ['--set', "metadata.annotations['argocd.argoproj.io/x']=y"],
    /steer other controllers/,
  ],
  'a prototype in a path': [
    ['--set', 'spec.__proto__.x=1'],
    /--set: "spec.__proto__.x" uses the name "__proto__", which is refused/,
  ],
  'a prototype in a pointer': [
    ['--remove', '/spec/constructor/x'],
    /--remove: "\/spec\/constructor\/x" uses the name "constructor"/,
  ],
  'a prototype in a merge patch': [['-p', '{"spec":{"__proto__":{"x":1}}}'], /The key __proto__ isn't allowed/],
  'a prototype in a value': [['-p', '{"spec":{"prototype":1}}'], /-p uses the name "prototype", which is refused/],
  'a field that isn’t declared': [
    ['--set', 'spec.loglevel=Debug'],
    /\/spec\/loglevel: there is no such field; did you mean "logLevel"/,
  ],
  'a field like no other': [
    ['--set', 'spec.evictionLimits.colour=red'],
    /\/spec\/evictionLimits\/colour: there is no such field; \/spec\/evictionLimits has node, total/,
  ],
  'a field inside a scalar': [['--set', 'spec.mode.x=1'], /\/spec\/mode is "Automatic", neither a map nor a list/],
  'a value that isn’t allowed': [
    ['--set', 'spec.mode=Predictiv'],
    /\/spec\/mode is one of Automatic, Predictive, and "Predictiv" isn't \(did you mean "Predictive"\?\)/,
  ],
  'a value of another type': [
    ['--set', 'spec.deschedulingIntervalSeconds=soon'],
    /\/spec\/deschedulingIntervalSeconds is an integer(?:, at least 1)?, and "soon" is a text/,
  ],
  'a value that only the server knows to be wrong': [
    ['--set', 'spec.managementState=Manged'],
    /the API server refuses the result: .*managementState/,
  ],
  'an index beyond its list': [
    ['--set', 'spec.profiles[4]=x'],
    /\/spec\/profiles is a list of 1: \[0\] is there, and \[1\] adds to it/,
  ],
  'a number that isn’t exact': [
    ['--set', 'spec.unsupportedConfigOverrides.x=9007199254740993'],
    /its value has a number beyond ±9007199254740991/,
  ],
  'no path': [['--set', 'spec..x=1'], /--set: "spec..x" is no path: it is written spec.a.b/],
  'no assignment': [['--set', 'spec.x'], /--set spec.x is no PATH=VALUE/],
  'a broken value': [
    ['--set', 'spec.profiles=[a'],
    /--set spec.profiles=\[a: the value is neither JSON nor YAML: line 1/,
  ],
  'a null': [
    ['--set', 'spec.deschedulingIntervalSeconds=null'],
    /must be of type integer: "null".*; take it away instead, as with --remove\n$/,
  ],
  'a removal of nothing': [
    ['--remove', '/spec/evictionLimit'],
    /--remove \/spec\/evictionLimit: nothing is rendered there; did you mean "evictionLimits"/,
  ],
  'a removal of a default': [
    ['--remove', '/spec/logLevel'],
    /nothing is rendered there: the live value is a default of the server, and no patch can take away/,
  ],
  'no pointer': [['--remove', 'spec..x'], /--remove: "spec..x" is no JSON pointer/],
  'a file that isn’t there': [
    ['--patch-file', 'nowhere.yaml'],
    /nowhere.yaml does not exist: check the path given with --patch-file/,
  ],
  'a folder': [['--patch-file', '/'], /\/ is a folder: --patch-file takes one file/],
  'no patch to guard': [['--guard'], /descheduler-loadaware has no patch: give one/],
};
for (const [what, [args, message]] of Object.entries(mistakes)) {
  test.serial(`refused in one line, and nothing written: ${what}`, async (t) => {
    failsWith(t, await patchHere(...args, '-y'), message);
    t.is(await operations(), undefined);
  });
}

test.serial('kinds that are built in have a schema too, by which values get their type', async (t) => {
  const onService = (...args: string[]) =>
    runPlugin(['patch', 'metrics-service', ...args], { variables: { KUBECONFIG: cluster.kubeconfig } });
  failsWith(
    t,
    await onService('--set', 'spec.ports[0].nodeport=30000', '-y'),
    /\/spec\/ports\/0\/nodeport: there is no such field; did you mean "nodePort"\?/,
  );
  const ran = await onService(
    '--set',
    'spec.selector.zone=5',
    '--set',
    'spec.ports[0].targetPort=8443',
    '--set',
    'metadata.labels.rank=1',
    '-o',
    'json',
  );
  t.is(ran.code, 0, ran.stderr);
  t.deepEqual(JSON.parse(JSON.parse(ran.stdout).metadata.annotations[key]), [
    { op: 'add', path: '/metadata/labels/rank', value: '1' },
    { op: 'add', path: '/spec/selector/zone', value: '5' },
    { op: 'replace', path: '/spec/ports/0/targetPort', value: 8443 },
  ]);
});

test.serial('several mistakes by the schema are told all at once', async (t) => {
  const ran = await patchHere('-p', '{"spec":{"mode":"x","logLevel":5}}', '-y');
  t.is(ran.code, 2);
  t.is(
    ran.stderr,
    `error: 2 mistakes by the schema of KubeDescheduler:
  /spec/mode is one of Automatic, Predictive, and "x" isn't
  /spec/logLevel is one of "", Normal, Debug, Trace, TraceAll, and 5 is an integer
`,
  );
});
