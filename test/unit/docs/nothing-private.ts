import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { root, trackedFiles } from './_tracked-files.ts';

// Patterns and samples in pieces, so that this file doesn't find itself.
const patterns: readonly { what: string; pattern: RegExp; sample: readonly string[] }[] = [
  {
    what: 'a private key',
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:$|\\n)/,
    sample: ['-----BEGIN EC PRIVATE', ' KEY-----'],
  },
  { what: 'a token of GitHub', pattern: /\b(?:gh[opsur]_|github_pat_)\w{20,}/, sample: ['gh', 'p_', 'a'.repeat(36)] },
  { what: 'a token of npm', pattern: /\bnpm_[A-Za-z0-9]{30,}/, sample: ['npm', '_', 'a'.repeat(36)] },
  { what: 'a key of AWS', pattern: /\bAKIA[0-9A-Z]{16}\b/, sample: ['AK', 'IA', 'A'.repeat(16)] },
  {
    what: 'a JSON Web Token',
    pattern: /\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{15,}/,
    sample: ['ey', 'J', 'a'.repeat(20), '.ey', 'J', 'a'.repeat(20), '.', 'a'.repeat(20)],
  },
  { what: 'a path of one machine', pattern: /(?<![\w.}$-])\/(?:root|home|work)\//, sample: ['in /ro', 'ot/', 'x'] },
];

for (const { what, pattern, sample } of patterns) {
  test(`no file holds ${what}`, (t) => {
    t.regex(sample.join(''), pattern, 'the pattern finds one');
    const found = trackedFiles().flatMap((file) => {
      const lines = readFileSync(path.join(root, file), 'latin1').split('\n');
      return lines.flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : []));
    });
    t.deepEqual(found, []);
  });
}
