import { type StructuredPatchHunk, structuredPatch } from 'diff';
import { parsePointer } from '../../shared/api/json-pointer.ts';
import type { Json } from '../../shared/api/kubernetes-object.ts';
import type { DriftedField } from '../../shared/engine/plan-item.ts';
import { parseYamlDocuments } from '../../shared/yaml/parse-yaml.ts';
import { printYaml } from '../../shared/yaml/print-yaml.ts';
import type { Paint } from './colour.ts';
import type { ComparedObject } from './compared-object.ts';
import { escapeText } from './escape.ts';
import { formatAge } from './format-age.ts';

export type UnifiedDiffOptions = {
  readonly paint: Paint;
  readonly now: Date;
  /** What the two sides are called. Default `LIVE` and `MERGED`, as `kubectl diff` calls them. */
  readonly sides?: readonly [string, string];
};

/**
 * A unified diff as `patch` and reviewing tools read it. After the second `@@` of each hunk stands which fields it
 * changes, who set each last and when.
 */
export function unifiedDiff(
  { name, live, merged, drift }: Pick<ComparedObject, 'name' | 'live' | 'merged' | 'drift'>,
  { paint, now, sides: [from, to] = ['LIVE', 'MERGED'] }: UnifiedDiffOptions,
): string {
  if (live === merged) return '';
  const { hunks } = structuredPatch(`${from}/${name}`, `${to}/${name}`, live, merged, '', '', { context: 3 });
  const located = drift.map((field) => ({ field, ...placesOf(field, live, merged) }));
  const lines = [
    paint('strong', `--- ${from}/${name}`),
    paint('strong', `+++ ${to}/${name}`),
    ...hunks.flatMap((hunk) => {
      const changed = changedLines(hunk);
      const fields = located
        .filter(
          ({ old, next }) =>
            changed.old.some((line) => isIn(line, old)) || changed.next.some((line) => isIn(line, next)),
        )
        .map(({ field }) => field);
      return [
        paint('quiet', `${rangeOf(hunk)}${fields.length === 0 ? '' : ` ${describe(fields, now)}`}`),
        ...hunk.lines.map((line) =>
          line.startsWith('-') ? paint('removed', line) : line.startsWith('+') ? paint('added', line) : line,
        ),
      ];
    }),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function rangeOf({ oldStart, oldLines, newStart, newLines }: StructuredPatchHunk): string {
  // Of nothing, the line before it is named: as diff(1) does.
  const range = (start: number, count: number) =>
    count === 1 ? `${start}` : `${count === 0 ? Math.max(0, start - 1) : start},${count}`;
  return `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`;
}

function changedLines({ oldStart, newStart, lines }: StructuredPatchHunk) {
  const changed: { readonly old: number[]; readonly next: number[] } = { old: [], next: [] };
  let old = oldStart;
  let next = newStart;
  for (const line of lines) {
    if (line.startsWith('-')) changed.old.push(old);
    if (line.startsWith('+')) changed.next.push(next);
    if (!line.startsWith('+')) old++;
    if (!line.startsWith('-')) next++;
  }
  return changed;
}

/** First and last line. */
type Lines = { readonly from: number; readonly to: number };

function isIn(line: number, lines: Lines | undefined): boolean {
  return lines !== undefined && line >= lines.from && line <= lines.to;
}

/** Where a field stands in the two texts. */
function placesOf({ pointer, live, desired }: DriftedField, liveText: string, mergedText: string) {
  const path = parsePointer(pointer);
  return { old: linesOf(path, live, liveText), next: linesOf(path, desired, mergedText) };
}

function linesOf(path: readonly string[], wanted: unknown, text: string): Lines | undefined {
  const [document] = text === '' || wanted === undefined ? [] : parseYamlDocuments(text);
  if (document === undefined) return undefined;
  const steps: (string | number)[] = [];
  let value: Json | undefined = document.value;
  for (const name of path) {
    if (Array.isArray(value)) {
      // An index counts in the live list: in the other an item may stand elsewhere.
      const items: readonly Json[] = value;
      const same = items.findIndex((item) => JSON.stringify(item) === JSON.stringify(sortedLike(wanted)));
      const index =
        items[Number(name)] === undefined || (steps.length === path.length - 1 && same !== -1) ? same : Number(name);
      steps.push(index);
      value = items[index];
    } else {
      steps.push(name);
      value = Object(value)[name] as Json | undefined;
    }
    if (value === undefined) return undefined;
  }
  const from = document.lineOf(steps);
  const count = printYaml(typeof value === 'string' ? { x: value } : (value ?? null)).split('\n').length - 1;
  return { from, to: from + count - (typeof value === 'object' && value !== null && path.length > 0 ? 0 : 1) };
}

/** As the printed objects have their keys: sorted. */
function sortedLike(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedLike);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sortedLike(item)]),
  );
}

/** `/spec/a (helm, 5m ago); /spec/b (removed, or never set)`. */
function describe(fields: readonly DriftedField[], now: Date): string {
  const most = 4;
  const shown = fields.slice(0, most).map(({ pointer, live, desired, manager, time }) => {
    if (pointer === '') return live === undefined ? "it doesn't exist yet" : 'nothing wants it any more';
    const age = time === null ? undefined : formatAge(new Date(time), now);
    const nobody =
      live === undefined ? (desired === undefined ? '' : 'removed, or never set') : "who set it isn't recorded";
    return `${pointer} (${[manager ?? nobody, ...(age === undefined ? [] : [`${age} ago`])].join(', ')})`;
  });
  const more = fields.length > most ? [`and ${fields.length - most} more`] : [];
  return escapeText([...shown, ...more].join('; '));
}
