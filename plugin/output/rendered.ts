import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import type { DecisionWord, PlanItem } from '../../shared/engine/plan-item.ts';

/**
 * What an item's object should look like, for somebody who applies it by hand as the autopilot; `undefined` where it
 * isn't wanted or must not be written. With `baseline`: as it would be without the object's overrides, which then hold
 * nothing back either.
 */
export function manifestOf(
  item: PlanItem,
  { baseline = false }: { baseline?: boolean } = {},
): KubernetesObject | undefined {
  const { type, decision } = item;
  if (type !== 'asset') return undefined;
  if (baseline) return isWritten(decision) || isOverridden(decision) ? item.baseline : undefined;
  // The autopilot gives ignored fields up before it applies. kubectl doesn't, and without them would delete them.
  return isWritten(decision) ? (item.retained ?? item.desired) : undefined;
}

/** Whether a decision leaves the object ours to write, now or once what it waits for is there. */
function isWritten(decision: DecisionWord): boolean {
  return ['in-sync', 'create', 'adopt', 'update', 'rejected', 'unverified', 'waiting'].includes(decision);
}

/** Whether only the object's own annotations keep it from being written. */
function isOverridden(decision: DecisionWord): boolean {
  return ['paused', 'unmanaged', 'override-invalid'].includes(decision);
}

/** One line for each that somebody has to look at, and one that counts the others; with `all`, one for each. */
export function leftOutNotes(
  items: readonly PlanItem[],
  leftOut: readonly PlanItem[],
  { all }: { all: boolean },
): readonly string[] {
  const rejected = items.filter(({ decision }) => decision === 'rejected');
  const single = all ? leftOut : leftOut.filter(({ decision }) => needsSomebody.has(decision));
  const others = leftOut.filter((item) => !single.includes(item));
  const counts = Object.entries(Object.groupBy(others, ({ decision }) => decision)).map(
    ([decision, ofDecision]) => `${ofDecision.length} ${decision}`,
  );
  return [
    ...rejected.map(({ asset, why }) => `${asset} is printed, but the API server refuses it: ${why}`),
    ...single.map(({ asset, decision, why }) => `left out ${asset} (${decision}): ${why}`),
    ...(counts.length === 0 ? [] : [`left out ${others.length}: ${counts.join(', ')} (--show-excluded says why)`]),
  ];
}

const needsSomebody: ReadonlySet<DecisionWord> = new Set([
  'override-invalid',
  'exclusions-invalid',
  'render-failed',
  'condition-error',
  'unreadable',
  'missing-namespace',
  'paused',
  // Only where it couldn't even be rendered.
  'unverified',
]);
