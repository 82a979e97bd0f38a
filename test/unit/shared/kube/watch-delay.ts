import test from 'ava';
import { watchDelay } from '../../../../shared/kube/watch-delay.ts';

const least = { random: () => 0 };
const most = { random: () => 1 };

test('a connection closed as agreed is followed by another almost at once', (t) => {
  t.is(watchDelay({ how: 'closed', failures: 0 }, least), 0);
  t.is(watchDelay({ how: 'closed', failures: 0 }, most), 200);
});

test('connections that close at once come at most every few seconds', (t) => {
  const delays = [1, 2, 3, 4, 5, 100].map((failures) => watchDelay({ how: 'closed', failures }, most));
  t.deepEqual(delays, [500, 1000, 2000, 4000, 5000, 5000]);
  t.true(watchDelay({ how: 'closed', failures: 100 }, least) >= 2500);
});

test('failures are repeated ever more slowly, up to half a minute, at random', (t) => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 2000].map((failures) => watchDelay({ how: 'failed', failures }, most));
  t.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  t.is(watchDelay({ how: 'failed', failures: 2000 }, least), 15_000);
});

test('what the server asks for is the least', (t) => {
  t.is(watchDelay({ how: 'failed', failures: 1, retryAfterMs: 7000 }, least), 7000);
  t.is(watchDelay({ how: 'failed', failures: 1, retryAfterMs: 7000 }, most), 8400);
  t.is(watchDelay({ how: 'failed', failures: 8, retryAfterMs: 7000 }, most), 30_000);
});

test('what is absent is tried every few minutes', (t) => {
  t.is(watchDelay({ how: 'absent', failures: 0 }, least), 150_000);
});

test('what is forbidden is tried soon, since a server that has just started refuses everybody, then ever more slowly', (t) => {
  const delays = [1, 2, 3, 8, 9, 100].map((failures) => watchDelay({ how: 'forbidden', failures }, most));
  t.deepEqual(delays, [500, 1000, 2000, 64_000, 120_000, 120_000]);
});
