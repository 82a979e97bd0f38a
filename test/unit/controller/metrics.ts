import { spawnSync } from 'node:child_process';
import test from 'ava';
import { Metrics, type MetricsOptions } from '../../../controller/metrics.ts';
import type { Catalog } from '../../../shared/catalog/asset.ts';
import { readCatalogFiles } from '../../../shared/catalog/read-catalog-files.ts';
import type { Plan, PlanItem } from '../../../shared/engine/plan-item.ts';
import type { Outcome } from '../../../shared/kube/perform.ts';
import type { Trouble } from '../../../shared/kube/trouble.ts';
import { isOnPath } from '../../harness/tools.ts';
import { builtInCatalog, catalogOf } from '../../helpers/engine.ts';
import { drifted, item, live, objectOf, planOf } from './_plans.ts';

const small = catalogOf({
  'a.yaml.hbs': assetFile('ConfigMap', 'v1', 'a', ['protects: true']),
  'b.yaml.hbs': assetFile('Thing', 'example.com/v1', 'b', ['gates: [others.example.org]']),
});

function assetFile(kind: string, apiVersion: string, name: string, more: readonly string[]): string {
  const head = [
    'format: 1',
    ...more,
    `target: {apiVersion: ${apiVersion}, kind: ${kind}, namespace: x, name: ${name}}`,
  ];
  return `${head.join('\n')}\norder: 1\n---\ndata: {}\n`;
}

function measured(options: Partial<MetricsOptions> = {}) {
  const metrics = new Metrics({
    version: '1.2.3',
    catalog: small,
    date: () => 1_700_000_000_000,
    ofProcess: false,
    ...options,
  });
  const plan = (decided: Plan) =>
    metrics.listener({ happening: 'planned', plan: decided, previous: undefined, durationMs: 20 });
  return {
    metrics,
    plan,
    planned: (...items: PlanItem[]) => plan(planOf(items)),
    performed: (performed: PlanItem, outcome: Outcome) =>
      metrics.listener({ happening: 'performed', item: performed, outcome, durationMs: 30 }),
    series: async (name: string) => seriesOf(await metrics.text(), `virt_platform_${name}`),
  };
}

/** The lines of one metric, without its name. */
function seriesOf(text: string, name: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length));
}

const inSync = (asset: string, more = {}) => item(asset, 'in-sync', { live, baseline: {}, ...more });
const update = item('a', 'update', { live, drift: [drifted('/data/x')], baseline: {} });
const failed: Outcome = { result: 'failed', error: new Error('no') as unknown as Trouble };
const configured: Outcome = { result: 'configured', object: objectOf(update), drift: [], before: '7', warnings: [] };
const a = '{kind="ConfigMap",name="a",namespace="x"}';

test('an object complies when it is in sync, and not when it could not be put right', async (t) => {
  const { planned, performed, series } = measured();
  planned(inSync('a'));
  t.deepEqual(await series('compliance_status'), [`${a} 1`]);
  planned(update);
  t.deepEqual(await series('compliance_status'), [`${a} 1`], 'it is being put right');
  performed(update, failed);
  t.deepEqual(await series('compliance_status'), [`${a} 0`]);
  planned(update);
  t.deepEqual(await series('compliance_status'), [`${a} 0`]);
  performed(update, configured);
  t.deepEqual(await series('compliance_status'), [`${a} 1`]);
  for (const decision of ['rejected', 'render-failed', 'paused', 'override-invalid', 'unreadable'] as const) {
    planned(item('a', decision));
    t.deepEqual(await series('compliance_status'), [`${a} 0`], decision);
  }
  planned(item('a', 'missing-namespace'));
  t.deepEqual(await series('compliance_status'), [`${a} 0`], 'a soft skip leaves it');
  for (const decision of ['unmanaged', 'excluded', 'condition-unmet', 'not-selected'] as const) {
    planned(inSync('a'));
    planned(item('a', decision));
    t.deepEqual(await series('compliance_status'), [], decision);
  }
});

test('who only looks reports drift as not complying', async (t) => {
  const { planned, series } = measured({ observe: true });
  planned(update);
  t.deepEqual(await series('compliance_status'), [`${a} 0`]);
});

test('invalid exclusions are one alert, on the object to be mended', async (t) => {
  const { planned, series } = measured();
  planned(item('a', 'exclusions-invalid'), item('b', 'exclusions-invalid'));
  t.deepEqual(await series('compliance_status'), ['{kind="HyperConverged",name="hco",namespace="kubevirt"} 0']);
  t.deepEqual(await series('invalid_annotation_info'), [
    '{kind="HyperConverged",name="hco",namespace="kubevirt",annotation="disabled-resources"} 1',
  ]);
});

