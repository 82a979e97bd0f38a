import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { parse } from 'yaml';
import { BindAddressError } from '../../../../controller/servers/bind-address.ts';
import { startServers } from '../../../../controller/servers/servers.ts';
import type { View } from '../../../../controller/servers/view.ts';
import { plan as planFor } from '../../../../shared/engine/plan.ts';
import { snapshotFromObjects } from '../../../../shared/engine/snapshot-from-objects.ts';
import { statusItem } from '../../../../shared/engine/status-report.ts';
import { catalogOf } from '../../../helpers/engine.ts';

const catalog = catalogOf({
  'a.yaml.hbs': 'format: 1\ntarget: {apiVersion: v1, kind: ConfigMap, namespace: x, name: a}\n---\ndata: {k: v}\n',
  'b.yaml.hbs':
    "format: 1\nfeature: bees\ninstall: opt-in\nwhen: [enabled('bees')]\ntarget: {apiVersion: v1, kind: ConfigMap, namespace: x, name: b}\n---\ndata: {k: v}\n",
  'features.yaml': '- {name: bees, title: Bees, description: Buzz.}\n',
});

const hyperConverged = {
  apiVersion: 'hco.kubevirt.io/v1',
  kind: 'HyperConverged',
  metadata: {
    name: 'hco',
    namespace: 'kubevirt',
    annotations: {
      'platform.kubevirt.io/autopilot': 'true',
      'platform.kubevirt.io/disabled-resources': '- {kind: ConfigMap, name: "z*"}',
    },
    managedFields: [{ manager: 'me' }],
  },
  spec: {},
};

function viewOf(more: Partial<View> = {}): View {
  const snapshot = snapshotFromObjects([hyperConverged], { images: {} });
  const { plan } = planFor(catalog, snapshot);
  return {
    catalog,
    plan: () => plan,
    snapshot: () => snapshot,
    controller: () => ({
      state: 'found',
      holder: 'pod-1',
      renewTime: null,
      lastPass: null,
      version: '1.2.3',
      catalogDigest: catalog.digest,
    }),
    live: [{ name: 'loop', problem: () => undefined }],
    ready: [
      { name: 'loop', problem: () => undefined },
      { name: 'caches-synced', problem: () => undefined },
    ],
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'virt_platform_leader 1\n' },
    ...more,
  };
}

const off = { metrics: '0', healthProbe: '0', debug: '0' };

async function get(port: number | undefined, path: string, { method = 'GET', headers = {} } = {}) {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method, headers, agent: false }, resolve).on('error', reject).end();
  });
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

test('metrics are served, and nothing else beside them', async (t) => {
  const { ports, close } = await startServers(viewOf(), { ...off, metrics: '127.0.0.1:0' });
  t.teardown(() => close());
  t.deepEqual(Object.keys(ports), ['metrics']);
  t.like(await get(ports.metrics, '/metrics'), { status: 200, body: 'virt_platform_leader 1\n' });
  const { status, body } = await get(ports.metrics, '/debug/plan');
  t.is(status, 404);
  t.regex(body, /^\/metrics /m);
});

test('a probe is told ok, or each check and what is wrong', async (t) => {
  let problem: string | undefined;
  const ready = [
    { name: 'loop', problem: () => undefined },
    { name: 'caches-synced', problem: () => problem },
  ];
  const { ports, close } = await startServers(viewOf({ ready }), { ...off, healthProbe: '127.0.0.1:0' });
  t.teardown(() => close());
  const ask = (path: string) => get(ports.healthProbe, path);
  for (const path of ['/livez', '/readyz', '/healthz']) t.like(await ask(path), { status: 200, body: 'ok' });
  t.is((await ask('/readyz?verbose')).body, '[+]loop ok\n[+]caches-synced ok\nreadyz check passed\n');
  problem = 'Node has not been listed yet';
  t.like(await ask('/readyz'), {
    status: 503,
    body: '[+]loop ok\n[-]caches-synced failed: Node has not been listed yet\nreadyz check failed\n',
  });
  t.is((await ask('/livez')).status, 200);
});

test('the plan is in the words of the plugin, as JSON or as YAML', async (t) => {
  const view = viewOf();
  const { ports, close } = await startServers(view, { ...off, debug: '127.0.0.1:0' });
  t.teardown(() => close());
  const asJson = await get(ports.debug, '/debug/plan');
  t.is(asJson.headers['content-type'], 'application/json');
  const report = JSON.parse(asJson.body);
  t.like(report, { apiVersion: 'virt-platform/v1', kind: 'Status', controller: { holder: 'pod-1' } });
  t.deepEqual(report.items, JSON.parse(JSON.stringify(view.plan()?.items.map(statusItem))));
  const asYaml = await get(ports.debug, '/debug/plan?format=yaml');
  t.is(asYaml.headers['content-type'], 'application/yaml');
  t.deepEqual(parse(asYaml.body), report);
  t.is((await get(ports.debug, '/debug/plan', { headers: { accept: 'application/yaml' } })).body, asYaml.body);
});

