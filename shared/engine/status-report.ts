import type { ObjectRef } from '../api/object-ref.ts';
import type { Activation, DecisionWord, DriftedField, Override, Plan, PlanItem, Step } from './plan-item.ts';

/**
 * What `status -o json` prints and the controller's `/debug/plan` answers: stable, documented, the same as YAML.
 * `Controller` is what the teller knows of the controller.
 */
export type StatusReport<Controller> = {
  readonly apiVersion: 'virt-platform/v1';
  readonly kind: 'Status';
  readonly activation: Activation;
  readonly controller: Controller;
  /** How many items were decided so. */
  readonly summary: Partial<Record<DecisionWord, number>>;
  readonly items: readonly StatusItem[];
};

export type StatusItem = {
  readonly asset: string;
  /** The first of `features`. */
  readonly feature: string | null;
  readonly features: readonly string[];
  readonly group: string | null;
  readonly decision: DecisionWord;
  readonly target: ObjectRef;
  readonly overrides: readonly Override[];
  readonly why: string;
  readonly drift?: readonly { readonly [Field in keyof DriftedField]-?: Exclude<DriftedField[Field], undefined> }[];
  readonly steps: readonly Step[];
};

export function statusReport<Controller>(
  { activation }: Pick<Plan, 'activation'>,
  controller: Controller,
  items: readonly PlanItem[],
): StatusReport<Controller> {
  return {
    apiVersion: 'virt-platform/v1',
    kind: 'Status',
    activation,
    controller,
    summary: summaryOf(items),
    items: items.map(statusItem),
  };
}

/** One item as machines get it: what was decided, without the manifests. */
export function statusItem(item: PlanItem): StatusItem {
  const { asset, feature = null, features, group = null, decision, target, overrides, why, steps } = item;
  const drift = driftOf(item);
  return {
    asset,
    feature,
    features,
    group,
    decision,
    target,
    overrides,
    why,
    // Every key is always there: what is absent is null.
    ...(drift !== undefined && {
      drift: drift.map(({ pointer, live, desired, manager, time }) => ({
        pointer,
        live: live ?? null,
        desired: desired ?? null,
        manager,
        time,
      })),
    }),
    steps,
  };
}

/** The drifted fields, where the decision has them; values of Secrets are never shown. */
export function driftOf(item: PlanItem): readonly DriftedField[] | undefined {
  if (!('drift' in item)) return undefined;
  if (item.target.apiVersion !== 'v1' || item.target.kind !== 'Secret') return item.drift;
  return item.drift.map((field) =>
    /^\/(?:data|stringData)(?:\/|$)/.test(field.pointer) ? { ...field, live: '***', desired: '***' } : field,
  );
}

/** Counts by decision, in the order of {@link decisionOrder}. */
export function summaryOf(items: readonly PlanItem[]): Partial<Record<DecisionWord, number>> {
  const counts = Object.groupBy(items, ({ decision }) => decision);
  return Object.fromEntries(
    decisionOrder.flatMap((decision) => {
      const count = counts[decision]?.length ?? 0;
      return count === 0 ? [] : [[decision, count]];
    }),
  );
}

// What needs a look comes right after what is fine.
const decisionOrder: readonly DecisionWord[] = Object.keys({
  'in-sync': true,
  create: true,
  adopt: true,
  update: true,
  delete: true,
  rejected: true,
  'override-invalid': true,
  'exclusions-invalid': true,
  'condition-error': true,
  'render-failed': true,
  unreadable: true,
  paused: true,
  unverified: true,
  waiting: true,
  'missing-namespace': true,
  'missing-crd': true,
  unmanaged: true,
  excluded: true,
  'not-selected': true,
  'condition-unmet': true,
  empty: true,
  inactive: true,
  kept: true,
  'not-ours': true,
  gone: true,
} satisfies Record<DecisionWord, true>) as DecisionWord[];
