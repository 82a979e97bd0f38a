import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { npmManifest } from '../../../krew/npm/npm-manifest.ts';
import { root, trackedFiles } from '../docs/_tracked-files.ts';

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

test('it needs a Node that has everything of Node that we use, as far as its types tell since when', (t) => {
  const [oldestMajor = 0, oldestMinor = 0] = manifest.engines.node.replace('>=', '').split('.').map(Number);
  const published = trackedFiles().filter((file) => /^(plugin|shared|controller)\/(?!manifests\/).*\.ts$/.test(file));
  const used = new Set(published.flatMap((file) => usesOfNode(readFileSync(path.join(root, file), 'utf8'))));
  const dated = [...used].flatMap((use) => {
    const versions = sinceWhen(use);
    return versions.length === 0 ? [] : [{ use, versions }];
  });
  t.true(dated.length > 20);
  for (const { use, versions } of dated) {
    // What came to several lines of releases is said of each.
    const inLine = versions.find(([major]) => major === oldestMajor);
    const isThere =
      inLine === undefined ? versions.every(([major = 0]) => major < oldestMajor) : (inLine[1] ?? 0) <= oldestMinor;
    t.true(isThere, `${use} is there since ${versions.map((version) => version.join('.')).join(' and ')}`);
  }
});

/** `tls.getCACertificates` and the like: what is imported by name, and what is called of a whole module. */
function usesOfNode(source: string): string[] {
  const named = [...source.matchAll(/^import \{([^}]*)\} from 'node:([\w/]+)';$/gm)].flatMap(
    ([, names = '', module = '']) =>
      names
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '' && !name.startsWith('type '))
        .map((name) => `${module}.${name.split(' ')[0]}`),
  );
  const members = [...source.matchAll(/^import (\w+) from 'node:([\w/]+)';$/gm)].flatMap(([, name = '', module = '']) =>
    [...source.matchAll(new RegExp(`\\b${name}\\.(\\w+)`, 'g'))].map(([, member = '']) => `${module}.${member}`),
  );
  return [...named, ...members];
}

/** By the comment right above its declaration; none where there is no such comment. */
function sinceWhen(use: string): number[][] {
  const [module = '', name = ''] = use.split('.');
  const types = readFileSync(path.join(root, 'node_modules/@types/node', `${module}.d.ts`), 'utf8');
  const declaration = new RegExp(`\\*/\\s*(?:export )?(?:function|class|const|let|var) ${name}\\b`).exec(types);
  if (declaration === null) return [];
  const above = types.slice(types.lastIndexOf('/**', declaration.index), declaration.index);
  const [, since = ''] = /@since (.*)/.exec(above) ?? [];
  return [...since.matchAll(/v(\d+)\.(\d+)/g)].map(([, major, minor]) => [Number(major), Number(minor)]);
}

/** `>=1.2` and `^1.2`, which is all that they say. */
function allows(range: string, [major = 0, minor = 0]: number[]): boolean {
  const [, operator, least = '0', then = '0'] = /^(>=|\^) ?(\d+)(?:\.(\d+))?/.exec(range) ?? [];
  if (operator === '^') return major === Number(least) && minor >= Number(then);
  return operator === '>=' && (major > Number(least) || (major === Number(least) && minor >= Number(then)));
}
