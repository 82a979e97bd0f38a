import test from 'ava';
import { assetNamed, bodyOf, contextOf, unmetConditions } from '../_assets.ts';

for (const [name, role] of [
  ['psi-enable', 'worker'],
  ['psi-enable-master', 'master'],
] as const) {
  test(`pressure-stall information is a kernel argument of the ${role} pool`, (t) => {
    const asset = assetNamed(name);
    t.is(asset.target.name.render(contextOf(asset)), `99-openshift-machineconfig-${role}-psi-karg`);
    t.deepEqual(bodyOf(name), {
      metadata: { labels: { 'machineconfiguration.openshift.io/role': role } },
      spec: { kernelArguments: ['psi=1'] },
    });
  });

  test(`without the descheduler's CRD the ${role} pool isn't rebooted for it`, (t) => {
    t.deepEqual(assetNamed(name).gates, ['kubedeschedulers.operator.openshift.io']);
    t.is(assetNamed(name).group, 'descheduler-loadaware');
  });
}

test('masters get it only where they are schedulable', (t) => {
  t.deepEqual(unmetConditions('psi-enable'), []);
  t.deepEqual(unmetConditions('psi-enable-master'), ['topology.hasSchedulableMasters']);
  t.deepEqual(unmetConditions('psi-enable-master', { topology: { hasSchedulableMasters: true } }), []);
});
