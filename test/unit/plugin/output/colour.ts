import test from 'ava';
import { type ColourMode, painter } from '../../../../plugin/output/colour.ts';

type Case = { mode?: ColourMode; isTerminal?: boolean; variables?: Record<string, string>; coloured: boolean };

const colours = test.macro((t, { mode = 'auto', isTerminal = true, variables = {}, coloured }: Case) => {
  const paint = painter(mode, { write: () => {}, isTerminal }, variables);
  t.is(paint('good', 'in-sync') !== 'in-sync', coloured);
});
test('a terminal gets colours', colours, { coloured: true });
test('a pipe gets none', colours, { isTerminal: false, coloured: false });
test('a pipe gets them with --color=always', colours, { mode: 'always', isTerminal: false, coloured: true });
test('a terminal gets none with --color=never', colours, { mode: 'never', coloured: false });
test('NO_COLOR takes them away', colours, { variables: { NO_COLOR: '1' }, coloured: false });
test('an empty NO_COLOR says nothing', colours, { variables: { NO_COLOR: '' }, coloured: true });
test('--color=always is stronger than NO_COLOR', colours, {
  mode: 'always',
  variables: { NO_COLOR: '1' },
  coloured: true,
});
test('a dumb terminal gets none', colours, { variables: { TERM: 'dumb' }, coloured: false });
