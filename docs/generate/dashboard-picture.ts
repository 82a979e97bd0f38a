import { type PersesDashboard, panelAt } from './perses-dashboard.ts';

const width = 960;
const column = width / 24;
const unit = 14;
const titleHeight = 24;

/** Where the panels of a dashboard are, and what they ask: drawn from its definition, so without any data. */
export function dashboardPicture(dashboard: PersesDashboard): string {
  const shapes: string[] = [];
  let top = 40;
  for (const { spec: row } of dashboard.layouts) {
    shapes.push(text(8, top + 16, row.display.title, 'row'));
    top += titleHeight;
    for (const { x, y, width: columns, height, content } of row.items) {
      const { display, plugin, queries } = panelAt(dashboard, content.$ref);
      const [left, upper] = [x * column + 4, top + y * unit];
      const [wide, high] = [columns * column - 8, height * unit - 8];
      shapes.push(`<rect x="${left}" y="${upper}" width="${wide}" height="${high}" rx="4" class="panel"/>`);
      shapes.push(text(left + 10, upper + 20, display.name, 'title'));
      shapes.push(text(left + 10, upper + 38, kinds[plugin.kind] ?? plugin.kind, 'kind'));
      const longest = Math.floor((wide - 20) / 6.1);
      queries.forEach(({ spec }, index) => {
        shapes.push(text(left + 10, upper + 58 + index * 16, shortened(spec.plugin.spec.query, longest), 'query'));
      });
    }
    top += Math.max(...row.items.map(({ y, height }) => y + height)) * unit + 6;
  }
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}" font-family="sans-serif">`,
    `<title>${escaped(dashboard.display.name)}: rows, panels and queries</title>`,
    '<style>',
    'rect.page{fill:#fff}rect.panel{fill:#f7f8fa;stroke:#c7ccd4}',
    '.head{font-size:17px;font-weight:bold;fill:#1b1f24}.row{font-size:14px;font-weight:bold;fill:#1b1f24}',
    '.title{font-size:13px;fill:#1b1f24}.kind{font-size:11px;fill:#646c76}.query{font-size:10px;font-family:monospace;fill:#0b5cad}',
    '</style>',
    `<rect class="page" width="${width}" height="${top}"/>`,
    text(8, 26, dashboard.display.name, 'head'),
    ...shapes,
    '</svg>',
  ].join('\n')}\n`;
}

const kinds: Readonly<Record<string, string>> = { Table: 'table', TimeSeriesChart: 'time series', StatChart: 'figure' };

function text(x: number, y: number, words: string, name: string): string {
  return `<text x="${x}" y="${y}" class="${name}">${escaped(words)}</text>`;
}

function shortened(words: string, longest: number): string {
  return words.length > longest ? `${words.slice(0, longest - 1)}…` : words;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
