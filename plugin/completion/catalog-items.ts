import type { Catalog } from '../../shared/catalog/asset.ts';
import { plan } from '../../shared/engine/plan.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import { snapshotFromObjects } from '../../shared/engine/snapshot-from-objects.ts';
import type { Arguments } from '../arguments.ts';
import type { Environment } from '../environment.ts';
import { catalogOf } from '../input/catalog.ts';

/** A catalog, and its items undecided, but named. */
export type CatalogItems = { readonly catalog: Catalog; readonly items: readonly PlanItem[] };

/**
 * What the catalog that was asked for has, with nothing known of a cluster. Targets beside HyperConverged are in the
 * namespace of `-n`, or else the usual one.
 *
 * @throws UserError for a catalog that can't be used
 */
export async function catalogItems(given: Arguments, environment: Environment): Promise<CatalogItems> {
  const catalog = await catalogOf(given, environment);
  return { catalog, items: itemsOf(catalog, given.text('namespace')) };
}

/** The items with HyperConverged in `namespace`. */
export function itemsOf(catalog: Catalog, namespace: string | undefined): readonly PlanItem[] {
  return plan(catalog, snapshotFromObjects([], namespace === undefined ? {} : { namespace })).plan.items;
}
