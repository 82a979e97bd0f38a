import type { PlanItem } from '../../shared/engine/plan-item.ts';

/** Whether the object is to be there, or to be deleted, in this cluster; whatever may stand in the way of that. */
export function isWanted({ decision }: PlanItem): boolean {
  return !unwanted.has(decision);
}

const unwanted: ReadonlySet<PlanItem['decision']> = new Set([
  'inactive',
  'not-selected',
  'condition-unmet',
  'condition-error',
  'missing-crd',
  'empty',
  'excluded',
  'gone',
  'not-ours',
  'kept',
]);
