import { type ExclusionRule, excludes } from '../../shared/api/exclusions.ts';
import { formatObjectRef } from '../../shared/api/object-ref.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import { questionKey } from '../../shared/engine/snapshot.ts';
import { isWanted } from '../input/is-wanted.ts';
import type { Observed } from '../input/observed.ts';

type Seen = Pick<Observed, 'plan' | 'snapshot'>;

/** What a rule of `disabled-resources` covers now. */
export function coveredBy(rule: ExclusionRule, items: readonly PlanItem[]): readonly PlanItem[] {
  return items.filter(({ target }) => excludes(rule, target));
}

/** What becomes of each object that a new rule covers, and that it may cover others one day. */
export function coverageLines(rule: ExclusionRule, seen: Seen): readonly string[] {
  const covered = coveredBy(rule, seen.plan.items);
  return [...covered.map((item) => fateOf(item, seen)), ...futureOf(rule, covered)];
}

/** What to put right, where only the kind or the namespace is wrong with the rule. */
export function ruleHint({ kind, namespace }: ExclusionRule, items: readonly PlanItem[]): string {
  const same = items.filter(({ target }) => target.kind.toLowerCase() === kind.toLowerCase());
  const [first] = same;
  if (first === undefined) return '';
  if (first.target.kind !== kind) return `; the kind is written ${first.target.kind}`;
  const isClusterScoped = namespace !== undefined && same.every(({ target }) => target.namespace === undefined);
  return isClusterScoped ? `; no ${kind} is in a namespace: leave --namespace out` : '';
}

function fateOf(item: PlanItem, { snapshot }: Seen): string {
  const { asset, target, type, decision } = item;
  const object = `${asset} (${formatObjectRef(target)})`;
  if (type === 'tombstone') return `${object} isn't deleted.`;
  if (decision === 'excluded') return `${object} is excluded already.`;
  const live = snapshot.reads.get(questionKey({ ask: 'get', ref: target }))?.answer;
  if (live === 'object') return `${object} stays as it is.`;
  if (live === 'absent' && isWanted(item)) return `${object} isn't there, and won't be created.`;
  return `${object} is ${decision} now, and won't be touched when it is wanted.`;
}

function futureOf({ kind, name, namespace }: ExclusionRule, covered: readonly PlanItem[]): readonly string[] {
  const isOpen =
    /[*?]/.test(`${name}${namespace ?? ''}`) ||
    (namespace === undefined && covered.some(({ target }) => target.namespace !== undefined));
  if (!isOpen && covered.length > 0) return [];
  const now = covered.length === 0 ? 'It covers nothing now. ' : '';
  return [`${now}Whatever ${kind} fits is covered too when it comes into the baseline, as with a later version.`];
}
