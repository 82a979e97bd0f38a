import { formatObjectRef } from '../shared/api/object-ref.ts';
import type { Catalog } from '../shared/catalog/asset.ts';
import type { Plan, PlanItem } from '../shared/engine/plan-item.ts';
import { auditRecord } from './audit.ts';
import type { Happening, Listener } from './happening.ts';
import type { Log, LogFields } from './log.ts';
import { protectedOverrides } from './protected-overrides.ts';
import type { LastingState, StateChange } from './state-changes.ts';
import { StateTracker } from './state-tracker.ts';

/** Writes what happens to the log: every write as one audit line, every state when it begins and when it ends. */
export function logHappenings(log: Log, catalog: Catalog): Listener {
  const tracker = new StateTracker();
  return (happening: Happening) => {
    const audit = auditRecord(happening);
    if (audit !== undefined) log.info('audit: object written', audit);
    switch (happening.happening) {
      case 'planned': {
        const { plan, durationMs } = happening;
        const { changes, isSettled } = tracker.next(plan);
        log.debug('planned', { items: plan.items.length, changes: changes.length, durationMs: Math.round(durationMs) });
        for (const change of changes) logChange(log, change);
        if (isSettled) log.info('everything is as wanted', { items: plan.items.length });
        warnOfProtected(log, plan, catalog);
        return;
      }
      case 'performed': {
        const { item, outcome, durationMs } = happening;
        const fields = { ...fieldsOf(item), decision: item.decision, durationMs: Math.round(durationMs) };
        if (outcome.result === 'failed') log.error('object could not be written', { ...fields, error: outcome.error });
        else if (outcome.result === 'conflict') log.info('object changed meanwhile; planning again', fields);
        else log.debug('object carried out', { ...fields, result: outcome.result });
        if ('warnings' in outcome) {
          for (const warning of outcome.warnings) log.warn('the API server warns', { ...fields, warning });
        }
        return;
      }
      case 'throttled':
        log.warn('object changes too often; held back', {
          ...fieldsOf(happening.item),
          retryAfterMs: happening.retryAfterMs,
        });
        return;
      case 'war': {
        const { item, because, rival, fields, written } = happening;
        log.warn('edit war; object paused', { ...fieldsOf(item), because, rival, fields, written });
        return;
      }
      case 'resumed':
        log.info('pause ended', fieldsOf(happening.item));
        return;
      case 'leading':
        log.info(happening.isLeader ? 'leading' : 'not leading', {});
        return;
      case 'trouble':
        log.error('trouble; trying again', { what: happening.what, error: happening.error });
        return;
      default:
        return happening satisfies never;
    }
  };
}

function logChange(log: Log, change: StateChange): void {
  switch (change.change) {
    case 'began':
    case 'changed': {
      const { state } = change;
      log[levelOf(state)](change.change === 'began' ? 'state began' : 'state changed', describe(state));
      // The words may quote a value.
      log.debug('why', { ...describe(state), why: whyOf(state) });
      return;
    }
    case 'ended':
      log[change.state.state === 'update' || change.state.state === 'waiting' ? 'debug' : 'info'](
        'state ended',
        describe(change.state),
      );
      return;
    case 'left':
      log.info('object is not wanted any more, and stays', fieldsOf(change.item));
      return;
    case 'activation':
      log.info('activation changed', { from: change.from.state, to: change.to.state });
      return;
    default:
      change satisfies never;
  }
}

function levelOf({ state }: LastingState): 'debug' | 'info' | 'warn' {
  switch (state) {
    case 'update':
    case 'waiting':
      return 'debug';
    case 'excluded':
    case 'unmanaged':
    case 'patched':
    case 'ignored':
    case 'missing-namespace':
    case 'kept':
    case 'not-ours':
      return 'info';
    default:
      return 'warn';
  }
}

function describe(state: LastingState): LogFields {
  switch (state.state) {
    case 'missing-crd':
      return { state: state.state, crd: state.crd, assets: state.items.map(({ asset }) => asset) };
    case 'unknown-fact':
      return { state: state.state, fact: state.fact, why: state.why };
    case 'invalid-annotation':
      return { state: state.state, ...fieldsOf(state.item), annotation: state.annotation };
    case 'expired':
      return { state: state.state, ...fieldsOf(state.item), override: state.override, until: state.until };
    case 'patched':
    case 'ignored':
    case 'rewritten':
      return { state: state.state, ...fieldsOf(state.item), pointers: state.pointers };
    case 'exclusions-invalid':
    case 'warning':
      return { state: state.state };
    case 'rejected':
    case 'unreadable':
    case 'unverified':
      // The server's own words.
      return { state: state.state, ...fieldsOf(state.item), why: state.item.why };
    default:
      return { state: state.state, ...fieldsOf(state.item) };
  }
}

function whyOf(state: LastingState): string {
  if ('message' in state) return state.message;
  if ('why' in state) return state.why;
  return 'item' in state ? state.item.why : '';
}

/** On every pass: whoever switches off what warns people should be reminded of it. */
function warnOfProtected(log: Log, plan: Plan, catalog: Catalog): void {
  for (const { item, type } of protectedOverrides(plan, catalog)) {
    log.warn('something that protects people is customised', { ...fieldsOf(item), override: type });
  }
}

function fieldsOf({ asset, target }: PlanItem): LogFields {
  return { asset, object: formatObjectRef(target) };
}
