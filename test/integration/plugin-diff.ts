import { readdirSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { useCluster } from '../helpers/cluster.ts';
import { activated, failsWith, hyperConverged, makeNamespaces, succeeds } from './_plugin.ts';

const cluster = useCluster(test);
const swap = {
  apiVersion: 'machineconfiguration.openshift.io/v1',
  kind: 'MachineConfig',
  name: '90-worker-swap-online',
};
const diff = (args: readonly string[] = [], options: Parameters<typeof cluster.kubectl>[1] = {}) =>
  cluster.kubectl(['virt-platform', 'diff', ...args], options);

test.serial.before('HyperConverged is there', async () => {
  await makeNamespaces(cluster);
  await cluster.apply(hyperConverged(activated));
});

test.serial('of what does not exist yet the whole object is shown, and the exit code is 1', async (t) => {
  const { stdout, stderr, code } = await diff(['swap-enable']);
  t.is(stderr, '');
  t.is(code, 1);
  t.regex(
    stdout,
    /^--- LIVE\/machineconfiguration\.openshift\.io\.v1\.MachineConfig\.\.90-worker-swap-online\n\+\+\+ MERGED\/.*\n@@ -0,0 \+1,\d+ @@ it doesn't exist yet\n\+apiVersion: /,
  );
  t.notRegex(stdout, /managedFields|resourceVersion|creationTimestamp|uid/);
});

test.serial('what is applied differs in nothing: no output, exit code 0', async (t) => {
  const rendered = await cluster.kubectl(['virt-platform', 'render']);
  const args = ['apply', '--server-side', '--field-manager', 'virt-platform-autopilot', '--force-conflicts', '-f', '-'];
  t.is((await cluster.kubectl(args, { stdin: rendered.stdout })).code, 0);
  const ran = await diff();
  succeeds(t, ran);
  t.is(ran.stdout, '');
});

test.serial('each hunk says which field it changes, who set it last, and when', async (t) => {
  await cluster.patch(swap, { spec: { config: { ignition: { version: '9.9.9' } } } }, { manager: 'somebody' });
  const { stdout, stderr, code } = await diff();
  t.is(stderr, '');
  t.is(code, 1);
  t.regex(
    stdout,
    /\n@@ -\d+,7 \+\d+,7 @@ \/spec\/config\/ignition\/version \(somebody, \d+s ago\)\n(?: .*\n)+- {6}version: 9\.9\.9\n\+ {6}version: 3\.\d\.\d\n/,
  );
  t.is(stdout.split('\n').filter((line) => line.startsWith('--- ')).length, 1);
  t.regex((await diff(['swap-enable', '--show-managed-fields'])).stdout, /\n\+ +f:version: \{\}\n/);
});

test.serial('diff -o json and -o yaml have the documented shape', async (t) => {
  const { stdout, code } = await diff(['-o', 'json']);
  t.is(code, 1);
  const report = JSON.parse(stdout);
  t.deepEqual(Object.keys(report), ['apiVersion', 'kind', 'items']);
  t.like(report, { apiVersion: 'virt-platform/v1', kind: 'Diff' });
  t.is(report.items.length, 1);
  t.deepEqual(Object.keys(report.items[0]), ['asset', 'target', 'decision', 'drift']);
  t.like(report.items[0], { asset: 'swap-enable', target: swap, decision: 'update' });
  t.like(report.items[0].drift, [{ pointer: '/spec/config/ignition/version', live: '9.9.9', manager: 'somebody' }]);
  t.regex(
    (await diff(['-o', 'yaml'])).stdout,
    /^apiVersion: virt-platform\/v1\nkind: Diff\nitems:\n- asset: swap-enable\n/,
  );
  const names = await diff(['-o', 'name']);
  t.deepEqual([names.stdout, names.code], [`machineconfig.machineconfiguration.openshift.io/${swap.name}\n`, 1]);
});

test.serial('KUBECTL_EXTERNAL_DIFF is called as kubectl diff calls it, and leaves nothing behind', async (t) => {
  const program = path.join(cluster.controlPlane.directory, 'my-diff');
  await writeFile(program, '#!/bin/sh\necho "$@"; ls "$1" "$2"; exit "$EXIT"\n');
  await chmod(program, 0o755);
  const external = (command: string, env: Record<string, string> = { EXIT: '1' }) =>
    diff([], { env: { KUBECTL_EXTERNAL_DIFF: command, ...env } });
  const ran = await external(`${program} -u --color=x $(touch) ;`);
  t.is(ran.code, 1, ran.stderr);
  const [args = ''] = ran.stdout.split('\n');
  t.regex(args, /^\S+\/LIVE-\w+ \S+\/MERGED-\w+ -u --color=x$/);
  t.is(ran.stdout.match(/MachineConfig\.\.90-worker-swap-online/g)?.length, 2);
  t.is((await external(program, { EXIT: '0' })).code, 0);
  t.is((await external(program, { EXIT: '7' })).code, 7);
  failsWith(t, await external('no-such-program'), /KUBECTL_EXTERNAL_DIFF="no-such-program"/);
  t.deepEqual(
    readdirSync(cluster.controlPlane.directory).filter((name) => /^(?:LIVE|MERGED)-/.test(name)),
    [],
  );
});

test.serial('a mistake in the command line is never exit code 1', async (t) => {
  failsWith(t, await diff(['--nope']), /unknown flag --nope/);
  failsWith(t, await diff(['-o', 'xml']), /--output=xml isn't known: it is one of json, yaml/);
  failsWith(t, await diff(['nothing-like-it']), /there is no asset/);
  failsWith(t, await diff([], { as: 'nobody' }), /no permission to list hyperconvergeds/);
});

test.serial('who may not dry-run gets our own comparison, which is said', async (t) => {
  await cluster.allow('viewer', 'reader', [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }]);
  const { stdout, stderr, code } = await diff([], { as: 'viewer' });
  t.is(code, 1);
  t.regex(stderr, /^note: unverified, compared without the API server: .*swap-enable/);
  t.regex(stdout, /\n- {6}version: 9\.9\.9\n\+ {6}version: 3\.\d\.\d\n/);
});

test.serial('from files it is our own comparison too; what is not among them is not compared', async (t) => {
  const objects = await Promise.all(
    [
      swap,
      {
        apiVersion: 'hco.kubevirt.io/v1',
        kind: 'HyperConverged',
        namespace: 'openshift-cnv',
        name: 'kubevirt-hyperconverged',
      },
    ].map((id) => cluster.get(id)),
  );
  const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  const { stdout, stderr, code } = await diff(['-f', '-'], { stdin, env: { KUBECONFIG: '/nonexistent' } });
  t.is(code, 1);
  t.regex(stderr, /^note: unverified, compared without the API server: swap-enable$/m);
  // All in one line: they have one reason.
  t.is(stderr.match(/^note: not compared: .*psi-enable.* \(it is not among the files\)$/gm)?.length, 1);
  t.is(stderr.match(/it is not among the files/g)?.length, 1);
  t.regex(stdout, /@@ \/spec\/config\/ignition\/version \(somebody, \d+s ago\)\n/);
  const alone = await diff(['-f', '-', 'swap-enable'], { stdin: JSON.stringify(objects[1]) });
  t.is(alone.code, 2);
  t.regex(
    alone.stderr,
    /^note: not compared: swap-enable \(it is not among the files\)\nerror: nothing could be compared/m,
  );
});

test.serial('what somebody keeps from being changed is no difference, which is said', async (t) => {
  await cluster.patch(swap, { metadata: { annotations: { 'platform.kubevirt.io/mode': 'unmanaged' } } });
  const ran = await diff(['swap-enable']);
  t.is(ran.code, 0);
  t.is(ran.stdout, '');
  t.is(ran.stderr, 'note: left as it is: swap-enable (unmanaged: its annotation mode is unmanaged)\n');
  await cluster.patch(swap, { metadata: { annotations: { 'platform.kubevirt.io/mode': null } } });
});

test.serial('an inactive autopilot changes nothing', async (t) => {
  await cluster.apply(hyperConverged({ 'platform.kubevirt.io/autopilot': 'false' }));
  const ran = await diff();
  t.is(ran.code, 0);
  t.is(ran.stdout, '');
  t.regex(ran.stderr, /^note: nothing would change, since the autopilot is inactive.*activate it with: kubectl /);
});
