import { formatObjectRef } from '../../shared/api/object-ref.ts';
import { isAsWanted } from '../../shared/engine/is-as-wanted.ts';
import type {
  DecisionWord,
  DriftedField,
  Noted,
  Override,
  PlanItem,
  UnknownFact,
} from '../../shared/engine/plan-item.ts';
import { type ControllerHealth, formatControllerHealth } from '../input/controller-health.ts';
import { failureKey, type LastFailure } from '../input/last-failures.ts';
import type { DecidedPlan } from '../input/observed.ts';
import { activationCommand } from './activation-command.ts';
import { annotateCommand } from './annotate-command.ts';
import type { Paint, Tone } from './colour.ts';
import { cut } from './display-width.ts';
import { escapeText } from './escape.ts';
import { formatAge } from './format-age.ts';
import { driftOf, summaryOf } from './status-report.ts';
import { type Column, formatTable } from './table.ts';

export type StatusTextOptions = {
  readonly paint: Paint;
  readonly now: Date;
  /** Columns of the terminal; absent: nothing is cut. */
  readonly width?: number;
  readonly wide: boolean;
  /** Rows that ask nothing of anybody too: set where they were asked for by name. */
  readonly all: boolean;
  /** Without: rows only, for scripts. */
  readonly headers: boolean;
  /** `kubectl --context=x`, for the commands that are suggested. */
  readonly kubectl: string;
  /** Of applies by the controller, by object. */
  readonly failures?: ReadonlyMap<string, LastFailure>;
};

