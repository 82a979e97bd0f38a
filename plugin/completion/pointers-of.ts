import { annotation, isInvalid, parseIgnoreFields } from '../../shared/api/annotations.ts';
import { formatPointer, parsePointer } from '../../shared/api/json-pointer.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { forbiddenPointer } from '../../shared/engine/ignored-fields.ts';
import type { Cluster } from '../../shared/kube/client.ts';
import type { Arguments } from '../arguments.ts';
import type { Environment } from '../environment.ts';
import { catalogOf } from '../input/catalog.ts';
import { selectOne } from '../input/select-items.ts';
import { type Candidate, type Candidates, directive, fitting, nothing } from './candidate.ts';
import { itemsOf } from './catalog-items.ts';
import { hyperConvergedNamespaces, onCluster } from './on-cluster.ts';

/**
 * Fields of the live object that the words before name, a level at a time as with folders; with `--remove`, those that
 * it ignores.
 */
export async function pointersOf(typed: string, given: Arguments, environment: Environment): Promise<Candidates> {
  // Before the cluster is asked, whose time is short.
  const catalog = await catalogOf(given, environment);
  const object = await onCluster(given, environment, (cluster) => liveObject(cluster, given, catalog));
  if (object === undefined) return nothing;
  if (given.isOn('remove')) {
    const ignored = parseIgnoreFields(object.metadata.annotations?.[annotation.ignoreFields] ?? '');
    return isInvalid(ignored)
      ? nothing
      : fitting(
          ignored.map((path) => ({ text: formatPointer(path) })),
          typed,
        );
  }
  const parent = parsePointer(typed.slice(0, Math.max(0, typed.lastIndexOf('/'))));
  const found = fitting(fieldsBelow(parent, object), typed);
  const isOpen = found.candidates.some(({ text }) => text.endsWith('/'));
  return isOpen ? { ...found, directive: found.directive + directive.noSpace } : found;
}

async function liveObject(cluster: Cluster, given: Arguments, catalog: Catalog): Promise<KubernetesObject | undefined> {
  const [namespace] = await hyperConvergedNamespaces(cluster);
  const items = itemsOf(catalog, namespace);
  const firstPointer = given.words.findIndex((word) => word.startsWith('/'));
  const words = firstPointer === -1 ? given.words : given.words.slice(0, firstPointer);
  const { target } = selectOne(items, words, { namespace: given.text('namespace') });
  const found = await cluster.get(target);
  return found.answer === 'object' ? found.object : undefined;
}

/** The fields of the container at `parent` that may be ignored, or hold some that may; these end with a slash. */
function fieldsBelow(parent: readonly string[], object: KubernetesObject): readonly Candidate[] {
  const container = parent.reduce<unknown>((value, key) => Object(value)[key], object);
  return Object.entries(Object(container)).flatMap(([key, value]) => {
    const path = [...parent, key];
    if (!holdsIgnorable(path, value, object)) return [];
    return [{ text: `${formatPointer(path)}${isContainer(value) ? '/' : ''}` }];
  });
}

function holdsIgnorable(path: readonly string[], value: unknown, object: KubernetesObject): boolean {
  if (!isContainer(value)) return forbiddenPointer([path], object) === undefined;
  return Object.entries(Object(value)).some(([key, inner]) => holdsIgnorable([...path, key], inner, object));
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}
