import type { PatchOperation } from '../../shared/api/annotations.ts';
import { autopilotName } from '../../shared/api/names.ts';
import type { DriftedField, Override, PlanItem } from '../../shared/engine/plan-item.ts';
import { driftOf } from '../../shared/engine/status-report.ts';
import { applyUserPatch } from '../../shared/engine/user-patch.ts';
import { canIgnore } from '../output/can-ignore.ts';
import { cut } from '../output/display-width.ts';
import { formatAge } from '../output/format-age.ts';
import { pluginCommand } from '../output/plugin-command.ts';

export type Pause = Override & { readonly type: 'paused' };

export function pauseOf({ overrides }: PlanItem): Pause | undefined {
  return overrides.find((override) => override.type === 'paused');
}

/** Who fought over what, and since when. */
export function fightLines(item: PlanItem, now: Date): readonly string[] {
  const pause = pauseOf(item);
  if (pause === undefined) return [];
  const { pausedBy: { since, fields = [], manager } = {}, setBy } = pause;
  const time = since === undefined ? Number.NaN : Date.parse(since);
  const when = Number.isNaN(time) ? '' : ` since ${since} (${formatAge(new Date(time), now)} ago)`;
  const who =
    manager === undefined && fields.length === 0
      ? 'nothing says against whom'
      : `${manager ?? 'somebody'} kept changing ${fields.length === 0 ? 'it' : fields.join(', ')}`;
  const isOurs = setBy === autopilotName || setBy === undefined;
  return [
    `${item.asset} is paused${when}: ${who}`,
    ...(isOurs ? [] : [`  ${setBy ?? 'somebody unknown'} set the pause, not the controller`]),
  ];
}

/**
 * Between which values the fields go back and forth, and what would end that: as long as the other side goes on, the
 * object is paused again.
 *
 * @param after - the item as it is once it is resumed.
 */
export function peaceLines(item: PlanItem, after: PlanItem | undefined, kubectl: string): readonly string[] {
  const { pausedBy: { fields = [], manager } = {} } = pauseOf(item) ?? {};
  if (after === undefined) return [];
  const drift = driftOf(after) ?? [];
  const flips =
    fields.length === 0 ? drift : drift.filter(({ pointer }) => fields.some((field) => isAt(pointer, field)));
  const pointers = fields.length === 0 ? drift.map(({ pointer }) => pointer) : fields;
  if (pointers.length === 0) return [];
  const rival = manager ?? flips.find((flip) => flip.manager !== null)?.manager ?? 'the other side';
  const lines = [
    ...(flips.length === 0 ? [] : [`${item.asset} goes back and forth:`]),
    ...flips.map(
      ({ pointer, live, desired }) => `  ${pointer}: ${rival} sets ${shown(live)}, wanted is ${shown(desired)}`,
    ),
    `If ${rival} goes on, ${item.asset} will be paused again. What ends that:`,
    `  leave ${pointers.length === 1 ? 'the field' : 'the fields'} to ${rival}:`,
    `    ${peace(pointers, item, after, kubectl)}`,
  ];
  const patch = patchTo(flips, after);
  return patch === undefined
    ? lines
    : [
        ...lines,
        `  make ${flips.length === 1 ? 'its value' : 'its values'} yours:`,
        `    ${pluginCommand(['patch', item.asset, '-p', patch], kubectl)}`,
      ];
}

/** Where a field can't be left to others, only the whole object can. */
function peace(pointers: readonly string[], { asset }: PlanItem, after: PlanItem, kubectl: string): string {
  const onto = after.desired ?? after.baseline;
  return onto !== undefined && canIgnore(pointers, onto)
    ? pluginCommand(['ignore', asset, ...pointers], kubectl)
    : pluginCommand(['unmanage', asset], kubectl);
}

/** The patch that makes the live values the wanted ones, where one may. */
function patchTo(flips: readonly DriftedField[], { desired }: PlanItem): string | undefined {
  if (flips.length === 0 || desired === undefined) return undefined;
  const operations = flips.map(({ pointer, live, desired: wanted }): PatchOperation => {
    if (live === undefined) return { op: 'remove', path: pointer };
    return { op: wanted === undefined ? 'add' : 'replace', path: pointer, value: live as never };
  });
  return applyUserPatch(desired, operations).result === 'patched' ? JSON.stringify(operations) : undefined;
}

function isAt(pointer: string, field: string): boolean {
  return pointer === field || pointer.startsWith(`${field}/`) || field.startsWith(`${pointer}/`);
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : cut(JSON.stringify(value), 60);
}