/** What `status` prints for people. */
export function statusText(
  plan: DecidedPlan,
  controller: ControllerHealth,
  items: readonly PlanItem[],
  options: StatusTextOptions,
): string {
  const isLeftOut = (item: PlanItem) => !options.wide && !options.all && asksNothing(item);
  const shown = items.filter((item) => !isLeftOut(item));
  const table = shown.length === 0 ? '' : formatTable(shown, columns(options.wide), options);
  if (!options.headers) return table;
  return [
    head(plan, controller, items, options) + leftOutLine(items.filter(isLeftOut)),
    table,
    driftLines(shown, options),
    fixLines(shown, options),
    failureLines(shown, options),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** What doesn't concern this cluster, or isn't switched on, and nobody has steered. */
function asksNothing({ decision, overrides, notes }: PlanItem): boolean {
  const quiet: readonly DecisionWord[] = ['inactive', 'not-selected', 'condition-unmet', 'gone', 'not-ours'];
  return quiet.includes(decision) && overrides.length === 0 && notes.length === 0;
}

/** By decision, so that nothing is hidden without a word on why. */
function leftOutLine(items: readonly PlanItem[]): string {
  return items.length === 0 ? '' : `not listed: ${counts(items)} (-o wide lists all)\n`;
}

function head(
  plan: DecidedPlan,
  controller: ControllerHealth,
  items: readonly PlanItem[],
  { now, kubectl }: StatusTextOptions,
): string {
  const { activation, hyperConverged, unknown } = plan;
  const lines = [
    `autopilot: ${describeActivation(activation)}`,
    ...(activation.state === 'inactive'
      ? [`           activate it with: ${activationCommand(hyperConverged, kubectl)}`]
      : []),
    `controller: ${formatControllerHealth(controller, now)}`,
    totals(items),
    ...unknownLines(unknown),
  ];
  return lines.map((line) => `${escapeText(line)}\n`).join('');
}

/** One line a reason: much that is unknown has the same one. */
function unknownLines(unknown: readonly UnknownFact[]): readonly string[] {
  const byReason = Object.groupBy(unknown, ({ why }) => why);
  return Object.entries(byReason).map(
    ([reason, facts = []]) => `unknown: ${facts.map(({ fact }) => fact).join(', ')}: ${reason}`,
  );
}

function describeActivation(activation: DecidedPlan['activation']): string {
  switch (activation.state) {
    case 'active':
      return 'active';
    case 'selected':
      return `active for ${activation.names.join(', ')} only`;
    case 'inactive':
      return `inactive (${activation.why})`;
    default:
      return activation satisfies never;
  }
}

/** `12 assets: 7 in-sync, 2 update; 2 tombstones: 2 gone`. */
function totals(items: readonly PlanItem[]): string {
  return (['asset', 'tombstone'] as const)
    .map((type) => ({ type, ofType: items.filter((item) => item.type === type) }))
    .filter(({ type, ofType }) => type === 'asset' || ofType.length > 0)
    .map(({ type, ofType }) => {
      const words = `${ofType.length} ${type}${ofType.length === 1 ? '' : 's'}`;
      return ofType.length === 0 ? words : `${words}: ${counts(ofType)}`;
    })
    .join('; ');
}

/** `7 in-sync, 2 update`. */
function counts(items: readonly PlanItem[]): string {
  return Object.entries(summaryOf(items))
    .map(([decision, count]) => `${count} ${decision}`)
    .join(', ');
}

function columns(wide: boolean): readonly Column<PlanItem>[] {
  return [
    { header: 'ASSET', cell: ({ asset }) => asset, shrinkTo: 18 },
    { header: 'STATE', cell: ({ decision }) => decision, tone: ({ decision }) => toneOf(decision) },
    { header: 'OBJECT', cell: ({ target }) => formatObjectRef(target), shrinkTo: 16, leaveOut: 3 },
    {
      header: 'OVERRIDES',
      cell: ({ overrides }) => overrides.map(describeOverride).join(','),
      shrinkTo: 9,
      leaveOut: 2,
    },
    ...(wide
      ? [
          { header: 'FEATURE', cell: ({ features }: PlanItem) => features.join(',') },
          { header: 'GROUP', cell: ({ group = '' }: PlanItem) => group },
        ]
      : []),
    { header: 'WHY', cell: ({ why, notes }) => [why, ...notes].join('; '), shrinkTo: 12, leaveOut: 1 },
  ];
}

function describeOverride(override: Override): string {
  switch (override.type) {
    case 'patch':
      return withDetails('patch', [String(override.operations), ...expiry(override)]);
    case 'ignore':
      return withDetails('ignore', [String(override.pointers.length), ...expiry(override)]);
    case 'unmanaged':
    case 'excluded':
      return withDetails(override.type, expiry(override));
    case 'invalid':
    case 'paused':
      return override.type;
    default:
      return override satisfies never;
  }
}

function withDetails(type: Override['type'], details: readonly string[]): string {
  return details.length === 0 ? type : `${type}(${details.join(' ')})`;
}

function expiry({ expired }: Noted): readonly string[] {
  return expired === true ? ['expired'] : [];
}

/** Green is fine, yellow will change, red needs somebody, dim asks nothing. */
export function toneOf(decision: DecisionWord): Tone | undefined {
  switch (decision) {
    case 'in-sync':
      return 'good';
    case 'create':
    case 'adopt':
    case 'update':
    case 'delete':
    case 'waiting':
    case 'unverified':
    case 'unmanaged':
    case 'excluded':
    case 'kept':
      return 'change';
    case 'rejected':
    case 'override-invalid':
    case 'exclusions-invalid':
    case 'condition-error':
    case 'render-failed':
    case 'unreadable':
    case 'paused':
    case 'missing-namespace':
      return 'bad';
    case 'inactive':
    case 'not-selected':
    case 'condition-unmet':
    case 'missing-crd':
    case 'empty':
    case 'gone':
    case 'not-ours':
      return 'quiet';
    default:
      return decision satisfies never;
  }
}

/** What differs, below the table: a few lines an object; `-o json` has all of it. */
function driftLines(items: readonly PlanItem[], { now, wide }: StatusTextOptions): string {
  const most = wide ? Number.POSITIVE_INFINITY : 8;
  return items
    .map((item) => ({ item, drift: driftOf(item) ?? [] }))
    .filter(({ drift }) => drift.length > 0)
    .map(({ item, drift }) => {
      const left = drift.length - Math.min(drift.length, most);
      const lines = [
        ...drift.slice(0, most).map((field) => `  ${describeDrift(field, now)}`),
        ...(left > 0 ? [`  and ${left} more (see -o json)`] : []),
      ];
      return [`${escapeText(item.asset)} (${escapeText(formatObjectRef(item.target))}):`, ...lines]
        .map((line) => `${line}\n`)
        .join('');
    })
    .join('');
}

/** The commands that write annotations right which were written in another known format. */
function fixLines(items: readonly PlanItem[], { kubectl }: StatusTextOptions): string {
  return items
    .flatMap(({ asset, target, overrides }) => {
      const right = Object.assign(
        {},
        ...overrides.map((override) => (override.type === 'invalid' ? override.right : undefined)),
      );
      return Object.keys(right).length === 0
        ? []
        : [`${asset} is written right by: ${annotateCommand(target, right, kubectl)}`];
    })
    .map((line) => `${escapeText(line)}\n`)
    .join('');
}

/** What kept the controller from what is still to be done. */
function failureLines(items: readonly PlanItem[], { failures, now }: StatusTextOptions): string {
  return items
    .filter((item) => !isAsWanted(item))
    .flatMap(({ asset, target }) => {
      const failure = failures?.get(failureKey(target));
      if (failure === undefined) return [];
      const age = formatAge(new Date(failure.time), now);
      return [`${asset}: the last apply failed${age === undefined ? '' : ` ${age} ago`}: ${failure.note}`];
    })
    .map((line) => `${escapeText(line)}\n`)
    .join('');
}

/** `/spec/a: 1 → 2 (helm, 5m ago)`. */
export function describeDrift({ pointer, live, desired, manager, time }: DriftedField, now: Date, most = 60): string {
  const age = time === null ? undefined : formatAge(new Date(time), now);
  const unrecorded = live === undefined ? 'removed, or never set' : "who set it isn't recorded";
  const who = [manager ?? unrecorded, ...(age === undefined ? [] : [`${age} ago`])];
  return escapeText(`${pointer}: ${short(live, most)} → ${short(desired, most)} (${who.join(', ')})`);
}

function short(value: unknown, most: number): string {
  return value === undefined ? '<none>' : cut(JSON.stringify(value), most);
}
