import test from 'ava';
import { avaTotals, failedTitles, failureDetails } from '../../harness/ava-totals.ts';

test('a run in which all passed', (t) => {
  t.deepEqual(avaTotals('\n  ✔ a › one\n  ✔ b › two (1.2s)\n  ─\n\n  2 tests passed\n', 0), { passed: 2, failed: 0 });
});

test('colours and tests that print don’t confuse it', (t) => {
  const output = '  ✔ one\n  ℹ 7 tests failed\n7 tests failed\n  ─\n\n  \u001B[32m1 test passed\u001B[39m\n';
  t.deepEqual(avaTotals(output, 0), { passed: 1, failed: 0 });
});

test('with a failure, the passed ones are counted by their lines', (t) => {
  const output = '  ✔ one\n  ✔ two (10ms)\n  ✘ [fail]: three Error\n  ─\n\n  three\n\n  ─\n\n  1 test failed\n';
  t.deepEqual(avaTotals(output, 1), { passed: 2, failed: 1 });
});

test('failing hooks, rejections, exceptions and tests without an end are failures', (t) => {
  const output =
    '  ✔ one\n  ─\n\n  1 hook failed\n  2 tests failed\n  1 unhandled rejection\n  1 uncaught exception\n  3 tests remained pending after a timeout\n';
  t.deepEqual(avaTotals(output, 1), { passed: 1, failed: 8 });
});

test('no test at all is a failure', (t) => {
  t.deepEqual(avaTotals('  ✘ Couldn’t find any files to test\n', 1), { passed: 0, failed: 1 });
  t.deepEqual(avaTotals('', 0), { passed: 0, failed: 1 });
});

test('an ava that ends badly is a failure, whatever it printed', (t) => {
  t.deepEqual(avaTotals('  ✔ one\n  ─\n\n  1 test passed\n', 1), { passed: 1, failed: 1 });
});

test('skipped and todo tests count neither way', (t) => {
  const output = '  ✔ one\n  - [skip] two\n  ─\n\n  1 test passed\n  1 test skipped\n  1 test todo\n';
  t.deepEqual(avaTotals(output, 0), { passed: 1, failed: 0 });
});

test('the titles of failed tests, each once', (t) => {
  const output = '  ✔ one\n  ✘ [fail]: plan › two\n  ✘ [fail]: plan › three (1.5s) Timeout\n  ✘ [fail]: plan › two\n';
  t.deepEqual(failedTitles(output), ['plan › two', 'plan › three']);
});

test('what ava says of the failures is what stands between its rules', (t) => {
  const output = '  ✔ one\n  ✘ [fail]: two Error\n  ─\n\n  two\n  at a.ts:1\n\n  three\n\n  ─\n\n  2 tests failed\n';
  t.is(failureDetails(output), '  two\n  at a.ts:1\n\n  three');
  t.is(failureDetails('  ✔ one\n  ─\n\n  1 test passed\n'), '');
  t.is(failureDetails('no such file\n'), '');
});

test('of very long details the beginning is kept', (t) => {
  const output = ['  ─', '', '  one', ...Array.from({ length: 500 }, (_, line) => `    ${line}`), '', '  ─', ''].join(
    '\n',
  );
  const details = failureDetails(output, 20).split('\n');
  t.is(details.length, 21);
  t.is(details[0], '  one');
  t.is(details.at(-1), '  … and 481 more lines above');
});
