import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { shellScripts } from '../../plugin/completion/shell-scripts.ts';
import { useCluster, waitFor } from '../helpers/cluster.ts';
import { hyperConverged, makeNamespaces } from './_plugin.ts';

const cluster = useCluster(test);
const root = path.resolve(import.meta.dirname, '../..');

/** As kubectl's own script asks kubectl, which asks our program; without descriptions, and last the directive. */
async function completed(words: readonly string[], options: Parameters<typeof cluster.kubectl>[1] = {}) {
  const { stdout, stderr, code } = await cluster.kubectl(['__complete', 'virt-platform', ...words], options);
  // What kubectl says itself, for those who debug, and nothing of ours.
  const kubectls = /^(\[Debug\] .*\n)*Completion ended with directive: .+\n$/;
  if (code !== 0 || !kubectls.test(stderr)) throw new Error(`${code}: ${stderr}`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t')[0] ?? '');
}

/** What a live object has to do with: asked again where a busy machine wasn't in time, and so had nothing to say. */
async function live(words: readonly string[]): Promise<string[]> {
  return await waitFor(
    async () => {
      const found = await completed(words);
      return found.length > 1 ? found : undefined;
    },
    { what: 'the cluster to answer in time' },
  );
}

test.before('HyperConverged is where the catalog would not look', async () => {
  await makeNamespaces(cluster);
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kubevirt-hyperconverged' } },
    hyperConverged({}, 'kubevirt-hyperconverged'),
  ]);
});

test.serial('kubectl completes commands, options, values and names of the plugin', async (t) => {
  t.deepEqual(await completed(['stat']), ['status', ':4']);
  t.deepEqual(await completed(['status', '--outp']), ['--output', ':4']);
  t.deepEqual(await completed(['status', '--output', 'j']), ['json', ':4']);
  t.deepEqual(await completed(['status', '--output=j']), ['json', ':4']);
  t.deepEqual(await completed(['status', 'swap-enable-m']), ['swap-enable-master', ':4']);
  t.deepEqual(await completed(['status', '--context', '']), ['admin', ':4']);
  t.deepEqual(await completed(['status', '-f', '']), [':0']);
  const words = await completed(['status', '']);
  for (const word of ['swap-enable', 'memory-overcommit', 'MachineConfig']) t.true(words.includes(word), word);
});

test.serial('the namespace of HyperConverged is the live one', async (t) => {
  t.deepEqual(await live(['status', '-n', 'kubevirt-h']), ['kubevirt-hyperconverged', ':4']);
});

test.serial(
  'fields to ignore are those of the live object, a level at a time; identity and our own keys are not among them',
  async (t) => {
    await cluster.apply({
      apiVersion: 'machineconfiguration.openshift.io/v1',
      kind: 'MachineConfig',
      metadata: {
        name: '90-worker-swap-online',
        labels: { 'machineconfiguration.openshift.io/role': 'worker', 'platform.kubevirt.io/managed-by': 'x' },
        annotations: { 'platform.kubevirt.io/ignore-fields': '/spec/fips' },
      },
      spec: { fips: true, kernelArguments: ['a'], config: { ignition: { version: '3.4.0' } } },
    });
    const ignore = (...words: string[]) => live(['ignore', 'swap-enable', ...words]);
    t.deepEqual(await ignore(''), ['/metadata/', '/spec/', ':6']);
    t.deepEqual(await ignore('/metadata/'), ['/metadata/annotations/', '/metadata/labels/', ':6'].slice(1));
    t.deepEqual(await ignore('/metadata/labels/'), ['/metadata/labels/machineconfiguration.openshift.io~1role', ':4']);
    t.deepEqual(await ignore('/spec/f'), ['/spec/fips', ':4']);
    t.deepEqual(await ignore('/spec/config/ignition/'), ['/spec/config/ignition/version', ':4']);
    t.deepEqual(await live(['ignore', 'MachineConfig', '90-worker-swap-online', '/spec/f']), ['/spec/fips', ':4']);
    t.deepEqual(await ignore('--remove', ''), ['/spec/fips', ':4']);
  },
);

test.serial('who may do nothing gets what the catalog knows, and no word about it', async (t) => {
  t.deepEqual(await completed(['status', '-n', 'openshift-cn'], { as: 'nobody' }), ['openshift-cnv', ':4']);
  t.deepEqual(await completed(['ignore', 'swap-enable', '/spec/'], { as: 'nobody' }), [':4']);
  t.deepEqual(await completed(['status', '-n', 'openshift-cn'], { env: { KUBECONFIG: '/nonexistent' } }), [
    'openshift-cnv',
    ':4',
  ]);
});

test.serial('a server that never answers holds nobody up', async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const { port } = silent.address() as { port: number };
  t.deepEqual(await completed(['ignore', '--server', `https://127.0.0.1:${port}`, 'swap-enable', '/']), [':4']);
});

