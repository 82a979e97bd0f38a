import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { directDependencies, productionPackages } from '../../../../krew/notices/production-packages.ts';

const root = path.resolve(import.meta.dirname, '../../../..');
const json = (file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));
const locked = (more: object = {}) => ({ version: '1.0.0', license: 'MIT', integrity: 'sha512-AA==', ...more });

test('they are the dependencies of package.json and what those need, in node_modules as npm put it', (t) => {
  const { dependencies } = json('package.json');
  const lock = json('package-lock.json');
  t.deepEqual(
    directDependencies(lock),
    Object.keys(dependencies)
      .sort()
      .map((name) => `node_modules/${name}`),
  );
  const packages = productionPackages(lock);
  const folders = packages.map(({ folder }) => folder);
  for (const { folder, name, version, needs } of packages) {
    t.like(json(`${folder}/package.json`), { name, version });
    for (const needed of needs) t.true(folders.includes(needed), `${needed}, which ${name} needs`);
  }
});

test('nothing of development, and nothing optional, is among them', (t) => {
  const lock = json('package-lock.json');
  const all = productionPackages(lock);
  t.deepEqual(
    all.filter(({ folder }) => lock.packages[folder].dev || lock.packages[folder].optional),
    [],
  );
  t.deepEqual(
    all.filter(({ name }) => name === 'uglify-js' || name.startsWith('node-') || name.startsWith('@kubernetes/')),
    [],
  );
});

test('each is found where Node finds it: nearest first; peers count unless they are optional', (t) => {
  const packages = productionPackages({
    packages: {
      '': { dependencies: { a: '1' } },
      'node_modules/a': locked({
        dependencies: { b: '1', c: '1' },
        peerDependencies: { d: '1', e: '1' },
        peerDependenciesMeta: { e: { optional: true } },
      }),
      'node_modules/a/node_modules/b': locked({ version: '2.0.0', dependencies: { c: '1' } }),
      'node_modules/b': locked(),
      'node_modules/c': locked(),
      'node_modules/@x/d': locked(),
      'node_modules/d': locked({ dependencies: { '@x/d': '1', a: '1' } }),
      'node_modules/e': locked(),
    },
  });
  t.deepEqual(
    packages.map(({ name, version, folder }) => `${name} ${version} ${folder}`),
    [
      '@x/d 1.0.0 node_modules/@x/d',
      'a 1.0.0 node_modules/a',
      'b 2.0.0 node_modules/a/node_modules/b',
      'c 1.0.0 node_modules/c',
      'd 1.0.0 node_modules/d',
    ],
  );
});

test('a lockfile that lacks a package, or does not pin it, is refused', (t) => {
  const ours = { dependencies: { a: '1' } };
  t.throws(() => productionPackages({ packages: { '': ours } }), { message: /has no a, which our package needs/ });
  t.throws(
    () => productionPackages({ packages: { '': ours, 'node_modules/a': { version: '1.0.0', license: 'MIT' } } }),
    {
      message: /no version, license or integrity of node_modules\/a/,
    },
  );
});
