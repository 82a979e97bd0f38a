import { formatObjectRef } from '../../../shared/api/object-ref.ts';
import type { PlanItem } from '../../../shared/engine/plan-item.ts';
import { check, type Found } from '../finding.ts';
import { notCheckedBecause } from '../not-checked.ts';
import { smallestChangeOf } from '../smallest-change-of.ts';

export const objects = check({
  about: 'what is kept',
  finds: {
    paused: { severity: 'warning', means: 'an object is paused, since something kept changing it back' },
    rejected: { severity: 'error', means: 'the API server or a webhook refuses what would be applied' },
    'condition-error': { severity: 'error', means: "a condition of an asset can't be worked out" },
    'render-failed': { severity: 'error', means: "an asset can't be rendered" },
    'exclusions-invalid': {
      severity: 'error',
      means: "disabled-resources can't be read, so nothing is created or changed",
    },
    'namespace-missing': { severity: 'warning', means: "the namespace of something wanted isn't there" },
    waiting: { severity: 'info', means: 'something waits for what it depends on' },
  },
  run: (examined) => {
    const { plan, kubectl } = examined;
    const [first, ...others] = plan.items.filter(({ decision }) => decision === 'exclusions-invalid');
    const held =
      first === undefined
        ? []
        : [found('exclusions-invalid', first, examined)].map((one) => ({
            ...one,
            what: `${first.why}; this holds ${others.length + 1} objects`,
            where: formatObjectRef({
              kind: 'HyperConverged',
              ...plan.hyperConverged,
              name: plan.hyperConverged?.name ?? '',
            }),
          }));
    const unknown = Map.groupBy(
      plan.items.filter(({ decision }) => decision === 'unreadable' || decision === 'unverified'),
      ({ why }) => why,
    );
    return [
      ...held,
      ...plan.items.flatMap((item) => {
        const id = ids[item.decision];
        return id === undefined ? [] : [found(id, item, examined)];
      }),
      ...[...unknown].map(([why, items]) =>
        notCheckedBecause(items.map(({ asset }) => asset).join(', '), why, kubectl),
      ),
    ];
  },
});

type Id = 'paused' | 'rejected' | 'condition-error' | 'render-failed' | 'namespace-missing' | 'waiting';

const ids: Partial<Record<PlanItem['decision'], Id>> = {
  paused: 'paused',
  rejected: 'rejected',
  'condition-error': 'condition-error',
  'render-failed': 'render-failed',
  'missing-namespace': 'namespace-missing',
  waiting: 'waiting',
};

function found<Of extends Id | 'exclusions-invalid'>(
  id: Of,
  item: PlanItem,
  examined: Parameters<typeof smallestChangeOf>[1],
): Found<Of> {
  const { what, command } = smallestChangeOf(item, examined);
  return { id, what: `${item.asset}: ${item.why}`, where: formatObjectRef(item.target), fix: command, note: what };
}
