import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { targets } from '../../../krew/executable/targets.ts';
import { releaseNotes } from '../../../krew/release-notes.ts';
import { goPlatform } from '../../../plugin/build-info.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const changelog = `# Changelog

## [Unreleased]

### Added

- Something to come.

## [1.2.0] - 2026-11-21

### Added

- **A thing**. *Why:* wanted. *Impact:* none.

### Fixed

- Another.

## [1.1.0] - 2026-10-01

- Old.

[1.2.0]: https://example.org
`;
const notes = (tag: string, text = changelog, version = tag.slice(1)) =>
  releaseNotes(text, { tag, version, image: 'registry.example/image' });

test("they begin with the changelog's section of the version, and hold no other", (t) => {
  const text = notes('v1.2.0');
  t.true(
    text.startsWith(
      '### Added\n\n- **A thing**. *Why:* wanted. *Impact:* none.\n\n### Fixed\n\n- Another.\n\n### Inst',
    ),
  );
  t.notRegex(text, /Something to come|Old\.|example\.org/);
});

test('a link to a file of ours leads to it as it is in this version, from wherever the notes are read', (t) => {
  const text = notes('v1.2.0', '## [1.2.0]\n\n- See [a](docs/a.md#b), [c](https://c.example) and [d](#d).\n');
  t.regex(text, /\[a\]\(https:\/\/\S+\/blob\/v1\.2\.0\/docs\/a\.md#b\), \[c\]\(https:\/\/c\.example\) and \[d\]\(#d\)/);
});

test('what docs/install.md downloads, verifies and installs is of the version that is released next', (t) => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const text = readFileSync(path.join(root, 'docs/install.md'), 'utf8');
  const named = [...text.matchAll(/(?:[/_@:=]v|virt-platform-)(\d+\.\d+\.\d+)/g)].map(([, name]) => name);
  t.true(named.length > 10);
  t.deepEqual([...new Set(named)], [version]);
});

test('the last section ends where the links begin', (t) => {
  t.true(notes('v1.1.0').startsWith('- Old.\n\n### Install'));
});

test('they say how to install this very version, and on which platforms it was run', (t) => {
  const text = notes('v1.2.0');
  t.regex(text, /--manifest-url=https:\/\/\S+\/releases\/download\/v1\.2\.0\/virt-platform\.yaml/);
  t.true(text.includes('registry.example/image:v1.2.0'));
  for (const target of targets) t.true(text.includes(goPlatform(target)), goPlatform(target));
});

for (const [what, tag, text, version, message] of [
  [
    'a tag of another version',
    'v1.2.0',
    changelog,
    '1.1.0',
    /^The tag is v1\.2\.0 and package\.json's version is 1\.1\.0/,
  ],
  ['a tag without v', '1.2.0', changelog, '1.2.0', /^The tag is 1\.2\.0/],
  [
    'a version that the changelog lacks',
    'v1.3.0',
    changelog,
    '1.3.0',
    /no section of 1\.3\.0: rename "## \[Unreleased\]"/,
  ],
  ['an empty section', 'v2.0.0', '## [2.0.0]\n\n## [1.0.0]\n- x', '2.0.0', /says nothing about 2\.0\.0/],
] as const) {
  test(`${what} releases nothing`, (t) => {
    t.throws(() => notes(tag, text, version), { message });
  });
}

test('as a program it prints them or writes them to a file, and says in one line why there are none', (t) => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['krew/release-notes.ts', ...args], { cwd: root, encoding: 'utf8' });
  const folder = mkdtempSync(path.join(tmpdir(), 'release-notes-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const out = path.join(folder, 'notes.md');
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

  const refused = run('v0.0.0-nothing', '--out', out);
  t.is(refused.status, 2);
  t.is(
    refused.stderr,
    `error: The tag is v0.0.0-nothing and package.json's version is ${version}: they have to be the same.\n`,
  );
  t.false(existsSync(out));
  t.regex(run().stderr, /^error: Usage: [^\n]+\n$/);

  const printed = run(`v${version}`);
  if (printed.status === 0) {
    t.is(run(`v${version}`, '--out', out).status, 0);
    t.is(readFileSync(out, 'utf8'), printed.stdout);
  } else {
    t.regex(printed.stderr, /^error: CHANGELOG\.md has no section [^\n]+\n$/);
  }
});

test('the changelog that is there has sections that can be read, or says that nothing is released', (t) => {
  const text = readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8');
  const versions = [...text.matchAll(/^## \[(\d[^\]]*)\]/gm)].map(([, version = '']) => version);
  if (versions.length === 0) t.regex(text, /^## \[Unreleased\]\n\nNothing is released yet/m);
  for (const version of versions) t.notThrows(() => notes(`v${version}`, text));
});
