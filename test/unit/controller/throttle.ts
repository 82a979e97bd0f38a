import test from 'ava';
import { Throttle } from '../../../controller/throttle.ts';

const second = 1000;
const minute = 60 * second;

/** An object that a rival changes at the given times; what became of each change. */
function war(times: readonly number[], throttle = new Throttle()): string[] {
  return times.map((time, index) => {
    const { admission } = throttle.admit('object', `version-${index}`, ['/spec/x'], time);
    if (admission === 'go') throttle.healed('object', ['/spec/x'], time);
    return admission;
  });
}

test('the first healing of every drift is immediate', (t) => {
  const throttle = new Throttle();
  for (let index = 0; index < 5; index++) {
    t.is(throttle.admit('object', `${index}`, [`/spec/${index}`], index).admission, 'go');
  }
});

test('a rival that answers every healing is paused after three refusals in a row', (t) => {
  const times = Array.from({ length: 8 }, (_, index) => index * second);
  t.deepEqual(war(times), ['go', 'go', 'go', 'go', 'go', 'throttled', 'throttled', 'pause']);
});

test('a refusal counts once for each live version, however often it is asked for', (t) => {
  const throttle = new Throttle();
  war([0, 0, 0, 0, 0], throttle);
  const ask = (version: string) => throttle.admit('object', version, ['/spec/x'], second);
  t.like(ask('a'), { admission: 'throttled', isNew: true });
  t.like(ask('a'), { admission: 'throttled', isNew: false });
  t.like(ask('a'), { admission: 'throttled', isNew: false });
  t.like(ask('b'), { admission: 'throttled', isNew: true });
  t.like(ask('c'), { admission: 'pause', because: 'fast' });
});

test('a refusal says when it is worth asking again, and then it is', (t) => {
  const throttle = new Throttle({ healsPerHour: 100 });
  war([0, 0, 0, 0, 0], throttle);
  const refused = throttle.admit('object', 'a', ['/spec/x'], 0);
  t.like(refused, { admission: 'throttled', retryAfterMs: 12 * second });
  t.is(throttle.admit('object', 'a', ['/spec/x'], 12 * second).admission, 'go');
});

test('a healing between two refusals begins the count anew', (t) => {
  const throttle = new Throttle({ healsPerHour: 100 });
  const times = [0, 0, 0, 0, 0, 1, 2].map((time) => time * second);
  t.deepEqual(war(times, throttle).slice(5), ['throttled', 'throttled']);
  t.deepEqual(war([13 * second, 14 * second, 15 * second], throttle), ['go', 'throttled', 'throttled']);
});

test('a slow war over one field is found, though the bucket never empties', (t) => {
  const times = Array.from({ length: 7 }, (_, index) => index * 8 * minute);
  t.deepEqual(war(times), ['go', 'go', 'go', 'go', 'go', 'go', 'pause']);
});

test('healings of different fields, or far apart, are no war', (t) => {
  const times = Array.from({ length: 30 }, (_, index) => index * 11 * minute);
  t.deepEqual(new Set(war(times)), new Set(['go']));
  const throttle = new Throttle();
  for (let index = 0; index < 30; index++) {
    const fields = [`/spec/${index}`];
    t.is(throttle.admit('object', `${index}`, fields, index * minute).admission, 'go');
    throttle.healed('object', fields, index * minute);
  }
});

test('objects do not spend one another’s tokens', (t) => {
  const throttle = new Throttle();
  war([0, 0, 0, 0, 0, 1, 2], throttle);
  t.is(throttle.admit('another', 'a', ['/spec/x'], 3).admission, 'go');
});

test('after a pause that somebody ended, everything begins anew', (t) => {
  const throttle = new Throttle();
  war([0, 1, 2, 3, 4, 5, 6, 7], throttle);
  throttle.resume('object');
  t.deepEqual(war([8, 9, 10, 11, 12], throttle), ['go', 'go', 'go', 'go', 'go']);
});

test('heals tell how often each field was healed, and objects at rest are forgotten', (t) => {
  const throttle = new Throttle();
  war([0, minute], throttle);
  t.deepEqual([...throttle.heals('object', 2 * minute)], [['/spec/x', 2]]);
  throttle.prune(62 * minute);
  t.deepEqual([...throttle.heals('object', 62 * minute)], []);
});
