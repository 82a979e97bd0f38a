import test from 'ava';
import { assetNamed, type Body, bodyOf, contextOf, type Facts, unmetConditions } from '../_assets.ts';

const name = 'logging-lokistack';

function spec(topology: Facts['topology'] = {}, annotations: Record<string, string> = {}): Body {
  return bodyOf(name, { topology: { isBareMetal: false, ...topology }, annotations }).spec;
}

test("logs are kept for a week, for the console's log view", (t) => {
  t.like(spec(), {
    managementState: 'Managed',
    tenants: { mode: 'openshift-logging' },
    limits: { global: { retention: { days: 7 } } },
  });
  t.deepEqual(spec().storage.schemas, [{ version: 'v13', effectiveDate: '2024-10-01' }]);
});

for (const [nodes, size] of [
  [1, '1x.pico'],
  [3, '1x.pico'],
  [4, '1x.extra-small'],
  [10, '1x.extra-small'],
  [11, '1x.medium'],
  [500, '1x.medium'],
] as const) {
  test(`${nodes} nodes are served by ${size}`, (t) => {
    t.is(spec({ totalNodeCount: nodes }).size, size);
    t.is(spec({ totalNodeCount: nodes, isHCP: true }).size, '1x.extra-small');
  });
}

for (const [platform, storageClassName, type] of [
  ['isAWS', 'gp3-csi', 's3'],
  ['isAzure', 'managed-csi', 'azure'],
  ['isGCP', 'standard-csi', 'gcs'],
  ['isBareMetal', 'lvms-vg1', 's3'],
  ['isVSphere', 'thin-csi', 's3'],
  ['isOpenStack', undefined, 's3'],
] as const) {
  test(`with ${platform} the storage class is ${storageClassName}, and the object storage ${type}`, (t) => {
    const { storageClassName: found, storage } = spec({ [platform]: true });
    t.is(found, storageClassName);
    t.deepEqual(storage.secret, { name: 'logging-loki-storage', type });
  });

  test(`with ${platform} an admin may say another storage class`, (t) => {
    const annotations = { 'platform.kubevirt.io/logging-storage-class': '0123' };
    t.is(spec({ [platform]: true }, annotations).storageClassName, '0123');
  });
}

test('it is where the logging operator is, and takes the annotation', (t) => {
  const asset = assetNamed(name);
  t.is(asset.target.namespace?.render(contextOf(asset)), 'openshift-logging');
  t.is(asset.group, 'logging');
  t.deepEqual(unmetConditions(name), ["enabled('logging')"]);
  t.deepEqual(unmetConditions(name, { annotations: { 'platform.kubevirt.io/enable-logging': 'true' } }), []);
});
