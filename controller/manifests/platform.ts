import type { Catalog, TopologyFacts } from '../../shared/catalog/asset.ts';

/** What a cluster is, as an overlay knows it. */
export type Platform = 'openshift' | 'kubernetes';

/** The catalog without the assets that a platform never wants, whatever else is true of a cluster of it. */
export function catalogFor(catalog: Catalog, platform: Platform): Catalog {
  const topology: Pick<TopologyFacts, 'isOpenShift'> = { isOpenShift: platform === 'openshift' };
  const assets = catalog.assets.filter(
    ({ when }) =>
      !when.some(
        ({ uses, evaluate }) =>
          uses.length > 0 &&
          uses.every((use) => use === 'topology.isOpenShift') &&
          evaluate({ topology }).result === 'unmet',
      ),
  );
  return { ...catalog, assets };
}
