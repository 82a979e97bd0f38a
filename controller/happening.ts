import type { Plan, PlanItem } from '../shared/engine/plan-item.ts';
import type { Outcome } from '../shared/kube/perform.ts';

/**
 * What the controller tells of its work, for events, metrics, audit lines and logs. The loop hands each to its
 * listeners and goes on: a listener neither throws nor keeps it waiting.
 */
export type Happening =
  /** A finished plan (no open questions), with the one before it; states that began or ended show in their difference. */
  | {
      readonly happening: 'planned';
      readonly plan: Plan;
      readonly previous: Plan | undefined;
      readonly durationMs: number;
      /** Answers of the server that it needed: known from before, or asked for. */
      readonly verdicts?: { readonly hits: number; readonly misses: number };
    }
  /** One item was carried out, or was tried to. `durationMs` is the time of all its requests. */
  | { readonly happening: 'performed'; readonly item: PlanItem; readonly outcome: Outcome; readonly durationMs: number }
  /** An update was held back for one new live version, since the object changes too often. */
  | { readonly happening: 'throttled'; readonly item: PlanItem; readonly retryAfterMs: number }
  /** The object was paused, because of an edit war (`written` says whether the annotation could be set). */
  | {
      readonly happening: 'war';
      readonly item: PlanItem;
      readonly because: 'fast' | 'slow';
      /** The other manager, where managed fields tell. */
      readonly rival: string | null;
      readonly fields: readonly string[];
      readonly written: boolean;
    }
  /** Somebody removed the pause: all counters begin anew. */
  | { readonly happening: 'resumed'; readonly item: PlanItem }
  | { readonly happening: 'leading'; readonly isLeader: boolean }
  /** Something besides a single object went wrong, and is tried again: a watch, the Lease, a pass. */
  | { readonly happening: 'trouble'; readonly what: string; readonly error: unknown; readonly watchedKind?: string };

export type Listener = (happening: Happening) => void;
