import test from 'ava';
import { filesToTryAgain } from '../../harness/second-try.ts';

const files = ['test/unit/demo.ts', 'test/e2e/demo.ts', 'test/integration/kube-watch.ts', 'test/integration/watch.ts'];

test('tests on a real cluster are tried again, each file once', (t) => {
  const titles = ['e2e › demo › one', 'e2e › demo › two', 'integration › kube-watch › three'];
  t.deepEqual(filesToTryAgain(titles, 3, files), ['test/e2e/demo.ts', 'test/integration/kube-watch.ts']);
});

test('a run of one folder leaves its name out of the titles', (t) => {
  t.deepEqual(filesToTryAgain(['watch › one'], 1, files), ['test/integration/watch.ts']);
});

test('unit tests are not: nothing but their code can be wrong', (t) => {
  t.is(filesToTryAgain(['unit › demo › one', 'e2e › demo › one'], 2, files), undefined);
});

test('nor is what is no test: a hook, a rejection, a file that does not load', (t) => {
  t.is(filesToTryAgain(['e2e › demo › one'], 2, files), undefined);
  t.is(filesToTryAgain([], 1, files), undefined);
  t.is(filesToTryAgain(['nowhere › one'], 1, files), undefined);
});

test('nor are many at once', (t) => {
  const many = Array.from({ length: 5 }, (_, index) => `test/e2e/f${index}.ts`);
  const titles = many.map((_, index) => `e2e › f${index} › one`);
  t.is(filesToTryAgain(titles, 5, many), undefined);
  t.is(filesToTryAgain(titles.slice(1), 4, many)?.length, 4);
});
