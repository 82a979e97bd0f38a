import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { tarGz } from '../../../../krew/archive/tar-gz.ts';
import { digestElsewhere } from './_same-bytes.ts';

const modified = new Date('2026-11-21T12:00:07Z');
const file = (name: string, content: string | Buffer = name, isExecutable = false) => ({
  name,
  content: Buffer.from(content),
  isExecutable,
});

test('tar unpacks what was put in, with its mode and time', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tar-gz-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const program = randomBytes(70_001);
  const block = Buffer.alloc(512, 'x');
  const archive = path.join(folder, 'a.tar.gz');
  writeFileSync(
    archive,
    tarGz([file('program', program, true), file('block', block), file('empty', '')], { modified }),
  );
  execFileSync('tar', ['-xzpf', archive, '-C', folder]);

  t.deepEqual(readFileSync(path.join(folder, 'program')), program);
  t.deepEqual(readFileSync(path.join(folder, 'block')), block);
  t.is(readFileSync(path.join(folder, 'empty'), 'utf8'), '');
  t.is(statSync(path.join(folder, 'program')).mode & 0o777, 0o755);
  t.is(statSync(path.join(folder, 'block')).mode & 0o777, 0o644);
  t.deepEqual(statSync(path.join(folder, 'program')).mtime, modified);
});

test('files are in the order of their names, and belong to nobody in particular', (t) => {
  const listed = (names: string[]) =>
    execFileSync('tar', ['-tvzf', '-', '--numeric-owner'], {
      input: tarGz(
        names.map((name) => file(name)),
        { modified },
      ),
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    });
  const lines = listed(['b', 'LICENSE', 'a']).trim().split('\n');
  t.deepEqual(
    lines.map((line) => line.split(' ').at(-1)),
    ['LICENSE', 'a', 'b'],
  );
  for (const line of lines) t.regex(line, /^-rw-r--r--\s+.*\b0[/ ]+0\b/);
});

test('the same files give the same bytes, whatever the time zone, the umask, the language and the folder', (t) => {
  const here = createHash('sha256')
    .update(tarGz([file('b'), file('a', 'a', true)], { modified }))
    .digest('hex');
  const call = `tarGz(
    [{ name: 'a', content: Buffer.from('a'), isExecutable: true }, { name: 'b', content: Buffer.from('b'), isExecutable: false }],
    { modified: new Date('2026-11-21T12:00:07Z') },
  )`;
  t.is(digestElsewhere('krew/archive/tar-gz.ts', call), here);
  t.not(
    createHash('sha256')
      .update(tarGz([file('a'), file('b')], { modified }))
      .digest('hex'),
    here,
    'and other modes give others',
  );
});

for (const name of ['../up', '/top', 'a/b', '.hidden', '', 'x'.repeat(100), 'new\nline']) {
  test(`${JSON.stringify(name.slice(0, 10))} is no name for a file of an archive`, (t) => {
    t.throws(() => tarGz([file(name)], { modified }), { message: /isn't a plain file name/ });
  });
}

test('two files of one name are refused', (t) => {
  t.throws(() => tarGz([file('a'), file('a')], { modified }), { message: 'There are two files a.' });
});
