import test from 'ava';
import fastJsonPatch from 'fast-json-patch';
import { parseYaml } from '../../shared/yaml/parse-yaml.ts';
import { useCluster } from '../helpers/cluster.ts';
import { activated, failsWith, hyperConverged, makeNamespaces } from './_plugin.ts';

const cluster = useCluster(test);
const uiPlugin = { apiVersion: 'observability.openshift.io/v1alpha1', kind: 'UIPlugin', name: 'monitoring' };
const plugin = (...args: string[]) => cluster.kubectl(['virt-platform', ...args]);
const label = '/metadata/labels/platform.kubevirt.io~1managed-by';
const enabled = '/spec/monitoring/perses/enabled';
const apply = (manifest: object, ...args: string[]) =>
  cluster.kubectl(['apply', '--server-side', '-f', '-', ...args], { stdin: JSON.stringify(manifest) });

/** What it prints, and says beside it. */
async function rulesOf(...args: string[]) {
  const { stdout, stderr, code } = await plugin(...args);
  // biome-ignore lint/suspicious/noExplicitAny: YAML of another tool's.
  return { spec: (parseYaml(stdout) as any)?.spec, stderr, code };
}

test.serial.before('a baseline is there', async (t) => {
  await makeNamespaces(cluster);
  await cluster.apply(hyperConverged(activated));
  const { stdout } = await plugin('render', 'monitoring-ui-plugin');
  const args = ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'];
  t.is((await cluster.kubectl(args, { stdin: stdout })).code, 0);
});

test.serial('--gitops argocd prints the rules for exactly the fields that are kept afterwards', async (t) => {
  const { spec, stderr, code } = await rulesOf('ignore', 'monitoring-ui-plugin', enabled, '--gitops', 'argocd');
  t.is(code, 0, stderr);
  t.deepEqual(spec, {
    syncPolicy: { syncOptions: ['RespectIgnoreDifferences=true'] },
    ignoreDifferences: [
      {
        group: 'observability.openshift.io',
        kind: 'UIPlugin',
        name: 'monitoring',
        jsonPointers: [label, '/spec/type'],
      },
    ],
  });
  t.regex(stderr, /^note: for the Application that has them/);
  t.is((await cluster.get(uiPlugin))?.metadata.annotations, undefined, 'nothing is written');
});

test.serial('with the fields that --gitops flux names left out, a tool’s apply meets no conflict', async (t) => {
  const { spec, stderr } = await rulesOf('manage', 'monitoring-ui-plugin', '--gitops', 'flux');
  t.regex(stderr, /^note: for the Kustomization that has them, with Flux 2\.9 or newer/);
  const [{ paths, target }] = spec.ignore;
  t.deepEqual(target, { group: 'observability\\.openshift\\.io', kind: 'UIPlugin', name: 'monitoring' });
  t.deepEqual(paths, [label, enabled, '/spec/type']);

  const inGit = {
    ...{ apiVersion: uiPlugin.apiVersion, kind: uiPlugin.kind },
    metadata: { name: 'monitoring', labels: { 'platform.kubevirt.io/managed-by': 'us', team: 'a' } },
    spec: { type: 'Monitoring', monitoring: { perses: { enabled: false } } },
  };
  const manager = '--field-manager=kustomize-controller';
  t.regex((await apply(inGit, manager)).stderr, /conflict/);
  const removals = paths.map((path: string) => ({ op: 'remove', path }));
  const without = fastJsonPatch.applyPatch(structuredClone(inGit), removals).newDocument;
  const applied = await apply(without, manager);
  t.is(applied.code, 0, applied.stderr);
  t.regex((await plugin('status', 'monitoring-ui-plugin', '--no-headers')).stdout, /^\S+ +in-sync /);
});

test.serial('of what isn’t kept there is nothing to say', async (t) => {
  const { spec, stderr, code } = await rulesOf('unmanage', 'monitoring-ui-plugin', '--gitops', 'flux');
  t.is(code, 0);
  t.is(spec, undefined);
  t.regex(
    stderr,
    /^note: the autopilot keeps nothing of UIPlugin\/monitoring then \(unmanaged\): no rule is needed\n$/,
  );
});

test.serial('another tool, and the change besides, are refused', async (t) => {
  failsWith(
    t,
    await plugin('manage', 'swap-enable', '--gitops', 'fluxcd'),
    /--gitops=fluxcd isn't known.*argocd, flux/,
  );
  failsWith(
    t,
    await plugin('manage', 'monitoring-ui-plugin', '--gitops', 'flux', '-o', 'yaml'),
    /--gitops and --output exclude each other/,
  );
});