test('every path of the index answers, and is for reading only', async (t) => {
  const { ports, close } = await startServers(viewOf(), { ...off, debug: '127.0.0.1:0' });
  t.teardown(() => close());
  const { body } = await get(ports.debug, '/debug/');
  const paths = [...body.matchAll(/^(\/\S+)/gm)].map(([, path = '']) => path.replace('NAME', 'a'));
  t.deepEqual(paths, [
    '/debug/',
    '/debug/plan',
    '/debug/assets/list',
    '/debug/assets/render',
    '/debug/assets/render/a',
    '/debug/context',
    '/debug/hco',
    '/debug/exclusions',
    '/debug/features',
    '/debug/tombstones',
    '/debug/health',
  ]);
  for (const path of paths) {
    const got = await get(ports.debug, path);
    t.is(got.status, 200, path);
    const head = await get(ports.debug, path, { method: 'HEAD' });
    t.deepEqual([head.status, head.body], [200, ''], path);
    t.is(head.headers['content-length'], String(Buffer.byteLength(got.body)), path);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      t.like(await get(ports.debug, path, { method }), { status: 405, headers: { allow: 'GET, HEAD' } }, path);
    }
  }
});

test('what is told is what the controller sees', async (t) => {
  const { ports, close } = await startServers(viewOf(), { ...off, debug: '127.0.0.1:0' });
  t.teardown(() => close());
  const data = async (path: string) => JSON.parse((await get(ports.debug, path)).body);
  t.like(await data('/debug/assets/render/a'), { kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } });
  t.is((await data('/debug/assets/render')).items.length, 1);
  t.like((await data('/debug/assets/list')).items, [{ name: 'a' }, { name: 'b', decision: 'condition-unmet' }]);
  t.deepEqual(await data('/debug/exclusions'), {
    valid: true,
    rules: [{ kind: 'ConfigMap', name: 'z*', objects: [] }],
  });
  t.like((await data('/debug/features')).items, [{ name: 'bees', enabled: false, assets: [{ asset: 'b' }] }]);
  t.is((await data('/debug/hco')).metadata.managedFields, undefined);
  t.like(await data('/debug/context'), { topology: { totalNodeCount: 0 }, hyperConverged: { name: 'hco' } });
  const unmet = await get(ports.debug, '/debug/assets/render/b');
  t.is(unmet.status, 404);
  t.regex(unmet.body, /b is condition-unmet/);
});

test('before the first plan, that is said', async (t) => {
  const view = viewOf({ plan: () => undefined, snapshot: () => undefined });
  const { ports, close } = await startServers(view, { ...off, debug: '127.0.0.1:0' });
  t.teardown(() => close());
  for (const path of ['plan', 'context', 'hco', 'exclusions', 'tombstones', 'assets/render']) {
    t.is((await get(ports.debug, `/debug/${path}`)).status, 503, path);
  }
  t.is((await get(ports.debug, '/debug/assets/list')).status, 200);
});

test('debugging is for this host alone, even where a name elsewhere leads to it', async (t) => {
  for (const debug of [':0', '0.0.0.0:8081']) {
    const error = await t.throwsAsync(startServers(viewOf(), { ...off, debug }), { instanceOf: BindAddressError });
    t.regex(error?.message ?? '', /only a loopback address will do/);
  }
  const { ports, close } = await startServers(viewOf(), { ...off, debug: '127.0.0.1:0' });
  t.teardown(() => close());
  const ask = async (host: string) => (await get(ports.debug, '/debug/', { headers: { host } })).status;
  t.deepEqual(
    [await ask('evil.example'), await ask('localhost:9'), await ask('127.0.0.1'), await ask('[::1]:1')],
    [403, 200, 200, 200],
  );
});

test('a port that is taken is one clear error, and no server stays behind', async (t) => {
  const first = await startServers(viewOf(), { ...off, metrics: '127.0.0.1:0' });
  t.teardown(() => first.close());
  const taken = `127.0.0.1:${first.ports.metrics}`;
  const error = await t.throwsAsync(startServers(viewOf(), { ...off, metrics: '127.0.0.1:0', healthProbe: taken }), {
    instanceOf: BindAddressError,
  });
  t.is(
    error?.message,
    `could not serve health-probe on ${taken}: another process listens there; choose another with --health-probe-bind-address, or 0 for none`,
  );
});

test('closing lets what is under way finish, and does not wait for who never asks', async (t) => {
  let release = () => {};
  const scraped = new Promise<void>((resolve) => {
    release = resolve;
  });
  let asked = () => {};
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const metrics = {
    contentType: 'text/plain',
    text: async () => {
      asked();
      await scraped;
      return 'done';
    },
  };
  const { ports, close } = await startServers(viewOf({ metrics }), { ...off, metrics: '127.0.0.1:0' });
  const answer = get(ports.metrics, '/metrics');
  const silent = connect({ host: '127.0.0.1', port: ports.metrics ?? 0 });
  silent.on('error', () => {});
  await isAsked;
  const closed = close(200);
  release();
  t.is((await answer).body, 'done');
  await closed;
  silent.destroy();
  await t.throwsAsync(get(ports.metrics, '/metrics'), { code: 'ECONNREFUSED' });
});

test('what fails inside is an answer, and the next one is not harmed', async (t) => {
  let fails = true;
  const broken = () => {
    if (fails) throw new Error('broken');
    return undefined;
  };
  const metrics = { contentType: 'text/plain', text: async () => String(broken()) };
  const ready = [{ name: 'odd', problem: broken }];
  const addresses = { metrics: '127.0.0.1:0', healthProbe: '127.0.0.1:0', debug: '0' };
  const { ports, close } = await startServers(viewOf({ metrics, ready }), addresses);
  t.teardown(() => close());
  t.like(await get(ports.metrics, '/metrics'), { status: 500, body: 'internal error: broken\n' });
  t.like(await get(ports.healthProbe, '/readyz'), {
    status: 503,
    body: '[-]odd failed: broken\nreadyz check failed\n',
  });
  t.is((await get(ports.metrics, '//')).status, 400);
  fails = false;
  t.is((await get(ports.metrics, '/metrics')).status, 200);
});
