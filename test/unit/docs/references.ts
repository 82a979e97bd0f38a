import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { commandList } from '../../../plugin/command-list.ts';
import { connection, everywhere } from '../../../plugin/global-options.ts';
import { annotation, clusterAnnotation } from '../../../shared/api/annotations.ts';
import { keyPrefix } from '../../../shared/api/names.ts';
import { isNoteKey, noteKeys } from '../../../shared/api/override-note.ts';
import { contextNames } from '../../../shared/catalog/context-names.ts';
import type { DecisionWord, StepName } from '../../../shared/engine/plan-item.ts';
import { docBlocks, isShell } from './_doc-blocks.ts';
import { root } from './_tracked-files.ts';

// Records, so that the compiler finds a word that is missing here.
const decisions = Object.keys({
  'in-sync': true,
  create: true,
  adopt: true,
  update: true,
  delete: true,
  rejected: true,
  'override-invalid': true,
  'exclusions-invalid': true,
  'condition-error': true,
  'render-failed': true,
  unreadable: true,
  paused: true,
  unverified: true,
  waiting: true,
  'missing-namespace': true,
  'missing-crd': true,
  unmanaged: true,
  excluded: true,
  'not-selected': true,
  'condition-unmet': true,
  empty: true,
  inactive: true,
  kept: true,
  'not-ours': true,
  gone: true,
} satisfies Record<DecisionWord, true>);
const steps = Object.keys({
  selection: true,
  conditions: true,
  crds: true,
  render: true,
  exclusions: true,
  live: true,
  pause: true,
  mode: true,
  annotations: true,
  patch: true,
  'ignore-fields': true,
  namespace: true,
  dependencies: true,
  comparison: true,
} satisfies Record<StepName, true>);

test('reading-a-plan.md explains every decision word, each once, with what to do, and no other', (t) => {
  const rows = rowsOf(section(read('docs/reading-a-plan.md'), 'Decision words'));
  t.deepEqual(rows.map(([word = '']) => word.replaceAll('`', '')).sort(), [...decisions].sort());
  for (const [word, meaning = '', what = ''] of rows) t.true(meaning.length > 10 && what.length > 5, word);
});

test('architecture.md has every step, in the order in which they are taken', (t) => {
  const table = rowsOf(section(read('docs/architecture.md'), 'The steps'));
  t.deepEqual(
    table.map(([, step = '']) => step.replaceAll('`', '')),
    steps,
  );
  const known = new Set(decisions);
  for (const [, , , words = ''] of table) {
    for (const [, word = ''] of words.matchAll(/`([^`]+)`/g)) t.true(known.has(word), word);
  }
});

test('annotations.md explains every key: its value, an example, and what a bad value does', (t) => {
  const text = read('docs/annotations.md');
  const keys = [...Object.values(annotation), ...Object.values(clusterAnnotation)].map((key) =>
    key === clusterAnnotation.enablePrefix ? `${key}FEATURE` : key,
  );
  for (const key of keys) {
    const isNote = isNoteKey(key);
    const about = section(text, isNote ? 'Reason and date' : `\`${key.slice(keyPrefix.length)}\``);
    // Notes are alike: one of them shows it for all.
    const shown = isNote ? noteKeys[annotation.mode].until : key.replace(/FEATURE$/, '');
    t.true(about.includes(`\`${key}\``), `${key} is named in full`);
    t.regex(about, /\*\*(?:A bad value|There is no bad value)\*\*/, key);
    t.true(
      docBlocks(about).some(({ mark, text: example }) => mark.mark === 'tested' && example.includes(shown)),
      `${key} has an example that is run`,
    );
  }
});

test('plugin.md has every command with all of its options', async (t) => {
  const text = read('docs/plugin.md');
  const mentions = (about: string, { name }: { readonly name: string }) =>
    about.includes(`\`--${name}\``) || (name === 'v' && about.includes('`-v`'));
  for (const option of [...everywhere, ...connection])
    t.true(mentions(section(text, 'Everywhere'), option), option.name);
  for (const { name, load } of commandList) {
    t.regex(text, new RegExp(`^## \`${name}\`$`, 'm'), `a section about ${name}`);
    const { options } = await load();
    for (const option of options) t.true(mentions(section(text, `\`${name}\``), option), `${name} --${option.name}`);
  }
});

test('writing-an-asset.md names every fact', (t) => {
  const text = section(read('docs/writing-an-asset.md'), 'What expressions and templates see');
  for (const [group, names] of Object.entries(contextNames)) {
    for (const name of names) t.true(text.includes(`\`${name}\``), `${group}.${name}`);
  }
});

test('every shell block in the documents says whether it is run, and every fence is understood', (t) => {
  // Those whose examples are run.
  for (const document of ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: root })]) {
    for (const block of docBlocks(read(document))) {
      const where = `${document}:${block.line}`;
      t.not(block.mark.mark, 'unknown', where);
      if (isShell(block))
        t.true(['tested', 'untested'].includes(block.mark.mark), `${where}: tested or untested="why"`);
    }
  }
});

test('every record of a decision has its number, context, decision and consequences', (t) => {
  const files = globSync('docs/adr/*.md', { cwd: root }).sort();
  t.true(files.length >= 5);
  for (const [index, file] of files.entries()) {
    const number = index + 1;
    t.regex(path.basename(file), new RegExp(`^${String(number).padStart(4, '0')}-[a-z0-9-]+\\.md$`));
    const text = read(file);
    t.regex(text, new RegExp(`^# ${number}\\. `), file);
    t.deepEqual(
      [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title),
      ['Context', 'Decision', 'Consequences'],
      file,
    );
  }
});

test('an entry of the changelog says why, and what its impact is', (t) => {
  const entries = read('CHANGELOG.md').split(/^- /m).slice(1);
  t.true(entries.length > 0);
  for (const entry of entries) t.regex(entry, /\*Why:\*[\s\S]*\*Impact:\*/);
});

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

/** What is below a heading, up to the next of its level. */
function section(text: string, title: string): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === title);
  if (start === -1) throw new Error(`There is no heading ${title}.`);
  const level = lines[start]?.indexOf(' ') ?? 0;
  let isCode = false;
  const end = lines.findIndex((line, index) => {
    if (index > start && line.startsWith('```')) isCode = !isCode;
    return index > start && !isCode && /^#+ /.test(line) && line.indexOf(' ') <= level;
  });
  return lines.slice(start + 1, end === -1 ? undefined : end).join('\n');
}

/** Of all tables in a text, without their heads. */
function rowsOf(text: string): string[][] {
  const lines = text.split('\n');
  return lines
    .filter((line, index) => line.startsWith('| ') && !/^\|-/.test(lines[index + 1] ?? ''))
    .map((line) => line.slice(2).replace(/ \|$/, '').split(' | '));
}