test('a plan that could not look changes nothing', async (t) => {
  const { planned, plan, series } = measured();
  planned(inSync('a'));
  plan(planOf([item('a', 'inactive')], { activation: { state: 'unknown', why: '' } }));
  t.deepEqual(await series('compliance_status'), [`${a} 1`]);
});

test('a pause is a state, and an edit war counts once', async (t) => {
  const { planned, metrics, series } = measured();
  planned(inSync('a'));
  t.deepEqual(await series('paused_resources'), [`${a} 0`]);
  t.deepEqual(await series('thrashing_total'), [`${a} 0`]);
  const war = { happening: 'war', item: update, because: 'slow', rival: null, fields: [], written: false } as const;
  metrics.listener(war);
  metrics.listener({ ...war, written: true });
  planned(item('a', 'paused'));
  t.deepEqual(await series('paused_resources'), [`${a} 1`]);
  t.deepEqual(await series('thrashing_total'), [`${a} 1`]);
  planned(item('a', 'not-selected'));
  t.deepEqual(await series('paused_resources'), []);
  t.deepEqual(await series('thrashing_total'), [`${a} 1`], 'a counter stays');
});

test('customizations are there while they are on the object, and while it is excluded', async (t) => {
  const { planned, series } = measured();
  const overrides = [
    { type: 'patch', operations: 1, pointers: [] },
    { type: 'unmanaged', how: 'ignore-fields' },
    { type: 'ignore', pointers: ['/spec'], yielded: [], kept: [] },
  ];
  const types = ['patch', 'unmanaged', 'ignore'].map((type) => `${a.slice(0, -1)},type="${type}"} 1`);
  planned(inSync('a', { overrides }));
  t.deepEqual(await series('customization_info'), types);
  t.deepEqual(await series('protected_customization_info'), types);
  planned(item('a', 'excluded', { overrides: [{ type: 'excluded' }] }));
  t.deepEqual(await series('customization_info'), types);
  planned(inSync('a'));
  t.deepEqual(await series('customization_info'), []);
});

test('the date of an override is there as long as it is, also of an excluded object', async (t) => {
  const { planned, series } = measured();
  planned(inSync('a', { overrides: [{ type: 'patch', operations: 1, pointers: [], until: '1970-01-01' }] }));
  t.deepEqual(await series('override_until_timestamp_seconds'), [`${a.slice(0, -1)},type="patch"} 86400`]);
  planned(item('a', 'excluded', { overrides: [{ type: 'excluded', until: '1970-01-01T00:01:00Z' }] }));
  t.deepEqual(await series('override_until_timestamp_seconds'), [`${a.slice(0, -1)},type="excluded"} 60`]);
  planned(inSync('a', { overrides: [{ type: 'patch', operations: 1, pointers: [] }] }));
  t.deepEqual(await series('override_until_timestamp_seconds'), []);
});

test('a note that can’t be read is told by its key', async (t) => {
  const { planned, series } = measured();
  planned(
    inSync('a', { overrides: [{ type: 'invalid', annotation: 'platform.kubevirt.io/mode-until', message: 'x' }] }),
  );
  t.deepEqual(await series('invalid_annotation_info'), [`${a.slice(0, -1)},annotation="mode-until"} 1`]);
});

test('only what is wanted is missed, and by its real kind', async (t) => {
  const { planned, series } = measured();
  const steps = (passed: boolean) => ({ steps: [{ step: 'crds', passed, detail: '' }] });
  planned(inSync('a', steps(true)), item('b', 'missing-crd', { crds: ['things.example.com'], ...steps(false) }));
  t.deepEqual(await series('missing_dependency'), [
    '{group="example.com",version="v1",kind="Thing"} 1',
    '{group="example.org",version="",kind="others"} 0',
  ]);
  planned(inSync('b', steps(true)));
  t.deepEqual(await series('missing_dependency'), [
    '{group="example.com",version="v1",kind="Thing"} 0',
    '{group="example.org",version="",kind="others"} 0',
  ]);
  planned(item('b', 'condition-unmet'));
  t.deepEqual(await series('missing_dependency'), []);
  planned(item('b', 'excluded', steps(false)));
  t.deepEqual(await series('missing_dependency'), []);
});

test('tombstones tell whether the object is there, stuck or not ours', async (t) => {
  const { planned, performed, series } = measured();
  const tombstone = (decision: PlanItem['decision']) => item('a', decision, { type: 'tombstone', live });
  const values: Record<string, number> = { gone: 0, delete: 1, kept: 1, unreadable: -1, 'not-ours': -2 };
  for (const [decision, value] of Object.entries(values)) {
    planned(tombstone(decision as PlanItem['decision']));
    t.deepEqual(await series('tombstone_status'), [`${a} ${value}`], decision);
  }
  planned(tombstone('not-ours'));
  planned(tombstone('delete'));
  performed(tombstone('delete'), failed);
  t.deepEqual(await series('tombstone_status'), [`${a} -1`]);
  performed(tombstone('delete'), { result: 'deleted' });
  planned(tombstone('gone'));
  t.deepEqual(await series('tombstone_status'), [`${a} 0`]);
  t.deepEqual(
    await series('tombstone_deletion_total'),
    ['skipped', 'failed', 'deleted'].map((result) => `${a.slice(0, -1)},result="${result}"} 1`),
  );
});

