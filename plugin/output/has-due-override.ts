import type { PlanItem } from '../../shared/engine/plan-item.ts';

/** Whether an override is to be looked at: past its date, or with a note that can't be read. Neither ends it. */
export function hasDueOverride({ overrides }: PlanItem): boolean {
  return overrides.some(
    (override) => override.type === 'invalid' || ('expired' in override && override.expired === true),
  );
}
