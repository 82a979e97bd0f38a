import type { PlanItem } from '../../shared/engine/plan-item.ts';
import { questionKey, type Snapshot } from '../../shared/engine/snapshot.ts';
import type { Arguments } from '../arguments.ts';
import type { Option } from '../command.ts';
import { parseLabelSelector } from './label-selector.ts';
import { namespaceOf } from './namespace-of.ts';
import { selectItems } from './select-items.ts';

export const selectorOption: Option = {
  name: 'selector',
  short: 'l',
  type: 'text',
  placeholder: 'LABELS',
  description: 'Only objects with these labels, as in kubectl: a=b, a!=b, a, !a, "a in (b,c)"',
};

/** The items that words, `-n` and `-l` choose. Labels are the live object's; of what doesn't exist, those it would have. */
export function chosenItems(items: readonly PlanItem[], args: Arguments, snapshot: Snapshot): readonly PlanItem[] {
  const selector = args.text('selector');
  const fits = selector === undefined ? undefined : parseLabelSelector(selector);
  const namespace = namespaceOf(args);
  const chosen = selectItems(items, args.words, { namespace });
  return fits === undefined ? chosen : chosen.filter((item) => fits(labelsOf(item, snapshot)));
}

/** For people, where nothing is chosen. */
export function nothingChosen(args: Arguments): string {
  const namespace = namespaceOf(args);
  return `nothing that is managed ${namespace === undefined ? 'fits' : `is in namespace ${namespace}`}`;
}

function labelsOf({ target, desired, baseline }: PlanItem, { reads }: Snapshot): Readonly<Record<string, string>> {
  const live = reads.get(questionKey({ ask: 'get', ref: target }));
  const object = live?.answer === 'object' ? live.object : (desired ?? baseline);
  return object?.metadata.labels ?? {};
}
