import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { licenceNotice } from '../../../../krew/notices/licence-notice.ts';
import { type ProductionPackage, productionPackages } from '../../../../krew/notices/production-packages.ts';

const root = path.resolve(import.meta.dirname, '../../../..');
const node = { version: '26.10.0', license: 'Node.js is licensed for use as follows:' };

test('every dependency is named with its version and its licence, and Node comes last', (t) => {
  const packages = productionPackages(JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')));
  const notice = licenceNotice(packages, { root, node });
  for (const { name, version, license } of packages)
    t.true(notice.includes(`\n${name} ${version} (${license})\n`), name);
  t.true(notice.includes(readFileSync(path.join(root, 'node_modules/handlebars/LICENSE'), 'utf8').trim()));
  t.regex(notice, /Copyright 2008 Google Inc/, 'a licence that only a source file holds');
  t.true(notice.endsWith(`Node.js 26.10.0, and what it holds itself\n${'='.repeat(80)}\n\n${node.license}\n`));
  t.false(notice.includes('\r'));
});

const withFiles = (files: Record<string, string>, { license = 'MIT', name = 'a' } = {}) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'licence-notice-'));
  mkdirSync(path.join(folder, 'node_modules/a'), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, 'node_modules/a', file), text);
  const package_: ProductionPackage = {
    ...{ name, version: '1.0.0', license },
    ...{ folder: 'node_modules/a', integrity: 'sha512-AA==', needs: [] },
  };
  try {
    return licenceNotice([package_], { root: folder, node });
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test('all that a package says about it is there: licence, copying, notice', (t) => {
  const notice = withFiles({
    'license.md': 'yes\r\n',
    NOTICE: 'thanks to B',
    'licenses.js': 'code',
    'README.md': 'hi',
  });
  t.true(notice.includes('thanks to B\n\nyes\n'));
  t.false(notice.includes('code'));
  t.false(notice.includes('hi\n'));
});

test('without a file, the text of Apache 2.0 is ours, and any other licence has to be found by a person', (t) => {
  t.true(withFiles({}, { license: 'Apache-2.0' }).includes('whose text is in the file LICENSE'));
  t.throws(() => withFiles({}), { message: /^node_modules\/a has no licence file: find where its MIT licence is/ });
});

test('a source file that no longer begins with its licence is noticed', (t) => {
  t.throws(() => withFiles({}, { name: '@bufbuild/protobuf' }), { code: 'ENOENT' });
});
