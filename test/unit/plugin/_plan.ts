import type { DecidedPlan } from '../../../plugin/input/observed.ts';
import type { Decision, PlanItem } from '../../../shared/engine/plan-item.ts';

/** An item as the engine decides it, with only what the test is about. */
export function item(asset: string, decision: Decision, more: Partial<Omit<PlanItem, keyof Decision>> = {}): PlanItem {
  return {
    type: 'asset',
    asset,
    features: [],
    target: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'somewhere', name: asset },
    overrides: [],
    why: 'because',
    steps: [],
    notes: [],
    ...more,
    ...decision,
  };
}

export const live = { uid: 'u', resourceVersion: '1' };

export function planOf(items: readonly PlanItem[], more: Partial<DecidedPlan> = {}): DecidedPlan {
  return {
    activation: { state: 'active' },
    hyperConverged: { apiVersion: 'hco.kubevirt.io/v1', namespace: 'openshift-cnv', name: 'kubevirt-hyperconverged' },
    unknown: [],
    warnings: [],
    items,
    ...more,
  };
}
