import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Recovery } from '../../../controller/recovery.ts';
import { testClock } from './_plans.ts';

function recovery() {
  const { clock, pass } = testClock();
  const stopping = new AbortController();
  const retries: number[] = [];
  const it = new Recovery({ clock, stopping: stopping.signal, retry: () => retries.push(clock.now()) });
  return {
    it,
    retries,
    stopping,
    pass: async (ms: number) => {
      pass(ms);
      await setImmediate();
    },
  };
}

test('when one is back the others are tried at once, and a few times more', async (t) => {
  const { it, retries, pass } = recovery();
  it.noticed();
  for (let second = 0; second < 60; second++) await pass(1000);
  t.deepEqual(retries, [0, 1000, 3000, 7000, 15_000]);
});

test('many that are back at once are one, and a later one begins anew', async (t) => {
  const { it, retries, pass } = recovery();
  it.noticed();
  it.noticed();
  await pass(2000);
  it.noticed();
  await pass(1000);
  t.deepEqual(retries, [0, 2000, 2000, 3000]);
});

test('at the end nothing is tried any more', async (t) => {
  const { it, retries, pass, stopping } = recovery();
  it.noticed();
  stopping.abort();
  for (let second = 0; second < 20; second++) await pass(1000);
  t.deepEqual(retries, [0]);
});
