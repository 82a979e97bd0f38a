import test from 'ava';
import { bodyOf } from '../_assets.ts';
import { conditions, inFlight } from './_rules.ts';

const name = 'ifo-clusterversion-rules';

test("it watches the cluster's version, as the root of a cluster update", (t) => {
  const { component, target, labels, rules } = bodyOf(name).spec;
  t.deepEqual(
    { component, target, labels },
    {
      component: 'openshift',
      target: { group: 'config.openshift.io', version: 'v1', resource: 'clusterversions' },
      labels: { 'ifo.kubevirt.io/correlation-group': 'cluster-update', 'ifo.kubevirt.io/correlation-role': 'root' },
    },
  );
  t.deepEqual(
    rules.map(({ operation }: { operation: string }) => operation),
    ['Deploying', 'Reconciling', 'ReconcilingDegraded', 'Healing', 'Failing', 'NotUpgradeable', 'PartialUpdate'],
  );
});

// As the cluster-version operator sets them: it has Failing, and no Degraded.
for (const [what, statuses, operations] of [
  ['installing', ['False', 'True', 'False'], ['Deploying']],
  ['an installation that fails', ['False', 'True', 'True'], ['Healing']],
  ['updating', ['True', 'True', 'False'], ['Reconciling']],
  ['updating slowly', ['True', 'True', 'Unknown'], ['Reconciling']],
  ['an update that fails', ['True', 'True', 'True'], ['ReconcilingDegraded']],
  ['failing at rest', ['True', 'False', 'True'], ['Failing']],
  ['failing at rest before it was ever available', ['False', 'False', 'True'], ['Failing']],
  ['at rest', ['True', 'False', 'False'], []],
] as const) {
  test(`${what} is ${operations.join() || 'no operation'}`, (t) => {
    const [Available, Progressing, Failing] = statuses;
    t.deepEqual(inFlight(name, conditions({ Available, Progressing, Failing, RetrievedUpdates: 'True' })), [
      ...operations,
    ]);
  });
}

test('before all three conditions are there it is no operation', (t) => {
  t.deepEqual(inFlight(name, conditions({ Available: 'True', Progressing: 'True' })), []);
  t.deepEqual(inFlight(name, conditions({ Progressing: 'True', Failing: 'False' })), []);
});

test('an update that is blocked, or has got only so far, is told besides', (t) => {
  t.deepEqual(inFlight(name, conditions({ Upgradeable: 'False' })), ['NotUpgradeable']);
  t.deepEqual(inFlight(name, conditions({ Upgradeable: 'True' })), []);
  const history = (...states: string[]) => ({ status: { history: states.map((state) => ({ state })) } });
  t.deepEqual(inFlight(name, history('Partial', 'Completed')), ['PartialUpdate']);
  t.deepEqual(inFlight(name, history('Completed', 'Partial')), []);
  t.deepEqual(inFlight(name, { status: { history: [{}] } }), []);
});
