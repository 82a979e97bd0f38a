import type { Json, KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { groupOf, type ObjectRef } from '../../shared/api/object-ref.ts';
import { printYaml } from '../../shared/yaml/print-yaml.ts';
import { escapeJson, isUnsafe } from './escape.ts';

/** YAML documents, separated by `---`. */
export function printDocuments(objects: readonly KubernetesObject[]): string {
  return objects.map((object) => safeYaml(object)).join('---\n');
}

/** JSON as kubectl prints it, four spaces deep, with nothing in it that a terminal would act upon. */
export function safeJson(value: unknown): string {
  return `${escapeJson(JSON.stringify(value, null, 4))}\n`;
}

/** YAML with nothing in it that a terminal would act upon: such strings stand in quotes, escaped. */
export function safeYaml(value: unknown): string {
  // As JSON has it: what is undefined isn't there.
  const json: Json = JSON.parse(JSON.stringify(value));
  const text = printYaml(json);
  return hasInvisible(text) ? escapeJson(printYaml(quoted(json))).replaceAll(`"${printedMark}`, '"') : text;
}

/** `machineconfig.machineconfiguration.openshift.io/x`, as `kubectl -o name` prints it. */
export function resourceName({ apiVersion, kind, name }: Pick<ObjectRef, 'apiVersion' | 'kind' | 'name'>): string {
  const group = groupOf(apiVersion);
  return `${kind.toLowerCase()}${group === '' ? '' : `.${group}`}/${name}`;
}

// Line breaks and tabs are the layout's own.
function hasInvisible(text: string): boolean {
  return isUnsafe(text.replaceAll('\n', '').replaceAll('\t', ''));
}

// printYaml leaves printable formatting characters (bidirectional controls) as they are. A control character makes it
// put a string in double quotes, where an escape means what it says; the mark is taken away again.
const mark = '\u0001\u0002\u0001';
const printedMark = '\\u0001\\u0002\\u0001';

function quoted(value: Json): Json {
  if (typeof value === 'string') return hasInvisible(value) ? `${mark}${value}` : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(quoted);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [hasInvisible(key) ? `${mark}${key}` : key, quoted(item)]),
  );
}
