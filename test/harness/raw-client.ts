import { Agent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';

/** A Kubernetes object as it is in JSON. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into objects of any kind, and a wrong path fails the assertion.
export type AnyObject = Record<string, any>;

/** Who makes a request: a user with a static token, or anybody, by impersonation. */
export type As = string | { user: string; groups: readonly string[] } | { token: string };

export type RequestOptions = {
  /** An object is sent as JSON, a string as it is. */
  body?: unknown;
  /** Default: application/json. */
  contentType?: string;
  headers?: Record<string, string>;
  /** Default: `admin`. */
  as?: As;
  signal?: AbortSignal;
};

export type Answer = {
  status: number;
  /** Parsed when it is JSON, otherwise the text. */
  body: AnyObject;
  headers: Record<string, string | string[] | undefined>;
};

/** Which object, in the words of a manifest. */
export type ObjectId = { apiVersion: string; kind: string; name: string; namespace?: string };

export type ApplyOptions = {
  /** Field manager. Default `test`. */
  manager?: string;
  /** Default true. */
  force?: boolean;
  as?: As;
  dryRun?: boolean;
};

export type PatchType = 'merge' | 'json' | 'strategic';

/** An API server's refusal, as the tests' client reports it. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly status: number;
  readonly body: AnyObject;

  constructor(what: string, { status, body }: Answer) {
    super(`${what}: HTTP ${status}: ${typeof body === 'string' ? body : (body.message ?? JSON.stringify(body))}`);
    this.status = status;
    this.body = body;
  }
}

/** A small client for tests, on purpose not `shared/kube`: what a test expects must not come from the code it tests. */
export class RawClient {
  readonly #url: string;
  readonly #agent: Agent;
  readonly #tokenOf: (user: string) => string | undefined;
  readonly #resources = new Map<string, Map<string, { name: string; namespaced: boolean }>>();

  constructor({ url, ca, tokenOf }: { url: string; ca: string; tokenOf: (user: string) => string | undefined }) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, ca, maxSockets: 32 });
    this.#tokenOf = tokenOf;
  }

  /** One request, its answer as it came, whatever the status. */
  async request(
    method: string,
    path: string,
    { body, contentType = 'application/json', headers = {}, as = 'admin', signal }: RequestOptions = {},
  ): Promise<Answer> {
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      const request = httpsRequest(new URL(path, this.#url), {
        method,
        agent: this.#agent,
        ...(signal === undefined ? {} : { signal }),
        headers: {
          accept: 'application/json',
          ...(payload === undefined
            ? {}
            : { 'content-type': contentType, 'content-length': Buffer.byteLength(payload) }),
          ...this.#identity(as),
          ...headers,
        },
      });
      request.once('response', resolve).once('error', reject).end(payload);
    });
    const content = await text(response);
    const isJson = response.headers['content-type']?.startsWith('application/json');
    return {
      status: response.statusCode ?? 0,
      body: isJson ? JSON.parse(content) : content,
      headers: response.headers,
    };
  }

  /** Applies server-side, all at once, and returns the objects as stored. YAML may hold several documents. */
  async apply(manifests: string | AnyObject | readonly AnyObject[], options: ApplyOptions = {}): Promise<AnyObject[]> {
    return Promise.all(objectsOf(manifests).map((object) => this.#applyOne(object, options)));
  }

  /** The object, or undefined when the API server says 404. */
  async get(id: ObjectId, { as }: { as?: As } = {}): Promise<AnyObject | undefined> {
    const answer = await this.request('GET', await this.pathOf(id), as === undefined ? {} : { as });
    if (answer.status === 404) return undefined;
    return accepted(`get ${id.kind} ${id.name}`, answer);
  }

  /** The objects of a kind, in one namespace or everywhere. */
  async list(
    { apiVersion, kind, namespace }: { apiVersion: string; kind: string; namespace?: string },
    { as, query = '' }: { as?: As; query?: string } = {},
  ): Promise<AnyObject[]> {
    const path = await this.#collection(apiVersion, kind, namespace);
    const answer = await this.request('GET', `${path}${query && `?${query}`}`, as === undefined ? {} : { as });
    return accepted(`list ${kind}`, answer).items;
  }

  /** Creates (POST), so that it fails when there is one already. */
  async create(object: AnyObject, { manager = 'test', as }: { manager?: string; as?: As } = {}): Promise<AnyObject> {
    const path = await this.#collection(object.apiVersion, object.kind, object.metadata.namespace);
    const answer = await this.request('POST', `${path}?fieldManager=${encodeURIComponent(manager)}`, {
      body: object,
      ...(as === undefined ? {} : { as }),
    });
    return accepted(`create ${object.kind} ${object.metadata.name}`, answer);
  }

  /** Patches; `subresource` is for instance `status`. */
  async patch(
    id: ObjectId,
    patch: unknown,
    {
      type = 'merge',
      manager = 'test',
      subresource,
      as,
    }: { type?: PatchType; manager?: string; subresource?: string; as?: As } = {},
  ): Promise<AnyObject> {
    const contentType = { merge: 'merge-patch', json: 'json-patch', strategic: 'strategic-merge-patch' }[type];
    const path = `${await this.pathOf(id)}${subresource === undefined ? '' : `/${subresource}`}`;
    const answer = await this.request('PATCH', `${path}?fieldManager=${encodeURIComponent(manager)}`, {
      body: patch,
      contentType: `application/${contentType}+json`,
      ...(as === undefined ? {} : { as }),
    });
    return accepted(`patch ${id.kind} ${id.name}`, answer);
  }

  /** Deletes; whether there was something to delete. */
  async delete(id: ObjectId, { as }: { as?: As } = {}): Promise<boolean> {
    const answer = await this.request('DELETE', await this.pathOf(id), as === undefined ? {} : { as });
    if (answer.status === 404) return false;
    accepted(`delete ${id.kind} ${id.name}`, answer);
    return true;
  }

  /** The object's path at the API server, as in `/apis/apps/v1/namespaces/x/deployments/y`. */
  async pathOf({ apiVersion, kind, name, namespace }: ObjectId): Promise<string> {
    return `${await this.#collection(apiVersion, kind, namespace)}/${encodeURIComponent(name)}`;
  }

  /** Whether a kind is served now, by discovery; asks anew each time. */
  async isServed(apiVersion: string, kind: string): Promise<boolean> {
    this.#resources.delete(apiVersion);
    return (await this.#kindsOf(apiVersion)).has(kind);
  }

  /** Ends idle connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #applyOne(object: AnyObject, { manager = 'test', force = true, as, dryRun }: ApplyOptions): Promise<AnyObject> {
    const { apiVersion, kind, metadata } = object;
    const path = await this.pathOf({ apiVersion, kind, name: metadata.name, namespace: metadata.namespace });
    const query = new URLSearchParams({ fieldManager: manager, force: String(force) });
    if (dryRun) query.set('dryRun', 'All');
    const answer = await this.request('PATCH', `${path}?${query}`, {
      body: object,
      contentType: 'application/apply-patch+yaml',
      ...(as === undefined ? {} : { as }),
    });
    return accepted(`apply ${kind} ${metadata.name}`, answer);
  }

  async #collection(apiVersion: string, kind: string, namespace: string | undefined): Promise<string> {
    let resource = (await this.#kindsOf(apiVersion)).get(kind);
    if (resource === undefined && (await this.isServed(apiVersion, kind))) {
      resource = (await this.#kindsOf(apiVersion)).get(kind);
    }
    if (resource === undefined) throw new Error(`The API server doesn't serve ${kind} of ${apiVersion}.`);
    const inNamespace = resource.namespaced && namespace !== undefined ? `/namespaces/${namespace}` : '';
    return `${rootOf(apiVersion)}${inNamespace}/${resource.name}`;
  }

  async #kindsOf(apiVersion: string): Promise<Map<string, { name: string; namespaced: boolean }>> {
    const known = this.#resources.get(apiVersion);
    if (known !== undefined) return known;
    const answer = await this.request('GET', rootOf(apiVersion));
    const kinds = new Map<string, { name: string; namespaced: boolean }>();
    // 404 is a group or version that isn't there (yet); subresources have a slash in their name.
    if (answer.status !== 404) {
      for (const { kind, name, namespaced } of accepted(`discover ${apiVersion}`, answer).resources) {
        if (!name.includes('/')) kinds.set(kind, { name, namespaced });
      }
    }
    this.#resources.set(apiVersion, kinds);
    return kinds;
  }

  #identity(as: As): Record<string, string | string[]> {
    if (typeof as === 'object' && 'token' in as) return { authorization: `Bearer ${as.token}` };
    const token = typeof as === 'string' ? this.#tokenOf(as) : undefined;
    if (token !== undefined) return { authorization: `Bearer ${token}` };
    const { user, groups } = typeof as === 'string' ? { user: as, groups: [] } : as;
    return {
      authorization: `Bearer ${this.#tokenOf('admin')}`,
      'impersonate-user': user,
      ...(groups.length === 0 ? {} : { 'impersonate-group': [...groups] }),
    };
  }
}

function objectsOf(manifests: string | AnyObject | readonly AnyObject[]): AnyObject[] {
  if (typeof manifests !== 'string') return [manifests].flat();
  return parseAllDocuments(manifests)
    .map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0];
      return document.toJS() as AnyObject | null;
    })
    .filter((object) => object !== null)
    .flatMap((object) => (object.kind === 'List' ? object.items : [object]));
}

function accepted(what: string, answer: Answer): AnyObject {
  if (answer.status < 200 || answer.status > 299) throw new RefusedError(what, answer);
  return answer.body;
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
