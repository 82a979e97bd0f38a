import { existsSync, globSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { avaTotals, failedTitles, failureDetails, type Totals } from './ava-totals.ts';
import { checks } from './checks.ts';
import { findBinaries } from './control-plane/find-binaries.ts';
import { c8Arguments, coverageByFolder } from './coverage.ts';
import { hasRealCrds } from './install-crds.ts';
import { runLive } from './run-live.ts';
import { filesToTryAgain } from './second-try.ts';

const usage = `Usage: npm test -- [--only unit|integration|e2e] [files…]

Without arguments: types, lint, generated files, shellcheck, promtool, all tests, coverage; and the tests that use the
cluster a second time on upstream CRDs, where those are at hand. With arguments: those tests alone.

Ends with "N passed, N failed", tests and checks together.`;

const layers = ['unit', 'integration', 'e2e'];
const root = path.resolve(import.meta.dirname, '../..');
const totals: Totals = { passed: 0, failed: 0 };
const remarks: string[] = [];

process.chdir(root);
await main();

async function main(): Promise<void> {
  const { values, positionals: files } = readArguments();
  if (values.help) {
    console.log(usage);
    return;
  }
  const isFull = values.only === undefined && files.length === 0;

  if (isFull) for (const check of checks) await runCheck(check.name, check.run);
  if (values.only !== 'unit') await runCheck('control plane', getControlPlane);

  const selection = files.length > 0 ? files : values.only === undefined ? [] : [`test/${values.only}/**`];
  if (isFull) {
    await underCoverage();
    const again = filesThatUseCrds();
    if (hasRealCrds() && again.length > 0) {
      await section('tests again, on upstream CRDs', () => ava(again, { env: { VIRT_PLATFORM_TEST_CRDS: 'real' } }));
    }
  } else {
    await section('tests', () => ava(selection));
  }

  for (const remark of remarks) console.log(remark);
  process.exitCode = totals.failed === 0 ? 0 : 1;
  console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { only: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.only !== undefined && !layers.includes(values.only)) {
      throw new Error(`--only is ${values.only}, and can be ${layers.join(', ')}.`);
    }
    return { values, positionals };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

async function underCoverage(): Promise<void> {
  const summary = path.join(root, 'coverage/coverage-summary.json');
  // A stale one must not pass for this run's.
  rmSync(summary, { force: true });
  const before = totals.failed;
  await section('tests', () => ava([], { under: ['c8', ...c8Arguments(root)] }));
  if (before !== totals.failed) {
    remarks.push('Coverage: not judged, as tests failed.');
    return;
  }
  await runCheck('coverage', async () => {
    if (!existsSync(summary)) return { result: 'failed' };
    const folders = coverageByFolder(summary, root);
    for (const { folder, percent, wanted } of folders) {
      console.log(`${folder}: ${percent.toFixed(1)} % of lines, at least ${wanted} % wanted`);
    }
    if (folders.length === 0) return { result: 'nothing to check' };
    return { result: folders.every(({ percent, wanted }) => percent >= wanted) ? 'passed' : 'failed' };
  });
}

async function ava(
  files: readonly string[],
  { under = [], env = {} }: { under?: readonly string[]; env?: Record<string, string> } = {},
): Promise<void> {
  const [command = 'ava', ...args] = [...under, 'ava', ...files];
  const { code, output } = await runLive(command, args, { env });
  const { passed, failed } = avaTotals(output, code);
  totals.passed += passed;
  if (failed === 0) return;
  // Said again at the end: of a long log often only the last lines are kept.
  const titles = failedTitles(output);
  const details = failureDetails(output);
  const again = filesToTryAgain(titles, failed, globSync('test/{unit,integration,e2e}/**/*.ts'));
  const stillFailed = again === undefined ? failed : await secondTry(again, env);
  totals.passed += Math.max(0, failed - stillFailed);
  totals.failed += stillFailed;
  remarks.push(
    [
      ...(details === '' ? [] : [details, '']),
      stillFailed > 0
        ? `Failed: ${stillFailed} in the tests (ava's exit code was ${code})${titles.length > 0 ? ':' : '; look above'}`
        : 'Passed only when tried again, alone:',
      ...titles.map((title) => `  ${stillFailed > 0 ? '✘' : '?'} ${title}`),
    ].join('\n'),
  );
}

/** How many tests of these files fail when nothing else runs. */
async function secondTry(files: readonly string[], env: Record<string, string>): Promise<number> {
  console.log(`\n── a second try, alone: ${files.join(', ')}`);
  const { code, output } = await runLive('ava', ['--concurrency=1', ...files], { env });
  return avaTotals(output, code).failed;
}

function filesThatUseCrds(): string[] {
  return globSync('test/{integration,e2e}/**/*.ts').filter((file) => {
    const source = readFileSync(file, 'utf8');
    return source.includes('useCluster(') && !/\bcrds: '(none|own|real)'/.test(source);
  });
}

async function getControlPlane() {
  await findBinaries();
  return { result: 'nothing to check' as const };
}

async function runCheck(name: string, run: (typeof checks)[number]['run']): Promise<void> {
  await section(name, async () => {
    const outcome = await run().catch((error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      return { result: 'failed' as const };
    });
    switch (outcome.result) {
      case 'passed':
        totals.passed += 1;
        break;
      case 'failed':
        totals.failed += 1;
        remarks.push(`Failed: ${name}`);
        break;
      case 'skipped':
        console.log('skipped');
        remarks.push(`Skipped: ${name}. To have it: ${outcome.howToGetIt}.`);
        break;
      case 'nothing to check':
        break;
      default:
        outcome satisfies never;
    }
  });
}

async function section(name: string, run: () => Promise<void>): Promise<void> {
  console.log(`\n── ${name}`);
  const start = performance.now();
  await run();
  console.log(`── ${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
