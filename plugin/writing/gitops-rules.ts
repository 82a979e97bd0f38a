import { formatPointer } from '../../shared/api/json-pointer.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { groupOf, refOf } from '../../shared/api/object-ref.ts';

/** Tools that keep objects as a Git repository has them. */
export const gitopsTools = ['argocd', 'flux'] as const;
export type GitopsTool = (typeof gitopsTools)[number];

/**
 * The part of an Argo CD Application, or of a Flux Kustomization, by which it leaves the fields of these objects alone.
 *
 * Fields are named one by one. Argo CD also knows `managedFieldsManagers`, which would follow what we own by itself, but
 * isn't honoured by all of its ways to compare (argoproj/argo-cd#9696, #20178).
 *
 * @see https://argo-cd.readthedocs.io/en/stable/user-guide/diffing/#application-level-configuration
 * @see https://fluxcd.io/flux/components/kustomize/kustomizations/#ignore-rules
 */
export function gitopsRules(tool: GitopsTool, objects: readonly KubernetesObject[]): object {
  const rules = objects.map((object) => ({ ref: refOf(object), pointers: ownedPointers(object) }));
  switch (tool) {
    case 'argocd':
      return {
        spec: {
          syncPolicy: { syncOptions: ['RespectIgnoreDifferences=true'] },
          ignoreDifferences: rules.map(({ ref: { apiVersion, kind, namespace, name }, pointers }) => ({
            group: groupOf(apiVersion),
            kind,
            name,
            namespace,
            jsonPointers: pointers,
          })),
        },
      };
    case 'flux':
      return {
        spec: {
          ignore: rules.map(({ ref: { apiVersion, kind, namespace, name }, pointers }) => ({
            paths: pointers,
            target: {
              group: pattern(groupOf(apiVersion)),
              kind,
              name: pattern(name),
              namespace: namespace === undefined ? undefined : pattern(namespace),
            },
          })),
        },
      };
    default:
      return tool satisfies never;
  }
}

/**
 * The fields that an apply of the object sets, its identity left out. A list is one field: its items have no names that
 * a pointer could tell. In the order of the alphabet, so that a repository sees no changes of order.
 */
export function ownedPointers(object: KubernetesObject): readonly string[] {
  return [...leavesOf(object, [])]
    .map(formatPointer)
    .filter((pointer) => !identity.has(pointer))
    .sort();
}

function* leavesOf(value: unknown, path: readonly string[]): Generator<readonly string[]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0)
    yield path;
  else for (const [name, inner] of Object.entries(value)) yield* leavesOf(inner, [...path, name]);
}

/** Flux matches whole names by regular expressions; of what may be in names only the dot means something there. */
function pattern(name: string): string {
  return name.replaceAll('.', '\\.');
}

const identity: ReadonlySet<string> = new Set(['/apiVersion', '/kind', '/metadata/name', '/metadata/namespace']);
