import test from 'ava';
import { bodyOf, unmetConditions } from '../_assets.ts';

const name = 'troubleshooting-panel-ui-plugin';

test('the console gets its troubleshooting panel, when asked for', (t) => {
  t.deepEqual(bodyOf(name), { spec: { type: 'TroubleshootingPanel' } });
  t.deepEqual(unmetConditions(name), ["enabled('korrel8r')"]);
  t.deepEqual(unmetConditions(name, { annotations: { 'platform.kubevirt.io/enable-korrel8r': 'true' } }), []);
});
