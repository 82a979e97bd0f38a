import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { managedByLabel } from '../../shared/api/names.ts';
import { demoCluster } from '../harness/demo-cluster.ts';
import { type AnyObject, useCluster } from '../helpers/cluster.ts';
import { docBlocks, examplesIn } from '../unit/docs/_doc-blocks.ts';
import { installAutopilot } from './_controller-manifests.ts';

// What runbooks tell to do about trouble is run where there is that trouble: the documents' own test runs the rest of
// their commands, on a cluster that has none. Left out is what only pods, Alertmanager or OpenShift's nodes can answer.
const test = anyTest as TestFn;
const cluster = useCluster(test, { crds: 'none' });
const root = path.resolve(import.meta.dirname, '../..');
const beyondAnApiServer = /^it needs (the controller($|[; ]and|; )|OpenShift|Alertmanager)/;
const key = (name: string) => `platform.kubevirt.io/${name}`;

const hyperConverged = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  namespace: 'openshift-cnv',
  name: 'kubevirt-hyperconverged',
};
const descheduler = {
  apiVersion: 'operator.openshift.io/v1',
  kind: 'KubeDescheduler',
  namespace: 'openshift-kube-descheduler-operator',
  name: 'cluster',
};
const plugin = { apiVersion: 'observability.openshift.io/v1alpha1', kind: 'UIPlugin', name: 'kubevirt-plugin' };

test.serial.before('an OpenShift with the controller installed, though no pod of it runs', async () => {
  await demoCluster(cluster.controlPlane);
  await installAutopilot(cluster);
});

test.serial('VirtPlatformSyncFailed: permissions can be asked for, and the object left alone', async (t) => {
  await makeDescheduler({});
  const [canI = '', unmanage, exclude, ...more] = await follow(t, 'VirtPlatformSyncFailed');
  t.is(canI, 'yes\n');
  t.is(unmanage, 'kubedescheduler.operator.openshift.io/cluster annotated\n');
  t.is((await annotationsOf(descheduler))[key('mode')], 'unmanaged');
  t.is(exclude, 'hyperconverged.hco.kubevirt.io/kubevirt-hyperconverged annotated\n');
  t.deepEqual(more, []);
  t.regex(await status(t, 'KubeDescheduler/cluster'), / excluded /);
});

test.serial(
  'VirtPlatformThrashingDetected: who it was is told, each way out is taken, and the pause ends',
  async (t) => {
    t.timeout(120_000);
    await cluster.patch(hyperConverged, { metadata: { annotations: { [key('disabled-resources')]: null } } });
    const pausedBy = '{"because":"fast","manager":"night-shift","fields":["/spec/deschedulingIntervalSeconds"]}';
    const paused = { [key('reconcile-paused')]: 'true', [key('paused-by')]: pausedBy };
    const printed: string[] = [];
    const left: Record<string, string>[] = [];
    // The ways out are alternatives: each begins with the object as the war left it.
    for (const command of await commandsOf('VirtPlatformThrashingDetected')) {
      await makeDescheduler(paused);
      printed.push(await run(t, command));
      left.push(await annotationsOf(descheduler));
    }
    t.is(printed.length, 6);
    t.is(printed[0], pausedBy);
    t.regex(printed[1] ?? '', /manager: test/);
    t.is(left[2]?.[key('ignore-fields')], '/spec/deschedulingIntervalSeconds');
    t.like(JSON.parse(left[3]?.[key('patch')] ?? '[]'), [{ path: '/spec/deschedulingIntervalSeconds', value: 300 }]);
    t.is(left[4]?.[key('mode')], 'unmanaged');
    for (const annotations of left.slice(0, 5))
      t.is(annotations[key('reconcile-paused')], 'true', 'none of it ends the pause');
    t.is(left[5]?.[key('reconcile-paused')], undefined);
  },
);