test('the duration counts each evaluation once, and leaves with its object', async (t) => {
  const { planned, performed, series } = measured();
  planned(inSync('a'));
  planned(update);
  performed(update, configured);
  t.deepEqual(await series('reconcile_duration_seconds_count'), [`${a} 2`]);
  planned(item('a', 'condition-unmet'));
  t.deepEqual(await series('reconcile_duration_seconds_count'), []);
});

test('what nobody has said yet has no series', async (t) => {
  const { series, planned } = measured();
  t.deepEqual(await series('last_plan_timestamp_seconds'), []);
  planned(item('a', 'rejected'));
  t.deepEqual(await series('last_plan_timestamp_seconds'), [' 1700000000']);
  t.deepEqual(await series('last_success_timestamp_seconds'), []);
  planned(inSync('a'));
  t.deepEqual(await series('last_success_timestamp_seconds'), [' 1700000000']);
});

test('the rest is asked of whoever knows it, at each scrape', async (t) => {
  let requests = 3;
  const { series } = measured({
    isLeader: () => true,
    requests: () => requests,
    watches: () => [
      { apiVersion: 'v1', kind: 'Node', phase: 'synced' },
      { apiVersion: 'v1', kind: 'Node', phase: 'synced' },
    ],
    events: () => ({ created: 1, repeated: 2, dropped: 3, failed: 4 }),
  });
  t.deepEqual(await series('leader'), [' 1']);
  t.deepEqual(await series('api_requests_total'), [' 3']);
  requests = 5;
  t.deepEqual(await series('api_requests_total'), [' 5']);
  t.deepEqual(await series('watches'), ['{group="",kind="Node",phase="synced"} 2']);
  t.deepEqual(await series('events_total'), [
    '{result="created"} 1',
    '{result="repeated"} 2',
    '{result="dropped"} 3',
    '{result="failed"} 4',
  ]);
  t.deepEqual(await series('build_info'), ['{version="1.2.3"} 1']);
  t.deepEqual(await series('catalog_info'), [`{version="1.2.3",digest="${small.digest}"} 1`]);
});

/** Everything there can be, of the project's own catalog. */
async function everything(catalog: Catalog): Promise<string> {
  const { metrics, plan, performed } = measured({
    catalog,
    ofProcess: true,
    isLeader: () => true,
    requests: () => 1,
    inFlight: () => 1,
    waiting: () => 1,
    watches: () => [{ apiVersion: 'v1', kind: 'Node', phase: 'synced' }],
    events: () => ({ created: 1, repeated: 0, dropped: 0, failed: 0 }),
  });
  const patch = { type: 'patch', operations: 1, pointers: [] };
  plan(planOf([inSync('a', { overrides: [patch] }), item('old', 'not-ours', { type: 'tombstone' })]));
  performed(update, configured);
  metrics.listener({ happening: 'throttled', item: update, retryAfterMs: 1 });
  metrics.listener({ happening: 'trouble', what: 'a watch', error: new Error('x'), watchedKind: 'Node' });
  return await metrics.text();
}

test('who lost the lead says nothing any more of how objects are', async (t) => {
  const { metrics, planned, series } = measured();
  planned(item('a', 'rejected', { message: 'no' }));
  t.deepEqual(await series('compliance_status'), [`${a} 0`]);
  metrics.listener({ happening: 'leading', isLeader: false });
  t.deepEqual(await series('compliance_status'), []);
});

const lint = isOnPath('promtool') ? test : test.skip;
lint('promtool finds nothing to say about names, types and help', async (t) => {
  const text = await everything(await builtInCatalog());
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  t.is(status, 0, stdout + stderr);
  t.is(stdout + stderr, '');
});

test('what the alerts and dashboards ask for is there', async (t) => {
  const sources = (await readCatalogFiles(new URL('../../../assets', import.meta.url).pathname)).map(({ content }) =>
    new TextDecoder().decode(content),
  );
  const names = new Set(sources.flatMap((source) => source.match(/virt_platform_[a-z_]+[a-z]/g) ?? []));
  t.true(names.size >= 4);
  const text = await everything(await builtInCatalog());
  for (const name of names) {
    t.regex(text, new RegExp(`^# TYPE ${name.replace(/_(bucket|count|sum)$/, '')} `, 'm'), name);
  }
});
