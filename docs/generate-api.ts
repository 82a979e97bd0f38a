import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { apiPage } from './generate/api-page.ts';
import { declarationsOf } from './generate/declarations.ts';

// Writes docs/api.md from the doc comments of what package.json exports; with --check only says whether it is up to date.
const root = path.resolve(import.meta.dirname, '..');
const page = 'docs/api.md';
const isChecking = process.argv.includes('--check');

const { name, exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const entries = Object.entries(exports as Record<string, string>)
  .filter(([, file]) => file.endsWith('.ts'))
  .map(([subpath, file]) => ({ specifier: path.posix.join(name, subpath), file: path.posix.normalize(file) }));
const text = apiPage(
  entries,
  await declarationsOf(
    root,
    entries.map(({ file }) => file),
  ),
);

if (text !== read(page)) {
  if (!isChecking) writeFileSync(path.join(root, page), text);
  console.log(
    isChecking
      ? `${page} is out of date: run "node docs/generate-api.ts", and commit what it writes`
      : `${page} written`,
  );
  if (isChecking) process.exitCode = 1;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(path.join(root, file), 'utf8');
  } catch {
    return undefined;
  }
}
