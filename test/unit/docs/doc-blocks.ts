import test from 'ava';
import { docBlocks, examplesIn, isShell, mismatch } from './_doc-blocks.ts';

const fence = '```';

test('a block has its language, its mark and its line; a longer fence holds a shorter one', (t) => {
  const blocks = docBlocks(
    `# Title\n\n${fence}sh untested="no reason"\nnpm test\n${fence}\n\n${fence}\`\`md\n${fence}sh\n${fence}\n${fence}\`\`\n`,
  );
  t.deepEqual(blocks, [
    { language: 'sh', mark: { mark: 'untested', why: 'no reason' }, line: 3, text: 'npm test' },
    { language: 'md', mark: { mark: 'none' }, line: 7, text: `${fence}sh\n${fence}` },
  ]);
  t.throws(() => docBlocks(`${fence}sh\nls\n`), { message: /line 1 has no end/ });
});

test('a mark that is misspelt is none', (t) => {
  for (const info of ['testd', 'untested', 'untested=""', 'file=', 'file=a b']) {
    t.is(docBlocks(`${fence}sh ${info}\n${fence}`)[0]?.mark.mark, 'unknown', info);
  }
});

test('what looks like something to type is shell, whatever it is called', (t) => {
  const isShellBlock = (text: string) => docBlocks(text).some(isShell);
  t.true(isShellBlock(`${fence}console\n$ ls\n${fence}`));
  t.true(isShellBlock(`${fence}\n$ ls\n${fence}`));
  t.false(isShellBlock(`${fence}yaml\nkind: Pod\n${fence}`));
});

test('commands go on with ">", and the rest is what they print', (t) => {
  const [block] = docBlocks(`${fence}console tested\n$ one |\n>   two\na\n> b\n$ three\n${fence}`);
  t.deepEqual(block && examplesIn(block), [
    { command: 'one |\n  two', output: 'a\n> b\n', line: 2 },
    { command: 'three', output: '', line: 6 },
  ]);
});

test('only what varies may differ, and "…" stands for lines', (t) => {
  const same = (documented: string, printed: string) => mismatch(documented, printed) === undefined;
  t.true(same('by x, 3s ago\n', 'by x, 12m ago\n\n'));
  t.true(same('time: 2026-01-01T00:00:00Z', 'time: 2027-12-31T23:59:59Z'));
  t.true(same('a\n…\nd', 'a\nb\nc\nd'));
  t.true(same('…\nd', 'd'));
  t.false(same('a\n…\nd', 'a\nb\nc'));
  t.false(same('3 assets', '4 assets'));
  t.false(same('', 'something'));
  t.false(same('something', ''));
});
