import { clusterAnnotation } from '../shared/api/annotations.ts';
import { parsePointer } from '../shared/api/json-pointer.ts';
import { formatObjectRef } from '../shared/api/object-ref.ts';
import type { Activation, Override, Plan, PlanItem } from '../shared/engine/plan-item.ts';

/** Something about a plan that lasts, so that people are told when it begins and when it ends, not on every pass. */
export type LastingState =
  /** The decision itself: held, left alone, or not possible. */
  | { readonly state: LastingDecision; readonly item: PlanItem }
  /** An annotation of ours on a managed object that can't be followed, so that the object is held. */
  | {
      readonly state: 'invalid-annotation';
      readonly item: PlanItem;
      readonly annotation: string;
      readonly message: string;
    }
  /** A user's patch in effect. `content` changes with what it sets. */
  | {
      readonly state: 'patched';
      readonly item: PlanItem;
      readonly pointers: readonly string[];
      readonly content: string;
    }
  /** Fields are left to whoever else sets them. */
  | { readonly state: 'ignored'; readonly item: PlanItem; readonly pointers: readonly string[] }
  /** The server, or a webhook, keeps something else there than what we send. */
  | { readonly state: 'rewritten'; readonly item: PlanItem; readonly pointers: readonly string[] }
  /** An override is past its date, and in effect all the same. */
  | {
      readonly state: 'expired';
      readonly item: PlanItem;
      readonly override: Override['type'];
      readonly until: string;
      readonly reason?: string;
    }
  | { readonly state: 'missing-crd'; readonly crd: string; readonly items: readonly PlanItem[] }
  | { readonly state: 'unknown-fact'; readonly fact: string; readonly why: string }
  | { readonly state: 'exclusions-invalid'; readonly message: string }
  /** A line of {@link Plan.warnings}. */
  | { readonly state: 'warning'; readonly message: string };

/** Decisions that are a state of their own. */
export type LastingDecision = (typeof lastingDecisions)[number];

export type StateChange =
  | { readonly change: 'began'; readonly state: LastingState }
  /** The same state, about something else: another patch, another mistake in the same annotation. */
  | { readonly change: 'changed'; readonly state: LastingState; readonly before: LastingState }
  /** `now` are the same items in the new plan; none for what is no item's. */
  | { readonly change: 'ended'; readonly state: LastingState; readonly now: readonly PlanItem[] }
  /** An object that was kept isn't wanted any more; it stays as it is. */
  | { readonly change: 'left'; readonly item: PlanItem }
  | { readonly change: 'activation'; readonly from: Activation; readonly to: Activation };

/**
 * What began and what ended between two plans. Without a previous one, every lasting state begins. Pure.
 *
 * Between plans that say something: what couldn't be looked at hasn't ended (StateTracker sees to that).
 */
export function stateChanges(previous: Plan | undefined, plan: Plan): readonly StateChange[] {
  const before = statesOf(previous);
  const after = statesOf(plan);
  const items = new Map(plan.items.map((item) => [itemKey(item), item]));
  const changes: StateChange[] = [];

  if (previous !== undefined && previous.activation.state !== plan.activation.state) {
    changes.push({ change: 'activation', from: previous.activation, to: plan.activation });
  }
  for (const [key, state] of before) {
    if (after.has(key)) continue;
    const now = itemsOf(state).flatMap((item) => items.get(itemKey(item)) ?? []);
    changes.push({ change: 'ended', state, now });
  }
  for (const [key, state] of after) {
    const earlier = before.get(key);
    if (earlier === undefined) {
      // A patch that was there before we were isn't news.
      if (state.state !== 'patched' || previous !== undefined) changes.push({ change: 'began', state });
    } else if (contentOf(earlier) !== contentOf(state)) {
      changes.push({ change: 'changed', state, before: earlier });
    }
  }
  if (previous !== undefined && isActive(previous) && isActive(plan)) {
    for (const item of previous.items) {
      const now = items.get(itemKey(item));
      if (now?.type === 'asset' && isKept(item) && isUnwanted(now)) changes.push({ change: 'left', item: now });
    }
  }
  return changes;
}

/** Whether the item isn't wanted on this cluster, for reasons that nobody needs to look at. */
export function isUnwanted({ decision }: PlanItem): boolean {
  return (
    decision === 'inactive' || decision === 'not-selected' || decision === 'condition-unmet' || decision === 'empty'
  );
}

/** Several listeners ask about the same plan, and each plan is the next one's previous: it is read once. */
const known = new WeakMap<Plan, ReadonlyMap<string, LastingState>>();

function statesOf(plan: Plan | undefined): ReadonlyMap<string, LastingState> {
  if (plan === undefined) return new Map();
  const states = known.get(plan) ?? readStates(plan);
  known.set(plan, states);
  return states;
}

