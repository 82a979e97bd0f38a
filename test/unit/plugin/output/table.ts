import test from 'ava';
import { painter, plain } from '../../../../plugin/output/colour.ts';
import { displayWidth } from '../../../../plugin/output/display-width.ts';
import { type Column, formatTable } from '../../../../plugin/output/table.ts';

type Row = { name: string; state: string; object: string; why: string };
const columns: readonly Column<Row>[] = [
  { header: 'ASSET', cell: ({ name }) => name, shrinkTo: 14 },
  { header: 'STATE', cell: ({ state }) => state, tone: () => 'good' },
  { header: 'OBJECT', cell: ({ object }) => object, shrinkTo: 16, leaveOut: 2 },
  { header: 'WHY', cell: ({ why }) => why, shrinkTo: 14, leaveOut: 3 },
];
const rows: readonly Row[] = [
  {
    name: 'swap-enable',
    state: 'in-sync',
    object: 'MachineConfig/90-worker-swap-online',
    why: 'live is as desired in every field that is ours',
  },
  { name: 'kubelet-perf-settings', state: 'condition-unmet', object: 'KubeletConfig/virt-perf-settings', why: 'x' },
];
const format = (width?: number) => formatTable(rows, columns, { paint: plain, ...(width !== undefined && { width }) });
const widest = (text: string) => Math.max(...text.split('\n').map(displayWidth));

test('columns have three spaces between them, and lines no spaces at their end', (t) => {
  t.is(
    formatTable([{ name: 'a', state: 'ok', object: 'K/n', why: '' }], columns, { paint: plain }),
    'ASSET   STATE   OBJECT   WHY\na       ok      K/n      <none>\n',
  );
});

test('in a pipe nothing is cut', (t) => {
  t.true(format().includes('live is as desired in every field that is ours'));
  t.false(format().includes('…'));
});

for (const width of [200, 120, 80, 60, 40]) {
  test(`on a terminal of ${width} columns every line fits, and names and states are whole or marked as cut`, (t) => {
    const text = format(width);
    t.true(widest(text) <= width, text);
    t.true(text.includes('condition-unmet'));
    t.true(text.includes('swap-enable'));
  });
}

test('the widest column gives way first, so that no other is cut before it must be', (t) => {
  const text = format(120);
  t.true(text.includes('MachineConfig/90-worker-swap-online'));
  t.true(text.includes('…'));
  t.false(format(40).includes('OBJECT'));
});

test('without headers there are rows only', (t) => {
  t.is(formatTable(rows, columns, { paint: plain, headers: false }).split('\n').length, 3);
});

test('wide characters take two columns', (t) => {
  t.is(displayWidth('名前'), 4);
  t.is(displayWidth('e\u0301'), 1);
  t.is(displayWidth('👍'), 2);
  const text = formatTable([{ name: '名前', state: 'ok', object: 'o', why: 'w' }], columns, { paint: plain });
  t.is(text.split('\n')[1], '名前    ok      o        w');
});

test('what a cluster says is escaped before it is measured', (t) => {
  const text = formatTable([{ name: 'a\u001b[2J', state: 'ok', object: 'o', why: 'w\nx' }], columns, { paint: plain });
  t.is(text, 'ASSET        STATE   OBJECT   WHY\na\\u001b[2J   ok      o        w\\nx\n');
});

test('colours change nothing but the colour', (t) => {
  const paint = painter('always', { write: () => {}, isTerminal: false }, {});
  const coloured = formatTable(rows, columns, { paint, width: 60 });
  t.not(coloured, format(60));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes are what it is about.
  t.is(coloured.replace(/\u001b\[\d+m/g, ''), format(60));
});
