import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { parseYaml } from '../../../shared/yaml/parse-yaml.ts';
import { printYaml } from '../../../shared/yaml/print-yaml.ts';
import { activated, hyperConverged } from '../../integration/_plugin.ts';
import { runPlugin } from './_environment.ts';

const root = mkdtempSync(path.join(tmpdir(), 'plugin-offline-'));
test.after.always(() => rmSync(root, { recursive: true, force: true }));

const write = (folder: string, file: string, content: string | Uint8Array) => {
  const whole = path.join(root, folder, file);
  mkdirSync(path.dirname(whole), { recursive: true });
  writeFileSync(whole, content);
};
const yaml = (object: unknown) => `---\n${printYaml(JSON.parse(JSON.stringify(object)))}`;
const object = (apiVersion: string, kind: string, name: string, more: object = {}) => ({
  apiVersion,
  kind,
  metadata: { name, uid: name, resourceVersion: '1' },
  ...more,
});
const node = (name: string, role: string) => ({
  ...object('v1', 'Node', name),
  metadata: { name, labels: { [`node-role.kubernetes.io/${role}`]: '' } },
});
const list = (apiVersion: string, kind: string, items: readonly object[]) => ({
  apiVersion,
  kind: `${kind}List`,
  items,
});
const swapDrifted = {
  ...object('machineconfiguration.openshift.io/v1', 'MachineConfig', '90-worker-swap-online'),
  metadata: {
    name: '90-worker-swap-online',
    uid: 'u',
    resourceVersion: '7',
    labels: { 'platform.kubevirt.io/managed-by': 'virt-platform-autopilot' },
  },
  spec: { config: { ignition: { version: '9.9.9' } } },
};

// As `oc adm must-gather` leaves it: an image's folder, in which `oc adm inspect` put lists by namespace and group.
const image = 'must-gather/registry-example-com-must-gather-sha256-0123';
write('', 'must-gather/timestamp', '2026-01-01 12:00:00\n');
write('', 'must-gather/must-gather.log', 'gathering…\n');
write('', 'must-gather/event-filter.html', '<html></html>');
write('', `${image}/version`, 'must-gather\n4.20\n');
write('', `${image}/namespaces/openshift-cnv/openshift-cnv.yaml`, yaml(object('v1', 'Namespace', 'openshift-cnv')));
write(
  '',
  `${image}/namespaces/openshift-cnv/hco.kubevirt.io/hyperconvergeds/kubevirt-hyperconverged.yaml`,
  yaml(hyperConverged(activated)),
);
write('', `${image}/namespaces/openshift-cnv/core/pods.yaml`, yaml(list('v1', 'Pod', [])));
write(
  '',
  `${image}/namespaces/openshift-cnv/core/configmaps.yaml`,
  yaml(list('v1', 'ConfigMap', [object('v1', 'ConfigMap', 'a')])),
);
write('', `${image}/namespaces/openshift-cnv/pods/p/c/c/logs/current.log`, '2026-01-01T12:00:00Z {"not": "yaml: [}\n');
write('', `${image}/namespaces/openshift-cnv/pods/p/c/c/logs/previous.log.gz`, gzipSync('log'));
write('', `${image}/cluster-scoped-resources/core/nodes/w1.yaml`, yaml(node('w1', 'worker')));
write('', `${image}/cluster-scoped-resources/core/nodes/w2.yaml`, yaml(node('w2', 'worker')));
write('', `${image}/cluster-scoped-resources/core/nodes/m1.yaml`, yaml(node('m1', 'master')));
write(
  '',
  `${image}/cluster-scoped-resources/config.openshift.io/infrastructures.yaml`,
  yaml(
    list('config.openshift.io/v1', 'Infrastructure', [
      object('config.openshift.io/v1', 'Infrastructure', 'cluster', {
        status: { controlPlaneTopology: 'HighlyAvailable', platformStatus: { type: 'BareMetal' } },
      }),
    ]),
  ),
);
write(
  '',
  `${image}/cluster-scoped-resources/machineconfiguration.openshift.io/machineconfigs/90-worker-swap-online.yaml`,
  yaml(swapDrifted),
);
write(
  '',
  `${image}/cluster-scoped-resources/core/persistentvolumes.json`,
  JSON.stringify(list('v1', 'PersistentVolume', [])),
);
write('', `${image}/audit_logs/audit.log.gz`, gzipSync('{}'));
write('', `${image}/monitoring/prometheus/rules.json`, '{"status":"success","data":{"groups":[]}}');
symlinkSync('/etc', path.join(root, image, 'outside'));
symlinkSync('/etc/passwd', path.join(root, image, 'passwd.yaml'));

