import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';

// What they make is tested by test/e2e/packaged-krew.ts and packaged-npm.ts: here, what they say when they can't.
const root = path.resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(path.join(tmpdir(), 'package-'));
const out = path.join(folder, 'out');
test.after.always(() => rmSync(folder, { recursive: true }));

for (const [program, args, message] of [
  ['krew/package.ts', [], /^error: --out is needed; see --help\n$/],
  [
    'krew/package.ts',
    ['--out', out, '--platform', 'windows/arm64'],
    /^error: --platform is "windows\/arm64": there is a pinned Node for linux\/amd64, [^\n]+\n$/,
  ],
  ['krew/package.ts', ['--out', out, '--commit', 'main'], /^error: "main" is no commit: [^\n]+\n$/],
  ['krew/package.ts', ['--out', out, '--commit', '0'.repeat(40)], /^error: This checkout has no commit 0+: [^\n]+\n$/],
  ['krew/package.ts', ['--output', out], /^error: Unknown option '--output'[^\n]*\n$/],
  ['krew/npm/package.ts', [], /^error: --out is needed; see --help\n$/],
  ['krew/npm/package.ts', ['--out', out, '--commit', 'main'], /^error: "main" is no commit: [^\n]+\n$/],
] as const) {
  const shown = args.map((arg) => arg.replace(folder, '').slice(0, 20)).join(' ') || 'nothing';
  test(`${program} given ${shown}: one line says what is wrong, and nothing is written`, (t) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { cwd: root, encoding: 'utf8' });
    t.regex(stderr, message);
    t.is(stdout, '');
    t.is(status, 2);
    t.false(existsSync(out));
  });
}

test('both say how they are called', (t) => {
  for (const program of ['krew/package.ts', 'krew/npm/package.ts']) {
    const { status, stdout } = spawnSync(process.execPath, [program, '--help'], { cwd: root, encoding: 'utf8' });
    t.is(status, 0);
    t.regex(stdout, /^Usage: node krew\//);
  }
});
