import test from 'ava';
import { parseLabelSelector } from '../../../../plugin/input/label-selector.ts';
import { UserError } from '../../../../plugin/user-error.ts';

const labels = { app: 'a', 'example.com/role': 'worker', empty: '' };

const fits = test.macro({
  title: (_, selector: string, expected: boolean) => `"${selector}" ${expected ? 'fits' : "doesn't fit"}`,
  exec: (t, selector: string, expected: boolean) => t.is(parseLabelSelector(selector)(labels), expected),
});
test(fits, 'app=a', true);
test(fits, 'app==a', true);
test(fits, 'app = b', false);
test(fits, 'app!=b', true);
test(fits, 'none!=b', true);
test(fits, 'app', true);
test(fits, '!app', false);
test(fits, '!none', true);
test(fits, 'constructor', false);
test(fits, 'app=a,example.com/role=worker', true);
test(fits, 'app=a,example.com/role=master', false);
test(fits, 'app in (b, a),empty=', true);
test(fits, 'app notin (b,c)', true);
test(fits, 'none in (a)', false);
test(fits, 'none notin (a)', true);

test('what is no selector is an error', (t) => {
  for (const text of ['a=b=c', 'a in b', 'a>1', '=b', 'a b']) {
    t.throws(() => parseLabelSelector(text), { instanceOf: UserError }, text);
  }
});
