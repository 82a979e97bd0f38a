import type { KubernetesObject } from '../shared/api/kubernetes-object.ts';
import { isMap } from '../shared/engine/json.ts';
import type { ApiResource } from '../shared/engine/snapshot.ts';

/**
 * What is served, as the CRDs themselves say. Discovery is asked for the rest only: it lags behind CRDs, and an API
 * server that has just started leaves them out for a while, which must not look as if they had been removed.
 */
export class ServedApis {
  #discovered: readonly ApiResource[] = [];
  #crds: readonly KubernetesObject[] = [];
  /** Names of CRDs that were ever seen: discovery isn't believed about them. */
  readonly #seen = new Set<string>();

  set discovered(resources: readonly ApiResource[]) {
    this.#discovered = resources;
  }

  set crds(crds: readonly KubernetesObject[]) {
    this.#crds = crds;
    for (const { metadata } of crds) this.#seen.add(metadata.name);
  }

  get resources(): readonly ApiResource[] {
    const others = this.#discovered.filter((resource) => !this.#seen.has(crdName(resource)));
    return [...others, ...this.#crds.flatMap(servedBy)];
  }

  /** Whether discovery has come as far as the CRDs. */
  get isConsistent(): boolean {
    const served = new Set(this.#crds.flatMap(servedBy).map(keyOf));
    const listed = this.#discovered.filter((resource) => this.#seen.has(crdName(resource))).map(keyOf);
    return served.size === new Set(listed).size && listed.every((key) => served.has(key));
  }
}

/** What is looked at of a CRD; everything else, its schemas above all, costs memory only. */
export function projectCrd({ apiVersion, kind, metadata, spec, status }: KubernetesObject): KubernetesObject {
  const { group, scope, names, versions } = isMap(spec) ? spec : {};
  const conditions = isMap(status) && Array.isArray(status.conditions) ? status.conditions : [];
  return {
    apiVersion,
    kind,
    metadata: { name: metadata.name },
    spec: {
      group,
      scope,
      names: isMap(names) ? { kind: names.kind, plural: names.plural } : {},
      versions: Array.isArray(versions) ? versions.map(({ name, served }) => ({ name, served })) : [],
    },
    status: { conditions: conditions.map(({ type, status }) => ({ type, status })) },
  };
}

function servedBy({ spec, status }: KubernetesObject): readonly ApiResource[] {
  const { conditions = [] } = Object(status);
  const isOn = (wanted: string) =>
    conditions.some(({ type, status }: Record<string, string>) => type === wanted && status === 'True');
  if (!isOn('Established') || isOn('Terminating')) return [];
  const { group, scope, names, versions } = Object(spec);
  return versions
    .filter(({ served }: { served?: boolean }) => served !== false)
    .map(
      ({ name }: { name: string }): ApiResource => ({
        group,
        version: name,
        kind: names.kind,
        plural: names.plural,
        namespaced: scope === 'Namespaced',
      }),
    );
}

function crdName({ plural, group }: ApiResource): string {
  return `${plural}.${group}`;
}

function keyOf({ group, version, plural }: ApiResource): string {
  return `${group}/${version}/${plural}`;
}
