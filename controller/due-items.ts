import { isHyperConverged } from '../shared/api/names.ts';
import { formatObjectRef } from '../shared/api/object-ref.ts';
import type { Catalog } from '../shared/catalog/asset.ts';
import type { Plan, PlanItem } from '../shared/engine/plan-item.ts';
import type { DryRunQuestion } from '../shared/engine/snapshot.ts';

export type DueItems = {
  /** HyperConverged's own: everything else follows from it. */
  readonly golden: readonly PlanItem[];
  /** The others, in their order. */
  readonly others: readonly PlanItem[];
};

/** What a plan asks to write, without what hangs on a dry run that isn't answered yet. */
export function dueItems({ items }: Plan, open: readonly DryRunQuestion[], { assets }: Catalog): DueItems {
  const due = items.filter(isWrite);
  const unsure = new Set<string>();
  if (open.length > 0) {
    const targets = new Set(open.map(({ ref }) => formatObjectRef(ref)));
    for (const { asset, target } of items) if (targets.has(formatObjectRef(target))) unsure.add(asset);
    for (let before = -1; before < unsure.size; ) {
      before = unsure.size;
      for (const { name, dependsOn } of assets) if (dependsOn.some((other) => unsure.has(other))) unsure.add(name);
    }
  }
  return {
    golden: due.filter(({ target }) => isHyperConverged(target)),
    others: due.filter(({ target, asset }) => !isHyperConverged(target) && !unsure.has(asset)),
  };
}

function isWrite({ decision }: PlanItem): boolean {
  return decision === 'create' || decision === 'adopt' || decision === 'update' || decision === 'delete';
}
