import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { commandList } from '../../../../plugin/command-list.ts';
import { connection, everywhere } from '../../../../plugin/global-options.ts';
import { runPlugin } from '../_environment.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'plugin-complete-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const kubeconfig = path.join(folder, 'config');
writeFileSync(
  kubeconfig,
  `{apiVersion: v1, kind: Config, current-context: "a:1",
    clusters: [{name: east, cluster: {server: "https://127.0.0.1:1"}}, {name: west, cluster: {server: "https://127.0.0.1:1"}}],
    contexts: [{name: "a:1", context: {cluster: east, user: jane}}, {name: b, context: {cluster: west, user: jane}}],
    users: [{name: jane, user: {token: x}}]}`,
);

/** What is completed, without descriptions; it never fails and never says anything else. */
async function completed(...args: string[]): Promise<{ names: string[]; directive: string; described: string[] }> {
  const { stdout, stderr, code } = await runPlugin(['__complete', ...args], { variables: { KUBECONFIG: kubeconfig } });
  const lines = stdout.split('\n');
  if (stderr !== '' || code !== 0 || lines.pop() !== '') throw new Error(`it ended with ${code} and said ${stderr}`);
  const directive = lines.pop() ?? '';
  return { names: lines.map((line) => line.split('\t')[0] ?? ''), directive, described: lines };
}

const completes = test.macro({
  exec: async (t, args: string[], names: string[], directive = ':4') => {
    const found = await completed(...args);
    t.deepEqual([found.names, found.directive], [names, directive]);
  },
  title: (_, args: string[]) => `${JSON.stringify(args).slice(1, -1)} is completed`,
});

test('the first word is a command, each with its summary', async (t) => {
  const { names, described } = await completed('');
  t.deepEqual(names, [...commandList.map(({ name }) => name), 'help']);
  t.true(described.includes('version\tVersions of plugin, catalog, controller and API server'));
});

test(completes, ['stat'], ['status']);
test(completes, ['help', 'ver'], ['version']);
test(completes, ['help', 'version', ''], []);
test(completes, ['--context', 'b', 'stat'], ['status']);

test('after a dash there are the options of the command and those for the connection', async (t) => {
  const { names } = await completed('status', '--');
  const status = await commandList.find(({ name }) => name === 'status')?.load();
  t.deepEqual(
    names,
    [...(status?.options ?? []), ...everywhere, ...connection]
      .filter(({ name }) => name.length > 1)
      .map(({ name }) => `--${name}`),
  );
});

test('a command that talks to no cluster has no options for the connection', async (t) => {
  t.deepEqual((await completed('completion', '--')).names, ['--dir', '--dry-run', '--color', '--help']);
});

test('after one dash there are the letters too', async (t) => {
  const { names } = await completed('status', '-');
  for (const name of ['--output', '-o', '--namespace', '-n', '-v']) t.true(names.includes(name), name);
});

test('an option that is there already is not offered again, unless it may be', async (t) => {
  const { names } = await completed('render', '--no-such', '-o', 'json', '-f', 'x', '--');
  t.deepEqual(names, [], 'nothing is known after a mistake');
  const offered = (await completed('render', '-o', 'json', '-f', 'x', '--')).names;
  t.false(offered.includes('--output'));
  t.true(offered.includes('--filename'));
});

test(completes, ['status', '-o', ''], ['wide', 'json', 'yaml', 'name']);
test(completes, ['status', '--output', 'j'], ['json']);
test(completes, ['status', '--output=j'], ['json']);
test(completes, ['status', '-o=y'], ['yaml']);
test(completes, ['status', '-Ao', 'w'], ['wide']);
test(completes, ['status', '--color', ''], ['auto', 'always', 'never']);
test(completes, ['unmanage', '--dry-run='], ['none', 'client', 'server']);
test(completes, ['status', '--all-namespaces=t'], ['true']);
test(completes, ['explain', '--graph='], ['mermaid', 'dot']);
test(completes, ['render', '--fact', 'topology.isH'], ['topology.isHCP='], ':6');
test(completes, ['status', '--interval', ''], []);
test(completes, ['status', '--unknown=x'], []);

