import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { managedByLabel } from '../../shared/api/names.ts';
import { neverDeleted } from '../../shared/api/never-deleted.ts';
import { type ObjectRef, refOf } from '../../shared/api/object-ref.ts';
import type { Asset } from '../../shared/catalog/asset.ts';
import { entriesOf, isOurs } from '../../shared/engine/field-set.ts';
import type { Snapshot } from '../../shared/engine/snapshot.ts';
import { namingFacts } from '../../shared/engine/targets.ts';
import type { Seen } from '../input/observed.ts';
import { deleteCommand } from './delete-command.ts';
import { nameOptions } from './name-options.ts';

/** How to part from an object that nothing wants any more: what is others' in it mustn't go with it. */
export type Parting =
  | { readonly isOurs: true; readonly command: string }
  | { readonly isOurs: false; readonly command: string; readonly why: string };

/**
 * The command that deletes it; or, where it isn't only ours, the one that takes our label off.
 *
 * @param options.holdsWhatWasThere - what was there before went into what we set: see {@link holdsWhatWasThere}.
 */
export function partingFrom(
  object: KubernetesObject,
  { kubectl, holdsWhatWasThere = false }: { readonly kubectl: string; readonly holdsWhatWasThere?: boolean },
): Parting {
  const ref = refOf(object);
  const why = neverDeleted.has(object.kind)
    ? `a ${object.kind} may hold what others made`
    : (othersIn(object) ?? (holdsWhatWasThere ? 'what was set in it before is in it still' : undefined));
  return why === undefined
    ? { isOurs: true, command: deleteCommand(ref, kubectl) }
    : { isOurs: false, command: `${kubectl} label ${nameOptions(ref)} ${managedByLabel}-`, why };
}

/** The same for an object that an asset made, if the catalog still has that asset. */
export function partingFromAsset(
  object: KubernetesObject,
  asset: string | undefined,
  { catalog, snapshot, kubectl }: Pick<Seen, 'catalog' | 'snapshot' | 'kubectl'>,
): Parting {
  const source = catalog.assets.find(({ name }) => name === asset);
  return partingFrom(object, { kubectl, holdsWhatWasThere: holdsWhatWasThere(source, refOf(object), snapshot) });
}

/** Whether the asset reads its own object, to take over what people set there. */
function holdsWhatWasThere(asset: Asset | undefined, { kind, name }: ObjectRef, snapshot: Snapshot): boolean {
  if (asset === undefined) return false;
  const context = { ...namingFacts(undefined, snapshot), params: asset.params, objects: {} };
  return Object.values(asset.reads).some(
    (read) => read.read === 'object' && read.kind === kind && read.name.render(context) === name,
  );
}

/** Operators write finalizers and status, and people annotations, into what is ours alone. */
function othersIn(object: KubernetesObject): string | undefined {
  const managers = entriesOf(object)
    .filter((entry) => !isOurs(entry))
    .filter(({ fieldsV1 = {} }) => Object.keys(fieldsV1).some((field) => !['f:metadata', 'f:status'].includes(field)))
    .map(({ manager = 'somebody' }) => manager);
  return managers.length === 0 ? undefined : `${[...new Set(managers)].join(' and ')} set something of it, too`;
}
