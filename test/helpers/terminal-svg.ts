import { stripVTControlCharacters } from 'node:util';

/** What a terminal showed: what was typed, and what was printed, with its colours. */
export type TerminalEntry = { readonly command: string; readonly output: string };

const [cellWidth, lineHeight, padding] = [8.4, 19, 16];
const colours: Readonly<Record<string, string>> = {
  1: 'font-weight="bold"',
  2: 'opacity="0.65"',
  31: 'fill="#ff7b72"',
  32: 'fill="#7ee787"',
  33: 'fill="#e3b341"',
};

/**
 * A picture of a terminal session that plays once and then stands still. Text stays text, so that it can be searched,
 * selected and read aloud.
 *
 * @param columns width of the terminal, in characters
 */
export function terminalSvg(entries: readonly TerminalEntry[], columns: number): string {
  const lines: { readonly svg: string; readonly at: number }[] = [];
  let at = 0.3;
  for (const { command, output } of entries) {
    lines.push({ svg: `<tspan fill="#79c0ff">$</tspan> <tspan font-weight="bold">${toXml(command)}</tspan>`, at });
    at += 1;
    for (const line of output.replace(/\n+$/, '').split('\n')) {
      lines.push({ svg: coloured(line), at });
      at += 0.03;
    }
    lines.push({ svg: '', at });
    at += 1.2;
  }
  lines.pop();

  const width = Math.ceil(columns * cellWidth + 2 * padding);
  const height = lines.length * lineHeight + 2 * padding;
  const rows = lines.map(
    ({ svg, at }, row) =>
      `<text x="${padding}" y="${padding + (row + 0.75) * lineHeight}" style="animation-delay:${at.toFixed(2)}s">${svg}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="A terminal session">
<style>
text { font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #e6edf3; white-space: pre; animation: appear 0.01s both; }
@keyframes appear { from { opacity: 0 } to { opacity: 1 } }
@media (prefers-reduced-motion: reduce) { text { animation: none } }
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${rows.join('\n')}
</svg>
`;
}

/** What such a picture says, line by line. */
export function textOfSvg(svg: string): string {
  return [...svg.matchAll(/<text [^>]*>(.*?)<\/text>/g)]
    .map(([, inner = '']) => fromXml(inner.replace(/<[^>]*>/g, '')))
    .join('\n');
}

function coloured(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal begin with it.
  const pieces = line.split(/\u001b\[(\d+(?:;\d+)*)?m/);
  let style = '';
  let svg = '';
  for (const [index, piece = ''] of pieces.entries()) {
    if (index % 2 === 1) style = piece.split(';').reduce((sum, code) => addStyle(sum, code), style);
    else if (piece !== '') svg += style === '' ? toXml(piece) : `<tspan ${style}>${toXml(piece)}</tspan>`;
  }
  return svg;
}

function addStyle(style: string, code: string): string {
  const colour = colours[code];
  return colour === undefined ? '' : [style, colour].filter((part) => part !== '').join(' ');
}

function toXml(text: string): string {
  return stripVTControlCharacters(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function fromXml(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
