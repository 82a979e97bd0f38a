import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { runLive } from './run-live.ts';
import { isOnPath, tools } from './tools.ts';

/** Something other than a test that must hold for the run to pass. */
export type Check = { name: string; run: () => Promise<CheckResult> };

export type CheckResult =
  | { result: 'passed' | 'failed' }
  | { result: 'skipped'; howToGetIt: string }
  | { result: 'nothing to check' };

/** Programs that write files which are kept in git; each, called with `--check`, fails when one of them is out of date. */
const generators = ['docs/generate.ts', 'docs/generate-api.ts', 'controller/manifests/generate.ts'];

export const checks: readonly Check[] = [
  { name: 'types', run: () => command('tsc', ['--noEmit']) },
  { name: 'lint', run: () => command('biome', ['ci', `--colors=${process.stdout.isTTY ? 'force' : 'off'}`]) },
  ...generators
    .filter((file) => existsSync(file))
    .map((file) => ({ name: `generated files (${file})`, run: () => command('node', [file, '--check']) })),
  { name: 'definitions of upstream', run: () => command('node', ['test/crds/update.ts', '--verify']) },
  { name: 'shellcheck', run: shellcheck },
  { name: 'promtool', run: promtool },
];

function shellcheck(): Promise<CheckResult> {
  const isShell = (file: string) => file.endsWith('.sh') || /^#!.*\b(ba|da)?sh\b/.test(firstLine(file));
  return tool('shellcheck', [], ourFiles().filter(isShell));
}

/** `x.rules.yaml` holds alert rules, and `x.rules.test.yaml` tests of rules, both in Prometheus's own format. */
async function promtool(): Promise<CheckResult> {
  const files = ourFiles();
  const rules = await tool(
    'promtool',
    ['check', 'rules'],
    files.filter((file) => file.endsWith('.rules.yaml')),
  );
  const tests = await tool(
    'promtool',
    ['test', 'rules'],
    files.filter((file) => file.endsWith('.rules.test.yaml')),
  );
  return (
    [rules, tests].find(({ result }) => result === 'failed') ?? (rules.result === 'nothing to check' ? tests : rules)
  );
}

async function tool(name: keyof typeof tools, args: readonly string[], files: readonly string[]): Promise<CheckResult> {
  if (!isOnPath(name)) return { result: 'skipped', howToGetIt: tools[name] };
  return files.length === 0 ? { result: 'nothing to check' } : command(name, [...args, ...files]);
}

async function command(program: string, args: readonly string[]): Promise<CheckResult> {
  const { code } = await runLive(program, args);
  return { result: code === 0 ? 'passed' : 'failed' };
}

/** In git, or not yet but not ignored either. */
function ourFiles(): string[] {
  const listing = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  });
  return listing.split('\0').filter((file) => file !== '' && existsSync(file));
}

function firstLine(file: string): string {
  return readFileSync(file, 'latin1').split('\n', 1)[0] ?? '';
}
