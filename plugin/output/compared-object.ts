import type { Json, KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { keyPrefix } from '../../shared/api/names.ts';
import { groupOf, type ObjectRef, versionOf } from '../../shared/api/object-ref.ts';
import { type Effective, effectiveOf } from '../../shared/engine/effective-of.ts';
import type { DriftedField, PlanItem } from '../../shared/engine/plan-item.ts';
import type { Snapshot } from '../../shared/engine/snapshot.ts';
import { safeYaml } from './print-manifests.ts';
import { driftOf } from './status-report.ts';

/** One object as it is and as it would be, ready to be printed: without noise, and without what Secrets hold. */
export type ComparedObject = {
  readonly item: PlanItem;
  /** As `kubectl diff` names it: `apps.v1.DaemonSet.namespace.name`. */
  readonly name: string;
  /** YAML; empty where it doesn't exist. */
  readonly live: string;
  /** YAML; empty where it would be deleted. */
  readonly merged: string;
  readonly by: 'server' | 'local';
  readonly drift: readonly DriftedField[];
};

/** `undefined` where nothing would be written, or what would isn't known. */
export function comparedObject(
  item: PlanItem,
  snapshot: Snapshot,
  { managedFields }: { managedFields: boolean },
): ComparedObject | undefined {
  const sides = effectiveOf(item, snapshot);
  if (!sides.compared) return undefined;
  const [live, merged] = masked(sides, item.target).map((object) =>
    object === undefined ? undefined : withoutNoise(object, managedFields),
  );
  return {
    item,
    name: diffName(item.target),
    live: live === undefined ? '' : safeYaml(live),
    merged: merged === undefined ? '' : safeYaml(merged),
    by: sides.by,
    drift: driftOf(item) ?? wholeObject(live, merged),
  };
}

/**
 * What the cluster will hold of an item's object, as YAML: what carrying out the decision would leave, and where
 * nothing would be written, what is there. Keys of ours are left out; empty where there will be nothing.
 *
 * @param live - the object as it is, where it is known to exist.
 */
export function effectiveText(item: PlanItem, snapshot: Snapshot, live: KubernetesObject | undefined): string {
  const sides = effectiveOf(item, snapshot);
  const [, object] = masked(
    sides.compared ? sides : { compared: true, ...(live && { live, effective: live }), by: 'local' },
    item.target,
  );
  return object === undefined ? '' : objectText(object);
}

/** An object as YAML, without what the server keeps for itself and keys of ours. No Secret: what it holds would show. */
export function objectText(object: KubernetesObject): string {
  return safeYaml(withoutNoise(withoutOwnAnnotations(object), false));
}

function withoutOwnAnnotations(object: KubernetesObject): KubernetesObject {
  const { annotations = {}, ...metadata } = object.metadata;
  const others = Object.entries(annotations).filter(([key]) => !key.startsWith(keyPrefix));
  return {
    ...object,
    metadata: { ...metadata, ...(others.length > 0 && { annotations: Object.fromEntries(others) }) },
  };
}

/** Where there is nothing on one side, the whole object is the one field that differs: the pointer is empty. */
function wholeObject(live: Json | undefined, merged: Json | undefined): readonly DriftedField[] {
  if ((live === undefined) === (merged === undefined)) return [];
  const sides = { ...(live !== undefined && { live }), ...(merged !== undefined && { desired: merged }) };
  return [{ pointer: '', ...sides, manager: null, time: null }];
}

/** As `kubectl diff` names an object. */
export function diffName({ apiVersion, kind, namespace = '', name }: ObjectRef): string {
  const group = groupOf(apiVersion);
  const words = [...(group === '' ? [] : [group]), versionOf(apiVersion), kind, namespace, name].join('.');
  // It becomes the name of a file.
  return words.replace(/[^\w.-]/g, '_');
}

/** What the server changes by itself tells nothing; keys are sorted, so that only differences differ. */
function withoutNoise({ status, metadata, ...rest }: KubernetesObject, managedFields: boolean): Json {
  const { resourceVersion, generation, uid, managedFields: owners, ...kept } = metadata;
  const { creationTimestamp, selfLink, ...others } = kept as Record<string, unknown>;
  return sorted({ ...rest, metadata: { ...others, ...(managedFields && { managedFields: owners }) } });
}

function sorted(value: unknown): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** As `kubectl diff` masks Secrets: whether a value differs is told, and not what it is. */
function masked(
  { live, effective }: Effective & { readonly compared: true },
  { apiVersion, kind }: ObjectRef,
): readonly (KubernetesObject | undefined)[] {
  if (apiVersion !== 'v1' || kind !== 'Secret') return [live, effective];
  const mask = (object: KubernetesObject | undefined, other: KubernetesObject | undefined, differs: string) => {
    if (object === undefined) return undefined;
    const fields = ['data', 'stringData'].filter((field) => object[field] !== undefined);
    return {
      ...object,
      ...Object.fromEntries(fields.map((field) => [field, maskedMap(object[field], other?.[field], differs)])),
    };
  };
  return [mask(live, effective, '*** (before)'), mask(effective, live, '*** (after)')];
}

function maskedMap(map: unknown, other: unknown, differs: string): unknown {
  const values: Record<string, unknown> = Object(other);
  return Object.fromEntries(
    Object.entries(Object(map)).map(([key, value]) => [
      key,
      Object.hasOwn(values, key) && values[key] !== value ? differs : '***',
    ]),
  );
}
