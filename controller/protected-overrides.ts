import type { Catalog } from '../shared/catalog/asset.ts';
import type { Override, Plan, PlanItem } from '../shared/engine/plan-item.ts';

/** One deviation on an object whose absence or change hides trouble from people (alerts, metrics, remediation). */
export type ProtectedOverride = { readonly item: PlanItem; readonly type: Override['type'] };

/** The deviations on assets that the catalog calls `protects`, each kind of them once an object. */
export function protectedOverrides({ items }: Plan, { assets }: Catalog): readonly ProtectedOverride[] {
  const protecting = new Set(assets.filter(({ protects }) => protects).map(({ name }) => name));
  return items
    .filter(({ type, asset }) => type === 'asset' && protecting.has(asset))
    .flatMap((item) => [...new Set(item.overrides.map(({ type }) => type))].map((type) => ({ item, type })));
}
