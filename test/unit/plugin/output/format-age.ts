import test from 'ava';
import { formatAge } from '../../../../plugin/output/format-age.ts';

const age = test.macro({
  exec: (t, seconds: number, text: string) => t.is(formatAge(new Date(0), new Date(seconds * 1000)), text),
  title: (_, seconds, text) => `${seconds} seconds are ${text}, as kubectl prints them`,
});
test(age, -5, '0s');
test(age, 119, '119s');
test(age, 125, '2m5s');
test(age, 120, '2m');
test(age, 3000, '50m');
test(age, 11_520, '3h12m');
test(age, 10 * 3600, '10h');
test(age, 50 * 3600, '2d2h');
test(age, 30 * 86_400, '30d');

test('no valid time has no age', (t) => {
  t.is(formatAge(new Date('nonsense'), new Date(0)), undefined);
});
