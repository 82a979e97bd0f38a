import { annotation, clusterAnnotation } from '../shared/api/annotations.ts';
import type { KubernetesObject } from '../shared/api/kubernetes-object.ts';
import { autopilotName } from '../shared/api/names.ts';
import { formatObjectRef, type ObjectRef } from '../shared/api/object-ref.ts';
import { isNoteKey } from '../shared/api/override-note.ts';
import { managerOf } from '../shared/engine/field-managers.ts';
import { equalJson } from '../shared/engine/json.ts';
import type { DriftedField, Override, Plan, PlanItem } from '../shared/engine/plan-item.ts';
import type { Outcome } from '../shared/kube/perform.ts';
import type { Happening } from './happening.ts';
import { isUnwanted, type LastingDecision, type LastingState, type StateChange } from './state-changes.ts';
import { StateTracker } from './state-tracker.ts';

/** The stable reasons of our events, as documented. */
export type EventReason =
  | 'AssetApplied'
  | 'AssetSkipped'
  | 'ApplyFailed'
  | 'DriftDetected'
  | 'DriftCorrected'
  | 'PatchApplied'
  | 'InvalidPatch'
  | 'InvalidIgnoreFields'
  | 'InvalidExclusions'
  | 'InvalidOverrideNote'
  | 'OverrideExpired'
  | 'Throttled'
  | 'ThrashingDetected'
  | 'ReconciliationResumed'
  | 'CRDMissing'
  | 'CRDDiscovered'
  | 'UnmanagedMode'
  | 'RenderFailed'
  | 'ConditionFailed'
  | 'HardwareDetectionFailed'
  | 'NotReady'
  | 'TombstoneDeleted'
  | 'TombstoneSkipped'
  | 'TombstoneFailed'
  | 'ReconcileSucceeded';

/** An event before it is about a HyperConverged and has a time. */
export type EventDraft = {
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  /** What was done or tried, for machines. Never with names in it: by it, equal events become a series. */
  readonly action: string;
  readonly note: string;
  /** The object that it is about; absent when it is about HyperConverged alone. */
  readonly related?: ObjectRef & { readonly uid?: string };
  /** Counts in a series that is under way, and begins none: it was told before. */
  readonly isRepetition?: true;
};

export type EventWordsOptions = {
  /** Nothing is written: drift is told when it is seen, not when it is healed. Default false. */
  readonly observe?: boolean;
  /** After how long an asset's dependents may complain that it isn't ready, in milliseconds. Default 15 minutes. */
  readonly readyTimeoutMs?: (asset: string) => number | undefined;
  /** Whether an asset keeps what warns people (alerts, remediation): deviations of such are warnings. Default: none does. */
  readonly protects?: (asset: string) => boolean;
};

/** Says what happens in the words of events: once when something begins, once when it ends, never on every pass. */
export class EventWords {
  readonly #options: EventWordsOptions;
  readonly #tracker = new StateTracker();
  /** What an object should be, as of when it last was: tells a heal from a change of our own mind. */
  readonly #wanted = new Map<string, KubernetesObject>();
  /** Patches that are in the plan and not yet on the object. */
  readonly #newPatches = new Set<string>();
  readonly #failing = new Set<string>();
  readonly #atWar = new Set<string>();
  readonly #waiting = new Map<string, { readonly since: number; isTold: boolean }>();

  constructor(options: EventWordsOptions = {}) {
    this.#options = options;
  }

  /** The last plan that said something. */
  get plan(): Plan | undefined {
    return this.#tracker.plan;
  }

