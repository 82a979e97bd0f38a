import { isAsWanted } from '../shared/engine/is-as-wanted.ts';
import type { Plan } from '../shared/engine/plan-item.ts';
import { isActive, type StateChange, stateChanges } from './state-changes.ts';

/** What a plan changes for those who listen. */
export type Tracked = {
  readonly changes: readonly StateChange[];
  /** True once when everything has become as wanted. A heal is no such news: it has its own words. */
  readonly isSettled: boolean;
};

/**
 * Follows plan after plan and says what is news. A plan that couldn't look (its activation is `unknown`) says nothing:
 * the last one that did stands.
 */
export class StateTracker {
  #last: Plan | undefined;
  #isUnsettled = true;

  /** The last plan that said something. */
  get plan(): Plan | undefined {
    return this.#last;
  }

  next(plan: Plan): Tracked {
    if (plan.activation.state === 'unknown') return { changes: [], isSettled: false };
    const changes = stateChanges(this.#last, plan);
    this.#last = plan;
    const isSettled = isActive(plan) && plan.items.every(isAsWanted);
    const isNews = isSettled && this.#isUnsettled;
    const isHealing = plan.items.every((item) => item.decision === 'update' || isAsWanted(item));
    if (isSettled) this.#isUnsettled = false;
    else if (!isActive(plan) || !isHealing) this.#isUnsettled = true;
    return { changes, isSettled: isNews };
  }
}
