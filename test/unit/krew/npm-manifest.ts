import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { npmManifest } from '../../../krew/npm/npm-manifest.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const ours = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const manifest = npmManifest(ours);

test('what is published can be installed anywhere: no scripts, no tools, no Node for some platform', (t) => {
  t.deepEqual(Object.keys(manifest).sort(), [
    ...['bin', 'dependencies', 'description', 'engines', 'exports', 'homepage', 'license', 'name'],
    ...['peerDependencies', 'peerDependenciesMeta', 'repository', 'type', 'version'],
  ]);
  t.deepEqual(manifest.dependencies, ours.dependencies);
});

test('it exports what the project exports: the same names, as JavaScript with types', (t) => {
  t.deepEqual(Object.keys(manifest.exports), Object.keys(ours.exports));
  t.deepEqual(manifest.exports['./engine'], { types: './shared/engine/plan.d.ts', default: './shared/engine/plan.js' });
  t.is(manifest.exports['./package.json'], './package.json');
  // A tool that reads conditions in order must find the types first.
  for (const target of Object.values(manifest.exports)) {
    if (typeof target !== 'string') t.deepEqual(Object.keys(target), ['types', 'default']);
  }
});

test('it needs a Node that all of its dependencies know', (t) => {
  const oldest = manifest.engines.node.replace('>=', '').split('.').map(Number);
  for (const name of Object.keys(ours.dependencies)) {
    const { engines } = JSON.parse(readFileSync(path.join(root, 'node_modules', name, 'package.json'), 'utf8'));
    const ranges: string[] = (engines?.node ?? '>=0').split('||').map((range: string) => range.trim());
    t.true(
      ranges.some((range) => allows(range, oldest)),
      `${name}: ${engines?.node}`,
    );
  }
});

/** `>=1.2` and `^1.2`, which is all that they say. */
function allows(range: string, [major = 0, minor = 0]: number[]): boolean {
  const [, operator, least = '0', then = '0'] = /^(>=|\^) ?(\d+)(?:\.(\d+))?/.exec(range) ?? [];
  if (operator === '^') return major === Number(least) && minor >= Number(then);
  return operator === '>=' && (major > Number(least) || (major === Number(least) && minor >= Number(then)));
}