test.serial('VirtPlatformTombstoneStuck: a finalizer goes, a label has it deleted, a rule keeps it', async (t) => {
  await cluster.apply({
    apiVersion: plugin.apiVersion,
    kind: plugin.kind,
    metadata: { name: plugin.name, finalizers: ['example.com/nobody'] },
    spec: { type: 'Logging', logging: { lokiStack: { name: 'x' } } },
  });
  const [canI, patched, labelled, excluded, ...more] = await follow(t, 'VirtPlatformTombstoneStuck');
  t.is(canI, 'yes\n');
  t.is(patched, 'uiplugin.observability.openshift.io/kubevirt-plugin patched\n');
  t.is(labelled, 'uiplugin.observability.openshift.io/kubevirt-plugin labeled\n');
  t.is(excluded, 'hyperconverged.hco.kubevirt.io/kubevirt-hyperconverged annotated\n');
  t.deepEqual(more, []);
  const { metadata } = (await cluster.get(plugin)) as AnyObject;
  t.is(metadata.finalizers, undefined);
  t.is(metadata.labels[managedByLabel], 'virt-platform-autopilot');
  t.regex(await status(t, 'UIPlugin/kubevirt-plugin'), / kept /);
});

test.serial('VirtPlatformDependencyMissing: the allow-list, and rules, end the asking', async (t) => {
  await cluster.delete({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    name: 'persesdashboards.perses.dev',
  });
  t.regex(await status(t, 'PersesDashboard/autopilot-asset-health'), / missing-crd /);
  const outputs = await follow(t, 'VirtPlatformDependencyMissing');
  t.is(outputs.length, 2);
  t.regex(await status(t, 'PersesDashboard/autopilot-asset-health'), / not-selected /);
  await cluster.patch(hyperConverged, { metadata: { annotations: { [key('autopilot')]: 'true' } } });
  t.regex(await status(t, 'PersesDashboard/autopilot-asset-health'), / excluded /);
});

/** What the page's own test leaves out, in order; nobody is there to be asked. */
async function commandsOf(page: string): Promise<string[]> {
  const source = await readFile(path.join(root, 'docs/runbooks', `${page}.md`), 'utf8');
  return docBlocks(source)
    .filter(({ mark }) => mark.mark === 'untested' && !beyondAnApiServer.test(mark.why))
    .flatMap(examplesIn)
    .map(({ command }) => command.replace(/^kubectl virt-platform .*/, '$& --yes'));
}

/** Runs all of that, each as it stands; returns what was printed. */
async function follow(t: ExecutionContext, page: string): Promise<string[]> {
  t.timeout(120_000);
  const outputs: string[] = [];
  for (const command of await commandsOf(page)) outputs.push(await run(t, command));
  return outputs;
}

async function status(t: ExecutionContext, object: string): Promise<string> {
  return await run(t, `kubectl virt-platform status ${object} --no-headers`);
}

async function run(t: ExecutionContext, command: string): Promise<string> {
  const { binDir, kubeconfig } = cluster.controlPlane;
  const PATH = [binDir, path.join(root, 'plugin'), process.env.PATH].join(path.delimiter);
  const options = { env: { PATH, KUBECONFIG: kubeconfig, HOME: '/nonexistent' } };
  try {
    return (await promisify(execFile)('sh', ['-c', command], options)).stdout;
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    t.fail(`"${command}" ended with exit code ${code}:\n${stdout}${stderr}`);
    return '';
  }
}

/** As somebody else left it. */
async function makeDescheduler(annotations: Record<string, string>): Promise<void> {
  await cluster.delete(descheduler);
  const { apiVersion, kind, namespace, name } = descheduler;
  await cluster.apply({
    apiVersion,
    kind,
    metadata: { namespace, name, annotations },
    spec: { managementState: 'Managed', deschedulingIntervalSeconds: 300 },
  });
}

async function annotationsOf(id: typeof descheduler): Promise<Record<string, string>> {
  return (await cluster.get(id))?.metadata.annotations ?? {};
}
