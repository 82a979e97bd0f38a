import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { groupOf, type ObjectRef } from '../../shared/api/object-ref.ts';
import { printYaml } from '../../shared/yaml/print-yaml.ts';
import { escapeJson } from './escape.ts';

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
  return printYaml(JSON.parse(JSON.stringify(value)));
}

/** `machineconfig.machineconfiguration.openshift.io/x`, as `kubectl -o name` prints it. */
export function resourceName({ apiVersion, kind, name }: Pick<ObjectRef, 'apiVersion' | 'kind' | 'name'>): string {
  const group = groupOf(apiVersion);
  return `${kind.toLowerCase()}${group === '' ? '' : `.${group}`}/${name}`;
}
