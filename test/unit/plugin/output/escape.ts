import test from 'ava';
import { escapeJson, escapeText } from '../../../../plugin/output/escape.ts';

test('a terminal escape from a cluster is shown, not obeyed', (t) => {
  t.is(escapeText('a\u001b[31mred\u001b]0;title\u0007'), 'a\\u001b[31mred\\u001b]0;title\\u0007');
});

test('line breaks and tabs are shown, so that text stays in its line', (t) => {
  t.is(escapeText('a\r\nerror: x\tb'), 'a\\r\\nerror: x\\tb');
});

test('bidirectional controls, invisible characters, C1 controls and lone surrogates are shown', (t) => {
  t.is(escapeText('\u202egnp\u2069\u200b\u009b31m\u2028\ufeff'), '\\u202egnp\\u2069\\u200b\\u009b31m\\u2028\\ufeff');
  t.is(escapeText('\ud800'), '\\ud800');
  t.is(escapeText('\u{e0041}'), '\\udb40\\udc41');
});

test('letters of every language and emoji stay as they are', (t) => {
  const text = 'Größe 名前 … → 👍 שלום';
  t.is(escapeText(text), text);
});

test('JSON keeps its meaning when it is escaped', (t) => {
  const value = { 'a\u202eb': '\u001b[31m\u009b\u007f\ufeff \ud800 ok\n' };
  const json = escapeJson(JSON.stringify(value, null, 2));
  t.deepEqual(JSON.parse(json), value);
  t.is(json.replace(/[\u0020-\u007e\n]/g, ''), '');
});
