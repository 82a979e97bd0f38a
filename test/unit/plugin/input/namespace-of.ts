import test from 'ava';
import { parseArguments } from '../../../../plugin/arguments.ts';
import { connection } from '../../../../plugin/global-options.ts';
import { namespaceOf } from '../../../../plugin/input/namespace-of.ts';

const namespace = (...words: string[]) => namespaceOf(parseArguments(words, connection, { help: 'help' }));

test('a namespace is the one that is named; -A stands for all, whatever else is said', (t) => {
  t.is(namespace('-n', 'a'), 'a');
  t.is(namespace('-n', 'a', '-A'), undefined);
  t.is(namespace(), undefined);
});

test('an empty namespace is none, wherever it stands', (t) => {
  t.is(namespace('-n', ''), undefined);
  t.is(namespace('-n', '', '--context', 'x'), undefined);
});
