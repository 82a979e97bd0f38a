import test from 'ava';
import { Metrics } from '../../controller/metrics.ts';
import { startServers } from '../../controller/servers/servers.ts';
import type { View } from '../../controller/servers/view.ts';
import { plan as planFor } from '../../shared/engine/plan.ts';
import { observe } from '../../shared/kube/observe.ts';
import { useCluster } from '../helpers/cluster.ts';
import { builtInCatalog, openClient } from '../helpers/engine.ts';
import { activated, hyperConverged, makeNamespaces } from './_plugin.ts';

const cluster = useCluster(test);

/** Servers of what one look at the cluster tells. */
async function served() {
  const catalog = await builtInCatalog();
  const client = openClient(cluster.kubeconfig);
  const { plan, snapshot } = await observe(client, catalog, planFor, { images: {} });
  client.close();
  const metrics = new Metrics({ version: '0.0.0', catalog, date: Date.now });
  metrics.listener({ happening: 'planned', plan, previous: undefined, durationMs: 1 });
  const view: View = {
    catalog,
    plan: () => plan,
    snapshot: () => snapshot,
    controller: () => ({
      state: 'found',
      holder: null,
      renewTime: null,
      lastPass: null,
      version: '0.0.0',
      catalogDigest: catalog.digest,
    }),
    live: [],
    ready: [],
    metrics: { contentType: metrics.contentType, text: () => metrics.text() },
  };
  const { ports, close } = await startServers(view, {
    metrics: '127.0.0.1:0',
    healthProbe: '127.0.0.1:0',
    debug: '127.0.0.1:0',
  });
  const get = async (port: number | undefined, path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.text() };
  };
  return { close, debug: (path: string) => get(ports.debug, path), metrics: () => get(ports.metrics, '/metrics') };
}

test('what the controller tells of a cluster is what the plugin says of it', async (t) => {
  await makeNamespaces(cluster);
  await cluster.apply(
    hyperConverged({
      ...activated,
      'platform.kubevirt.io/disabled-resources': '- {kind: UIPlugin, name: "*"}',
    }),
  );
  const { debug, metrics, close } = await served();
  t.teardown(() => close());
  const ofPlugin = await cluster.kubectl(['virt-platform', 'status', '-o', 'json']);
  t.is(ofPlugin.code, 0, ofPlugin.stderr);
  const { items, summary, activation } = JSON.parse(ofPlugin.stdout);
  const report = JSON.parse((await debug('/debug/plan')).body);
  t.deepEqual(
    { items, summary, activation },
    {
      items: report.items,
      summary: report.summary,
      activation: report.activation,
    },
  );

  const context = JSON.parse((await debug('/debug/context')).body);
  t.is(context.hyperConverged.namespace, 'openshift-cnv');
  const exclusions = JSON.parse((await debug('/debug/exclusions')).body);
  t.true(exclusions.rules[0].objects.includes('UIPlugin/monitoring'));
  const excluded = items.filter(({ decision }: { decision: string }) => decision === 'excluded');
  t.true(excluded.length > 0);
  const swap = JSON.parse((await debug('/debug/assets/render/swap-enable')).body);
  t.is(swap.metadata.name, '90-worker-swap-online');

  const text = (await metrics()).body;
  t.true(text.includes(`virt_platform_assets{type="asset",decision="excluded"} ${excluded.length}\n`));
  t.notRegex(text, /compliance_status\{kind="UIPlugin"/);
});
