import type { KubernetesObject } from '../../../shared/api/kubernetes-object.ts';
import { autopilotName, isHyperConverged, managedByLabel } from '../../../shared/api/names.ts';
import { formatObjectRef, groupOf, type ObjectRef } from '../../../shared/api/object-ref.ts';
import { isTroubleOfOne, type Trouble } from '../../../shared/kube/trouble.ts';
import { deleteCommand } from '../../output/delete-command.ts';
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
    const kinds = new Map(
      plan.items.map(({ target: { apiVersion, kind } }) => [`${apiVersion} ${kind}`, { apiVersion, kind }]),
    );
    const looked = await Promise.all([...kinds.values()].map((kind) => labelled(kind, examined)));
    const untold = looked.filter((one) => 'trouble' in one);
    const [first] = untold;
    const unlooked =
      first === undefined
        ? []
        : [
            notChecked(
              `what nothing wants any more of ${untold.map(({ kind }) => kind).join(', ')}`,
              first.trouble,
              kubectl,
            ),
          ];
    const byRef = new Map(plan.items.map((item) => [keyOf(item.target), item]));
    const found = looked
      .flatMap((one) => ('trouble' in one ? [] : one))
      .flatMap((ref): readonly Found<'leftover' | 'switched-off'>[] => {
        const item = byRef.get(keyOf(ref));
        const where = formatObjectRef(ref);
        const fix = deleteCommand(ref, kubectl);
        if (item === undefined) {
          const what = 'it carries our label, and nothing in the catalog is about it';
          return [{ id: 'leftover', what, where, fix, note: 'first see whether somebody needs it' }];
        }
        if (item.decision !== 'condition-unmet') return [];
        return [
          {
            id: 'switched-off',
            what: `${item.asset} isn't wanted: ${item.why}`,
            where,
            fix,
            note: 'if nobody needs it',
          },
        ];
      });
    return [...found, ...unlooked];
  },
});

async function labelled(
  kind: Pick<ObjectRef, 'apiVersion' | 'kind'>,
  { cluster }: Examined,
): Promise<readonly ObjectRef[] | { readonly kind: string; readonly trouble: Trouble }> {
  // Its label says that we keep some of its fields, never that it is ours.
  if (isHyperConverged(kind)) return [];
  try {
    const found = await cluster.list(kind, { labelSelector: `${managedByLabel}=${autopilotName}`, project: refOf });
    return found.answer === 'list' ? found.items : [];
  } catch (error) {
    if (!isTroubleOfOne(error)) throw error;
    return { kind: kind.kind, trouble: error };
  }
}

function refOf({ apiVersion, kind, metadata: { namespace, name } }: KubernetesObject): ObjectRef {
  return { apiVersion, kind, ...(namespace !== undefined && { namespace }), name };
}

function keyOf({ apiVersion, kind, namespace, name }: ObjectRef): string {
  return `${groupOf(apiVersion)} ${kind} ${namespace ?? ''} ${name}`;
}
