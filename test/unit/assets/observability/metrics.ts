import test from 'ava';
import { assetNamed, bodyOf, contextOf } from '../_assets.ts';

const service = bodyOf('metrics-service');
const monitor = bodyOf('metrics-servicemonitor');

test("the service leads to the controller's pods, on the metrics port", (t) => {
  t.deepEqual(service.spec, {
    selector: { app: 'virt-platform-autopilot', 'control-plane': 'controller-manager' },
    ports: [{ name: 'metrics', port: 8080, targetPort: 8080, protocol: 'TCP' }],
  });
});

test('the monitor finds the service, and scrapes its port every 30 seconds', (t) => {
  t.deepEqual(service.metadata.labels, {
    app: 'virt-platform-autopilot',
    'app.kubernetes.io/name': 'virt-platform-autopilot',
    'app.kubernetes.io/component': 'autopilot',
  });
  t.deepEqual(monitor.metadata.labels, service.metadata.labels);
  t.like(service.metadata.labels, monitor.spec.selector.matchLabels);
  t.is(Object.keys(monitor.spec.selector.matchLabels).length, 2);
  t.is(monitor.spec.endpoints[0].port, service.spec.ports[0].name);
  t.like(monitor.spec.endpoints, { 0: { interval: '30s', path: '/metrics' }, length: 1 });
});

test("a metric's namespace stays that of the object it is about", (t) => {
  t.true(monitor.spec.endpoints[0].honorLabels);
});

for (const name of ['metrics-service', 'metrics-servicemonitor']) {
  test(`${name} is beside HyperConverged, always, and hides trouble when it is switched off`, (t) => {
    const { target, protects, install, when } = assetNamed(name);
    const context = contextOf(assetNamed(name), { namespace: 'kubevirt-hyperconverged' });
    t.is(target.namespace?.render(context), 'kubevirt-hyperconverged');
    t.is(target.name.render(context), 'virt-platform-autopilot-metrics');
    t.deepEqual({ protects, install, when }, { protects: true, install: 'always', when: [] });
  });
}
