import type { KubernetesObject } from '../../../shared/api/kubernetes-object.ts';
import type { Plan, PlanItem } from '../../../shared/engine/plan-item.ts';
import type { Clock } from '../../../shared/kube/clock.ts';

/** An active plan of these items. */
export function planOf(items: readonly PlanItem[], more: Partial<Plan> = {}): Plan {
  return {
    activation: { state: 'active' },
    hyperConverged: { apiVersion: 'hco.kubevirt.io/v1', namespace: 'kubevirt', name: 'hco' },
    unknown: [],
    warnings: [],
    items,
    ...more,
  };
}

/** An item about the ConfigMap `x/NAME`; what a decision carries besides is in `more`. */
export function item(asset: string, decision: PlanItem['decision'], more: Record<string, unknown> = {}): PlanItem {
  return {
    type: 'asset',
    asset,
    features: [],
    target: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'x', name: asset },
    overrides: [],
    why: `why ${asset} is ${decision}`,
    steps: [],
    notes: [],
    decision,
    ...more,
  } as unknown as PlanItem;
}

/** What the API server would answer to a write of the item. */
export function objectOf({ target }: PlanItem, metadata: Partial<KubernetesObject['metadata']> = {}): KubernetesObject {
  const { apiVersion, kind, namespace, name } = target;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      uid: `uid-${name}`,
      resourceVersion: '8',
      ...metadata,
    },
  };
}

export const live = { uid: 'uid', resourceVersion: '7' };

export function drifted(pointer: string, manager: string | null = 'kubectl-edit') {
  return { pointer, live: 1, desired: 2, manager, time: null };
}

/** Time that passes when a test says so; who sleeps wakes when it has. */
export function testClock() {
  let now = 0;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    date: () => Date.UTC(2026, 0, 1) + now,
    random: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        sleepers.push({ at: now + ms, wake: resolve });
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  };
  return {
    clock,
    pass: (ms: number) => {
      now += ms;
      for (const { wake } of sleepers.filter(({ at }) => at <= now)) wake();
      sleepers = sleepers.filter(({ at }) => at > now);
    },
  };
}
