import type { JsonObject, KubernetesObject } from '../api/kubernetes-object.ts';
import type { Permission } from '../engine/snapshot.ts';
import type { Absent } from './absent.ts';
import { ApiError } from './api-error.ts';
import type { Cluster } from './client.ts';
import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';
import { RefusedError } from './refused-error.ts';
import { discoveryFreshMs, healthyAfterMs, type WatchEnd, watchDelay } from './watch-delay.ts';
import { WatchError } from './watch-error.ts';
import type { WatchEvent } from './watch-event.ts';
import { type WatchChange, type WatchEntry, WatchStore, watchKey } from './watch-store.ts';
import { followStream } from './watch-stream.ts';

/** A kind, all of it or in one namespace; with a name only that object. Permissions by `resourceNames` are enough then. */
export type WatchTarget = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name?: string;
};

export type WatchPhase =
  /** No complete list yet, or a new one is needed. */
  | 'connecting'
  /** `items` is what the server holds, but for what is on its way. */
  | 'synced'
  /** Nothing of the kind is served, so no object exists, whatever `items` still holds. Looked for every few minutes. */
  | 'absent'
  /** A permission is missing. Tried ever more slowly, up to every two minutes. */
  | 'forbidden'
  /** The server can't be reached, or what it says can't be used. Tried again, ever more slowly. */
  | 'failing';

export type WatchState = {
  readonly phase: WatchPhase;
  /** One line for people; absent when synced. */
  readonly why?: string;
  /** The one that is missing, when forbidden and known. */
  readonly permission?: Permission;
  /** Of the clock, in milliseconds: when the server last sent anything, a bookmark included. They come every minute, of kinds that ever change. */
  readonly lastHeardAtMs: number;
  /** Everything up to it is in `items`. */
  readonly resourceVersion?: string;
};

export type WatchOptions = {
  /** Called once for each change, when `items` has it already, whatever is listed how often. It may throw. */
  readonly onChange?: (change: WatchChange, watch: Watch) => void;
  /** Called when the phase, or the reason for it, is another. */
  readonly onState?: (state: WatchState, watch: Watch) => void;
  /**
   * Told of each failure, and of what the callbacks throw; not of a missing API or permission, an outdated version, or
   * being asked to wait, which are states. The watch goes on.
   */
  readonly onError?: (error: unknown, watch: Watch) => void;
  /**
   * What to keep of an object; undefined: nothing, as if it weren't there. What is left out costs no memory, and its
   * changes are no changes. Default: everything.
   */
  readonly project?: (object: KubernetesObject) => KubernetesObject | undefined;
  /** Default: the cluster's. */
  readonly clock?: Clock;
  readonly timeouts?: WatchTimeouts;
  /** The longest event that is read. Default 16 MiB. */
  readonly maxLineBytes?: number;
  /** Of a page, where the initial list can't be streamed. Default 500. */
  readonly pageSize?: number;
  /** Ends the watch, as {@link Watch.stop} does. */
  readonly signal?: AbortSignal;
};

export type WatchTimeouts = {
  /** Until the server begins to answer. Default 30 000. */
  readonly connectMs?: number;
  /** Without a word, not even a bookmark, before connecting anew. Default 90 000. */
  readonly inactivityMs?: number;
  /** The server is asked to close after a random time between this and twice as much. Default 300 000. */
  readonly closeAfterMs?: number;
};

/**
 * Keeps a live copy of what matches, from now until it is stopped, whatever happens to the server, the kind's API or
 * the permissions meanwhile. Stop watches before their cluster is closed.
 *
 * ```ts
 * const watch = watchObjects(cluster, { apiVersion: 'v1', kind: 'Node' }, { project, onChange, onError, signal });
 * ```
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists
 */
export function watchObjects(cluster: Cluster, target: WatchTarget, options: WatchOptions = {}): Watch {
  return new Watch(cluster, target, options);
}

export class Watch {
  readonly target: WatchTarget;
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #options: WatchOptions;
  readonly #store: WatchStore;
  readonly #stopped = new AbortController();
  readonly #done: Promise<void>;
  readonly #stopWithSignal = () => void this.stop();

