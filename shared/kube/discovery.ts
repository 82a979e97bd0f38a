import type { Json, JsonObject } from '../api/kubernetes-object.ts';
import type { ApiResource } from '../engine/snapshot.ts';
import { ApiError } from './api-error.ts';

export type Discovery = {
  readonly resources: readonly ApiResource[];
  /** `group/version`s whose server doesn't answer just now: what they serve isn't known. */
  readonly stale: readonly string[];
};

/** Sends a GET and gives the JSON of the answer. */
export type Fetch = (path: string, accept: string) => Promise<JsonObject>;

/**
 * Asks what the API server serves: two requests by aggregated discovery, which every authenticated user may make, or
 * one more for each group and version where the server is too old for that.
 *
 * @see https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
 */
export async function discover(fetch: Fetch): Promise<Discovery> {
  const parts = await Promise.all(['/api', '/apis'].map((path) => discoverBelow(path, fetch)));
  return { resources: parts.flatMap(({ resources }) => resources), stale: parts.flatMap(({ stale }) => stale) };
}

const aggregated = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .concat('application/json')
  .join(',');

async function discoverBelow(path: string, fetch: Fetch): Promise<Discovery> {
  const root = await fetch(path, aggregated);
  if (root.kind === 'APIGroupDiscoveryList') return fromAggregated(root);
  const groupVersions =
    root.kind === 'APIVersions'
      ? strings(root.versions)
      : objects(root.groups).flatMap(({ versions }) => objects(versions).map(({ groupVersion }) => text(groupVersion)));
  const parts = await Promise.all(groupVersions.map((groupVersion) => discoverOne(path, groupVersion, fetch)));
  return { resources: parts.flatMap(({ resources }) => resources), stale: parts.flatMap(({ stale }) => stale) };
}

function fromAggregated(list: JsonObject): Discovery {
  const resources: ApiResource[] = [];
  const stale: string[] = [];
  for (const { metadata, versions } of objects(list.items)) {
    const group = text(object(metadata).name);
    for (const { version: name, freshness, resources: served } of objects(versions)) {
      const version = text(name);
      if (freshness === 'Stale') stale.push(group === '' ? version : `${group}/${version}`);
      for (const { resource, responseKind, scope } of objects(served)) {
        const kind = text(object(responseKind).kind);
        const plural = text(resource);
        if (kind === '' || plural === '') continue;
        resources.push({ group, version, kind, plural, namespaced: scope === 'Namespaced' });
      }
    }
  }
  return { resources, stale };
}

async function discoverOne(path: string, groupVersion: string, fetch: Fetch): Promise<Discovery> {
  try {
    const list = await fetch(`${path}/${groupVersion}`, 'application/json');
    const [group, version] = groupVersion.includes('/') ? groupVersion.split('/', 2) : ['', groupVersion];
    const resources = objects(list.resources)
      .map(({ name, kind, namespaced }) => ({
        group: group ?? '',
        version: version ?? '',
        kind: text(kind),
        plural: text(name),
        namespaced: namespaced === true,
      }))
      // Subresources are listed beside their resources here.
      .filter(({ kind, plural }) => kind !== '' && plural !== '' && !plural.includes('/'));
    return { resources, stale: [] };
  } catch (error) {
    if (error instanceof ApiError && (error.isTransient || error.isNotFound)) {
      return { resources: [], stale: [groupVersion] };
    }
    throw error;
  }
}

function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.map(object) : [];
}

function object(value: Json | undefined): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : {};
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
