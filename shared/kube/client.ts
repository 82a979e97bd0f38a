import type { Readable } from 'node:stream';
import type { JsonObject, KubernetesObject } from '../api/kubernetes-object.ts';
import { formatObjectRef, groupOf, type ObjectRef, versionOf } from '../api/object-ref.ts';
import type { ApiResource } from '../engine/snapshot.ts';
import { type Absent, orAbsent } from './absent.ts';
import { ApiError } from './api-error.ts';
import { applyBody, type ExpectedLive } from './apply-body.ts';
import { Caller, type CallerOptions } from './caller.ts';
import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';
import { type Discovery, discover } from './discovery.ts';
import { RefusedError } from './refused-error.ts';
import { resourcePath } from './resource-path.ts';
import type { HttpRequest } from './transport.ts';

export type ClusterOptions = CallerOptions;
export type Found = { readonly answer: 'object'; readonly object: KubernetesObject };
export type Listed<Item> = {
  readonly answer: 'list';
  readonly items: readonly Item[];
  /** Of the list, to begin a watch with. */
  readonly resourceVersion: string;
};

export type Collection = { readonly apiVersion: string; readonly kind: string; readonly namespace?: string };

export type ListOptions<Item> = {
  /** Of one page. Default 500. */
  readonly limit?: number;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Keeps what is needed of each object, page by page, so that the rest needn't be held. */
  readonly project?: (object: KubernetesObject) => Item;
  readonly signal?: AbortSignal | undefined;
};

/** The query of a watch; the API server's own words. */
export type WatchQuery = {
  readonly resourceVersion?: string;
  /** Begins with what exists, as `ADDED` events, closed by a bookmark. */
  readonly sendInitialEvents?: boolean;
  readonly fieldSelector?: string;
  readonly timeoutSeconds: number;
};

export type WriteOptions = {
  readonly fieldManager: string;
  readonly dryRun?: boolean;
  /** Default `Strict`: unknown and duplicate fields are errors. */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  readonly signal?: AbortSignal | undefined;
};

export type ApplyOptions = WriteOptions & {
  /** The only source of the request's URL; the body must agree. */
  readonly ref: ObjectRef;
  /** Takes fields over from other managers. Default false. */
  readonly force?: boolean;
  /** Absent: whatever is there. */
  readonly live?: ExpectedLive;
};

export type Written = {
  readonly object: KubernetesObject;
  /** True when it didn't exist before. */
  readonly isCreated: boolean;
  readonly warnings: readonly string[];
};

export type Preconditions = { readonly uid?: string; readonly resourceVersion?: string };

export type ServerVersion = {
  readonly gitVersion: string;
  readonly major: string;
  readonly minor: string;
  readonly platform: string;
};

/** Opens nothing yet: connections are made, and files of credentials read, by the first request. */
export function openCluster(connection: Connection, options: ClusterOptions): Cluster {
  return new Cluster(connection, options);
}

/**
 * One API server as one user, over one pool of kept connections. Every method throws an {@link ApiError} when the
 * server refuses, a {@link ConnectionError} when there is no usable answer, or the reason of an aborted signal.
 */
export class Cluster {
  readonly connection: Connection;
  readonly #caller: Caller;
  #discovery: { readonly at: number; readonly asked: Promise<Discovery> } | undefined;

  constructor(connection: Connection, options: ClusterOptions) {
    this.connection = connection;
    this.#caller = new Caller(connection, options);
  }

  get clock(): Clock {
    return this.#caller.clock;
  }

  /** HTTP requests sent so far, repeated ones included. */
  get requests(): number {
    return this.#caller.requests;
  }

  /** Ends all connections, so that nothing keeps the process alive; calls in flight fail. */
  close(): void {
    this.#caller.close();
  }