  /** `now` is monotonic, in milliseconds. */
  of(happening: Happening, now: number): readonly EventDraft[] {
    switch (happening.happening) {
      case 'planned':
        return [...this.#planned(happening.plan, now)];
      case 'performed':
        return this.#performed(happening.item, happening.outcome);
      case 'throttled':
        return [throttled(happening.item, happening.retryAfterMs)];
      case 'war': {
        const key = keyOf(happening.item);
        if (this.#atWar.has(key)) return [];
        this.#atWar.add(key);
        return [war(happening)];
      }
      case 'resumed':
        this.#atWar.delete(keyOf(happening.item));
        return [resumed(happening.item, 'is not paused any more')];
      case 'leading':
      case 'trouble':
        return [];
      default:
        return happening satisfies never;
    }
  }

  *#planned(plan: Plan, now: number): Generator<EventDraft> {
    const { changes, isSettled } = this.#tracker.next(plan);
    for (const change of changes) yield* this.#changed(change);
    for (const item of plan.items) {
      const key = keyOf(item);
      if (item.decision === 'in-sync') {
        if (item.desired !== undefined) this.#wanted.set(key, item.desired);
        this.#newPatches.delete(key);
        if (this.#failing.delete(key)) yield resumed(item, 'is as wanted again');
      }
      yield* this.#notReady(item, now);
    }
    if (isSettled) {
      const count = plan.items.filter(({ decision }) => decision === 'in-sync').length;
      yield {
        type: 'Normal',
        reason: 'ReconcileSucceeded',
        action: 'Reconcile',
        note: `everything is as wanted: ${count} objects in sync`,
      };
    }
  }

  *#changed(change: StateChange): Generator<EventDraft> {
    switch (change.change) {
      case 'began':
      case 'changed':
        yield* this.#began(change.state);
        return;
      case 'ended':
        yield* ended(change.state, change.now);
        return;
      case 'left':
        yield skipped(change.item, 'Normal', 'LeaveObject', `isn't wanted any more, and stays as it is`);
        return;
      case 'activation':
        if (change.to.state === 'inactive' || change.to.state === 'ambiguous') {
          const note = `the autopilot is not active any more, and everything stays as it is: ${change.to.why}`;
          yield { type: 'Normal', reason: 'AssetSkipped', action: 'Deactivate', note };
        }
        return;
      default:
        return change satisfies never;
    }
  }

  *#began(state: LastingState): Generator<EventDraft> {
    switch (state.state) {
      case 'patched': {
        const { item } = state;
        // Told when it is on the object, which it may be already.
        if (item.decision === 'in-sync') yield this.#deviation(item, patchApplied(item, undefined));
        else this.#newPatches.add(keyOf(item));
        return;
      }
      case 'ignored': {
        const { item, pointers } = state;
        const isAll = item.overrides.some(({ type }) => type === 'unmanaged');
        // Of what is set in the open and harms nobody, the log and the metrics tell.
        if (!isAll && !this.#protects(item)) return;
        const what = `has fields that are left to others: ${listed(pointers)}`;
        yield this.#deviation(item, about(item, 'Normal', 'UnmanagedMode', 'LeaveFields', what));
        return;
      }
      case 'rewritten':
        return;
      case 'expired': {
        const { item, override, until, reason } = state;
        const why = reason === undefined ? '' : ` (${reason})`;
        const what = `was to be ${overrideWords[override]} until ${until}${why}, and still is: prolong it, or take it away`;
        yield about(item, 'Warning', 'OverrideExpired', 'ReviewOverride', what);
        return;
      }
      case 'missing-crd': {
        const assets = state.items.map(({ asset }) => asset).join(', ');
        yield {
          type: 'Warning',
          reason: 'CRDMissing',
          action: 'WaitForCRD',
          note: `the CRD ${state.crd} isn't installed, and these assets need it: ${assets}. Install the operator that brings it, or stop asking for them`,
          related: crdRef(state.crd),
        };
        return;
      }
      case 'unknown-fact':
        yield {
          type: 'Warning',
          reason: 'HardwareDetectionFailed',
          action: 'DetectFacts',
          note: `${state.fact} can't be known, and what depends on it stays as it is: ${state.why}`,
        };
        return;
      case 'exclusions-invalid':
        yield {
          type: 'Warning',
          reason: 'InvalidExclusions',
          action: 'HoldAll',
          note: `nothing is created or changed until it is fixed: ${state.message}`,
        };
        return;
      case 'warning': {
        const isExclusion = state.message.startsWith(clusterAnnotation.disabledResources);
        const reason = isExclusion ? 'InvalidExclusions' : 'AssetSkipped';
        yield { type: 'Warning', reason, action: 'ReadAnnotations', note: state.message };
        return;
      }
      case 'invalid-annotation':
        yield invalidAnnotation(state.item, state.annotation, state.message);
        return;
      default:
        yield* this.#decided(state.state, state.item);
    }
  }

  *#decided(decision: LastingDecision, item: PlanItem): Generator<EventDraft> {
    switch (decision) {
      case 'condition-error':
        yield about(item, 'Warning', 'ConditionFailed', 'EvaluateConditions', `a condition fails: ${item.why}`);
        return;
      case 'render-failed':
        yield about(item, 'Warning', 'RenderFailed', 'Render', `can't be rendered: ${item.why}`);
        return;
      case 'excluded':
        yield this.#deviation(
          item,
          skipped(item, 'Normal', 'LeaveObject', 'is excluded, and neither created nor changed'),
        );
        return;
      case 'missing-namespace':
        yield skipped(item, 'Normal', 'WaitForNamespace', "can't be created yet");
        return;
      case 'unreadable': {
        const reason = item.type === 'tombstone' ? 'TombstoneFailed' : 'ApplyFailed';
        yield about(item, 'Warning', reason, 'Read', `can't be read: ${item.why}`);
        return;
      }
      case 'unverified': {
        const reason = item.type === 'tombstone' ? 'TombstoneFailed' : 'ApplyFailed';
        yield about(item, 'Warning', reason, 'Compare', `can't be compared: ${item.why}`);
        return;
      }
      case 'rejected':
        yield about(item, 'Warning', 'ApplyFailed', 'Compare', `is refused by the API server: ${item.why}`);
        return;
      case 'unmanaged':
        yield this.#deviation(
          item,
          about(item, 'Normal', 'UnmanagedMode', 'LeaveObject', `is left alone: ${item.why}`),
        );
        return;
      case 'paused':
        // Our own pause was told as the edit war that it ended.
        if (!this.#atWar.has(keyOf(item))) {
          const pause = item.overrides.find((override) => override.type === 'paused');
          const who = pause?.setBy ? `, by ${pause.setBy}` : '';
          yield skipped(item, 'Warning', 'LeaveObject', `was found paused${who}, and its drift stays`);
        }
        return;
      case 'not-ours':
      case 'kept':
        yield about(item, 'Normal', 'TombstoneSkipped', 'LeaveObject', `is obsolete and isn't deleted: ${item.why}`);
        return;
      case 'update':
        if (this.#options.observe === true && 'drift' in item) yield driftDetected(item, item.drift);
        return;
      case 'waiting':
        return;
      default:
        return decision satisfies never;
    }
  }

  /** Who waits is told of only when it takes too long: for a moment, everything waits. */
  *#notReady(item: PlanItem, now: number): Generator<EventDraft> {
    const key = keyOf(item);
    const waiting = this.#waiting.get(key);
    if (item.decision !== 'waiting') {
      this.#waiting.delete(key);
      if (waiting?.isTold) yield resumed(item, "doesn't wait any more");
      return;
    }
    if (waiting === undefined) {
      this.#waiting.set(key, { since: now, isTold: false });
      return;
    }
    const limits = item.for.map((asset) => this.#options.readyTimeoutMs?.(asset) ?? defaultReadyTimeoutMs);
    if (waiting.isTold || now - waiting.since < Math.max(...limits)) return;
    waiting.isTold = true;
    const minutes = Math.round((now - waiting.since) / 60_000);
    yield about(item, 'Warning', 'NotReady', 'WaitForDependencies', `has waited for ${minutes} minutes: ${item.why}`);
  }

  #performed(item: PlanItem, outcome: Outcome): readonly EventDraft[] {
    const key = keyOf(item);
    switch (outcome.result) {
      case 'created':
        this.#isAsWanted(item);
        return [about(item, 'Normal', 'AssetApplied', 'Create', 'was created', outcome.object)];
      case 'configured': {
        const wanted = this.#wanted.get(key);
        const hasNewPatch = this.#newPatches.has(key);
        this.#isAsWanted(item);
        if (item.decision === 'adopt') return [adopted(item, outcome.drift, outcome.object)];
        if (hasNewPatch) return [this.#deviation(item, patchApplied(item, outcome.object))];
        if (outcome.drift.length === 0) return [];
        if (isOwnChange(item, wanted, outcome.drift)) {
          const what = `was brought to a changed baseline: ${listed(outcome.drift.map(({ pointer }) => pointer))}`;
          return [about(item, 'Normal', 'AssetApplied', 'Update', what, outcome.object)];
        }
        return [driftDetected(item, outcome.drift), driftCorrected(item, outcome.drift, outcome.object)];
      }
      case 'deleted':
        this.#failing.delete(key);
        return [about(item, 'Normal', 'TombstoneDeleted', 'Delete', 'was obsolete, and has been deleted')];
      case 'failed': {
        const isNews = !this.#failing.has(key);
        this.#failing.add(key);
        const [reason, action] =
          item.decision === 'delete' ? (['TombstoneFailed', 'Delete'] as const) : (['ApplyFailed', 'Apply'] as const);
        const draft = about(item, 'Warning', reason, action, `couldn't be written: ${outcome.error.message}`);
        return [isNews ? draft : { ...draft, isRepetition: true }];
      }
      case 'nothing':
      case 'unchanged':
      case 'conflict':
        return [];
      default:
        return outcome satisfies never;
    }
  }

  #protects({ type, asset }: PlanItem): boolean {
    return type === 'asset' && this.#options.protects?.(asset) === true;
  }

  /** Switching off what warns people is worth a warning itself. */
  #deviation(item: PlanItem, draft: EventDraft): EventDraft {
    if (!this.#protects(item)) return draft;
    return { ...draft, type: 'Warning', note: `it protects this platform, and is customised: ${draft.note}` };
  }

  #isAsWanted(item: PlanItem): void {
    const key = keyOf(item);
    this.#failing.delete(key);
    this.#newPatches.delete(key);
    this.#atWar.delete(key);
    if (item.desired !== undefined) this.#wanted.set(key, item.desired);
  }
}

