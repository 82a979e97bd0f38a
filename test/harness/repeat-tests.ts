import path from 'node:path';
import { avaTotals, failedTitles } from './ava-totals.ts';
import { findBinaries } from './control-plane/find-binaries.ts';
import { runLive } from './run-live.ts';

// npm run test:repeat -- [times] [files…]: finds tests that fail only sometimes.
process.chdir(path.resolve(import.meta.dirname, '../..'));
const [first = '', ...rest] = process.argv.slice(2);
const times = /^\d+$/.test(first) ? Number(first) : 5;
const files = /^\d*$/.test(first) ? rest : [first, ...rest];

await findBinaries();
const failures = new Map<string, number>();
let badRuns = 0;
for (let run = 1; run <= times; run += 1) {
  console.log(`\n── run ${run} of ${times}`);
  const { code, output } = await runLive('ava', files);
  if (avaTotals(output, code).failed === 0) continue;
  badRuns += 1;
  const titles = failedTitles(output);
  for (const title of titles.length > 0 ? titles : ['(no test by name)']) {
    failures.set(title, (failures.get(title) ?? 0) + 1);
  }
}

console.log(`\n${times - badRuns} of ${times} runs passed`);
for (const [title, count] of failures) console.log(`  failed ${count} of ${times}: ${title}`);
process.exitCode = badRuns === 0 ? 0 : 1;
