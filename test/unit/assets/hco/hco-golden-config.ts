import test from 'ava';
import { assetNamed, bodyOf, contextOf } from '../_assets.ts';

test('HyperConverged is marked, and not a field of its spec is ours', (t) => {
  t.deepEqual(bodyOf('hco-golden-config'), {
    metadata: {
      annotations: {
        'platform.kubevirt.io/managed-by': 'virt-platform-autopilot',
        'platform.kubevirt.io/version': '1.0.0',
      },
    },
  });
});

test('HyperConverged is taken as v1 where that is served, else as v1beta1, in the namespace where it is', (t) => {
  const asset = assetNamed('hco-golden-config');
  const context = contextOf(asset, { namespace: 'kubevirt-hyperconverged' });
  t.deepEqual(asset.target.apiVersions, ['hco.kubevirt.io/v1', 'hco.kubevirt.io/v1beta1']);
  t.is(asset.target.namespace?.render(context), 'kubevirt-hyperconverged');
  t.is(asset.target.name.render(context), 'kubevirt-hyperconverged');
});
