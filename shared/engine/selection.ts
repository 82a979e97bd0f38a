import type { Catalog } from '../catalog/asset.ts';
import type { Activation } from './plan-item.ts';

/** Whether the autopilot is active for an entry, and why (not). */
export function selection(
  activation: Activation,
  { name, group }: { readonly name: string; readonly group?: string },
): { readonly selected: boolean; readonly detail: string } {
  switch (activation.state) {
    case 'active':
      return { selected: true, detail: 'the autopilot is active for everything' };
    case 'selected': {
      const by = [name, group].find((candidate) => candidate !== undefined && activation.names.includes(candidate));
      return by === undefined
        ? { selected: false, detail: `the autopilot is active for ${firstOf(activation.names)} only` }
        : { selected: true, detail: `the autopilot is active for ${by}` };
    }
    default:
      return { selected: false, detail: activation.why };
  }
}

/** What `autopilot` may name: assets, their groups, and tombstones. */
export function selectableNames({ assets, tombstones }: Catalog): ReadonlySet<string> {
  const ofAssets = assets.flatMap(({ name, group }) => (group === undefined ? [name] : [name, group]));
  return new Set([...ofAssets, ...tombstones.map(({ name }) => name)]);
}

function firstOf(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return `${names.slice(0, 5).join(', ')}${more}`;
}
