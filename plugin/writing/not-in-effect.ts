import type { PlanItem } from '../../shared/engine/plan-item.ts';

/**
 * That what is written has no effect on an object for the time being, and until when.
 *
 * @param item - of the plan for afterwards.
 * @param what - names what is written: `the patch`.
 * @returns undefined where it has an effect.
 */
export function notInEffect({ asset, decision, why }: PlanItem, what: string): string | undefined {
  const waits = `${asset} is ${decision}: ${what} is written, and has no effect until`;
  switch (decision) {
    case 'unmanaged':
      return `${waits} "manage ${asset}" gives the object back`;
    case 'paused':
      return `${waits} "unpause ${asset}" resumes it`;
    case 'excluded':
      return `${waits} no rule of disabled-resources covers it`;
    case 'inactive':
    case 'not-selected':
    case 'condition-unmet':
    case 'condition-error':
    case 'missing-crd':
    case 'empty':
    case 'render-failed':
    case 'override-invalid':
    case 'exclusions-invalid':
    case 'waiting':
    case 'missing-namespace':
      return `${waits} that is over: ${why}`;
    default:
      return undefined;
  }
}
