import { isHyperConverged } from '../api/names.ts';
import type { Asset, Catalog } from '../catalog/asset.ts';

export type OrderOfWork = {
  /** HyperConverged's golden configuration comes before everything. */
  readonly golden: readonly Asset[];
  /** Dependencies before their dependents, otherwise in the catalog's order. */
  readonly others: readonly Asset[];
};

/** The order in which a catalog's assets are decided about. */
export function orderOfWork(catalog: Catalog): OrderOfWork {
  const known = orders.get(catalog);
  if (known !== undefined) return known;
  const order = {
    golden: catalog.assets.filter(isHyperConvergedAsset),
    others: dependenciesFirst(catalog.assets.filter((asset) => !isHyperConvergedAsset(asset))),
  };
  orders.set(catalog, order);
  return order;
}

// A catalog never changes once it is loaded.
const orders = new WeakMap<Catalog, OrderOfWork>();

function dependenciesFirst(assets: readonly Asset[]): readonly Asset[] {
  const byName = new Map(assets.map((asset) => [asset.name, asset]));
  const sorted = new Set<Asset>();
  const visit = (asset: Asset) => {
    if (sorted.has(asset)) return;
    // A catalog's dependencies are acyclic, which is checked when it is loaded.
    for (const name of asset.dependsOn) {
      const dependency = byName.get(name);
      if (dependency !== undefined) visit(dependency);
    }
    sorted.add(asset);
  };
  // A namespace that the plan creates is an implicit dependency of what lives in it.
  for (const asset of assets) if (isNamespaceAsset(asset)) visit(asset);
  for (const asset of assets) visit(asset);
  return [...sorted];
}

/** Whether what it makes is a namespace. */
export function isNamespaceAsset({ target }: Asset): boolean {
  return target.kind === 'Namespace' && target.apiVersions.includes('v1');
}

function isHyperConvergedAsset({ target }: Asset): boolean {
  return target.apiVersions.some((apiVersion) => isHyperConverged({ apiVersion, kind: target.kind }));
}