  #phase: WatchPhase = 'connecting';
  #why: string | undefined;
  #permission: Permission | undefined;
  #lastHeardAtMs: number;

  /** Where to go on; undefined: with a new list. */
  #resumeFrom: string | undefined;
  /** Times in a row that going on from there led to nothing usable. */
  #uselessResumes = 0;
  #isListing = false;
  /** Whether this connection brought anything, and how many in a row were closed early without. */
  #isHeardOf = false;
  #emptyConnections = 0;
  /** Since the server said for good that it may not be. */
  #wasSynced = false;
  #isStreamedListRefused = false;
  #isNextListPaged = false;

  #openedAtMs: number | undefined;
  #failures = 0;
  /** A discovery older than this is of no use. */
  #discoverSinceMs: number | undefined;
  #isRetryAsked = false;
  /** Until when the server asked to be left alone. */
  #notBeforeMs = 0;
  #wake = () => {};

  /** Begins at once; the first callback comes after the caller's turn. */
  constructor(cluster: Cluster, target: WatchTarget, options: WatchOptions = {}) {
    this.target = target;
    this.#cluster = cluster;
    this.#clock = options.clock ?? cluster.clock;
    this.#options = options;
    this.#store = new WatchStore((change) => this.#tell(() => options.onChange?.(change, this)));
    this.#lastHeardAtMs = this.#clock.now();
    const { signal } = options;
    signal?.addEventListener('abort', this.#stopWithSignal, { once: true });
    if (signal?.aborted) this.#stopped.abort();
    this.#done = this.#run();
  }

  /** By {@link watchKey}: what the projection kept. When not synced: what was known last. */
  get items(): ReadonlyMap<string, KubernetesObject> {
    return this.#store.items;
  }

  /** Whether `items` can be believed; what vanished unseen meanwhile is reported before it is true again. */
  get isSynced(): boolean {
    return this.#phase === 'synced';
  }

  get state(): WatchState {
    return {
      phase: this.#phase,
      lastHeardAtMs: this.#lastHeardAtMs,
      ...(this.#why !== undefined && { why: this.#why }),
      ...(this.#permission !== undefined && { permission: this.#permission }),
      ...(this.#resumeFrom !== undefined && { resourceVersion: this.#resumeFrom }),
    };
  }

  /**
   * Tries now instead of at the end of the wait, if it waits. An absent API is looked for in the cluster's latest
   * discovery: call `cluster.discover()` first, once for all watches. A server that asked to wait is not asked before.
   */
  retryNow(): void {
    if (this.#clock.now() < this.#notBeforeMs) return;
    if (this.#openedAtMs === undefined) this.#isRetryAsked = true;
    this.#wake();
  }

  /** Ends connection and timers at once; nothing is called afterwards. Settles when all has ended. */
  async stop(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#stopWithSignal);
    this.#stopped.abort();
    this.#wake();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    // Nothing is called before the constructor's caller has the watch.
    await undefined;
    while (!signal.aborted) {
      this.#isRetryAsked = false;
      const end = await this.#connectOnce();
      this.#openedAtMs = undefined;
      if (!signal.aborted) await this.#pause(watchDelay(end, this.#clock));
    }
  }

  async #pause(ms: number): Promise<void> {
    if (!this.#isRetryAsked) {
      const waking = new AbortController();
      this.#wake = () => waking.abort();
      await this.#clock.sleep(ms, waking.signal).catch(() => {});
      this.#wake = () => {};
    }
    // Nobody said that something is new: then a discovery that another watch just made will do.
    if (this.#phase === 'absent' && !this.#isRetryAsked) this.#discoverSinceMs ??= this.#clock.now() - discoveryFreshMs;
  }

  /** One connection from its beginning to its end, whatever that is. */
  async #connectOnce(): Promise<WatchEnd> {
    this.#isListing = false;
    this.#isHeardOf = false;
    try {
      const absent = await this.#connect();
      if (absent !== undefined) return this.#endedAbsent(absent);
      return this.#endedClosed();
    } catch (error) {
      if (this.#stopped.signal.aborted) return { how: 'closed', failures: 0 };
      return this.#endedBy(error);
    }
  }

  async #connect(): Promise<Absent | undefined> {
    const resource = await this.#resource();
    if ('answer' in resource) return resource;
    // Before the request, in case it says otherwise: a CRD that has just come or gone.
    const asOf = this.#clock.now();
    const absent = await this.#listAndFollow();
    if (absent !== undefined) this.#discoverSinceMs = asOf;
    return absent;
  }

  async #listAndFollow(): Promise<Absent | undefined> {
    if (this.#resumeFrom !== undefined) return await this.#follow({ isListing: false });
    if (!this.#isStreamedListRefused && !this.#isNextListPaged) {
      try {
        return await this.#follow({ isListing: true });
      } catch (error) {
        if (this.#openedAtMs !== undefined || !isStreamedListRefused(error)) throw error;
        this.#isStreamedListRefused = true;
      }
    }
    return (await this.#listInPages()) ?? (await this.#follow({ isListing: false }));
  }

  async #resource() {
    try {
      if (this.#discoverSinceMs !== undefined) await this.#cluster.discoverSince(this.#discoverSinceMs);
      this.#discoverSinceMs = undefined;
      return await this.#cluster.resourceFor(this.target.apiVersion, this.target.kind);
    } catch (error) {
      // Half of a discovery is worth no more than none.
      this.#discoverSinceMs = this.#clock.now();
      throw error;
    }
  }

  async #listInPages(): Promise<Absent | undefined> {
    const { pageSize = 500 } = this.#options;
    const listed = await this.#cluster.list(this.#collection, {
      limit: pageSize,
      ...(this.#fieldSelector !== undefined && { fieldSelector: this.#fieldSelector }),
      project: (object) => {
        this.#heard();
        return this.#entry(object);
      },
      signal: this.#stopped.signal,
    });
    if (listed.answer === 'absent') return listed;
    this.#store.beginList();
    for (const entry of listed.items) this.#store.put(entry);
    this.#store.endList();
    this.#resumeFrom = listed.resourceVersion;
    this.#uselessResumes = 0;
    this.#isNextListPaged = false;
    return undefined;
  }

  async #follow({ isListing }: { isListing: boolean }): Promise<Absent | undefined> {
    const { timeouts = {}, maxLineBytes = 16 * 1024 * 1024 } = this.#options;
    const { connectMs = 30_000, inactivityMs = 90_000, closeAfterMs = 300_000 } = timeouts;
    const answer = await this.#cluster.openWatch(
      this.#collection,
      {
        sendInitialEvents: isListing,
        // Not all at once: a server that restarts is not to be asked by everybody every five minutes.
        timeoutSeconds: Math.ceil((closeAfterMs * (1 + this.#clock.random())) / 1000),
        ...(!isListing && this.#resumeFrom !== undefined && { resourceVersion: this.#resumeFrom }),
        ...(this.#fieldSelector !== undefined && { fieldSelector: this.#fieldSelector }),
      },
      { timeoutMs: connectMs, signal: this.#stopped.signal },
    );
    if (answer.answer === 'absent') return answer;
    this.#openedAtMs = this.#clock.now();
    this.#heard();
    this.#isListing = isListing;
    if (isListing) this.#store.beginList();
    else this.#enter('synced');
    await followStream(answer.body, {
      clock: this.#clock,
      server: this.#cluster.connection.server,
      inactivityMs,
      maxLineBytes,
      onHeard: () => {
        this.#isHeardOf = true;
        this.#heard();
      },
      onEvent: (event) => this.#take(event),
    });
    if (this.#isListing)
      throw new WatchError('no-initial-list', 'the server closed the stream before its list was complete');
    return undefined;
  }

  #take(event: WatchEvent): void {
    if (this.#stopped.signal.aborted) return;
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
        this.#store.put(this.#entry(event.object));
        this.#advance(event.object.metadata.resourceVersion);
        return;
      case 'DELETED':
        this.#store.remove(watchKey(event.object.metadata));
        this.#advance(event.object.metadata.resourceVersion);
        return;
      case 'BOOKMARK':
        if (this.#isListing) this.#endStreamedList(event);
        this.#advance(event.resourceVersion);
        return;
      case 'ERROR':
        throw refusal(event.status, `watch ${this.#words}`, this.#cluster.connection);
      default:
        event satisfies never;
    }
  }

  #endStreamedList({ endsInitialList }: { readonly endsInitialList: boolean }): void {
    if (!endsInitialList) {
      throw new WatchError('no-initial-list', 'the server sends bookmarks, but none that ends the initial list');
    }
    this.#isListing = false;
    this.#store.endList();
    this.#enter('synced');
  }

  /** The objects of a list come in any order, so until its end no version says what is known. */
  #advance(resourceVersion: string | undefined): void {
    if (this.#isListing || resourceVersion === undefined) return;
    this.#resumeFrom = resourceVersion;
    this.#uselessResumes = 0;
  }

  #entry(object: KubernetesObject): WatchEntry {
    const { uid = '', resourceVersion = '' } = object.metadata;
    const { project } = this.#options;
    try {
      const kept = project === undefined ? object : project(object);
      return { key: watchKey(object.metadata), uid, resourceVersion, object: kept };
    } catch (cause) {
      throw new WatchError(
        'projection',
        `what to keep of ${this.target.kind} ${object.metadata.name} could not be told`,
        {
          cause,
        },
      );
    }
  }

  #endedClosed(): WatchEnd {
    const failures = this.#countFailures();
    this.#emptyConnections = failures === 0 || this.#isHeardOf ? 0 : this.#emptyConnections + 1;
    if (this.#emptyConnections < emptyConnectionsDoubted) return { how: 'closed', failures };
    // Whoever closes every connection at once could hide anything: a list tells.
    this.#emptyConnections = 0;
    this.#resumeFrom = undefined;
    this.#fail(new WatchError('cut', 'the server closes each connection before it has said anything'));
    return { how: 'failed', failures };
  }

  #endedAbsent({ why }: Absent): WatchEnd {
    this.#enter('absent', { why });
    this.#resumeFrom = undefined;
    // Discovery and the API itself don't agree: one of them is about to.
    if (this.#discoverSinceMs !== undefined) return { how: 'failed', failures: this.#countFailures() };
    this.#failures = 0;
    return { how: 'absent', failures: 0 };
  }

  #endedBy(error: unknown): WatchEnd {
    const failures = this.#countFailures();
    if (error instanceof ApiError) return this.#endedByServer(error, failures);
    if (error instanceof RefusedError) {
      this.#fail(error);
      return { how: 'forbidden', failures };
    }
    if (error instanceof WatchError) {
      if (this.#isListing) this.#isNextListPaged = error.problem === 'silent' || error.problem === 'no-initial-list';
      else this.#doubtResume();
      if (error.problem === 'silent' && !this.#isListing) {
        // Either only the connection is dead, or nothing has happened to this kind since the server started, which sends
        // no bookmarks then. What is known is as good as it was.
        return { how: 'closed', failures };
      }
    }
    this.#fail(error);
    return { how: 'failed', failures };
  }

  #endedByServer(error: ApiError, failures: number): WatchEnd {
    const { retryAfterMs, permission } = error;
    this.#notBeforeMs = this.#clock.now() + (retryAfterMs ?? 0);
    if (isTooOld(error)) {
      this.#resumeFrom = undefined;
      const why = `the server can't go on from where this watch was (${error.serverMessage}), so everything is listed anew`;
      this.#enter('connecting', { why });
      return { how: 'failed', failures, retryAfterMs };
    }
    if (error.code === 403) {
      // A server that has just started refuses everybody for a moment, until it knows its roles.
      if (this.#wasSynced && failures <= refusalsDoubted) {
        this.#enter('failing', { why: error.serverMessage, permission });
        return { how: 'failed', failures };
      }
      this.#wasSynced = false;
      this.#enter('forbidden', { why: error.serverMessage, permission });
      return { how: 'forbidden', failures };
    }
    if (!error.isTransient && !error.isUnauthorized) this.#doubtResume();
    // To be asked to wait, as by a CRD's storage that is just made, is no error.
    if (error.code === 429) this.#enter('failing', { why: error.message });
    else this.#fail(error);
    return { how: 'failed', failures, retryAfterMs };
  }

  /** What leads to nothing twice, from the same place, is a matter of the place. */
  #doubtResume(): void {
    this.#uselessResumes += 1;
    if (this.#uselessResumes >= 2) this.#resumeFrom = undefined;
  }

  #countFailures(): number {
    const lastedMs = this.#openedAtMs === undefined ? 0 : this.#clock.now() - this.#openedAtMs;
    this.#failures = lastedMs >= healthyAfterMs ? 0 : this.#failures + 1;
    return this.#failures;
  }

  #fail(error: unknown): void {
    this.#report(error);
    this.#enter('failing', { why: error instanceof Error ? error.message : String(error) });
  }

  #enter(phase: WatchPhase, { why, permission }: { why?: string; permission?: Permission | undefined } = {}): void {
    if (phase === this.#phase && why === this.#why) return;
    if (phase === 'synced') this.#wasSynced = true;
    this.#phase = phase;
    this.#why = why;
    this.#permission = permission;
    this.#tell(() => this.#options.onState?.(this.state, this));
  }

  #heard(): void {
    this.#lastHeardAtMs = this.#clock.now();
  }

  /** A callback that throws, or whose promise fails, is its author's trouble, not the watch's. */
  #tell(callback: () => unknown): void {
    if (this.#stopped.signal.aborted) return;
    try {
      const result = callback();
      if (result instanceof Promise) result.catch((error: unknown) => this.#report(error));
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    try {
      this.#options.onError?.(error, this);
    } catch {
      // There is nobody left to tell.
    }
  }

  get #collection() {
    const { apiVersion, kind, namespace } = this.target;
    return { apiVersion, kind, ...(namespace !== undefined && { namespace }) };
  }

  get #fieldSelector(): string | undefined {
    return this.target.name === undefined ? undefined : `metadata.name=${this.target.name}`;
  }

  get #words(): string {
    const { kind, namespace, name } = this.target;
    return [kind, namespace, name].filter((word) => word !== undefined).join('/');
  }
}

/** Times in a row that a refusal of what was allowed before is taken for a passing one: some seconds. */
const refusalsDoubted = 4;

/** Connections in a row that bring nothing and don't last, before a new list is asked for. */
const emptyConnectionsDoubted = 5;

/** Servers without streamed lists, or with something in front that doesn't know them, say so in different ways. */
function isStreamedListRefused(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.code < 400 || error.code > 499) return false;
  if (error.code === 403) return error.permission === undefined;
  return ![401, 404, 408, 410, 429].includes(error.code);
}

/** Or too new: a server that lags behind, or came back with an older state, doesn't know it yet. */
function isTooOld({ code, reason, causes }: ApiError): boolean {
  return code === 410 || reason === 'Expired' || causes.some((cause) => cause.reason === 'ResourceVersionTooLarge');
}

/** An `ERROR` event: an answer like that of a refused request, only later. */
function refusal(status: JsonObject, doing: string, { server, user = 'this user' }: Connection): ApiError {
  const details = (status.details ?? {}) as JsonObject;
  const { retryAfterSeconds } = details;
  return new ApiError({
    doing,
    code: typeof status.code === 'number' ? status.code : 0,
    reason: typeof status.reason === 'string' ? status.reason : '',
    serverMessage: typeof status.message === 'string' ? status.message : 'the server ended the watch without a reason',
    details,
    status,
    server,
    who: user,
    ...(typeof retryAfterSeconds === 'number' && { retryAfterMs: retryAfterSeconds * 1000 }),
  });
}
