import { maxDepth } from '../../shared/api/json-pointer.ts';
import type { JsonObject, KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { parseYamlDocuments, type YamlDocument, YamlError } from '../../shared/yaml/parse-yaml.ts';
import { UserError } from '../user-error.ts';
import { megabytes } from './read-bytes.ts';

export type ObjectsInText = {
  readonly objects: readonly KubernetesObject[];
  /** Whether there was something that isn't an object; only where that isn't an error. */
  readonly hasOther: boolean;
};

export type ObjectsInTextOptions = {
  /** What is no object is an error; otherwise it is left out. What can't be parsed always is an error. */
  readonly strict: boolean;
  /** In characters: YAML takes a hundred times as long to read as JSON, which has no limit here. */
  readonly maxYamlLength: number;
};

/**
 * The Kubernetes objects in a text, YAML documents or JSON; those in a List one by one.
 *
 * @throws UserError with file and line.
 */
export function objectsInText(
  text: string,
  file: string,
  { strict, maxYamlLength }: ObjectsInTextOptions,
): ObjectsInText {
  const objects: KubernetesObject[] = [];
  let hasOther = false;
  const documents = documentsIn(text, file, maxYamlLength);
  for (const { value, lineOf } of documents) {
    try {
      collect(value, [], (path, message) => new UserError(`${file}:${lineOf(path)}: ${message}`), objects);
    } catch (error) {
      if (strict || !(error instanceof UserError)) throw error;
      hasOther = true;
    }
  }
  if (strict && documents.length === 0) {
    throw new UserError(`${file} is empty: expected Kubernetes objects as YAML or JSON`);
  }
  return { objects, hasOther: hasOther || documents.length === 0 };
}

type Document = Pick<YamlDocument, 'value' | 'lineOf'>;

function documentsIn(text: string, file: string, maxYamlLength: number): readonly Document[] {
  // Much faster than the YAML reader, which is still there to say what is wrong and where.
  if (/^\s*[{[]/.test(text)) {
    try {
      const value = JSON.parse(text);
      if (isTame(value, 0)) return [{ value, lineOf: () => 1 }];
    } catch {
      // Several JSON documents in a row, or a mistake.
    }
  }
  if (text.length > maxYamlLength) {
    throw new UserError(
      `${file} is ${megabytes(text.length)} of YAML, and at most ${megabytes(maxYamlLength)} are read: ` +
        'name a file with only the objects that are needed, or one of JSON (-o json), of which more is read',
    );
  }
  try {
    return parseYamlDocuments(text, { maxLength: Number.POSITIVE_INFINITY });
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const [first] = error.mistakes;
    const more = error.mistakes.length > 1 ? ` (and ${error.mistakes.length - 1} more)` : '';
    throw new UserError(
      `${file}:${first?.line ?? 1}: not YAML or JSON that can be read: ${first?.message ?? error.message}${more}`,
      { cause: error },
    );
  }
}

/** Neither deeper than the YAML reader allows, nor with the key that would reach an object's prototype. */
function isTame(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return (
    depth < maxDepth &&
    !Object.hasOwn(value, '__proto__') &&
    Object.values(value).every((item) => isTame(item, depth + 1))
  );
}

type Path = readonly (string | number)[];
type Mistake = (path: Path, message: string) => UserError;

function collect(
  value: unknown,
  path: Path,
  mistake: Mistake,
  objects: KubernetesObject[],
  listOf?: { kind: string; apiVersion: string },
): void {
  if (!isMap(value)) {
    throw mistake(path, `not a Kubernetes object but ${described(value)}: expected apiVersion, kind and metadata`);
  }
  // The items of a NodeList, as the API returns them, say neither.
  const { apiVersion = listOf?.apiVersion, kind = listOf?.kind } = value;
  if (typeof apiVersion !== 'string' || apiVersion === '')
    throw mistake(path, `not a Kubernetes object: apiVersion ${missing(apiVersion)}`);
  if (typeof kind !== 'string' || kind === '') throw mistake(path, `not a Kubernetes object: kind ${missing(kind)}`);
  if (kind.endsWith('List') && Array.isArray(value.items)) {
    if (path.length > 4) throw mistake(path, 'Lists in Lists in Lists');
    const items = kind === 'List' ? undefined : { apiVersion, kind: kind.slice(0, -'List'.length) };
    for (const [index, item] of value.items.entries())
      collect(item, [...path, 'items', index], mistake, objects, items);
    return;
  }
  const { metadata } = value;
  if (!isMap(metadata)) throw mistake([...path, 'metadata'], `${kind}: metadata ${missing(metadata, 'map')}`);
  if (typeof metadata.name !== 'string' || metadata.name === '') {
    throw mistake([...path, 'metadata', 'name'], `${kind}: metadata.name ${missing(metadata.name)}`);
  }
  if (metadata.namespace !== undefined && typeof metadata.namespace !== 'string') {
    throw mistake(
      [...path, 'metadata', 'namespace'],
      `${kind}/${metadata.name}: metadata.namespace ${missing(metadata.namespace)}`,
    );
  }
  for (const field of ['labels', 'annotations']) {
    const map = metadata[field] ?? {};
    if (!isMap(map))
      throw mistake([...path, 'metadata', field], `${kind}/${metadata.name}: metadata.${field} ${missing(map, 'map')}`);
    for (const [key, item] of Object.entries(map)) {
      if (typeof item !== 'string') {
        throw mistake(
          [...path, 'metadata', field, key],
          `${kind}/${metadata.name}: the ${field === 'labels' ? 'label' : 'annotation'} ${key} is ${described(item)}, not a string: put it in quotes`,
        );
      }
    }
  }
  objects.push({ ...value, apiVersion, kind, metadata: { ...metadata, name: metadata.name } } as KubernetesObject);
}

function isMap(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function missing(value: unknown, wanted = 'string'): string {
  return value === undefined ? 'is missing' : `is ${described(value)}, not a ${wanted}`;
}

function described(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  if (typeof value === 'string')
    return value === ''
      ? 'an empty string'
      : `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  return String(value);
}
