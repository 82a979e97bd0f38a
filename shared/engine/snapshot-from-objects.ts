import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { groupOf, versionOf } from '../api/object-ref.ts';
import { isMap } from './json.ts';
import { type ApiResource, type Apis, questionKey, type ReadAnswer, type Snapshot } from './snapshot.ts';

/**
 * What is known of a cluster from files alone: whatever objects they hold, CRDs and namespaces included. What they
 * don't hold counts as absent for facts and declared reads, which the plan says; whether such a target exists stays
 * unknown. Without any CRD among them, everything is assumed to be served.
 */
export function snapshotFromObjects(
  objects: readonly KubernetesObject[],
  options: Partial<Pick<Snapshot, 'images' | 'forced' | 'namespace' | 'now'>> = {},
): Snapshot {
  const apis = apisOf(objects);
  const reads = new Map<string, ReadAnswer>();
  const lists = new Map<string, Map<string, KubernetesObject>>();
  for (const object of objects) {
    const { kind } = object;
    const { name, namespace } = object.metadata;
    // A file may hold an object in another version than the one that is asked for.
    for (const apiVersion of versionsOf(object, apis)) {
      const ref = { apiVersion, kind, ...(namespace !== undefined && { namespace }), name };
      reads.set(questionKey({ ask: 'get', ref }), { answer: 'object', object });
      for (const scope of new Set([undefined, namespace])) {
        const key = questionKey({ ask: 'list', apiVersion, kind, ...(scope !== undefined && { namespace: scope }) });
        const items = lists.get(key) ?? new Map<string, KubernetesObject>();
        lists.set(key, items.set(`${namespace ?? ''}/${name}`, object));
      }
    }
  }
  for (const [key, items] of lists) reads.set(key, { answer: 'list', items: [...items.values()] });
  return {
    apis,
    reads,
    verdicts: new Map(),
    otherwise: { answer: 'unknown', why: 'it is not among the files', assume: 'absent' },
    images: {},
    ...options,
  };
}

/** What the CRDs among the objects, and the objects' own kinds, show to be served. */
function apisOf(objects: readonly KubernetesObject[]): Apis {
  const crds = objects.filter(
    ({ kind, apiVersion }) => kind === 'CustomResourceDefinition' && groupOf(apiVersion) === 'apiextensions.k8s.io',
  );
  if (crds.length === 0) return { known: false };
  const fromCrds = crds.flatMap(resourcesOf);
  const inUse = objects.map(
    ({ apiVersion, kind, metadata }): ApiResource => ({
      group: groupOf(apiVersion),
      version: versionOf(apiVersion),
      kind,
      plural: `${kind.toLowerCase()}s`,
      namespaced: metadata.namespace !== undefined,
    }),
  );
  const resources = new Map(
    [...inUse, ...fromCrds].map((resource) => [`${resource.group}/${resource.version}/${resource.kind}`, resource]),
  );
  return { known: true, resources: [...resources.values()], builtIn: 'assumed' };
}

function resourcesOf({ spec }: KubernetesObject): readonly ApiResource[] {
  if (!isMap(spec) || !isMap(spec.names) || !Array.isArray(spec.versions)) return [];
  const { kind, plural } = spec.names;
  const { group, scope } = spec;
  if (typeof kind !== 'string' || typeof plural !== 'string' || typeof group !== 'string') return [];
  return spec.versions
    .filter((version) => isMap(version) && version.served !== false && typeof version.name === 'string')
    .map(({ name }) => ({ group, version: name, kind, plural, namespaced: scope !== 'Cluster' }));
}

function versionsOf(object: KubernetesObject, apis: Apis): readonly string[] {
  const group = groupOf(object.apiVersion);
  const served = apis.known
    ? apis.resources.filter((resource) => resource.group === group && resource.kind === object.kind)
    : [];
  return [
    ...new Set([object.apiVersion, ...served.map(({ version }) => (group === '' ? version : `${group}/${version}`))]),
  ];
}