// The same as one List, and as a few files.
write(
  'list',
  'all.json',
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [hyperConverged(activated), swapDrifted, node('w1', 'worker'), node('w2', 'worker'), node('m1', 'master')],
  }),
);

const statusOf = async (...args: string[]) => {
  const ran = await runPlugin(['status', '-o', 'json', ...args], { cwd: root });
  return { ...ran, report: JSON.parse(ran.stdout) };
};
type Item = { asset: string; decision: string; why: string; drift?: { pointer: string }[] };
const itemOf = (report: { items: Item[] }, name: string) => report.items.find(({ asset }) => asset === name);

test('a must-gather is read as it lies there: nested lists, YAML and JSON; logs and archives are left alone', async (t) => {
  const { report, stderr, code } = await statusOf('-f', 'must-gather');
  t.is(code, 0);
  t.is(report.activation.state, 'active');
  const swap = itemOf(report, 'swap-enable');
  t.like(swap, { decision: 'unverified' });
  t.true(swap?.drift?.some(({ pointer }) => pointer === '/spec/config/ignition/version'));
  t.notRegex(stderr, /unknown: (?:hardware|topology\.workerCount|topology\.controlPlaneTopology)/);
  t.regex(stderr, /^note: must-gather\/.*\/outside is a link that leads out of must-gather, and is left out$/m);
  t.regex(stderr, /^note: must-gather\/.*\/passwd\.yaml is a link that leads out of must-gather, and is left out$/m);
  t.regex(stderr, /^note: .*rules\.json holds something else than Kubernetes objects, which is left out$/m);
});

test('what says which cluster is without effect on files, which is said', async (t) => {
  const { stderr, code } = await statusOf(
    '-f',
    'list',
    '--context',
    'production',
    '--as',
    'jane',
    '-n',
    'openshift-cnv',
  );
  t.is(code, 0);
  t.regex(stderr, /^note: with -f no cluster is asked: --context, --as are without effect$/m);
  t.notRegex((await statusOf('-f', 'list', '-n', 'openshift-cnv')).stderr, /without effect/);
});

test('without CRDs all are taken as installed, which is said', async (t) => {
  for (const words of [['status'], ['render', 'swap-enable'], ['diff', 'swap-enable'], ['explain', 'swap-enable']]) {
    const { stderr } = await runPlugin([...words, '-f', 'must-gather'], { cwd: root });
    t.regex(stderr, /^note: there is no CRD among the files: all are taken as installed$/m, words[0]);
  }
  const { stdout } = await runPlugin(['explain', 'swap-enable', '-f', 'must-gather'], { cwd: root });
  t.regex(stdout, /CRDs +assumed to be installed: which APIs are served is not known/);
  const crd = {
    ...object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'a.b'),
    spec: { group: 'b', names: { kind: 'A', plural: 'a' }, versions: [] },
  };
  write('crd', 'crd.json', JSON.stringify(crd));
  const known = await runPlugin(['explain', 'swap-enable', '-f', 'must-gather', '-f', 'crd'], { cwd: root });
  t.notRegex(known.stderr, /taken as installed/);
});

test('an inspected namespace alone, a List and single files give the same decisions', async (t) => {
  const decisions = async (...args: string[]) =>
    (await statusOf(...args)).report.items.map(({ asset, decision }: Item) => `${asset}: ${decision}`);
  const whole = await decisions('-f', 'must-gather');
  t.deepEqual(await decisions('-f', `${image}`), whole);
  t.deepEqual(await decisions('-f', `${image}/namespaces`, '-f', `${image}/cluster-scoped-resources`), whole);
  const fromList = await decisions('-f', 'list/all.json');
  t.true(fromList.includes('swap-enable: unverified'));
});

