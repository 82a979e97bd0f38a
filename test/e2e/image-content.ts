import { chmod, chown, copyFile, lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { demoCluster } from '../harness/demo-cluster.ts';
import { type AnyObject, useCluster } from '../helpers/cluster.ts';
import { type ControllerProcess, startControllerProcess } from '../helpers/controller-process.ts';
import { installAutopilot } from '../integration/_controller-manifests.ts';
import { assembleImage, type Image } from './_image.ts';

// The content of the controller's image, made from its Containerfile, at work on a cluster.
const test = anyTest as TestFn<{ image: Image }>;
const cluster = useCluster(test, { crds: 'none' });
let folder = '';

test.serial.before(async (t) => {
  t.timeout(120_000, 'the content of the image');
  folder = await mkdtemp(path.join(tmpdir(), 'virt-platform-image-'));
  // Another user is to run what is in it.
  await chmod(folder, 0o755);
  t.context.image = await assembleImage(folder);
});
test.after.always(() => rm(folder, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;

test('it holds what runs, and nothing else', async (t) => {
  const { root } = t.context.image;
  t.deepEqual((await readdir(path.join(root, 'app'))).sort(), [
    'LICENSE',
    'assets',
    'controller',
    'node_modules',
    'package-lock.json',
    'package.json',
    'shared',
  ]);
  t.false((await readdir(path.join(root, 'app', 'controller'))).includes('manifests'));
  const packages = await readdir(path.join(root, 'app', 'node_modules'));
  t.deepEqual(
    packages.filter((name) =>
      /^(ava|typescript|esbuild|c8|fast-check|@types|@biomejs|@kubernetes|node-.*)$/.test(name),
    ),
    [],
  );
});

test('it is made from the Node that the tests run on, and is not run as root', (t) => {
  const { from, user } = t.context.image;
  t.is(from, `docker.io/library/node:${process.versions.node}-slim`);
  t.true(user.uid > 0 && user.gid > 0);
});

test('nothing in it may be written by others than its owner', async (t) => {
  const { root } = t.context.image;
  const writable: string[] = [];
  for (const entry of await readdir(root, { recursive: true })) {
    const { mode } = await lstat(path.join(root, entry));
    if ((mode & 0o002) !== 0) writable.push(entry);
  }
  t.deepEqual(writable, []);
});

test('its entry point keeps a cluster, as another user than root; asked to stop, it hands over and ends with 0', async (t) => {
  t.timeout(200_000, 'the image at work');
  const { root, entryPoint, workdir, env, user } = t.context.image;
  await demoCluster(cluster.controlPlane);
  const autopilot = await installAutopilot(cluster);
  const kubeconfig = path.join(folder, 'kubeconfig');
  await copyFile(autopilot.kubeconfig, kubeconfig);
  if (isRoot) await chown(kubeconfig, user.uid, user.gid);
  const [command, ...args] = entryPoint;
  t.is(command, 'node');
  const controller = await startControllerProcess({
    kubeconfig,
    entryPoint: [
      path.join(root, 'usr/local/bin/node'),
      ...args.map((arg) => (arg.startsWith('/') ? path.join(root, arg) : arg)),
    ],
    cwd: path.join(root, workdir),
    // There is no home, and nothing that it may write to.
    env: { ...env, NODE_V8_COVERAGE: '', HOME: '/nonexistent' },
    ...(isRoot && { user }),
  });
  try {
    const plan = await controller.converged();
    const inSync = plan.items.filter(({ decision }: AnyObject) => decision === 'in-sync');
    t.true(inSync.length >= 10, `${inSync.length} are in sync`);
    t.is(await userOf(controller), isRoot ? user.uid : process.getuid?.());
  } finally {
    t.is(await controller.end(), 0);
  }
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'openshift-cnv' };
  const { spec } = (await cluster.get({ ...lease, name: 'virt-platform-autopilot' })) ?? {};
  t.is(spec?.holderIdentity, '');
  // Every line is for machines: nothing complained on the way.
  t.is(controller.lines.length, controller.stderr.trimEnd().split('\n').length, controller.stderr);
});

async function userOf({ child }: ControllerProcess): Promise<number | undefined> {
  if (process.platform !== 'linux') return process.getuid?.();
  return (await lstat(`/proc/${child.pid}`)).uid;
}
