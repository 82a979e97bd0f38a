import test from 'ava';
import { catalog } from './_assets.ts';

test('HyperConverged comes before everything', (t) => {
  t.is(catalog.assets[0]?.name, 'hco-golden-config');
});

test('every asset but the golden configuration belongs to a feature, and every feature has an asset', (t) => {
  t.deepEqual(
    catalog.assets.filter(({ feature }) => feature === undefined).map(({ name }) => name),
    ['hco-golden-config'],
  );
  const used = new Set(catalog.assets.map(({ feature }) => feature));
  t.deepEqual(
    catalog.features.map(({ name }) => name).filter((name) => !used.has(name)),
    [],
  );
});

test('a feature with an opt-in asset says its maturity; the others are generally available', (t) => {
  for (const { name, maturity } of catalog.features) {
    const isOptIn = catalog.assets.some(({ feature, install }) => feature === name && install === 'opt-in');
    t.is(maturity === undefined, !isOptIn, name);
  }
});

test('an opt-in asset has a condition, or it would never be applied', (t) => {
  for (const { name, install, when } of catalog.assets) t.true(install === 'always' || when.length > 0, name);
});

test('past versions leave a console plugin and a health check behind, both cluster-scoped', (t) => {
  t.deepEqual(
    catalog.tombstones.map(({ target: { apiVersion, kind, namespace, name } }) => [apiVersion, kind, namespace, name]),
    [
      ['observability.openshift.io/v1alpha1', 'UIPlugin', undefined, 'kubevirt-plugin'],
      ['remediation.medik8s.io/v1alpha1', 'NodeHealthCheck', undefined, 'virt-node-health-check'],
    ],
  );
});
