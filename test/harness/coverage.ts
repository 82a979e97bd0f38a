import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';

/** The share of lines that tests must run, in percent, by top-level folder. */
export const thresholds: Readonly<Record<string, number>> = { shared: 85, controller: 85, plugin: 80 };

export type FolderCoverage = { folder: string; lines: number; covered: number; percent: number; wanted: number };

/** Sums c8's json-summary by folder; a folder without code is left out. */
export function coverageByFolder(summaryFile: string, root: string): FolderCoverage[] {
  const summary: Record<string, { lines: { total: number; covered: number } }> = JSON.parse(
    readFileSync(summaryFile, 'utf8'),
  );
  return Object.entries(thresholds).flatMap(([folder, wanted]) => {
    const files = Object.entries(summary).filter(([file]) =>
      path.relative(root, file).startsWith(`${folder}${path.sep}`),
    );
    const lines = files.reduce((sum, [, file]) => sum + file.lines.total, 0);
    const covered = files.reduce((sum, [, file]) => sum + file.lines.covered, 0);
    return lines === 0 ? [] : [{ folder, lines, covered, percent: (100 * covered) / lines, wanted }];
  });
}

/** Command line of c8 that measures our sources, those that no test loads included. */
export function c8Arguments(root: string): string[] {
  const folders = Object.keys(thresholds);
  return [
    '--all',
    ...folders.map((folder) => `--include=${folder}/**/*.ts`),
    ...typeOnlyFiles(root, folders).map((file) => `--exclude=${file}`),
    '--reporter=json-summary',
    '--reporter=lcovonly',
    '--reports-dir=coverage',
  ];
}

/** Nothing of them is left to run, which c8 would count as not covered. */
function typeOnlyFiles(root: string, folders: readonly string[]): string[] {
  return globSync(
    folders.map((folder) => `${folder}/**/*.ts`),
    { cwd: root },
  ).filter((file) => {
    try {
      const code = stripTypeScriptTypes(readFileSync(path.join(root, file), 'utf8'));
      return code.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '').trim() === '';
    } catch {
      return false;
    }
  });
}
