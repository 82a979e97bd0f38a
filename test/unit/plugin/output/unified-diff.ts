import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { applyPatch } from 'diff';
import { plain } from '../../../../plugin/output/colour.ts';
import { type ComparedObject, comparedObject } from '../../../../plugin/output/compared-object.ts';
import { diffReport } from '../../../../plugin/output/diff-report.ts';
import { externalDiff } from '../../../../plugin/output/external-diff.ts';
import { unifiedDiff } from '../../../../plugin/output/unified-diff.ts';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import type { Decision } from '../../../../shared/engine/plan-item.ts';
import { snapshotFromObjects } from '../../../../shared/engine/snapshot-from-objects.ts';
import { environmentFor } from '../_environment.ts';
import { item, live } from '../_plan.ts';

const now = new Date('2026-01-01T12:00:00Z');
const target = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'somewhere', name: 'a' };
const configMap = (data: Record<string, string>, kind = 'ConfigMap'): KubernetesObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'a', namespace: 'somewhere', uid: 'u', resourceVersion: '1', generation: 3 },
  data,
});
const field = (pointer: string, values: { live?: unknown; desired?: unknown }, manager: string | null = 'helm') => ({
  pointer,
  ...values,
  manager,
  time: manager === null ? null : '2026-01-01T11:55:00Z',
});

/** What is shown of an object in files, of which our own comparison says that these fields differ. */
function compared(object: KubernetesObject, drift: Extract<Decision, { decision: 'unverified' }>['drift']) {
  const decided = item(
    'a',
    { decision: 'unverified', locally: 'update', drift },
    { target: { ...target, kind: object.kind } },
  );
  return comparedObject(decided, snapshotFromObjects([object]), { managedFields: false }) as ComparedObject;
}
const show = (object: ComparedObject) => unifiedDiff(object, { paint: plain, now });

test('a hunk says which fields it changes, who set each last, and when; noise of the server is left out', (t) => {
  const object = compared(configMap({ x: '1', z: 'same' }), [field('/data/x', { live: '1', desired: '2' })]);
  t.is(
    show(object),
    `--- LIVE/v1.ConfigMap.somewhere.a
+++ MERGED/v1.ConfigMap.somewhere.a
@@ -1,6 +1,6 @@ /data/x (helm, 5m ago)
 apiVersion: v1
 data:
-  x: "1"
+  x: "2"
   z: same
 kind: ConfigMap
 metadata:
`,
  );
  t.is(applyPatch(object.live, show(object)), object.merged);
});

test('each hunk has the fields of its own lines', (t) => {
  const many = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`k${String(index).padStart(2, '0')}`, 'v']),
  );
  const script = `${Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n')}\n`;
  const object = compared(configMap({ ...many, script }), [
    field('/data/k01', { live: 'v', desired: 'w' }),
    field('/data/k18', { desired: 'new' }, null),
    field('/data/script', { live: script, desired: script.replace('line 15', 'other') }, 'vi'),
    field('/data/zz', { live: undefined, desired: 'added' }, null),
  ]);
  const headings = show(object)
    .split('\n')
    .filter((line) => line.startsWith('@@'))
    .map((line) => line.replace(/^@@.*?@@ /, ''));
  t.deepEqual(headings, [
    '/data/k01 (helm, 5m ago)',
    '/data/k18 (removed, or never set)',
    '/data/script (vi, 5m ago)',
    '/data/zz (removed, or never set)',
  ]);
});

test('an item of a list is found where it stands', (t) => {
  const object: KubernetesObject = {
    ...configMap({}),
    rules: [
      { name: 'a', x: 1 },
      { name: 'b', x: 1 },
    ],
  };
  const text = show(
    compared(object, [
      field('/rules/1/x', { live: 1, desired: 2 }),
      field('/rules/2', { desired: { x: 3, name: 'c' } }, null),
    ]),
  );
  t.regex(text, /@@ \/rules\/1\/x \(helm, 5m ago\); \/rules\/2 \(removed, or never set\)\n/);
  t.regex(text, /\n\+- name: c\n\+ {2}x: 3\n$/);
});

