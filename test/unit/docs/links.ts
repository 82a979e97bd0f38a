import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { root, trackedFiles } from './_tracked-files.ts';

const documents = trackedFiles().filter((file) => file.endsWith('.md'));

test('every link to a file of ours leads to one, and every fragment to a heading', (t) => {
  const dead = documents.flatMap((document) =>
    linksIn(textOf(document)).flatMap(({ target, line }) => {
      const problem = problemOf(target, document);
      return problem === undefined ? [] : [`${document}:${line}: ${target}: ${problem}`];
    }),
  );
  t.deepEqual(dead, []);
  t.true(documents.length > 10);
});

test('every document in docs/ is found from docs/README.md', (t) => {
  const seen = new Set<string>();
  const visit = (document: string) => {
    if (seen.has(document)) return;
    seen.add(document);
    for (const { target } of linksIn(textOf(document))) {
      const [file = ''] = target.split('#');
      const next = path.join(path.dirname(document), file);
      if (isExternal(target) || file === '' || !existsSync(path.join(root, next))) continue;
      if (statSync(path.join(root, next)).isDirectory()) {
        for (const inside of documents.filter((name) => path.dirname(name) === path.normalize(next).replace(/\/$/, '')))
          seen.add(inside);
      } else if (next.endsWith('.md')) visit(next);
    }
  };
  visit('docs/README.md');
  t.deepEqual(
    documents.filter((document) => document.startsWith('docs/') && !seen.has(document)),
    [],
  );
});

test('npm scripts and files that documents name are there', (t) => {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  for (const document of documents) {
    for (const [, script = ''] of textOf(document).matchAll(/\bnpm run ([a-z][\w:-]*)/g)) {
      t.true(script in scripts, `${document}: npm run ${script}`);
    }
    for (const [, file = ''] of textOf(document).matchAll(
      /`((?:shared|plugin|test|docs|assets)\/[\w./-]+\.(?:ts|mjs|yaml|hbs|md))`/g,
    )) {
      t.true(existsSync(path.join(root, file)), `${document}: ${file}`);
    }
  }
});

function problemOf(target: string, document: string): string | undefined {
  if (isExternal(target)) return undefined;
  const [file = '', fragment] = target.split('#');
  const linked = file === '' ? document : path.join(path.dirname(document), decodeURI(file));
  if (!existsSync(path.join(root, linked))) return 'there is no such file';
  if (fragment === undefined || !linked.endsWith('.md')) return undefined;
  return anchorsOf(textOf(linked)).includes(fragment) ? undefined : 'there is no such heading';
}

function isExternal(target: string): boolean {
  return /^[a-z]+:/.test(target);
}

function linksIn(text: string): { target: string; line: number }[] {
  return withoutCode(text)
    .split('\n')
    .flatMap((line, index) =>
      [...line.matchAll(/\]\(<?([^()\s<>]+)>?(?:\s+"[^"]*")?\)/g)].map(([, target = '']) => ({
        target,
        line: index + 1,
      })),
    );
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...withoutCode(text, { inline: false }).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Lines stay where they are. */
function withoutCode(text: string, { inline = true } = {}): string {
  const blocks = text.replace(/^\s*(`{3,})[\s\S]*?^\s*\1\s*$/gm, (block) => block.replace(/[^\n]/g, ''));
  return inline ? blocks.replace(/(?<!`)`[^`\n]+`(?!`)/g, 'code') : blocks;
}

function textOf(document: string): string {
  return readFileSync(path.join(root, document), 'utf8');
}