function readStates(plan: Plan): ReadonlyMap<string, LastingState> {
  const states = new Map<string, LastingState>();
  const invalid = plan.items.find(({ decision }) => decision === 'exclusions-invalid');
  if (invalid !== undefined) states.set('exclusions-invalid', { state: 'exclusions-invalid', message: invalid.why });
  for (const { fact, why, assumed } of plan.unknown) {
    if (!assumed) states.set(`unknown-fact ${fact}`, { state: 'unknown-fact', fact, why });
  }
  for (const message of plan.warnings) {
    // That one is a state of its own.
    const isTold = invalid !== undefined && message.startsWith(`${clusterAnnotation.disabledResources} on Hyper`);
    if (!isTold) states.set(`warning ${message}`, { state: 'warning', message });
  }
  for (const item of plan.items) {
    if (item.decision === 'missing-crd') {
      for (const crd of item.crds) {
        const others = states.get(`missing-crd ${crd}`);
        const items = others?.state === 'missing-crd' ? others.items : [];
        states.set(`missing-crd ${crd}`, { state: 'missing-crd', crd, items: [...items, item] });
      }
    }
    for (const state of statesOfItem(item)) {
      const detail =
        state.state === 'invalid-annotation'
          ? ` ${state.annotation}`
          : state.state === 'expired'
            ? ` ${state.override}`
            : '';
      states.set(`${state.state} ${itemKey(item)}${detail}`, state);
    }
  }
  return states;
}

function* statesOfItem(item: PlanItem): Generator<LastingState> {
  const { decision, overrides } = item;
  if (isLasting(decision)) yield { state: decision, item };
  for (const override of overrides) {
    if (override.type === 'invalid') {
      yield { state: 'invalid-annotation', item, annotation: override.annotation, message: override.message };
    }
    if (override.type === 'patch' && item.desired !== undefined) {
      const { pointers } = override;
      yield { state: 'patched', item, pointers, content: contentOfPatch(item, pointers) };
    }
    if (override.type === 'ignore') yield { state: 'ignored', item, pointers: override.pointers };
    if ('expired' in override && override.expired === true && override.until !== undefined) {
      const { type, until, reason } = override;
      yield { state: 'expired', item, override: type, until, ...(reason !== undefined && { reason }) };
    }
  }
  const rewritten = 'rewritten' in item ? (item.rewritten ?? []) : [];
  if (rewritten.length > 0) yield { state: 'rewritten', item, pointers: rewritten.map(({ pointer }) => pointer) };
}

/** What the patch makes of the fields that it names; pointers alone would hide that a value was changed. */
function contentOfPatch({ desired }: PlanItem, pointers: readonly string[]): string {
  return JSON.stringify(pointers.map((pointer) => [pointer, valueNear(desired, pointer)]));
}

/** The value at the pointer, or of what is nearest around it (`/spec/list/-`). */
function valueNear(root: unknown, pointer: string): unknown {
  let here: unknown = root;
  for (const name of parsePointer(pointer)) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) return here;
    here = (here as Record<string, unknown>)[name];
  }
  return here;
}

/** What makes the same state news again. Words of servers aren't: they may tell a time, or count. */
function contentOf(state: LastingState): string {
  switch (state.state) {
    case 'patched':
      return state.content;
    case 'invalid-annotation':
    case 'exclusions-invalid':
      return state.message;
    case 'ignored':
    case 'rewritten':
      return state.pointers.join();
    case 'expired':
      return state.until;
    default:
      return '';
  }
}

function itemsOf(state: LastingState): readonly PlanItem[] {
  if ('items' in state) return state.items;
  return 'item' in state ? [state.item] : [];
}

function itemKey({ type, asset, target }: PlanItem): string {
  return `${type} ${asset} ${formatObjectRef(target)}`;
}

function isLasting(decision: PlanItem['decision']): decision is LastingDecision {
  return (lastingDecisions as readonly string[]).includes(decision);
}

/** Whether the autopilot is active at all. */
export function isActive({ activation }: Plan): boolean {
  return activation.state === 'active' || activation.state === 'selected';
}

/** What we kept as it should be, or were about to. */
function isKept({ decision }: PlanItem): boolean {
  return decision === 'in-sync' || decision === 'update' || decision === 'adopt' || decision === 'create';
}

const lastingDecisions = [
  'condition-error',
  'render-failed',
  'excluded',
  'unreadable',
  'paused',
  'unmanaged',
  'missing-namespace',
  'waiting',
  'rejected',
  'unverified',
  'update',
  'not-ours',
  'kept',
] as const satisfies readonly PlanItem['decision'][];
