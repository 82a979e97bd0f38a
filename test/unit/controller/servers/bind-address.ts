import test from 'ava';
import { BindAddressError, isLoopback, parseBindAddress } from '../../../../controller/servers/bind-address.ts';

test('an address is a port, perhaps with a host, or nothing', (t) => {
  t.deepEqual(parseBindAddress(':8080'), { port: 8080 });
  t.deepEqual(parseBindAddress('127.0.0.1:8081'), { host: '127.0.0.1', port: 8081 });
  t.deepEqual(parseBindAddress('localhost:0'), { host: 'localhost', port: 0 });
  t.deepEqual(parseBindAddress('[::1]:8081'), { host: '::1', port: 8081 });
  t.is(parseBindAddress('0'), 'off');
  t.is(parseBindAddress(''), 'off');
});

test('anything else is refused, with what is right', (t) => {
  for (const text of ['8080', ':70000', 'http://x:1', '::1:8081', 'a b:1', ':']) {
    t.throws(
      () => parseBindAddress(text),
      { instanceOf: BindAddressError, message: /use :8080, 127\.0\.0\.1:8081/ },
      text,
    );
  }
});

test('only a loopback address is out of reach for others', (t) => {
  const is = (text: string) => {
    const address = parseBindAddress(text);
    return address !== 'off' && isLoopback(address);
  };
  t.deepEqual(['127.0.0.1:1', '127.8.8.8:1', '[::1]:1', 'localhost:1'].map(is), [true, true, true, true]);
  t.deepEqual([':1', '0.0.0.0:1', '10.0.0.1:1', '[::]:1', '127.evil.example:1'].map(is), [
    false,
    false,
    false,
    false,
    false,
  ]);
});
