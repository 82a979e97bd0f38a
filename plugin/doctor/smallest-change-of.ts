import type { PlanItem } from '../../shared/engine/plan-item.ts';
import type { DecidedPlan } from '../input/observed.ts';
import { pluginCommand } from '../output/plugin-command.ts';
import { smallestChange } from '../output/smallest-change.ts';
import type { Examined } from './finding.ts';

/** What `explain` says would change a decision; without a command, that of `explain` itself. */
export function smallestChangeOf(
  item: PlanItem,
  { plan, catalog, kubectl }: Examined,
): { readonly what: string; readonly command: string } {
  const requires = catalog.features.find(({ name }) => name === item.feature)?.requires;
  // Only a plan with its HyperConverged decides about items.
  const { what, command } = smallestChange(item, plan as DecidedPlan, { kubectl, ...(requires && { requires }) });
  return { what, command: command ?? pluginCommand(['explain', item.asset], kubectl) };
}