/** Whether it differs because we want something else now, and not because somebody changed it. */
function isOwnChange(
  { desired }: PlanItem,
  wanted: KubernetesObject | undefined,
  drift: readonly DriftedField[],
): boolean {
  if (wanted !== undefined && desired !== undefined) return !equalJson(wanted, desired);
  // After a restart, perhaps with another catalog: what we set last, nobody has changed since.
  const isOurs = ({ manager }: DriftedField) => manager === autopilotName;
  return drift.some(isOurs) && drift.every((field) => isOurs(field) || field.live === undefined);
}

function* ended(state: LastingState, now: readonly PlanItem[]): Generator<EventDraft> {
  switch (state.state) {
    case 'missing-crd': {
      // Nobody asking for it any more is no discovery.
      const isThere = now.some(({ steps }) => steps.some(({ step, passed }) => step === 'crds' && passed));
      const stillMissing = now.some((item) => item.decision === 'missing-crd');
      if (!isThere && !stillMissing) return;
      const assets = now.map(({ asset }) => asset).join(', ');
      yield {
        type: 'Normal',
        reason: 'CRDDiscovered',
        action: 'WaitForCRD',
        note: `the CRD ${state.crd} is installed now, for ${assets}`,
        related: crdRef(state.crd),
      };
      return;
    }
    case 'unknown-fact':
      yield {
        type: 'Normal',
        reason: 'ReconciliationResumed',
        action: 'DetectFacts',
        note: `${state.fact} is known again`,
      };
      return;
    case 'exclusions-invalid':
      yield {
        type: 'Normal',
        reason: 'ReconciliationResumed',
        action: 'HoldAll',
        note: 'disabled-resources is valid again, and objects are kept again',
      };
      return;
    case 'warning':
    case 'patched':
    case 'ignored':
    case 'rewritten':
    case 'expired':
    case 'update':
    case 'waiting':
    case 'paused':
    case 'not-ours':
    case 'kept':
      // Told in other words, or by what follows: a heal, the end of a pause, a deletion.
      return;
    case 'invalid-annotation':
    case 'condition-error':
    case 'render-failed':
    case 'excluded':
    case 'unreadable':
    case 'unmanaged':
    case 'missing-namespace':
    case 'rejected':
    case 'unverified': {
      const [item] = now;
      // A note holds nothing, so that nothing goes on without it.
      if (state.state === 'invalid-annotation' && isNoteKey(state.annotation)) return;
      if (item !== undefined && isKeptAgain(item)) yield resumed(item, endOf[state.state]);
      return;
    }
    default:
      return state satisfies never;
  }
}

