import test from 'ava';
import { conditionWords, describeFeatures } from '../../../../shared/catalog/describe-features.ts';
import { catalogOf } from './helpers/catalogs.ts';

type Asset = { feature: string | string[]; install?: string; when?: string[] };

function described(features: readonly Record<string, unknown>[], assets: readonly Asset[]) {
  const files = assets.map((asset, index) => [
    `${index}.yaml.hbs`,
    `${JSON.stringify({
      format: 1,
      target: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'ns', name: `n${index}` },
      ...asset,
    })}\n---\ndata: {}\n`,
  ]);
  const list = features.map((feature) => ({ title: String(feature.name).toUpperCase(), description: '…', ...feature }));
  return describeFeatures(catalogOf({ ...Object.fromEntries(files), 'features.yaml': JSON.stringify(list) }));
}

test('the most mature come first, then by title; maturity follows from the assets unless it is said', (t) => {
  const all = described(
    [{ name: 'd' }, { name: 'c' }, { name: 'b', maturity: 'tp' }, { name: 'a' }],
    [
      { feature: 'a', install: 'opt-in' },
      { feature: 'b', install: 'opt-in' },
      { feature: 'c' },
      { feature: 'd' },
      { feature: 'd' },
    ],
  );
  t.deepEqual(
    all.map(({ name, maturity, install, assets }) => [name, maturity, install, assets]),
    [
      ['c', 'ga', 'always', ['2']],
      ['d', 'ga', 'always', ['3', '4']],
      ['b', 'tp', 'opt-in', ['1']],
      ['a', 'dp', 'opt-in', ['0']],
    ],
  );
});

test('one asset that is opted in to makes the feature opt-in', (t) => {
  const [feature] = described([{ name: 'a' }], [{ feature: 'a' }, { feature: 'a', install: 'opt-in' }]);
  t.like(feature, { install: 'opt-in', maturity: 'dp' });
});

test('what switches it on is said once, in the order met, without what the cluster answers', (t) => {
  const [feature] = described(
    [{ name: 'a' }],
    [
      { feature: 'a', when: ["enabled('x')", 'hardware.gpuPresent', "'image' in images"] },
      { feature: 'a', when: ["enabled('x')", "!configured('spec.k.l')", 'topology.isHCP'] },
      { feature: 'a', when: ["'CPUManager' in featureGates"] },
    ],
  );
  t.is(feature?.optIn, 'platform.kubevirt.io/enable-x=true, hcoUnconfigured:spec.k.l, featureGate:CPUManager');
});

test('nothing to set is null', (t) => {
  t.is(described([{ name: 'a' }], [{ feature: 'a', when: ['topology.isHCP || hardware.gpuPresent'] }])[0]?.optIn, null);
});

test("of a part that two features share, only a feature's own switch is said", (t) => {
  const all = described(
    [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
    [
      { feature: ['a', 'b', 'c'], when: ["enabled('a') || enabled('b')"] },
      { feature: 'a', when: ["enabled('a')"] },
      { feature: 'b', when: ["enabled('b')"] },
    ],
  );
  t.deepEqual(
    all.map(({ optIn, assets }) => [optIn, assets]),
    [
      ['platform.kubevirt.io/enable-a=true', ['0', '1']],
      ['platform.kubevirt.io/enable-b=true', ['0', '2']],
      ['platform.kubevirt.io/enable-a=true or platform.kubevirt.io/enable-b=true', ['0']],
    ],
  );
});

for (const [expression, words] of [
  ["enabled('a-b')", ['platform.kubevirt.io/enable-a-b=true']],
  ["!enabled('a')", ['platform.kubevirt.io/enable-a!=true']],
  ["annotation('class') == 'fast'", ['platform.kubevirt.io/class=fast']],
  ["'X' in featureGates", ['featureGate:X']],
  ["!configured('spec.a.b')", ['hcoUnconfigured:spec.a.b']],
  ["setting('spec.a') != true", ['hco:spec.a!=true']],
  ["setting('spec.a') == 3", ['hco:spec.a=3']],
  ["'a-b' in images", ['image:a-b']],
  ['hardware.a || hardware.b', ['hardware:a', 'hardware:b']],
  ['topology.isHCP', ['topology:isHCP']],
  ['!topology.isHCP', ['topology:isHCP=false']],
  ["topology.cloudProvider == 'AWS'", ['topology:cloudProvider=AWS']],
  ['topology.workerCount > 1', ['topology.workerCount > 1']],
  ["enabled('a') || 1 == 1", ["enabled('a') || 1 == 1"]],
] as const) {
  test(`${expression} in words`, (t) => {
    t.deepEqual(conditionWords(expression), [...words]);
  });
}
