import test from 'ava';
import { assetNamed, bodyOf, contextOf, unmetConditions } from '../_assets.ts';

test('the migration toolkit runs with its console plugin, validation and volume populators, said as text', (t) => {
  t.deepEqual(bodyOf('mtv-operator'), {
    spec: { feature_ui_plugin: 'true', feature_validation: 'true', feature_volume_populator: 'true' },
  });
});

test('MetalLB is set up with nothing decided', (t) => {
  t.deepEqual(bodyOf('metallb-operator'), { spec: {} });
});

for (const [name, feature, namespace, object] of [
  ['mtv-operator', 'mtv', 'openshift-mtv', 'forklift-controller'],
  ['metallb-operator', 'metallb', 'metallb-system', 'metallb'],
] as const) {
  test(`${name} is where its operator is, and takes the annotation`, (t) => {
    const asset = assetNamed(name);
    t.is(asset.target.namespace?.render(contextOf(asset)), namespace);
    t.is(asset.target.name.render(contextOf(asset)), object);
    t.is(asset.install, 'opt-in');
    const annotations = { [`platform.kubevirt.io/enable-${feature}`]: 'true' };
    t.deepEqual(unmetConditions(name, { annotations }), []);
    t.deepEqual(unmetConditions(name), [`enabled('${feature}')`]);
  });
}
