import type { Catalog } from '../../shared/catalog/asset.ts';
import { loadCatalog } from '../../shared/catalog/load-catalog.ts';
import { readCatalogFiles } from '../../shared/catalog/read-catalog-files.ts';
import { plan } from '../../shared/engine/plan.ts';
import type { Plan, PlanItem } from '../../shared/engine/plan-item.ts';
import { type Cluster as Client, openCluster } from '../../shared/kube/client.ts';
import { loadKubeconfig } from '../../shared/kube/kubeconfig.ts';
import { observe } from '../../shared/kube/observe.ts';
import { type Outcome, perform } from '../../shared/kube/perform.ts';

/** The project's own catalog. */
export async function builtInCatalog(): Promise<Catalog> {
  return loadCatalog(await readCatalogFiles(new URL('../../assets', import.meta.url).pathname));
}

/** A catalog of the given files, by path. */
export function catalogOf(files: Readonly<Record<string, string>>): Catalog {
  return loadCatalog(Object.entries(files).map(([path, text]) => ({ path, content: new TextEncoder().encode(text) })));
}

/** The client that the programs use, as the owner of a kubeconfig. */
export function openClient(kubeconfig: string): Client {
  return openCluster(loadKubeconfig({ env: {}, kubeconfig }), { userAgent: 'virt-platform-test' });
}

export async function planNow(client: Client, catalog: Catalog): Promise<Plan> {
  return (await observe(client, catalog, plan, { images: {} })).plan;
}

export function itemOf({ items }: Plan, asset: string): PlanItem {
  const found = items.find((item) => item.asset === asset);
  if (found === undefined)
    throw new Error(`The plan has no ${asset}, but ${items.map((item) => item.asset).join(', ')}`);
  return found;
}

/**
 * Plans and carries out, again and again, until a plan asks for no write; that plan, and what was done. A plan that
 * always asks for more, or an outcome that failed, is an error.
 */
export async function converge(client: Client, catalog: Catalog): Promise<{ plan: Plan; outcomes: Outcome[] }> {
  const outcomes: Outcome[] = [];
  for (let round = 0; round < 8; round++) {
    const decided = await planNow(client, catalog);
    let writes = 0;
    for (const item of decided.items) {
      const outcome = await perform(client, item);
      if (outcome.result === 'failed')
        throw new Error(`${item.asset}: ${outcome.error.message}`, { cause: outcome.error });
      if (outcome.result !== 'nothing') writes++;
      if (outcome.result !== 'nothing') outcomes.push(outcome);
    }
    if (writes === 0) return { plan: decided, outcomes };
  }
  const last = await planNow(client, catalog);
  const open = last.items.filter(({ decision }) => ['create', 'adopt', 'update', 'delete'].includes(decision));
  throw new Error(
    `It doesn't converge: ${open.map(({ asset, decision, why }) => `${asset}: ${decision}, ${why}`).join('\n')}`,
  );
}
