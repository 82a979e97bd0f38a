import type { PlanItem } from './plan-item.ts';

/**
 * Whether nothing is left to do or to look at: what `status --check` goes by. What is drifted, missing, failed, paused,
 * invalid or couldn't be compared is not; what isn't wanted here, or is left to people on purpose, is.
 */
export function isAsWanted(item: PlanItem): boolean {
  switch (item.decision) {
    case 'in-sync':
    case 'inactive':
    case 'not-selected':
    case 'condition-unmet':
    case 'missing-crd':
    case 'empty':
    case 'excluded':
    case 'unmanaged':
    case 'gone':
    case 'not-ours':
    case 'kept':
      return true;
    case 'unverified':
      return item.locally === 'in-sync';
    case 'create':
    case 'adopt':
    case 'update':
    case 'delete':
    case 'rejected':
    case 'waiting':
    case 'paused':
    case 'unreadable':
    case 'missing-namespace':
    case 'condition-error':
    case 'render-failed':
    case 'override-invalid':
    case 'exclusions-invalid':
      return false;
    default:
      return item satisfies never;
  }
}
