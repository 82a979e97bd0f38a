import test from 'ava';
import { nearestName } from '../../../../shared/api/nearest-name.ts';

const names = ['patch', 'mode', 'ignore-fields', 'reconcile-paused', 'swap-enable', 'psi-enable'];

for (const [typed, nearest] of [
  ['patch', 'patch'],
  ['pacth', 'patch'],
  ['PATCH', 'patch'],
  ['ptch', 'patch'],
  ['pattch', 'patch'],
  ['mdoe', 'mode'],
  ['ignore_fields', 'ignore-fields'],
  ['ignored-field', 'ignore-fields'],
  ['swap-enabled', 'swap-enable'],
  ['teleport', undefined],
  ['x', undefined],
  ['', undefined],
] as const) {
  test(`${JSON.stringify(typed)} was most likely meant as ${nearest}`, (t) => t.is(nearestName(typed, names), nearest));
}

test('of equally near ones the first is told', (t) => t.is(nearestName('cat', ['car', 'cab']), 'car'));

test('a typed novel takes no time', (t) => {
  const start = performance.now();
  t.is(nearestName('x'.repeat(1_000_000), names), undefined);
  t.true(performance.now() - start < 5_000);
});
