import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { CatalogError } from '../../../../shared/catalog/catalog-error.ts';
import { readCatalogFiles } from '../../../../shared/catalog/read-catalog-files.ts';

async function folder(
  t: { teardown: (fn: () => Promise<void>) => void },
  files: Record<string, string>,
): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), 'catalog-'));
  t.teardown(() => rm(root, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), content);
  }
  return root;
}

test('all files are read, in all folders, sorted, but for hidden ones', async (t) => {
  const root = await folder(t, {
    'b/z.sh': 'z',
    'b/a.yaml.hbs': 'a',
    'a.txt': 'x',
    '.git/config': 'no',
    'b/.swp': 'no',
  });
  const files = await readCatalogFiles(root);
  t.deepEqual(
    files.map(({ path: name, content }) => [name, new TextDecoder().decode(content)]),
    [
      ['a.txt', 'x'],
      ['b/a.yaml.hbs', 'a'],
      ['b/z.sh', 'z'],
    ],
  );
});

test('links are refused, to files and to folders', async (t) => {
  const root = await folder(t, { 'a.txt': 'x' });
  await symlink('/etc/hostname', path.join(root, 'link'));
  await symlink('/etc', path.join(root, 'links'));
  const error = await t.throwsAsync(readCatalogFiles(root), { instanceOf: CatalogError });
  t.deepEqual(
    error?.mistakes.map(({ file }) => file),
    ['link', 'links'],
  );
});

test('what is too large is refused', async (t) => {
  const root = await folder(t, { 'a.txt': 'xxxx', 'b.txt': 'y' });
  await t.throwsAsync(readCatalogFiles(root, { maxFileBytes: 3 }), {
    instanceOf: CatalogError,
    message: 'a.txt:1: It is larger than 3 bytes',
  });
  await t.throwsAsync(readCatalogFiles(root, { maxTotalBytes: 4 }), { instanceOf: CatalogError });
  await t.throwsAsync(readCatalogFiles(root, { maxFiles: 1 }), { instanceOf: CatalogError });
});