const endOf = {
  'invalid-annotation': 'is not held any more',
  'condition-error': 'has conditions that can be told again',
  'render-failed': 'can be rendered again',
  excluded: 'is not excluded any more',
  unreadable: 'can be read again',
  unmanaged: 'is managed again',
  'missing-namespace': 'has its namespace now',
  rejected: 'is not refused any more',
  unverified: 'can be compared again',
} as const;

/** Neither unwanted now, nor in another state that has been told of. */
function isKeptAgain(item: PlanItem): boolean {
  if (item.type === 'tombstone' || isUnwanted(item)) return false;
  const { decision } = item;
  return (
    decision === 'in-sync' ||
    decision === 'create' ||
    decision === 'adopt' ||
    decision === 'update' ||
    decision === 'waiting'
  );
}

function about(
  item: PlanItem,
  type: EventDraft['type'],
  reason: EventReason,
  action: string,
  what: string,
  object?: KubernetesObject,
): EventDraft {
  return { type, reason, action, note: `${formatObjectRef(item.target)} ${what}`, related: relatedOf(item, object) };
}

function skipped(item: PlanItem, type: EventDraft['type'], action: string, what: string): EventDraft {
  return about(item, type, 'AssetSkipped', action, `${what}: ${item.why}`);
}

function resumed(item: PlanItem, what: string): EventDraft {
  return about(item, 'Normal', 'ReconciliationResumed', 'Resume', what);
}

