import type { KubernetesObject } from '../../../shared/api/kubernetes-object.ts';
import { autopilotName, isHyperConverged, managedByLabel } from '../../../shared/api/names.ts';
import { formatObjectRef, groupOf, type ObjectRef, refOf } from '../../../shared/api/object-ref.ts';
import type { PlanItem } from '../../../shared/engine/plan-item.ts';
import { isTroubleOfOne, type Trouble } from '../../../shared/kube/trouble.ts';
import { partingFromAsset } from '../../output/left-behind.ts';
import { check, type Examined, type Found } from '../finding.ts';
import { notChecked } from '../not-checked.ts';

export const leftovers = check({
  about: 'what nothing wants any more',
  finds: {
    leftover: {
      severity: 'warning',
      means:
        'an object carries our label, and no asset or tombstone of the catalog is about it: nothing keeps or deletes it',
    },
    'switched-off': {
      severity: 'info',
      means: 'an object of ours is still there, and its asset is not wanted any more: it stays as it is',
    },
  },
  run: async (examined) => {
    const { plan, kubectl } = examined;
    const targets = plan.items.map(({ target: { apiVersion, kind } }) => ({ apiVersion, kind }));
    const kinds = new Map(targets.map((target) => [`${target.apiVersion} ${target.kind}`, target]));
    const looked = await Promise.all([...kinds.values()].map((kind) => labelled(kind, examined)));
    const items = new Map(plan.items.map((item) => [keyOf(item.target), item]));
    const found = looked
      .flatMap((one) => ('trouble' in one ? [] : one))
      .flatMap((object) => finding(object, items.get(keyOf(refOf(object))), examined));

    const untold = looked.filter((one) => 'trouble' in one);
    const [first] = untold;
    if (first === undefined) return found;
    const of = untold.length === 1 ? `the kind ${first.kind}` : `${untold.length} kinds, ${first.kind} among them`;
    return [...found, notChecked(`what nothing wants any more of ${of}`, first.trouble, kubectl)];
  },
});

function finding(
  object: KubernetesObject,
  item: PlanItem | undefined,
  examined: Examined,
): readonly Found<'leftover' | 'switched-off'>[] {
  const where = formatObjectRef(refOf(object));
  const parting = partingFromAsset(object, item?.asset, examined);
  const { command: fix } = parting;
  const shared = parting.isOurs ? undefined : `${parting.why}: take out what isn't needed, and then our label off`;
  if (item === undefined) {
    const what = 'it carries our label, and nothing in the catalog is about it';
    return [{ id: 'leftover', what, where, fix, note: shared ?? 'first see whether somebody needs it' }];
  }
  if (item.decision !== 'condition-unmet') return [];
  const what = `${item.asset} isn't wanted: ${item.why}`;
  return [{ id: 'switched-off', what, where, fix, note: shared ?? 'if nobody needs it' }];
}

async function labelled(
  kind: Pick<ObjectRef, 'apiVersion' | 'kind'>,
  { cluster }: Examined,
): Promise<readonly KubernetesObject[] | { readonly kind: string; readonly trouble: Trouble }> {
  // Its label says that we keep some of its fields, never that it is ours.
  if (isHyperConverged(kind)) return [];
  try {
    const found = await cluster.list(kind, { labelSelector: `${managedByLabel}=${autopilotName}` });
    return found.answer === 'list' ? found.items : [];
  } catch (error) {
    if (!isTroubleOfOne(error)) throw error;
    return { kind: kind.kind, trouble: error };
  }
}

function keyOf({ apiVersion, kind, namespace, name }: ObjectRef): string {
  return `${groupOf(apiVersion)} ${kind} ${namespace ?? ''} ${name}`;
}
