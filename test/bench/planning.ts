import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { type Planned, plan } from '../../shared/engine/plan.ts';
import { questionKey, type Snapshot } from '../../shared/engine/snapshot.ts';
import { observe } from '../../shared/kube/observe.ts';
import { converge, openClient } from '../helpers/engine.ts';
import { type Figure, timeOf } from './measure.ts';
import { syntheticCatalog } from './synthetic-catalog.ts';

const nodeCount = 5000;

/** What one plan costs, on a cluster where nothing is to be done: the case that happens at every change. */
export async function planningFigures(kubeconfig: string, builtIn: Catalog): Promise<Figure[]> {
  const client = openClient(kubeconfig);
  try {
    const figures: Figure[] = [];
    const catalogs = [
      { name: `the built-in catalog (${builtIn.assets.length} assets)`, catalog: builtIn, bar: 10 },
      ...[20, 200].map((size) => ({
        name: `${size} synthetic assets`,
        catalog: syntheticCatalog(size),
        bar: undefined,
      })),
    ];
    for (const { name, catalog, bar } of catalogs) {
      await converge(client, catalog);
      const { snapshot } = await observe(client, catalog, plan, { images: {} });
      for (const nodes of [5, nodeCount]) {
        const crowded = withNodes(snapshot, nodes);
        const first = plan(catalog, crowded);
        const { questions } = first;
        if (questions.length > 0) throw new Error(`The plan still asks: ${questions.map(questionKey).join(', ')}`);
        figures.push({
          what: `re-planning ${name}, ${nodes} nodes`,
          value: timeOf(() => plan(catalog, crowded), 30),
          unit: 'ms',
          ...(nodes === nodeCount && bar !== undefined && { bar }),
          how: 'median of 30 plans in one process, after 30 to warm up; everything in sync, no questions; from scratch',
        });
        figures.push({
          what: `the same on the plan before, one object changed`,
          value: timeOf(() => plan(catalog, withAnotherObject(crowded, first), first), 30),
          unit: 'ms',
          how: 'as the controller plans',
        });
      }
    }
    return figures;
  } finally {
    client.close();
  }
}

/** The snapshot with one managed object read anew. */
function withAnotherObject(snapshot: Snapshot, { plan: { items } }: Planned): Snapshot {
  const ref = items.findLast(({ decision }) => decision === 'in-sync')?.target;
  if (ref === undefined) throw new Error('The plan keeps nothing');
  const key = questionKey({ ask: 'get', ref });
  const answer = snapshot.reads.get(key);
  if (answer === undefined) throw new Error(`The plan didn't look at ${key}`);
  return { ...snapshot, reads: new Map(snapshot.reads).set(key, { ...answer }) };
}

/** The snapshot with as many nodes, each with what a cache keeps of one. */
function withNodes(snapshot: Snapshot, count: number): Snapshot {
  const items = Array.from(
    { length: count },
    (_, index): KubernetesObject => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: `node-${index}`,
        labels: {
          'node-role.kubernetes.io/worker': '',
          'feature.node.kubernetes.io/pci-0300_1a03.present': 'true',
          'feature.node.kubernetes.io/memory-numa': 'true',
        },
      },
      status: { capacity: { cpu: '64', memory: '256Gi', 'devices.kubevirt.io/kvm': '1k' } },
    }),
  );
  const reads = new Map(snapshot.reads);
  reads.set(questionKey({ ask: 'list', apiVersion: 'v1', kind: 'Node' }), { answer: 'list', items });
  return { ...snapshot, reads };
}
