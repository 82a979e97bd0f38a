import { formatObjectRef } from '../../shared/api/object-ref.ts';
import type { ConditionSeen, PlanItem, Step, StepName } from '../../shared/engine/plan-item.ts';
import type { Paint } from './colour.ts';
import { escapeText } from './escape.ts';
import type { Change } from './smallest-change.ts';
import { driftOf } from './status-report.ts';
import { describeDrift, toneOf } from './status-text.ts';

/** Every step of a decision for people, and what would change it. */
export function explainText(
  item: PlanItem,
  change: Change,
  { paint, now }: { readonly paint: Paint; readonly now: Date },
): string {
  const { asset, features, group, decision, target, steps, notes } = item;
  const tone = toneOf(decision);
  const drift = driftOf(item) ?? [];
  const lines = [
    `${paint('strong', escapeText(asset))}: ${tone === undefined ? decision : paint(tone, decision)}`,
    `  object: ${escapeText(formatObjectRef(target))} (${escapeText(target.apiVersion)})`,
    ...(features.length === 0
      ? []
      : [`  feature${features.length === 1 ? '' : 's'}: ${escapeText(features.join(', '))}`]),
    ...(group === undefined ? [] : [`  group: ${escapeText(group)}`]),
    '',
    ...stepLines(item, paint),
    ...notes.map((note) => `  note: ${escapeText(note)}`),
    ...(drift.length === 0
      ? []
      : ['', 'What differs:', ...drift.map((field) => `  ${describeDrift(field, now, 400)}`)]),
    '',
    `What would change this: ${escapeText(change.what)}${change.command === undefined ? '.' : ':'}`,
    ...(change.command === undefined ? [] : [`  ${escapeText(change.command)}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');

  function stepLines({ conditions = [], type }: PlanItem, painted: Paint): readonly string[] {
    const reached = new Set(steps.map(({ step }) => step));
    const left = titles.flatMap(([name, title]) => (reached.has(name) ? [] : [title]));
    const widest = Math.max(...titles.map(([, title]) => title.length));
    const line = (sign: string, word: string, title: string, detail: string) =>
      `${sign} ${word.padEnd(11)} ${title.padEnd(widest)}   ${detail}`;
    return [
      ...steps.flatMap((step, index) => {
        const [sign, word] = signOf(step, index === steps.length - 1, item);
        const title = titles.find(([name]) => name === step.step)?.[1] ?? step.step;
        const text = line(
          sign,
          word,
          title,
          escapeText(
            step.step === 'conditions' && conditions.length > 0 ? `${conditions.length} to be met` : step.detail,
          ),
        );
        const tone = sign === '✗' ? 'bad' : sign === '✓' ? 'good' : undefined;
        return [
          tone === undefined ? text : `${painted(tone, text.slice(0, 13))}${text.slice(13)}`,
          ...(step.step === 'conditions' ? conditions.map((condition) => `    ${describeCondition(condition)}`) : []),
        ];
      }),
      ...(left.length === 0 || type === 'tombstone' ? [] : [painted('quiet', `- not reached: ${left.join(', ')}`)]),
    ];
  }
}

/** The signs repeat the words; the last step is where it was decided, well or not. */
function signOf({ passed }: Step, isLast: boolean, { decision }: PlanItem): readonly [string, string] {
  if (passed) return ['✓', 'passed'];
  if (!isLast) return ['✗', 'stopped'];
  return decision === 'in-sync' ? ['✓', 'passed'] : ['✗', 'stopped'];
}

function describeCondition({ expression, result, saw, message }: ConditionSeen): string {
  const signs = { met: '✓ met', unmet: '✗ not met', error: '✗ fails', unknown: '? not known' } as const;
  const values = Object.entries(saw).map(([path, value]) => `${path} = ${shorten(JSON.stringify(value) ?? 'nothing')}`);
  const seen = values.length === 0 ? '' : `   saw ${values.join(', ')}`;
  return escapeText(`${signs[result].padEnd(11)}   ${expression}${message === undefined ? '' : `: ${message}`}${seen}`);
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

const titles: readonly (readonly [StepName, string])[] = Object.entries({
  selection: 'selected',
  conditions: 'conditions',
  crds: 'CRDs',
  render: 'rendered',
  exclusions: 'exclusions',
  live: 'live object',
  pause: 'not paused',
  mode: 'managed',
  annotations: 'annotations',
  patch: 'patch',
  'ignore-fields': 'ignored fields',
  namespace: 'namespace',
  dependencies: 'dependencies',
  comparison: 'comparison',
} satisfies Record<StepName, string>) as [StepName, string][];