function throttled(item: PlanItem, retryAfterMs: number): EventDraft {
  const seconds = Math.ceil(retryAfterMs / 1000);
  return about(item, 'Warning', 'Throttled', 'Update', `changes too often; it is put right in ${seconds} s`);
}

function war({ item, because, rival, fields, written }: Happening & { readonly happening: 'war' }): EventDraft {
  const who = rival ?? 'somebody whom managed fields do not name';
  const speed = because === 'fast' ? 'again and again' : 'slowly, but again and again';
  const end = written
    ? `Its drift stays until the annotation ${annotation.reconcilePaused} is removed`
    : 'It could not be paused, and is put right ever more rarely';
  const what = `is changed ${speed} by ${who}: ${listed(fields) || 'the whole object'}. ${end}`;
  return about(item, 'Warning', 'ThrashingDetected', 'Pause', what);
}

function invalidAnnotation(item: PlanItem, key: string, message: string): EventDraft {
  if (isNoteKey(key)) {
    const what = `has an override that counts, with a note that can't be read: ${message}`;
    return about(item, 'Warning', 'InvalidOverrideNote', 'ReadAnnotations', what);
  }
  const reason =
    key === annotation.patch
      ? 'InvalidPatch'
      : key === annotation.ignoreFields
        ? 'InvalidIgnoreFields'
        : // Held for a mode or a key that we don't know.
          'AssetSkipped';
  return about(item, 'Warning', reason, 'Hold', `is held as it is: ${message}`);
}

function patchApplied(item: PlanItem, object: KubernetesObject | undefined): EventDraft {
  const patch = item.overrides.find((override) => override.type === 'patch');
  const author = object === undefined ? null : patchAuthorOf(object);
  const by = author === null ? '' : `, set by ${author},`;
  const what = `has a patch${by} in effect: ${listed(patch?.pointers ?? [])}`;
  return about(item, 'Normal', 'PatchApplied', 'Patch', what, object);
}

/** Who set the patch annotation, as far as managed fields tell. */
export function patchAuthorOf(object: KubernetesObject): string | null {
  return managerOf(['metadata', 'annotations', annotation.patch], object);
}

function adopted(item: PlanItem, drift: readonly DriftedField[], object: KubernetesObject): EventDraft {
  const lost = drift.filter(({ live }) => live !== undefined).map(describeField);
  const what = lost.length === 0 ? 'nothing of it was lost' : `these values gave way: ${listed(lost)}`;
  return about(item, 'Normal', 'AssetApplied', 'Adopt', `existed before and was adopted; ${what}`, object);
}

function driftDetected(item: PlanItem, drift: readonly DriftedField[]): EventDraft {
  return about(item, 'Warning', 'DriftDetected', 'Compare', `has drifted: ${listed(drift.map(describeField))}`);
}

function driftCorrected(item: PlanItem, drift: readonly DriftedField[], object: KubernetesObject): EventDraft {
  const what = `was put right: ${listed(drift.map(({ pointer }) => pointer))}`;
  return about(item, 'Normal', 'DriftCorrected', 'Update', what, object);
}

function describeField({ pointer, live, manager }: DriftedField): string {
  if (manager !== null) return `${pointer} (set by ${manager})`;
  return live === undefined ? `${pointer} (removed)` : pointer;
}

/** As many as one can read. */
function listed(words: readonly string[]): string {
  const most = 8;
  const more = words.length > most ? ` and ${words.length - most} more` : '';
  return `${words.slice(0, most).join(', ')}${more}`;
}

function relatedOf(item: PlanItem, object: KubernetesObject | undefined): ObjectRef & { readonly uid?: string } {
  const uid = object?.metadata.uid ?? ('live' in item ? item.live.uid : undefined);
  return { ...item.target, ...(uid !== undefined && uid !== '' && { uid }) };
}

function crdRef(name: string): ObjectRef {
  return { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name };
}

function keyOf({ type, target }: PlanItem): string {
  return `${type} ${formatObjectRef(target)}`;
}

const overrideWords: Readonly<Record<Override['type'], string>> = {
  patch: 'patched',
  ignore: 'left to others in part',
  unmanaged: 'unmanaged',
  excluded: 'excluded',
  paused: 'paused',
  invalid: 'held',
};

const defaultReadyTimeoutMs = 15 * 60_000;
