import test from 'ava';
import { parseDuration } from '../../../plugin/duration.ts';
import { UserError } from '../../../plugin/user-error.ts';

const taken = test.macro({
  exec: (t, value: string, milliseconds: number) => t.is(parseDuration('request-timeout', value), milliseconds),
  title: (_, value, milliseconds) => `a request timeout of ${value} is ${milliseconds} ms`,
});
test(taken, '0', 0);
test(taken, '0s', 0);
test(taken, '5', 5000);
test(taken, '1s', 1000);
test(taken, '2m', 120_000);
test(taken, '1m30s', 90_000);
test(taken, '500ms', 500);
test(taken, '1.5s', 1500);

const refused = test.macro({
  exec: (t, value: string) => {
    t.throws(() => parseDuration('request-timeout', value), {
      instanceOf: UserError,
      message: new RegExp(`--request-timeout=${value} `),
    });
  },
  title: (_, value) => `a request timeout of "${value}" is refused`,
});
test(refused, '');
test(refused, 'soon');
test(refused, '-5');
test(refused, '5x');
test(refused, '1s ');
test(refused, '9999999999');
