import test from 'ava';
import { assetNamed, type Body, bodyOf, contextOf, type Facts, unmetConditions } from '../_assets.ts';

const elsewhere: Facts = { topology: { isOpenShift: false } };

function enabled(...features: string[]): Facts {
  return { annotations: Object.fromEntries(features.map((name) => [`platform.kubevirt.io/enable-${name}`, 'true'])) };
}

function placeOf(name: string): (string | undefined)[] {
  const { target, ...asset } = assetNamed(name);
  const context = contextOf({ target, ...asset });
  return [target.kind, target.namespace?.render(context), target.name.render(context)];
}

test('the migration toolkit runs with its console plugin, validation and volume populators, said as text', (t) => {
  for (const name of ['mtv-operator', 'mtv-operator-upstream']) {
    t.deepEqual(bodyOf(name), {
      spec: { feature_ui_plugin: 'true', feature_validation: 'true', feature_volume_populator: 'true' },
    });
  }
});

test('MetalLB is set up with nothing decided', (t) => {
  t.deepEqual(bodyOf('metallb-operator'), { spec: {} });
});

for (const [name, feature, place] of [
  ['mtv-operator', 'mtv', ['ForkliftController', 'openshift-mtv', 'forklift-controller']],
  ['mtv-operator-upstream', 'mtv', ['ForkliftController', 'konveyor-forklift', 'forklift-controller']],
  ['metallb-operator', 'metallb', ['MetalLB', 'metallb-system', 'metallb']],
  ['application-aware-quota', 'application-aware-quota', ['AAQ', undefined, 'aaq']],
  [
    'node-maintenance-operator',
    'node-maintenance',
    ['Subscription', 'openshift-workload-availability', 'node-maintenance-operator'],
  ],
  [
    'node-maintenance-operator-upstream',
    'node-maintenance',
    ['Subscription', 'operators', 'node-maintenance-operator'],
  ],
  [
    'fence-agents-operator',
    'fence-agents',
    ['Subscription', 'openshift-workload-availability', 'fence-agents-remediation'],
  ],
  ['fence-agents-operator-upstream', 'fence-agents', ['Subscription', 'operators', 'fence-agents-remediation']],
] as const) {
  test(`${name} is where its operator is, and takes the annotation`, (t) => {
    t.deepEqual(placeOf(name), [...place]);
    t.is(assetNamed(name).install, 'opt-in');
    const cluster = name.endsWith('-upstream') ? elsewhere : {};
    t.deepEqual(unmetConditions(name, { ...cluster, ...enabled(feature) }), []);
    t.deepEqual(unmetConditions(name, cluster), [`enabled('${feature}')`]);
    if (name.endsWith('-upstream')) t.deepEqual(unmetConditions(name, enabled(feature)), ['!topology.isOpenShift']);
  });
}

test('quotas run where HyperConverged places infrastructure; the rest is of the operator', (t) => {
  const infra = { nodeSelector: { 'node-role.kubernetes.io/infra': '' }, tolerations: [{ operator: 'Exists' }] };
  t.deepEqual(bodyOf('application-aware-quota'), { spec: {} });
  t.deepEqual(bodyOf('application-aware-quota', { spec: { deployment: { nodePlacements: { infra } } } }), {
    spec: { infra },
  });
});

test('quotas are left to HyperConverged where it sets them up', (t) => {
  const given = (applicationAwareConfig: Body): Facts => ({
    ...enabled('application-aware-quota'),
    spec: { deployment: { applicationAwareConfig } },
  });
  t.deepEqual(unmetConditions('application-aware-quota', given({ enable: true })), [
    "setting('spec.deployment.applicationAwareConfig.enable') != true",
  ]);
  t.deepEqual(unmetConditions('application-aware-quota', given({ enable: false })), []);
  t.deepEqual(unmetConditions('application-aware-quota', given({})), []);
});

for (const name of ['workload-availability-namespace', 'workload-availability-operatorgroup']) {
  test(`${name} is there for either operator, on OpenShift`, (t) => {
    const either = "enabled('node-maintenance') || enabled('fence-agents')";
    t.deepEqual(unmetConditions(name), [either]);
    t.deepEqual(unmetConditions(name, enabled('node-maintenance')), []);
    t.deepEqual(unmetConditions(name, enabled('fence-agents')), []);
    t.deepEqual(unmetConditions(name, { ...enabled('fence-agents'), ...elsewhere }), ['topology.isOpenShift']);
    t.deepEqual(assetNamed(name).features, ['node-maintenance', 'fence-agents']);
  });
}

test('the namespace has nothing but its name, the operator group takes all namespaces', (t) => {
  t.deepEqual(placeOf('workload-availability-namespace'), ['Namespace', undefined, 'openshift-workload-availability']);
  t.deepEqual(bodyOf('workload-availability-namespace'), {});
  t.deepEqual(bodyOf('workload-availability-operatorgroup'), { spec: {} });
});

test("an admin's own operator group is enough: a second one would stop every installation", (t) => {
  const groups = (...names: string[]): Facts => ({
    objects: { groups: names.map((name) => ({ metadata: { name } })) },
  });
  t.is(bodyOf('workload-availability-operatorgroup', groups('theirs')), undefined);
  t.deepEqual(bodyOf('workload-availability-operatorgroup', groups('openshift-workload-availability')), { spec: {} });
});

for (const [name, pack, catalog, namespace] of [
  ['node-maintenance-operator', 'node-maintenance-operator', 'redhat-operators', 'openshift-marketplace'],
  ['node-maintenance-operator-upstream', 'node-maintenance-operator', 'operatorhubio-catalog', 'olm'],
  ['fence-agents-operator', 'fence-agents-remediation', 'redhat-operators', 'openshift-marketplace'],
  ['fence-agents-operator-upstream', 'fence-agents-remediation', 'operatorhubio-catalog', 'olm'],
] as const) {
  test(`${name} is subscribed to once there is an operator group`, (t) => {
    t.deepEqual(bodyOf(name), {
      spec: {
        name: pack,
        channel: 'stable',
        source: catalog,
        sourceNamespace: namespace,
        installPlanApproval: 'Automatic',
      },
    });
    t.deepEqual(assetNamed(name).dependsOn, ['workload-availability-operatorgroup']);
    t.deepEqual(assetNamed('workload-availability-operatorgroup').dependsOn, ['workload-availability-namespace']);
  });
}
