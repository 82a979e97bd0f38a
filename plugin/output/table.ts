import type { Paint, Tone } from './colour.ts';
import { cut, displayWidth } from './display-width.ts';
import { escapeText } from './escape.ts';

export type Column<Row> = {
  readonly header: string;
  /** The cell as it is; escaping and `<none>` for an empty one are the table's business. */
  readonly cell: (row: Row) => string;
  readonly tone?: (row: Row) => Tone | undefined;
  /** The fewest columns that it may be cut to on a narrow terminal; without it, it is never cut. */
  readonly shrinkTo?: number;
  /** Higher goes first where even shrinking isn't enough; without it, it is never left out. */
  readonly leaveOut?: number;
};

export type TableOptions = {
  readonly paint: Paint;
  /** Columns of the terminal; absent (a pipe, a file): nothing is cut or left out. */
  readonly width?: number;
  readonly headers?: boolean;
};

/** A table as kubectl prints it: upper-case headers, three spaces between columns, one line a row. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { paint, width, headers = true }: TableOptions,
): string {
  const measured = columns.map((column) => {
    const cells = rows.map((row) => escapeText(column.cell(row)) || '<none>');
    const widths = [...cells, ...(headers ? [column.header] : [])].map(displayWidth);
    return { column, cells, width: widths.reduce((widest, next) => Math.max(widest, next), 0) };
  });
  const shown = width === undefined ? measured : fitInto(measured, width);

  const lines = rows.map((row, index) =>
    join(
      shown.map(({ column, cells, width: columnWidth }) => ({
        text: cells[index] ?? '',
        width: columnWidth,
        tone: column.tone?.(row),
      })),
      paint,
    ),
  );
  if (headers) {
    lines.unshift(
      join(
        shown.map(({ column, width: columnWidth }) => ({ text: column.header, width: columnWidth, tone: undefined })),
        paint,
      ),
    );
  }
  return lines.map((line) => `${line}\n`).join('');
}

const gap = '   ';

type Measured<Row> = { readonly column: Column<Row>; readonly cells: readonly string[]; readonly width: number };

/** Cuts columns, then leaves out those that may be, until a line fits into `width`. */
function fitInto<Row>(all: readonly Measured<Row>[], width: number): readonly Measured<Row>[] {
  let columns = all;
  for (;;) {
    const shrunk = shrink(columns, width);
    if (total(shrunk) <= width) return shrunk;
    const worst = columns.reduce<Measured<Row> | undefined>((found, next) => {
      const rank = next.column.leaveOut ?? 0;
      return rank > (found?.column.leaveOut ?? 0) ? next : found;
    }, undefined);
    if (worst === undefined) return shrunk;
    columns = columns.filter((column) => column !== worst);
  }
}

/** The widest column gives way first, so that none is narrower than it must be; the first one, what a row is about, last. */
function shrink<Row>(columns: readonly Measured<Row>[], width: number): readonly Measured<Row>[] {
  let shrunk = columns;
  while (total(shrunk) > width) {
    const able = shrunk.filter((entry) => entry.width > (entry.column.shrinkTo ?? entry.width));
    const others = able.filter((entry) => entry !== shrunk[0]);
    const widest =
      others.length === 0 ? able[0] : others.reduce((found, next) => (next.width >= found.width ? next : found));
    if (widest === undefined) break;
    shrunk = shrunk.map((entry) => (entry === widest ? { ...entry, width: entry.width - 1 } : entry));
  }
  return shrunk;
}

function total(columns: readonly { readonly width: number }[]): number {
  return columns.reduce((sum, { width }) => sum + width, 0) + gap.length * Math.max(0, columns.length - 1);
}

function join(
  cells: readonly { readonly text: string; readonly width: number; readonly tone: Tone | undefined }[],
  paint: Paint,
): string {
  return cells
    .map(({ text, width, tone }, index) => {
      const short = cut(text, width);
      // Padded outside the colour, so that its codes don't count as width; a line has no trailing spaces.
      const padding = index === cells.length - 1 ? '' : ' '.repeat(width - displayWidth(short));
      return `${tone === undefined ? short : paint(tone, short)}${padding}`;
    })
    .join(gap);
}
