import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { stringify } from 'yaml';
import type { JsonObject, KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { groupOf, versionOf } from '../../shared/api/object-ref.ts';
import { isMap } from '../../shared/catalog/json.ts';
import type { ApiResource } from '../../shared/engine/snapshot.ts';
import { resourcePath } from '../../shared/kube/resource-path.ts';

// A cluster to rehearse on while V8's code is made (warm-up.ts). With a real one what comes first and what next is never
// the same twice, and neither would the bytes of an executable be. Nothing is ever decided by what it answers.

type Answer = { readonly status: number; readonly body: unknown };

/** `node:http2` and `node:tls` for a bundle, whose every connection leads to a cluster with these objects. */
export function rehearsalModules(objects: readonly KubernetesObject[]) {
  const byPath = new Map(objects.map((object) => [pathOf(object), object]));
  const plurals = new Set(objects.map(({ kind }) => plural(kind)));
  const discovery = discoveryOf(objects);

  function answer(method: string, url: string, sent: string): Answer {
    const { pathname } = new URL(url, 'https://rehearsal');
    if (pathname === '/version') return { status: 200, body: { gitVersion: 'v1.0.0', major: '1', minor: '0' } };
    const list = discovery.get(pathname);
    if (list !== undefined) return { status: 200, body: list };
    const found = byPath.get(pathname);
    // A dry-run of an apply: what is there with what was sent over it.
    if (method === 'PATCH') return { status: found === undefined ? 201 : 200, body: merged(found, JSON.parse(sent)) };
    if (found !== undefined) return { status: 200, body: found };
    if (!plurals.has(pathname.split('/').at(-1) ?? '')) return { status: 404, body: notFound(pathname) };
    const items = objects.filter((object) => collectionPaths(object).includes(pathname));
    return { status: 200, body: { kind: 'List', metadata: { resourceVersion: '1' }, items } };
  }

  /** An exchange of HTTP/2: what is sent, and the answer to it. */
  class Stream extends Readable {
    readonly rstCode = 0;
    readonly #headers: RequestHeaders;

    constructor(headers: RequestHeaders, { endStream }: { readonly endStream: boolean }) {
      super({ read: () => {} });
      this.#headers = headers;
      if (endStream) this.end();
    }

    end(sent?: Buffer): void {
      process.nextTick(() => {
        const { status, body } = answer(this.#headers[':method'], this.#headers[':path'], sent?.toString() ?? '');
        this.emit('response', { ':status': status });
        this.push(JSON.stringify(body));
        this.push(null);
      });
    }

    close(): void {}
  }

  class Session extends EventEmitter {
    request(...args: ConstructorParameters<typeof Stream>): Stream {
      return new Stream(...args);
    }

    ref(): void {}
    unref(): void {}
    destroy(): void {}
  }

  class Socket extends EventEmitter {
    readonly alpnProtocol = 'h2';

    constructor() {
      super();
      process.nextTick(() => this.emit('secureConnect'));
    }

    destroy(): void {}
  }

  return {
    'node:http2': { connect: () => new Session(), constants: { NGHTTP2_NO_ERROR: 0 } },
    'node:tls': { connect: () => new Socket(), createSecureContext: () => ({}), getCACertificates: () => [] },
  };
}

type RequestHeaders = { readonly ':method': string; readonly ':path': string };

/** That leads there, for whoever reads a file; in YAML, as most are. */
export const rehearsalKubeconfig = stringify({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'rehearsal',
  contexts: [{ name: 'rehearsal', context: { cluster: 'rehearsal', user: 'rehearsal' } }],
  clusters: [{ name: 'rehearsal', cluster: { server: 'https://rehearsal.invalid', 'insecure-skip-tls-verify': true } }],
  users: [{ name: 'rehearsal', user: { token: 'rehearsal' } }],
});

/** As a server keeps it: with what only a server sets, and each field owned by `manager`. */
export function stored(object: KubernetesObject, manager: string): KubernetesObject {
  const { apiVersion, kind, metadata, ...content } = object;
  const { name: _, namespace: __, ...owned } = metadata;
  return {
    ...object,
    metadata: {
      ...metadata,
      uid: '1',
      resourceVersion: '1',
      generation: 1,
      managedFields: [
        {
          manager,
          operation: 'Apply',
          apiVersion,
          time: '2026-01-01T00:00:00Z',
          fieldsType: 'FieldsV1',
          fieldsV1: fieldSet({ metadata: owned, ...content }),
        },
      ],
    },
  };
}

/** Lists are leaves, as atomic ones are. */
function fieldSet(value: unknown): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [`f:${key}`, fieldSet(part)]));
}

function discoveryOf(objects: readonly KubernetesObject[]): ReadonlyMap<string, unknown> {
  const kinds = new Map(objects.map((object) => [`${object.apiVersion} ${object.kind}`, object]));
  const lists = ['/api', '/apis'].map((root) => {
    const items = [...kinds.values()]
      .filter(({ apiVersion }) => apiVersion.includes('/') === (root === '/apis'))
      .map((object) => {
        const { group, version, kind, plural: resource, namespaced } = resourceOf(object);
        const responseKind = { group, version, kind };
        const resources = [{ resource, responseKind, scope: namespaced ? 'Namespaced' : 'Cluster' }];
        return { metadata: { name: group }, versions: [{ version, freshness: 'Current', resources }] };
      });
    return [root, { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', items }] as const;
  });
  return new Map(lists);
}

function plural(kind: string): string {
  return `${kind.toLowerCase()}s`;
}

function resourceOf({ apiVersion, kind, metadata }: KubernetesObject): ApiResource {
  return {
    group: groupOf(apiVersion),
    version: versionOf(apiVersion),
    kind,
    plural: plural(kind),
    namespaced: metadata.namespace !== undefined,
  };
}

/** Of one namespace, and of all. */
function collectionPaths(object: KubernetesObject): readonly string[] {
  const { namespace } = object.metadata;
  return [resourcePath(resourceOf(object), { namespace }), resourcePath(resourceOf(object), {})];
}

function pathOf(object: KubernetesObject): string {
  return resourcePath(resourceOf(object), object.metadata);
}

function merged(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over;
  const parts = Object.entries(over).map(([key, part]) => [key, merged(base[key], part)]);
  return { ...base, ...Object.fromEntries(parts) };
}

function notFound(path: string): object {
  const [, root, ...segments] = path.split('/');
  const details = { group: root === 'apis' ? segments[0] : undefined, kind: segments.at(-2), name: segments.at(-1) };
  return { kind: 'Status', status: 'Failure', code: 404, reason: 'NotFound', message: 'not found', details };
}
