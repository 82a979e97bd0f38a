import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { useCluster, waitFor } from '../helpers/cluster.ts';

const cluster = useCluster(test, { crds: 'none', users: { auditor: ['audit-team'] } });

test.serial('two control planes start at once, soon, and know nothing of each other', async (t) => {
  const started = performance.now();
  const [one, two] = await Promise.all([startControlPlane(), startControlPlane()]);
  t.teardown(async () => void (await Promise.all([one.stop(), two.stop()])));
  t.true(performance.now() - started < 10_000);

  t.not(one.url, two.url);
  await one.client.apply('{apiVersion: v1, kind: Namespace, metadata: {name: only-in-one}}');
  t.is(await two.client.get({ apiVersion: 'v1', kind: 'Namespace', name: 'only-in-one' }), undefined);
});

test.serial('stopping ends the processes and removes the files, however often it is asked', async (t) => {
  const controlPlane = await startControlPlane();
  const { pids, directory } = controlPlane;
  t.is(pids.filter(isRunning).length, 2);

  await Promise.all([controlPlane.stop(), controlPlane.stop()]);
  await controlPlane.stop();
  t.deepEqual(pids.filter(isRunning), []);
  t.false(existsSync(directory));
});

for (const signal of ['SIGKILL', 'SIGINT', 'SIGTERM'] as const) {
  test.serial(`a parent ended by ${signal} leaves neither processes nor files behind`, async (t) => {
    const { child, pids, directory } = await startInAnotherProcess();
    t.is(pids.filter(isRunning).length, 2);

    child.kill(signal);
    await waitFor(() => pids.filter(isRunning).length === 0 && !existsSync(directory), {
      what: 'everything to be gone',
    });
    t.pass();
  });
}

test('an aborted start leaves nothing behind', async (t) => {
  const reason = new Error('changed my mind');
  await t.throwsAsync(startControlPlane({ signal: AbortSignal.abort(reason) }), { is: reason });
});

test.serial('the API server can go away and come back with what it stored', async (t) => {
  const controlPlane: ControlPlane = await startControlPlane();
  t.teardown(() => controlPlane.stop());
  await controlPlane.client.apply('{apiVersion: v1, kind: Namespace, metadata: {name: kept}}');

  await controlPlane.stopApiServer();
  await t.throwsAsync(controlPlane.client.request('GET', '/readyz'));

  await controlPlane.startApiServer();
  t.truthy(await controlPlane.client.get({ apiVersion: 'v1', kind: 'Namespace', name: 'kept' }));
});

test('users have no rights until they are given some', async (t) => {
  const { status } = await cluster.request('GET', '/api/v1/namespaces', { as: 'viewer' });
  t.is(status, 403);
});

test('a static token and a client certificate both say who it is, with groups', async (t) => {
  const whoAmI = async (as: string) => {
    const { stdout, stderr } = await cluster.kubectl(['auth', 'whoami', '-o', 'json'], { as });
    t.is(stderr, '');
    return JSON.parse(stdout).status.userInfo;
  };
  t.like(await whoAmI('auditor'), { username: 'auditor', groups: ['audit-team', 'system:authenticated'] });
  t.like(await whoAmI(await cluster.user('jane', ['ops', 'dev'])), {
    username: 'jane',
    groups: ['ops', 'dev', 'system:authenticated'],
  });
});

test('a ServiceAccount gets a token from the API server', async (t) => {
  await cluster.apply('{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: default}}');
  const { stdout } = await cluster.kubectl(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'], {
    as: await cluster.serviceAccount('default', 'robot'),
  });
  t.is(stdout, 'system:serviceaccount:default:robot');
});

test('requests can be made as somebody else', async (t) => {
  const { body } = await cluster.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    as: { user: 'joe', groups: ['night-shift'] },
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  t.like(body.status.userInfo, { username: 'joe', groups: ['night-shift', 'system:authenticated'] });
});

test('kubectl and server are of one version, and both can tell it', async (t) => {
  const { stdout } = await cluster.kubectl(['version', '-o', 'json']);
  const { clientVersion, serverVersion } = JSON.parse(stdout);
  t.is(clientVersion.gitVersion, serverVersion.gitVersion);
  t.regex(serverVersion.gitVersion, /^v1\.36\.\d+$/);
});

test('kubectl passes on its input and its exit code', async (t) => {
  const manifest = '{apiVersion: v1, kind: Namespace, metadata: {name: from-stdin}}';
  t.like(await cluster.kubectl(['create', '-f', '-'], { stdin: manifest }), {
    code: 0,
    stdout: 'namespace/from-stdin created\n',
  });
  t.is((await cluster.kubectl(['create', '-f', '-'], { stdin: manifest })).code, 1);
});

test('apply, patch, list and delete do what they say, each as a field manager', async (t) => {
  const id = { apiVersion: 'v1', kind: 'ConfigMap', name: 'settings', namespace: 'default' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' } };

  await cluster.apply({ ...object, data: { a: '1', b: '1' } }, { manager: 'ours' });
  await cluster.patch(id, { data: { b: '2' } }, { manager: 'theirs' });
  await t.throwsAsync(cluster.apply({ ...object, data: { b: '3' } }, { manager: 'ours', force: false }), {
    message: /409.*theirs/s,
  });

  const live = await cluster.get(id);
  t.deepEqual(live?.data, { a: '1', b: '2' });
  t.deepEqual(live?.metadata.managedFields.map((entry: { manager: string }) => entry.manager).sort(), [
    'ours',
    'theirs',
  ]);
  const listed = await cluster.list({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default' });
  t.true(listed.some((each) => each.metadata.name === 'settings'));

  t.true(await cluster.delete(id));
  t.false(await cluster.delete(id));
});

test('every request is in the audit log, with who made it', async (t) => {
  await cluster.request('GET', '/api/v1/namespaces/looked-for', { as: 'nobody' });
  const entry = await waitFor(async () => {
    const lines = (await readFile(cluster.controlPlane.auditLog, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line)).find(({ objectRef }) => objectRef?.name === 'looked-for');
  });
  t.like(entry, { verb: 'get', user: { username: 'nobody' }, responseStatus: { code: 403 } });
});

async function startInAnotherProcess() {
  const module = path.resolve(import.meta.dirname, '../harness/control-plane.ts');
  const program = `
    import { startControlPlane } from ${JSON.stringify(module)};
    const { pids, directory } = await startControlPlane();
    console.log(JSON.stringify({ pids, directory }));
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, ...(JSON.parse(line) as { pids: number[]; directory: string }) };
  }
  throw new Error('The other process ended before its control plane was up.');
}

/** A zombie doesn't count: whether it is reaped is up to the machine's init. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return process.platform !== 'linux' || stateOf(pid) !== 'Z';
}

function stateOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '')[0];
  } catch {
    return 'Z';
  }
}
