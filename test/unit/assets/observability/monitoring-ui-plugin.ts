import test from 'ava';
import { bodyOf, unmetConditions } from '../_assets.ts';

const annotation = 'platform.kubevirt.io/enable-incident-detection';

test("the console's monitoring plugin shows Perses dashboards", (t) => {
  t.deepEqual(bodyOf('monitoring-ui-plugin'), {
    spec: { type: 'Monitoring', monitoring: { perses: { enabled: true } } },
  });
});

test('incidents are mentioned only where they are switched on, so that others keep theirs', (t) => {
  const incidents = (value: string) =>
    bodyOf('monitoring-ui-plugin', { annotations: { [annotation]: value } }).spec.monitoring.incidents;
  t.deepEqual(incidents('true'), { enabled: true });
  t.is(incidents('false'), undefined);
  t.is(incidents('yes'), undefined);
});

test('without a console there is nothing to plug it into', (t) => {
  t.deepEqual(unmetConditions('monitoring-ui-plugin'), []);
  t.deepEqual(unmetConditions('monitoring-ui-plugin', { topology: { isOpenShift: false } }), ['topology.isOpenShift']);
});