test('of what does not exist yet the whole object is shown', (t) => {
  const desired = configMap({ x: '1' });
  const decided = item('a', { decision: 'unverified', locally: 'create', drift: [] }, { target, desired });
  const object = comparedObject(decided, snapshotFromObjects([]), { managedFields: false }) as ComparedObject;
  t.regex(
    show({ ...object, drift: [{ pointer: '', desired, manager: null, time: null }] }),
    /^---.*\n\+\+\+.*\n@@ -0,0 \+1,\d+ @@ it doesn't exist yet\n\+apiVersion: v1\n/,
  );
});

test('what Secrets hold is masked as kubectl diff does', (t) => {
  const object = compared(configMap({ password: 'aHVudGVyMg==', other: 'c2FtZQ==' }, 'Secret'), [
    field('/data/password', { live: 'aHVudGVyMg==', desired: 'c2VjcmV0' }),
  ]);
  const text = show(object);
  t.true(text.includes('\n-  password: "*** (before)"\n+  password: "*** (after)"\n'), text);
  t.true(text.includes('\n   other: "***"\n'));
  t.notRegex(JSON.stringify([text, diffReport([object])]), /aHVudGVyMg|c2VjcmV0|c2FtZQ/);
});

test('nothing of a cluster that a terminal acts upon is printed', (t) => {
  const text = show(compared(configMap({ x: '\u001b[31m\u202e' }), [field('/data/x', { live: '1' }, 'ev\u001bil')]));
  t.is(text.replace(/[\u0020-\u007e\n]/g, ''), '');
});

test('diff -o json has each differing field, and the whole object where there is nothing to compare with', (t) => {
  const decided = item('b', { decision: 'delete', live }, { target, type: 'tombstone' });
  const gone = comparedObject(decided, snapshotFromObjects([configMap({ x: '1' })]), { managedFields: false });
  const { items } = diffReport([gone as ComparedObject]);
  t.like(items[0], { asset: 'b', decision: 'delete', target, drift: [{ pointer: '', desired: null }] });
  t.like(items[0]?.drift[0]?.live, { kind: 'ConfigMap', data: { x: '1' } });
});

test('another program gets two folders and those of its words that kubectl would pass on, and leaves nothing behind', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'external-diff-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const calls: (readonly string[])[] = [];
  const environment = environmentFor({
    temporaryFolder: folder,
    runProgram: async (program, args) => {
      calls.push([program, ...args]);
      const [from = '', to = ''] = args;
      t.is(readFileSync(path.join(from, 'v1.ConfigMap.somewhere.a'), 'utf8'), 'live\n');
      t.is(statSync(path.join(to, 'v1.ConfigMap.somewhere.a')).mode & 0o777, 0o600);
      t.is(statSync(to).mode & 0o777, 0o700);
      return 1;
    },
  });
  const object = { ...compared(configMap({}), []), live: 'live\n', merged: 'merged\n' };
  t.is(await externalDiff('my-diff -u --color=always $(id) ;', [object], environment), 1);
  const [[program, from = '', to = '', ...words] = []] = calls;
  t.is(program, 'my-diff');
  t.regex(path.basename(from), /^LIVE-/);
  t.regex(path.basename(to), /^MERGED-/);
  t.deepEqual(words, ['-u', '--color=always']);
  t.deepEqual(readdirSync(folder), []);
});

test('Ctrl-C while another program shows the differences leaves nothing behind', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'external-diff-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const interrupt = new AbortController();
  const environment = environmentFor({
    temporaryFolder: folder,
    signal: interrupt.signal,
    runProgram: async () => {
      t.is(readdirSync(folder).length, 2);
      interrupt.abort();
      t.deepEqual(readdirSync(folder), []);
      return 130;
    },
  });
  await externalDiff('my-diff', [compared(configMap({}), [])], environment);
});

test('a program that is not there is an error that says what to do', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'external-diff-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const environment = environmentFor({
    temporaryFolder: folder,
    runProgram: () => Promise.reject(new Error('spawn nope ENOENT')),
  });
  await t.throwsAsync(externalDiff('nope', [], environment), {
    message: /KUBECTL_EXTERNAL_DIFF="nope".*ENOENT; unset/,
  });
  t.deepEqual(readdirSync(folder), []);
});
