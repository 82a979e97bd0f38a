import test from 'ava';
import { WatchError } from '../../../../shared/kube/watch-error.ts';
import { parseWatchEvent } from '../../../../shared/kube/watch-event.ts';
import { added, bookmark, endOfList, line, object } from './_watch-server.ts';

test('an event is what its line says', (t) => {
  t.deepEqual(parseWatchEvent(added('a', 1)), { type: 'ADDED', object: object('a', 1) as never });
  t.deepEqual(parseWatchEvent(bookmark(7)), { type: 'BOOKMARK', resourceVersion: '7', endsInitialList: false });
  t.deepEqual(parseWatchEvent(endOfList(7)), { type: 'BOOKMARK', resourceVersion: '7', endsInitialList: true });
  t.deepEqual(parseWatchEvent(line('ERROR', { code: 410 })), { type: 'ERROR', status: { code: 410 } });
});

for (const [what, text] of [
  ['no JSON', '<html>secret</html>'],
  ['a cut line', added('secret', 1).slice(0, -10)],
  ['no object', '"secret"'],
  ['null', 'null'],
  ['no type', '{"object":{}}'],
  ['an unknown type', line('RENAMED', object('secret', 1))],
  ['an event of nothing', '{"type":"ADDED"}'],
  ['an object without a name', line('ADDED', { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} })],
  ['an object without a kind', line('ADDED', { metadata: { name: 'secret' } })],
  ['a bookmark without a version', line('BOOKMARK', { metadata: {} })],
] as const) {
  test(`${what} is an error that doesn't repeat the line`, (t) => {
    const error = t.throws(() => parseWatchEvent(text), { instanceOf: WatchError });
    t.is(error.problem, 'unparsable');
    t.notRegex(error.message, /secret/);
  });
}
