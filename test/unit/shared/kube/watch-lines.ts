import test from 'ava';
import { WatchError } from '../../../../shared/kube/watch-error.ts';
import { WatchLines } from '../../../../shared/kube/watch-lines.ts';

test('lines come whole, wherever the stream was cut, even inside a letter', (t) => {
  const bytes = Buffer.from('{"a":"grüße"}\n\n{"b":"日本"}\r\n{"c":');
  for (let size = 1; size <= bytes.length; size++) {
    const lines = new WatchLines(100);
    const got: string[] = [];
    for (let at = 0; at < bytes.length; at += size) got.push(...lines.push(bytes.subarray(at, at + size)));
    t.deepEqual(got, ['{"a":"grüße"}', '{"b":"日本"}\r'], `in pieces of ${size} bytes`);
    t.false(lines.isWhole);
    t.deepEqual([...lines.push(Buffer.from('1}\n'))], ['{"c":1}']);
    t.true(lines.isWhole);
  }
});

test('a line that is too long is refused before it is whole', (t) => {
  const lines = new WatchLines(10);
  t.deepEqual([...lines.push(Buffer.from('0123456789\n01234'))], ['0123456789']);
  t.deepEqual([...lines.push(Buffer.from('56789'))], []);
  t.throws(() => [...lines.push(Buffer.from('x'))], { instanceOf: WatchError, message: /10 bytes/ });
  t.throws(() => [...new WatchLines(10).push(Buffer.from('01234567890\n'))], { instanceOf: WatchError });
});
