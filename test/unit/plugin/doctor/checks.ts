import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { checks } from '../../../../plugin/doctor/checks.ts';
import { notCheckedMeans } from '../../../../plugin/doctor/not-checked.ts';

const root = path.resolve(import.meta.dirname, '../../../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const declared = [...checks.flatMap(({ finds }) => Object.entries(finds)), ['not-checked', notCheckedMeans] as const];

test('every check is in the list', (t) => {
  t.is(checks.length, globSync('plugin/doctor/checks/*.ts', { cwd: root }).length);
});

test('no two checks find the same', (t) => {
  const ids = declared.map(([id]) => id);
  t.deepEqual([...new Set(ids)], ids);
});

test('plugin.md lists every finding with its severity and meaning, in the order of the checks', (t) => {
  const rows = [...read('docs/plugin.md').matchAll(/^\| `([\w-]+)` \| (error|warning|info) \| (.*) \|$/gm)];
  t.deepEqual(
    rows.map(([, id, severity, means]) => [id, severity, means]),
    declared.map(([id, { severity, means }]) => [id, severity, means]),
  );
});

test('troubleshooting.md speaks of every finding that something is to be done about', (t) => {
  const text = read('docs/troubleshooting.md');
  for (const [id, { severity }] of declared) {
    if (severity !== 'info') t.true(text.includes(`\`${id}\``), id);
  }
  const contents = [...text.matchAll(/^- \[(.*)\]\(#/gm)].map(([, title]) => title);
  t.deepEqual(
    contents,
    [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title),
  );
  const named = [...text.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, name = '']) => name);
  const known = new Set<string>(declared.map(([id]) => id));
  const others = new Set(['disabled-resources', 'virt-platform-viewer', 'virt-platform-author']);
  for (const name of named) t.true(known.has(name) || others.has(name), name);
});
