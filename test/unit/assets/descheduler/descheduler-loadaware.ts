import test from 'ava';
import { assetNamed, type Body, bodyOf, crd } from '../_assets.ts';

const recordingRule = 'descheduler:node:linear_amplified_ideal_point_positive_distance:k3:avg1m';
const editions = {
  '4.17': await crd('testdata/kubedeschedulers-4.17.yaml'),
  '4.19': await crd('testdata/kubedeschedulers-4.19.yaml'),
  '4.21': await crd('testdata/kubedeschedulers-4.21.yaml'),
  current: await crd('kubedeschedulers.yaml'),
};

function rules(...records: string[]): Body {
  return {
    kind: 'PrometheusRule',
    spec: { groups: [{ name: 'a' }, { name: 'b', rules: records.map((record) => ({ record })) }] },
  };
}

function spec(objects: Record<string, unknown>, liveMigrationConfig?: Record<string, number>): Body {
  const virtualization = liveMigrationConfig === undefined ? {} : { virtualization: { liveMigrationConfig } };
  return bodyOf('descheduler-loadaware', { objects, spec: virtualization }).spec;
}

test('the descheduler runs by itself, once a minute', (t) => {
  t.like(spec({ crd: editions.current }), {
    managementState: 'Managed',
    mode: 'Automatic',
    deschedulingIntervalSeconds: 60,
  });
});

for (const [edition, profile] of [
  ['4.17', 'LongLifecycle'],
  ['4.19', 'DevKubeVirtRelieveAndMigrate'],
  ['4.21', 'KubeVirtRelieveAndMigrate'],
  ['current', 'KubeVirtRelieveAndMigrate'],
] as const) {
  test(`the best profile of edition ${edition} is ${profile}`, (t) => {
    t.deepEqual(spec({ crd: editions[edition] }).profiles, [profile]);
  });
}

test('without a schema to look at the profile is DevKubeVirtRelieveAndMigrate, with nothing customised', (t) => {
  t.deepEqual(spec({}).profiles, ['DevKubeVirtRelieveAndMigrate']);
  t.deepEqual(spec({ crd: { kind: 'CustomResourceDefinition' } }).profiles, ['DevKubeVirtRelieveAndMigrate']);
  t.deepEqual(spec({}).profileCustomizations, undefined);
  t.deepEqual(spec({ rules: rules(recordingRule) }).profileCustomizations, undefined);
});

test('LongLifecycle alone needs to be told to evict in the background', (t) => {
  const devEnableEvictionsInBackground = true;
  t.deepEqual(spec({ crd: editions['4.17'] }).profileCustomizations, { devEnableEvictionsInBackground });
  for (const edition of ['4.19', '4.21', 'current'] as const) {
    t.is(spec({ crd: editions[edition] }).profileCustomizations, undefined);
  }
});

for (const [edition, utilization] of [
  ['4.17', false],
  ['4.19', true],
  ['4.21', true],
  ['current', true],
] as const) {
  test(`with the operator's rules edition ${edition} ${utilization ? 'goes by Prometheus' : "can't go by Prometheus"}`, (t) => {
    const profileWith = (...records: string[]) =>
      spec({ crd: editions[edition], rules: rules(...records) }).profileCustomizations?.devActualUtilizationProfile;
    t.is(profileWith(recordingRule), utilization ? 'PrometheusCPUMemoryCombinedProfile' : undefined);
    t.is(profileWith('another'), utilization ? 'PrometheusCPUCombined' : undefined);
    t.is(profileWith(), utilization ? 'PrometheusCPUCombined' : undefined);
  });
}

test('evictions are limited as live migrations are', (t) => {
  const limits = { parallelMigrationsPerCluster: 9, parallelOutboundMigrationsPerNode: 3 };
  t.deepEqual(spec({ crd: editions.current }, limits).evictionLimits, { total: 9, node: 3 });
  t.deepEqual(spec({ crd: editions.current }, {}).evictionLimits, { total: 5, node: 2 });
  t.deepEqual(spec({ crd: editions.current }).evictionLimits, { total: 5, node: 2 });
});

test('the limit per node is left out where the CRD has none', (t) => {
  t.deepEqual(spec({ crd: editions['4.17'] }).evictionLimits, { total: 5 });
  t.deepEqual(spec({ crd: editions['4.19'] }).evictionLimits, { total: 5 });
  t.deepEqual(spec({}).evictionLimits, { total: 5 });
});

test('it needs nothing but OpenShift and the CRD, and goes by a name that is also its group', (t) => {
  const { when, gates, install, group } = assetNamed('descheduler-loadaware');
  t.deepEqual({ gates, install, group }, { gates: [], install: 'always', group: undefined });
  t.deepEqual(
    when.map(({ expression }) => expression),
    ['topology.isOpenShift'],
  );
  t.true(assetNamed('psi-enable').group === 'descheduler-loadaware');
});
