import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { parseAllDocuments } from 'yaml';

const program = path.resolve(import.meta.dirname, '../../../../controller/manifests/generate.ts');
const run = promisify(execFile);

test('--dry-run prints every file of every overlay, and the image', async (t) => {
  const { stdout } = await run(process.execPath, [program, '--dry-run']);
  const files = [...stdout.matchAll(/^# (\S+\.yaml)$/gm)].map(([, file]) => file);
  const ofOverlay = (overlay: string) =>
    ['rbac', 'roles-for-people', 'admission-policy', 'flow-schema'].map(
      (name) => `overlays/${overlay}/generated/${name}.yaml`,
    );
  t.deepEqual(files, ['base/image.yaml', ...ofOverlay('openshift'), ...ofOverlay('kubernetes')]);
});

test('for a catalog and a namespace of one’s own it prints what they need', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'catalog-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const asset = 'format: 1\ntarget: {apiVersion: example.com/v1, kind: Widget, name: one}\n---\n{}\n';
  await writeFile(path.join(folder, 'widget.yaml.hbs'), asset);

  const { stdout } = await run(process.execPath, [program, '--catalog', folder, '--namespace', 'mine']);
  const objects = parseAllDocuments(stdout).map((document) => document.toJS());
  const ofKind = (kind: string) => objects.find((object) => object?.kind === kind);
  t.is(ofKind('Role').metadata.namespace, 'mine');
  t.true(JSON.stringify(ofKind('ClusterRole').rules).includes('"widgets"'));
  t.true(JSON.stringify(ofKind('ValidatingAdmissionPolicy').spec).includes('system:serviceaccount:mine:'));
});
