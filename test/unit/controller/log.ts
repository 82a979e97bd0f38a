import test from 'ava';
import { createLog, type LogOptions } from '../../../controller/log.ts';

function logged(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line), date: () => Date.UTC(2026, 0, 2), ...options });
  return { log, lines };
}

test('a line is one JSON object with a constant message and fields', (t) => {
  const { log, lines } = logged();
  log.info('object configured', { object: 'ConfigMap/x/a', fields: 2, message: 'forged', level: 'error' });
  t.is(lines.length, 1);
  t.true(lines[0]?.endsWith('}\n'));
  t.deepEqual(JSON.parse(lines[0] ?? ''), {
    time: '2026-01-02T00:00:00.000Z',
    level: 'info',
    message: 'object configured',
    object: 'ConfigMap/x/a',
    fields: 2,
  });
});

test('text is one line too, and nothing in it is acted upon by a terminal', (t) => {
  const { log, lines } = logged({ format: 'text' });
  log.warn('something', { object: 'a\nb\u001b[31m', why: 'two words', none: undefined, list: ['/x'] });
  t.deepEqual(lines, [
    `${String.raw`2026-01-02T00:00:00.000Z WARN  something object="a\nb\u001b[31m" why="two words" list="[\"/x\"]"`}\n`,
  ]);
});

test('what is less serious than the level is not written', (t) => {
  const { log, lines } = logged({ level: 'warn' });
  log.debug('a');
  log.info('b');
  log.warn('c');
  log.error('d');
  t.deepEqual(
    lines.map((line) => JSON.parse(line).message),
    ['c', 'd'],
  );
});

test('an error is its message and its causes, each once', (t) => {
  const { log, lines } = logged();
  const cause = new Error('connection refused');
  log.error('trouble', { error: new Error('could not list nodes', { cause }) });
  log.error('trouble', { error: new Error('could not list nodes: connection refused', { cause }) });
  t.deepEqual(
    lines.map((line) => JSON.parse(line).error),
    ['could not list nodes: connection refused', 'could not list nodes: connection refused'],
  );
});

test('a line is written whatever its fields hold, and shows what cannot be seen', (t) => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const json = logged();
  json.log.warn('odd', { circle });
  json.log.warn('hidden', { name: 'a\u202eb\u009b' });
  t.like(JSON.parse(json.lines[0] ?? ''), { level: 'warn', message: 'odd' });
  t.regex(json.lines[1] ?? '', /"a\\u202eb\\u009b"/);
  const text = logged({ format: 'text' });
  text.log.warn('odd', { circle, big: 1n });
  t.regex(text.lines[0] ?? '', /^\S+ WARN {2}odd circle="\[object Object\]" big=1\n$/);
});
