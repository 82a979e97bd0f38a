import { stripVTControlCharacters } from 'node:util';

export type Totals = { passed: number; failed: number };

/**
 * How many tests passed and failed, from what ava's default reporter printed. Whatever makes ava unhappy counts as at
 * least one failure, and so does a run in which no test ran.
 */
export function avaTotals(output: string, exitCode: number): Totals {
  const lines = stripVTControlCharacters(output).split('\n');
  const summary = lines.slice(lines.findLastIndex((line) => /^\s*─+\s*$/.test(line)) + 1);
  const count = (pattern: RegExp) =>
    summary.reduce((sum, line) => sum + Number(new RegExp(`^\\s*(\\d+) ${pattern.source}`).exec(line)?.[1] ?? 0), 0);

  // ava leaves the passed ones out of its summary as soon as one failed: then every test still has its own line.
  const passed = count(/tests? passed/) || lines.filter((line) => /^\s*[✔√] /.test(line)).length;
  const failed =
    count(/tests? failed/) +
    count(/hooks? failed/) +
    count(/unhandled rejections?/) +
    count(/uncaught exceptions?/) +
    count(/tests? remained pending/);
  const isBad = exitCode !== 0 || passed === 0;
  return { passed, failed: isBad ? Math.max(failed, 1) : failed };
}

/** The titles of the tests that failed, each once. */
export function failedTitles(output: string): string[] {
  const titles = stripVTControlCharacters(output)
    .split('\n')
    .flatMap((line) => /^\s*[✘×] \[fail\]: (.*?)(?: \([\d.]+\w+\)(?: .*)?)?$/.exec(line)?.[1] ?? []);
  return [...new Set(titles)];
}

/**
 * What ava says of each failure, which it prints after all tests, between two rules; `''` without any. At most so many
 * lines, as some errors carry a whole process's output.
 */
export function failureDetails(output: string, most = 300): string {
  const lines = stripVTControlCharacters(output).split('\n');
  const isRule = (line: string) => /^\s*─+\s*$/.test(line);
  const [first, last] = [lines.findIndex(isRule), lines.findLastIndex(isRule)];
  const details = lines.slice(first + 1, Math.max(first + 1, last));
  while (details.at(-1)?.trim() === '') details.pop();
  while (details[0]?.trim() === '') details.shift();
  if (details.length <= most) return details.join('\n');
  return [...details.slice(0, most), `  … and ${details.length - most} more lines above`].join('\n');
}