test('status, render, diff and explain all work on a must-gather, and without a network', async (t) => {
  const rendered = await runPlugin(['render', 'psi-enable', '-f', 'must-gather'], { cwd: root });
  t.is(rendered.code, 0, rendered.stderr);
  t.like(parseYaml(rendered.stdout), { kind: 'MachineConfig' });
  const diff = await runPlugin(['diff', 'swap-enable', '-f', 'must-gather'], { cwd: root });
  t.is(diff.code, 1);
  t.regex(diff.stderr, /^note: unverified, compared without the API server: swap-enable$/m);
  t.regex(diff.stdout, /\n- {6}version: 9\.9\.9\n\+ {6}version: 3\.\d\.\d\n/);
  const explained = await runPlugin(['explain', 'MachineConfig', '90-worker-swap-online', '-f', 'must-gather'], {
    cwd: root,
  });
  t.is(explained.code, 0);
  t.regex(explained.stdout, /^swap-enable: unverified\n/);
});

test('labels choose as in kubectl', async (t) => {
  const { report } = await statusOf(
    '-f',
    'must-gather',
    '-l',
    'platform.kubevirt.io/managed-by=virt-platform-autopilot',
  );
  t.true(report.items.some(({ asset }: Item) => asset === 'swap-enable'));
  const none = await runPlugin(['status', '-f', 'must-gather', '-l', 'nothing=has-this'], { cwd: root });
  t.regex(none.stderr, /^note: nothing that is managed fits$/m);
});

test('render --metadata shows what assets say of themselves, and how each condition came out', async (t) => {
  const { stdout, code } = await runPlugin(['render', 'pci-passthrough', '--metadata', '-f', 'list/all.json'], {
    cwd: root,
  });
  t.is(code, 0);
  t.like(parseYaml(stdout), {
    asset: 'pci-passthrough',
    file: 'machine-config/pci-passthrough.yaml.hbs',
    target: { kind: 'MachineConfig', name: '50-virt-pci-passthrough' },
  });
  t.regex(stdout, /\nwhen:\n(?:.*\n)*- expression: enabled\('pci-passthrough'\)\n {2}result: unmet\n/);
  t.notRegex(stdout, /\nspec:/);
});

test('render --check checks a catalog without anything else', async (t) => {
  const right = await runPlugin(['render', '--check']);
  t.is(right.code, 0, right.stderr);
  t.regex(right.stdout, /^the built-in catalog: no mistakes in \d+ assets and \d+ tombstones \(sha256:\w+\)\n$/);
  write('wrong', 'area/a.yaml.hbs', 'format: 1\ntarget: {apiVersion: v1, kind: ConfigMap}\nwhen: ["nope("]\n---\n{}\n');
  const wrong = await runPlugin(['render', '--catalog', 'wrong', '--check'], { cwd: root });
  t.is(wrong.code, 2);
  t.is(wrong.stdout, '');
  t.regex(wrong.stderr, /wrong\/area\/a\.yaml\.hbs:\d+: /);
  for (const more of [['swap-enable'], ['-f', 'list/all.json']]) {
    const { stderr, code } = await runPlugin(['render', '--check', ...more], { cwd: root });
    t.regex(stderr, /^error: --check is about a whole catalog: leave out /);
    t.is(code, 2);
  }
});

test('--watch is for a cluster, and looks more than once', async (t) => {
  const fails = async (message: RegExp, ...args: string[]) => {
    const { stderr, code } = await runPlugin(['status', '-f', 'list/all.json', ...args], { cwd: root });
    t.regex(stderr, message);
    t.is(code, 2);
  };
  await fails(/--watch needs a cluster/, '-w');
  await fails(/--watch and --check exclude each other/, '-w', '--check');
  await fails(/--interval needs --watch/, '--interval', '1s');
});
