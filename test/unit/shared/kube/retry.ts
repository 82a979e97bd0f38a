import test from 'ava';
import { ConnectionError } from '../../../../shared/kube/connection-error.ts';
import { retry } from '../../../../shared/kube/retry.ts';

test('who wakes up too late tries no more, and says what went wrong before', async (t) => {
  let now = 0;
  const clock = {
    now: () => now,
    random: () => 0.5,
    date: () => 0,
    sleep: async () => {
      now += 10_000;
    },
  };
  const refused = new ConnectionError('refused', 'nobody listens');
  const given: number[] = [];
  const attempt = (timeoutMs: number) => {
    given.push(timeoutMs);
    return Promise.reject(refused);
  };
  const thrown = await t.throwsAsync(retry(attempt, { clock, timeoutMs: 1000, isRepeatable: true }));
  t.is(thrown, refused);
  t.deepEqual(given, [1000]);
});