test.serial('a program that would log somebody in is not run', async (t) => {
  const { directory, url, ca } = cluster.controlPlane;
  const ran = path.join(directory, 'a-program-ran');
  const kubeconfig = path.join(directory, 'exec.kubeconfig');
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'touch',
    args: [ran],
    interactiveMode: 'IfAvailable',
  };
  await writeFile(
    kubeconfig,
    JSON.stringify({
      'current-context': 'x',
      clusters: [
        { name: 'x', cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
      ],
      users: [{ name: 'x', user: { exec } }],
      contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    }),
  );
  t.deepEqual(await completed(['ignore', 'swap-enable', '/'], { as: kubeconfig }), [':4']);
  t.deepEqual(await completed(['status', '-n', 'openshift-cn'], { as: kubeconfig }), ['openshift-cnv', ':4']);
  t.false(existsSync(ran));
  await cluster.kubectl(['virt-platform', 'status'], { as: kubeconfig });
  t.true(existsSync(ran), 'other commands do run it');
});

/** What a shell prints that runs a script, with the plugin of this checkout in its path. */
async function shell(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, {
    cwd: root,
    env: {
      PATH: [path.join(root, 'plugin'), path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
      HOME: cluster.controlPlane.directory,
      KUBECONFIG: cluster.kubeconfig,
      TERM: 'dumb',
    },
  });
  return stdout;
}
const has = (program: string) => spawnSync(program, ['--version']).error === undefined;
const script = async (of: keyof typeof shellScripts) => {
  const file = path.join(cluster.controlPlane.directory, `completion.${of}`);
  await writeFile(file, shellScripts[of]);
  return file;
};

test.serial('bash completes kubectl-virt_platform with the script, without the package bash-completion', async (t) => {
  const file = await script('bash');
  // As bash itself splits the words: at = and : too.
  const inBash = async (...words: string[]) =>
    (
      await shell('bash', [
        '--norc',
        '-c',
        `source '${file}'; complete -p kubectl-virt_platform > /dev/null
         COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); __kubectl_virt_platform; printf '%s\\n' "\${COMPREPLY[@]}"`,
        'bash',
        'kubectl-virt_platform',
        ...words,
      ])
    )
      .trimEnd()
      .split('\n');
  t.deepEqual(await inBash('stat'), ['status']);
  t.deepEqual(await inBash('status', 'swap-enable-m'), ['swap-enable-master']);
  t.deepEqual(await inBash('status', '--output', '=', 'j'), ['json']);
  t.deepEqual(await inBash('status', '--output', '='), ['wide', 'json', 'yaml', 'name']);
  t.deepEqual(await inBash('status', '--output', '=', 'json', 'swap-enable-m'), ['swap-enable-master']);
  t.deepEqual(await inBash('render', '--catalog', 'asse'), ['assets']);
  t.deepEqual(await inBash('render', '-f', 'packa'), ['package-lock.json', 'package.json']);
  t.deepEqual(await inBash('version', ''), ['']);
});

// Where they are in PATH.
const withFish = has('fish') ? test.serial : test.serial.skip;
withFish('fish completes kubectl-virt_platform with the script', async (t) => {
  const file = await script('fish');
  const inFish = async (typed: string) =>
    (await shell('fish', ['--no-config', '-c', `source '${file}'; complete -C '${typed}'`]))
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[0]);
  t.deepEqual(await inFish('kubectl-virt_platform stat'), ['status']);
  t.deepEqual(await inFish('kubectl-virt_platform status swap-enable-m'), ['swap-enable-master']);
  t.deepEqual(await inFish('kubectl-virt_platform status --output=j'), ['--output=json']);
  t.deepEqual(await inFish('kubectl-virt_platform render --catalog asse'), ['assets/']);
  t.deepEqual(await inFish('kubectl-virt_platform render -f package-'), ['package-lock.json']);
});

const withZsh = has('zsh') ? test.serial : test.serial.skip;
withZsh('zsh completes kubectl-virt_platform with the script, on a terminal', async (t) => {
  const file = await script('zsh');
  const terminal = path.join(cluster.controlPlane.directory, 'terminal.zsh');
  // A zsh on a pseudo-terminal of zsh's own, into which something and a tab are typed; then what its line holds is asked.
  await writeFile(
    terminal,
    `zmodload zsh/zpty
     zpty -b z zsh -f -i
     zpty -w z "PROMPT=; autoload -Uz compinit; compinit -u -D; source '${file}'"
     zpty -w z 'show() { print -r -- "<<$BUFFER>>"; BUFFER=; zle accept-line }; zle -N show; bindkey "^X" show'
     zpty -w z 'bindkey "^I" complete-word; print REA""DY'
     zpty -r z seen '*READY*'
     zpty -w -n z "$1"$'\\t'$'\\x18'
     zpty -r z seen '*<<*>>*'
     print -r -- "\${\${seen##*<<}%%>>*}"
     zpty -d z\n`,
  );
  const inZsh = async (typed: string) => (await shell('zsh', ['-f', terminal, typed])).trimEnd();
  t.is(await inZsh('kubectl-virt_platform stat'), 'kubectl-virt_platform status');
  t.is(await inZsh('kubectl-virt_platform status swap-enable-m'), 'kubectl-virt_platform status swap-enable-master');
  t.is(await inZsh('kubectl-virt_platform status --output=j'), 'kubectl-virt_platform status --output=json');
  t.is(await inZsh('kubectl-virt_platform render --catalog asse'), 'kubectl-virt_platform render --catalog assets/');
});