  async version({ signal }: { signal?: AbortSignal } = {}): Promise<ServerVersion> {
    const { gitVersion, major, minor, platform } = await this.#caller.getJson('/version', 'get the server version', {
      signal,
    });
    return { gitVersion: String(gitVersion), major: String(major), minor: String(minor), platform: String(platform) };
  }

  /** Asks anew what is served; {@link resourceFor} goes by the latest answer. */
  async discover({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<Discovery> {
    const at = this.clock.now();
    const asked = discover((path, accept) => this.#caller.getJson(path, `discover ${path}`, { accept, signal }));
    const discovery = { at, asked };
    this.#discovery = discovery;
    asked.catch(() => {
      if (this.#discovery === discovery) this.#discovery = undefined;
    });
    return await asked;
  }

  /** What is served, as of `since` (of {@link clock}) or later: asked anew only when nobody has since then. */
  async discoverSince(since: number): Promise<Discovery> {
    const latest = this.#discovery;
    return await (latest !== undefined && latest.at >= since ? latest.asked : this.discover());
  }

  /**
   * How a kind is served, by the latest discovery (the first call makes it). Never a guess: an {@link Absent} answer
   * when nothing serves it.
   *
   * @throws ApiError with 503 when the group's own server is down, so that nobody can know.
   */
  async resourceFor(apiVersion: string, kind: string): Promise<ApiResource | Absent> {
    const { resources, stale } = await (this.#discovery?.asked ?? this.discover());
    const group = groupOf(apiVersion);
    const version = versionOf(apiVersion);
    const resource = resources.find((it) => it.kind === kind && it.group === group && it.version === version);
    if (resource !== undefined) return resource;
    if (stale.includes(apiVersion)) throw this.#staleError(apiVersion, kind);
    return { answer: 'absent', missing: 'api', why: `this cluster serves no ${kind} in ${apiVersion}` };
  }

  /** The OpenAPI v3 document of a group and version, with the schemas of its kinds; undefined where none is published. */
  async openApi(
    apiVersion: string,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<JsonObject | undefined> {
    const path = `/openapi/v3/${groupOf(apiVersion) === '' ? 'api' : 'apis'}/${apiVersion}`;
    try {
      return await this.#caller.getJson(path, `get the schemas of ${apiVersion}`, { signal });
    } catch (error) {
      if (error instanceof ApiError && error.isNotFound) return undefined;
      throw error;
    }
  }

  async get(ref: ObjectRef, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Found | Absent> {
    refuseSecrets(ref);
    const resource = await this.resourceFor(ref.apiVersion, ref.kind);
    if ('answer' in resource) return resource;
    const path = objectPath(resource, ref);
    return await orAbsent(resource, ref.name, async () => {
      const object = await this.#caller.getJson(path, `get ${formatObjectRef(ref)}`, { signal });
      return { answer: 'object', object: toObject(object, ref) };
    });
  }

  /** All objects of a kind, in pages; one consistent list even when a page comes too late to be continued. */
  async list<Item = KubernetesObject>(
    collection: Collection,
    options: ListOptions<Item> = {},
  ): Promise<Listed<Item> | Absent> {
    refuseSecrets(collection);
    const resource = await this.resourceFor(collection.apiVersion, collection.kind);
    if ('answer' in resource) return resource;
    return await orAbsent(resource, undefined, async () => {
      const { limit = 500 } = options;
      for (const _ of ['first', 'again']) {
        try {
          return await this.#listPages(resource, collection, { ...options, limit });
        } catch (error) {
          const isTooLate = error instanceof ApiError && error.code === 410;
          if (!isTooLate) throw error;
        }
      }
      // Everything at once can't expire half-way.
      return await this.#listPages(resource, collection, { ...options, limit: 0 });
    });
  }

  /**
   * What a service answers to a GET, in JSON, through the API server's proxy; tried once. What the API server itself
   * refuses and what the service does look alike.
   *
   * @param service.port - its name or number
   * @see https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls
   */
  async getThroughService(
    { namespace, name, port }: { readonly namespace: string; readonly name: string; readonly port: string },
    path: string,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<JsonObject> {
    const [home, service] = [namespace, `http:${name}:${port}`].map(encodeURIComponent);
    const doing = `ask the service ${namespace}/${name}`;
    const answer = await this.#caller.send(
      {
        method: 'GET',
        path: `/api/v1/namespaces/${home}/services/${service}/proxy${path}`,
        headers: { Accept: 'application/json' },
      },
      { doing, isRepeatable: false, signal },
    );
    return this.#caller.parse(answer, doing);
  }

  /**
   * One watch request, once it is answered: its lines are the caller's to read. `watchObjects` keeps one going.
   *
   * @param options.timeoutMs Until the answer begins; it ends when `signal` says so.
   * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
   */
  async openWatch(
    collection: Collection,
    { resourceVersion, sendInitialEvents = false, fieldSelector, timeoutSeconds }: WatchQuery,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<{ readonly answer: 'stream'; readonly body: Readable } | Absent> {
    refuseSecrets(collection);
    const resource = await this.resourceFor(collection.apiVersion, collection.kind);
    if ('answer' in resource) return resource;
    const path = withQuery(collectionPath(resource, collection), {
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(timeoutSeconds),
      resourceVersion,
      ...(sendInitialEvents && { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }),
      fieldSelector,
    });
    const request = { method: 'GET', path, headers: { Accept: 'application/json' } } as const;
    const doing = `watch ${resource.plural}`;
    return await orAbsent(resource, undefined, async () => {
      const body = await this.#caller.open(request, { doing, timeoutMs, signal });
      return { answer: 'stream', body };
    });
  }

  /**
   * Server-side apply.
   *
   * @throws RefusedError when the body names another object than `ref`, or carries what only the server may set.
   * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
   */
  async apply(object: KubernetesObject, { ref, force = false, live, ...options }: ApplyOptions): Promise<Written> {
    const path = await this.#pathOf(ref);
    const body = applyBody(object, ref, live);
    return await this.#write('PATCH', path, `apply ${formatObjectRef(ref)}`, {
      ...options,
      query: { force: String(force) },
      contentType: 'application/apply-patch+yaml',
      body,
      // Without preconditions a repetition may undo what somebody wrote between the two.
      isRepeatable: live !== undefined,
    });
  }

  /** A merge patch (RFC 7386). With `metadata.resourceVersion` in it, only onto exactly that version. */
  async mergePatch(ref: ObjectRef, patch: JsonObject, options: WriteOptions): Promise<Written> {
    const { metadata } = patch;
    const isGuarded = metadata !== null && typeof metadata === 'object' && 'resourceVersion' in metadata;
    return await this.#write('PATCH', await this.#pathOf(ref), `patch ${formatObjectRef(ref)}`, {
      ...options,
      contentType: 'application/merge-patch+json',
      body: patch,
      isRepeatable: isGuarded,
    });
  }

  /**
   * A JSON patch (RFC 6902). With a test of `/metadata/resourceVersion` in it, only onto exactly that version; a test
   * that fails is a 422 that says no more than "an error in our request".
   */
  async jsonPatch(ref: ObjectRef, patch: readonly JsonObject[], options: WriteOptions): Promise<Written> {
    return await this.#write('PATCH', await this.#pathOf(ref), `patch ${formatObjectRef(ref)}`, {
      ...options,
      contentType: 'application/json-patch+json',
      body: patch,
      isRepeatable: patch.some(({ op, path }) => op === 'test' && path === '/metadata/resourceVersion'),
    });
  }

  /** Creates an object (POST); its name may be left to the server with `metadata.generateName`. */
  async create(object: JsonObject, collection: Collection, options: WriteOptions): Promise<Written> {
    const path = resourcePath(await this.#served(collection), { namespace: collection.namespace });
    return await this.#write('POST', path, `create ${collection.kind}`, {
      ...options,
      contentType: 'application/json',
      body: object,
      isRepeatable: false,
    });
  }

  /** Deletes exactly the object that the preconditions describe; absent when it is gone already. */
  async delete(
    ref: ObjectRef,
    {
      uid,
      resourceVersion,
      dryRun = false,
      signal,
    }: Preconditions & { dryRun?: boolean; signal?: AbortSignal | undefined } = {},
  ): Promise<{ readonly answer: 'deleted' } | Absent> {
    const resource = await this.resourceFor(ref.apiVersion, ref.kind);
    if ('answer' in resource) return resource;
    const preconditions = {
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    };
    return await orAbsent(resource, ref.name, async () => {
      await this.#write('DELETE', objectPath(resource, ref), `delete ${formatObjectRef(ref)}`, {
        dryRun,
        signal,
        contentType: 'application/json',
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy: 'Background',
          preconditions,
          // Here and nowhere else: beside a body the server ignores the query, and would delete for real (tried).
          ...(dryRun && { dryRun: ['All'] }),
        },
        isRepeatable: uid !== undefined,
      });
      return { answer: 'deleted' };
    });
  }

  async #listPages<Item>(
    resource: ApiResource,
    collection: Collection,
    { limit = 0, labelSelector, fieldSelector, project, signal }: ListOptions<Item>,
  ): Promise<Listed<Item>> {
    const path = collectionPath(resource, collection);
    const doing = `list ${resource.plural}${collection.namespace === undefined ? '' : ` in ${collection.namespace}`}`;
    const items: Item[] = [];
    let next = '';
    for (;;) {
      const query = { limit: limit === 0 ? '' : String(limit), continue: next, labelSelector, fieldSelector };
      const page = await this.#caller.getJson(withQuery(path, query), doing, { signal });
      for (const item of Array.isArray(page.items) ? page.items : []) {
        const object = toObject(item as JsonObject, collection);
        items.push(project === undefined ? (object as Item) : project(object));
      }
      const { continue: more, resourceVersion } = (page.metadata ?? {}) as {
        continue?: string;
        resourceVersion?: string;
      };
      if (!more) return { answer: 'list', items, resourceVersion: resourceVersion ?? '' };
      next = more;
    }
  }

  async #pathOf(ref: ObjectRef): Promise<string> {
    return objectPath(await this.#served(ref), ref);
  }

  /** @throws ApiError 404 as the server would answer it, for a kind that isn't served. */
  async #served({ apiVersion, kind }: Collection): Promise<ApiResource> {
    const resource = await this.resourceFor(apiVersion, kind);
    if (!('answer' in resource)) return resource;
    throw this.#caller.error({ doing: `write ${kind}`, code: 404, reason: 'NotFound', serverMessage: resource.why });
  }

  async #write(method: HttpRequest['method'], path: string, doing: string, write: Write): Promise<Written> {
    const { query, contentType, body, fieldManager, dryRun = false, fieldValidation = 'Strict', signal } = write;
    const parameters =
      method === 'DELETE' ? {} : { ...query, fieldManager, dryRun: dryRun ? 'All' : undefined, fieldValidation };
    const answer = await this.#caller.send(
      {
        method,
        path: withQuery(path, parameters),
        headers: { Accept: 'application/json', 'Content-Type': contentType },
        body: JSON.stringify(body),
      },
      { doing, isRepeatable: write.isRepeatable || dryRun, signal },
    );
    const object = this.#caller.parse(answer, doing) as unknown as KubernetesObject;
    return { object, isCreated: answer.status === 201, warnings: answer.warnings };
  }

  #staleError(apiVersion: string, kind: string): ApiError {
    const serverMessage = `the server behind ${apiVersion} does not answer just now, so whether it serves ${kind} isn't known`;
    return this.#caller.error({ doing: `find ${kind}`, code: 503, reason: 'ServiceUnavailable', serverMessage });
  }
}

