import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import type { Body } from './_assets.ts';

const promtool = (process.env.PATH ?? '')
  .split(path.delimiter)
  .map((folder) => path.join(folder, 'promtool'))
  .find((file) => existsSync(file));

/** Has promtool check rules and, where given, run tests on them; without promtool it says so. */
export async function checkWithPromtool(
  t: ExecutionContext,
  groups: Body[],
  tests: Body[] = [],
  { evaluationInterval = '1m' } = {},
): Promise<void> {
  if (promtool === undefined) {
    t.log('Skipped: promtool is not on PATH. On Debian: apt-get install prometheus');
    t.pass();
    return;
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'promtool-'));
  t.teardown(() => rm(folder, { recursive: true }));
  // JSON is YAML.
  await writeFile(path.join(folder, 'rules.yaml'), JSON.stringify({ groups }));
  const suite = { rule_files: ['rules.yaml'], evaluation_interval: evaluationInterval, tests };
  await writeFile(path.join(folder, 'test.yaml'), JSON.stringify(suite));
  const run = promisify(execFile);
  for (const words of [
    ['check', 'rules', '--lint=none', 'rules.yaml'],
    ['test', 'rules', 'test.yaml'],
  ]) {
    await t.notThrowsAsync(
      run(promtool, words, { cwd: folder }).catch(({ stdout, stderr }) => {
        throw new Error(`${stdout}${stderr}`);
      }),
    );
  }
}