test(completes, ['status', '-f', 'x'], [], ':0');
test(completes, ['status', '--kubeconfig', ''], [], ':0');
test(completes, ['status', '--catalog', ''], [], ':16');

test(completes, ['--context', ''], ['a:1', 'b']);
test(completes, ['status', '--context=a'], ['a:1']);
test(completes, ['status', '--cluster', ''], ['east', 'west']);
test(completes, ['status', '--user', ''], ['jane']);
test(completes, ['--kubeconfig', '/nonexistent', '--context', ''], []);

test('without anything typed there are assets, features, groups and kinds', async (t) => {
  const { names, described } = await completed('status', '');
  for (const name of ['swap-enable', 'memory-overcommit', 'descheduler-loadaware', 'MachineConfig']) {
    t.true(names.includes(name), name);
  }
  t.true(described.includes('swap-enable\tMachineConfig/90-worker-swap-online'));
  t.false(names.some((name) => name.includes('/')));
  t.is(new Set(names).size, names.length, 'each once');
});

test(completes, ['status', 'swap-e'], ['swap-enable', 'swap-enable-master']);
test(completes, ['status', 'swap-enable', 'swap-e'], ['swap-enable-master']);
test(completes, ['status', '--', 'swap-enable-m'], ['swap-enable-master']);
test(completes, ['status', 'MachineConfig/90-w'], ['MachineConfig/90-worker-swap-online']);
test(completes, ['status', 'machineconfigs/90-w'], ['machineconfigs/90-worker-swap-online']);
test(completes, ['status', 'HyperC'], ['HyperConverged', 'HyperConverged/kubevirt-hyperconverged']);
test(completes, ['status', 'MachineConfig', '90-w'], ['90-worker-swap-online']);
test(completes, ['status', 'MachineConfig', '90-worker-swap-online', 'swap-enable-m'], ['swap-enable-master']);
test(completes, ['explain', 'swap-enable', ''], []);
test(completes, ['explain', 'MachineConfig', '90-worker-swap-online', ''], []);
test(completes, ['unmanage', 'memory-overc'], []);
test(completes, ['enable', 'pci'], ['pci-passthrough']);
test(completes, ['enable', 'swap'], []);
test(completes, ['exclude', '--kind', 'KubeD'], ['KubeDescheduler']);
test(completes, ['exclude', '--kind', 'MachineConfig', '--name', '90-w'], ['90-worker-swap-online']);
test(completes, ['completion', ''], ['bash', 'zsh', 'fish', 'install']);
test(completes, ['version', ''], []);
test(completes, ['nothing-like-it', ''], []);
test(completes, ['status', '--catalog', '/nonexistent', ''], []);
test(completes, [], [...commandList.map(({ name }) => name), 'help']);

test('an object with a namespace is completed with it where that is begun', async (t) => {
  const { names } = await completed('status', 'PersesDashboard/openshift-cnv/');
  t.true(names.includes('PersesDashboard/openshift-cnv/autopilot-asset-health'));
});

test('targets beside HyperConverged are in the namespace of -n', async (t) => {
  const { names } = await completed('status', '-n', 'elsewhere', 'PersesDashboard/elsewhere/');
  t.true(names.includes('PersesDashboard/elsewhere/autopilot-asset-health'));
});

test('a server that nobody listens at leaves what the catalog knows', async (t) => {
  t.true((await completed('status', '-n', '')).names.includes('openshift-cnv'));
  t.deepEqual((await completed('ignore', 'swap-enable', '/')).names, []);
});

test('names with what a terminal would act upon are left out', async (t) => {
  const evil = path.join(folder, 'evil');
  writeFileSync(evil, '{"contexts":[{"name":"x\\u001b[31m","context":{}},{"name":"y","context":{}}]}');
  t.deepEqual((await completed('--kubeconfig', evil, '--context', '')).names, ['y']);
});

test('every command says what the words of its usage name', async (t) => {
  for (const { name, load } of commandList) {
    const { usage, words = [] } = await load();
    const hasWords = usage.replace(name, '').replace('[flags]', '').trim() !== '';
    t.is(words.length > 0, hasWords, usage);
  }
});