type Write = Partial<WriteOptions> & {
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly body: unknown;
  readonly isRepeatable: boolean;
};

function withQuery(path: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(
    Object.entries(parameters).filter((entry): entry is [string, string] => Boolean(entry[1])),
  ).toString();
  return query === '' ? path : `${path}?${query}`;
}

function objectPath(resource: ApiResource, ref: ObjectRef): string {
  if (resource.namespaced !== (ref.namespace !== undefined)) {
    const has = resource.namespaced
      ? 'is namespaced, and no namespace is given'
      : 'is cluster-scoped, and a namespace is given';
    throw new RefusedError(`${formatObjectRef(ref)}: ${ref.kind} ${has}`);
  }
  return resourcePath(resource, ref);
}

function collectionPath(resource: ApiResource, { namespace }: Collection): string {
  if (!resource.namespaced && namespace !== undefined) {
    throw new RefusedError(`${resource.plural} are cluster-scoped, and a namespace is given`);
  }
  return resourcePath(resource, { namespace });
}

/** Items of a list of a built-in kind don't say what they are. */
function toObject(object: JsonObject, { apiVersion, kind }: Collection): KubernetesObject {
  return { ...object, apiVersion, kind } as unknown as KubernetesObject;
}

/** Secrets are never read: nobody can leak what nobody holds. */
function refuseSecrets({ apiVersion, kind }: Collection): void {
  if (kind === 'Secret' && groupOf(apiVersion) === '') throw new RefusedError('objects of kind Secret are never read');
}
