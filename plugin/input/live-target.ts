import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import type { Arguments } from '../arguments.ts';
import type { Environment } from '../environment.ts';
import type { Messages } from '../output/messages.ts';
import { catalogOf } from './catalog.ts';
import { connect } from './connect.ts';
import { observedOn } from './observed.ts';
import { targetOf } from './target-of.ts';

export type LiveTarget = {
  readonly item: PlanItem;
  /** As it is right now, whatever was decided about it; undefined where it doesn't exist. */
  readonly live: KubernetesObject | undefined;
  /** `kubectl` as it reaches this cluster. */
  readonly kubectl: string;
};

/**
 * The one asset that is named, and its object.
 *
 * @param options.wordsOf - the words that name it, which may depend on what there is.
 * @throws UserError where they name none, or more than one.
 */
export async function liveTarget(
  args: Arguments,
  environment: Environment,
  {
    messages,
    wordsOf = () => args.words,
  }: { messages: Messages; wordsOf?: (items: readonly PlanItem[]) => readonly string[] },
): Promise<LiveTarget> {
  const catalog = await catalogOf(args, environment);
  const cluster = await connect(args, environment, messages);
  try {
    const { plan, kubectl } = await observedOn(cluster, catalog, args, environment);
    const item = targetOf(plan.items, wordsOf(plan.items), args);
    const found = await cluster.get(item.target, { signal: environment.signal });
    return { item, kubectl, live: found.answer === 'object' ? found.object : undefined };
  } finally {
    cluster.close();
  }
}
