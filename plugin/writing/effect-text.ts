import { structuredPatch } from 'diff';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { formatObjectRef, type ObjectRef } from '../../shared/api/object-ref.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import { questionKey } from '../../shared/engine/snapshot.ts';
import type { Observed } from '../input/observed.ts';
import type { Paint } from '../output/colour.ts';
import { diffName, effectiveText } from '../output/compared-object.ts';
import { escapeText } from '../output/escape.ts';
import { unifiedDiff } from '../output/unified-diff.ts';
import type { AnnotationChange } from './annotation-change.ts';

type Seen = Pick<Observed, 'plan' | 'snapshot'>;

/** What will be written, annotation by annotation. */
export function changeText(changes: readonly AnnotationChange[], paint: Paint): string {
  return changes
    .map(({ target, live, annotations }) => {
      const lines = Object.entries(annotations).flatMap(([key, next]) => {
        const now = live.metadata.annotations?.[key];
        if (!/\n./.test(`${now ?? ''}${next ?? ''}`)) {
          return [`  ${key}: ${shown(now)} → ${shown(next ?? undefined)}`];
        }
        return [`  ${key}:`, ...changedLines(now, next ?? undefined, paint)];
      });
      return `${paint('strong', escapeText(formatObjectRef(target)))}\n${lines.map((line) => `${line}\n`).join('')}`;
    })
    .join('');
}

/** What follows from it: each decision that becomes another one, and what the cluster then holds instead. */
export function effectText(before: Seen, after: Seen, { paint, now }: { paint: Paint; now: Date }): string {
  const pieces = before.plan.items.flatMap((item) => {
    const next = sameItem(item, after);
    if (next === undefined) return [];
    const live = liveOf(item.target, before) ?? liveOf(next.target, after);
    const texts = {
      live: effectiveText(item, before.snapshot, live),
      merged: effectiveText(next, after.snapshot, live),
    };
    if (item.decision === next.decision && texts.live === texts.merged) return [];
    const why = escapeText(next.why);
    const line =
      item.decision === next.decision
        ? `${item.asset}: still ${next.decision} (${why})\n`
        : `${item.asset}: ${item.decision} → ${next.decision} (${why})\n`;
    const named = { ...texts, name: diffName(item.target), drift: [] };
    return [`${line}${unifiedDiff(named, { paint, now, sides: ['NOW', 'AFTERWARDS'] })}`];
  });
  return pieces.length === 0 ? 'No decision changes.\n' : pieces.join('');
}

/** The object as a plan saw it. */
export function liveOf(target: ObjectRef, { snapshot }: Seen): KubernetesObject | undefined {
  const answer = snapshot.reads.get(questionKey({ ask: 'get', ref: target }));
  return answer?.answer === 'object' ? answer.object : undefined;
}

/** The item of an asset in another plan. */
export function sameItem(item: PlanItem, { plan }: Seen): PlanItem | undefined {
  return plan.items.find(({ type, asset }) => type === item.type && asset === item.asset);
}

function shown(value: string | undefined): string {
  return value === undefined ? '<none>' : escapeText(JSON.stringify(value));
}

/** Of several lines those that change, with a few around them; `…` stands for what is left out. */
function changedLines(now: string | undefined, next: string | undefined, paint: Paint): readonly string[] {
  const [before, after] = [withEnd(now), withEnd(next)];
  const { hunks } = structuredPatch('', '', before, after, '', '', { context: 3 });
  const count = before.split('\n').length - 1;
  let seen = 0;
  const lines = hunks.flatMap(({ oldStart, oldLines, lines }) => {
    const gap = oldStart - 1 > seen ? ['    …'] : [];
    seen = oldStart - 1 + oldLines;
    return [...gap, ...lines.map((line) => coloured(`  ${line[0]} ${escapeText(line.slice(1))}`, line, paint))];
  });
  return seen < count ? [...lines, '    …'] : lines;
}

function coloured(text: string, line: string, paint: Paint): string {
  if (line.startsWith('-')) return paint('removed', text);
  return line.startsWith('+') ? paint('added', text) : text;
}

function withEnd(text: string | undefined): string {
  return text === undefined || text === '' || text.endsWith('\n') ? (text ?? '') : `${text}\n`;
}
