import type { JsonObject, KubernetesObject, ManagedFieldsEntry } from '../api/kubernetes-object.ts';
import { autopilotName } from '../api/names.ts';
import { isMap } from './json.ts';

/**
 * A set of fields in the notation of `metadata.managedFields` (FieldsV1): `f:NAME` a field, `k:{…}` an item of an
 * associative list by its keys, `v:…` an item of a set, `.` the container itself. A node without children is a leaf.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export type FieldSet = { readonly [element: string]: FieldSet };

/** The managed fields of an object's own state, `status` and other subresources left out. */
export function entriesOf(object: KubernetesObject): readonly ManagedFieldsEntry[] {
  return (object.metadata.managedFields ?? []).filter((entry) => (entry.subresource ?? '') === '');
}

/** Whether the entry is what our own applies left. */
export function isOurs(entry: ManagedFieldsEntry): boolean {
  return entry.manager === autopilotName && entry.operation === 'Apply' && (entry.subresource ?? '') === '';
}

export function fieldSetOf(entry: ManagedFieldsEntry): FieldSet {
  return toFieldSet(entry.fieldsV1 ?? {});
}

/** The union of several sets: where any of them looks inside a container, so does the union. */
export function union(sets: readonly FieldSet[]): FieldSet {
  const [first, ...others] = sets;
  if (first !== undefined && others.length === 0) return first;
  const merged: Record<string, FieldSet> = {};
  for (const element of new Set(sets.flatMap(Object.keys))) {
    merged[element] = union(sets.flatMap((set) => (Object.hasOwn(set, element) ? [set[element] ?? {}] : [])));
  }
  return merged;
}

/** Whether nothing is known inside: the container is owned as a whole, or isn't a container. */
export function isLeaf(set: FieldSet): boolean {
  return Object.keys(set).every((element) => element === '.');
}

/** The child under a field's name. */
export function child(set: FieldSet | undefined, name: string): FieldSet | undefined {
  return set !== undefined && Object.hasOwn(set, `f:${name}`) ? set[`f:${name}`] : undefined;
}

/** How a list is merged, as far as its owners' sets show. */
export type ListType =
  | { readonly list: 'associative'; readonly keys: readonly string[] }
  | { readonly list: 'set' }
  | { readonly list: 'atomic' }
  | { readonly list: 'unknown' };

/** What `set`, the union of all owners' sets at a list, tells of the list's type. */
export function listTypeOf(set: FieldSet | undefined): ListType {
  if (set === undefined) return { list: 'unknown' };
  const elements = Object.keys(set);
  const item = elements.find((element) => element.startsWith('k:'));
  if (item !== undefined) return { list: 'associative', keys: Object.keys(parseElement(item)) };
  if (elements.some((element) => element.startsWith('v:'))) return { list: 'set' };
  return { list: 'atomic' };
}

/** The element in `set` that stands for an item of an associative list; keys that the item leaves to defaults match. */
export function itemElement(set: FieldSet | undefined, item: unknown): string | undefined {
  return Object.keys(set ?? {}).find((element) => element.startsWith('k:') && hasKeys(item, parseElement(element)));
}

/** Whether the item has these keys, or leaves them to the server's defaults. */
export function hasKeys(item: unknown, keys: JsonObject): boolean {
  if (typeof item !== 'object' || item === null) return false;
  const fields: Record<string, unknown> = { ...item };
  const names = Object.keys(keys);
  return (
    names.some((name) => fields[name] !== undefined) &&
    names.every((name) => fields[name] === undefined || fields[name] === keys[name])
  );
}

/** The JSON behind a `k:` or `v:` element. */
export function parseElement(element: string): JsonObject {
  return JSON.parse(element.slice(2));
}

/** What no API server writes is left out: a file may hold anything. */
function toFieldSet(fields: { readonly [element: string]: unknown }): FieldSet {
  const known = Object.entries(fields).filter(([element]) => isElement(element));
  return Object.fromEntries(known.map(([element, inner]) => [element, isMap(inner) ? toFieldSet(inner) : {}]));
}

function isElement(element: string): boolean {
  if (element === '.' || element.startsWith('f:')) return true;
  if (!element.startsWith('k:') && !element.startsWith('v:')) return false;
  try {
    const value: unknown = JSON.parse(element.slice(2));
    return element.startsWith('v:') || isMap(value);
  } catch {
    return false;
  }
}
