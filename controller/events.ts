import type { JsonObject } from '../shared/api/kubernetes-object.ts';
import { autopilotName, hyperConvergedKind } from '../shared/api/names.ts';
import { ApiError } from '../shared/kube/api-error.ts';
import type { Cluster } from '../shared/kube/client.ts';
import type { Clock } from '../shared/kube/clock.ts';
import { type EventSubject, eventBody, eventCollection, microTime, seriesKey } from './event-body.ts';
import { type EventDraft, EventWords, type EventWordsOptions } from './event-words.ts';
import type { Happening, Listener } from './happening.ts';

/** How much is told at most. Events are cheap to lose and dear to have too many of. */
export type EventLimits = {
  /** Events that may follow one another at once. Default 150: a whole catalog applied, or healed, at once. */
  readonly burst?: number;
  /** By which the burst is refilled, continuously. Default 30. */
  readonly perMinute?: number;
  /** Events waiting to be written; what comes on top is dropped. Default 500. */
  readonly queue?: number;
  /** Between two updates of a series, in milliseconds. Default 30 000. */
  readonly seriesIntervalMs?: number;
  /** After so long without a repetition, the next one is an event of its own. Default 6 minutes. */
  readonly seriesQuietMs?: number;
  /** Time allowed for one request, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number;
  /** After a 403, nothing is tried for so long. Default 5 minutes. */
  readonly forbiddenPauseMs?: number;
};

export type EventRecorderOptions = EventWordsOptions & {
  /** The pod's name. */
  readonly reportingInstance: string;
  readonly clock: Clock;
  /** The first of several failures in a row; events go on being tried. */
  readonly onError: (error: unknown) => void;
  /** HyperConverged, whom all events regard. Default: the last plan's. */
  readonly hyperConverged?: () => EventSubject | undefined;
  readonly limits?: EventLimits;
};

/** What became of events so far. */
export type EventCounts = {
  readonly created: number;
  /** Events that only count in a series. */
  readonly repeated: number;
  /** Too many, or nobody to be about. */
  readonly dropped: number;
  /** The API server refused, or couldn't be asked. */
  readonly failed: number;
};

/**
 * Writes events on HyperConverged of what the controller does. Never throws, never keeps anybody waiting, and makes no
 * request while nothing happens.
 *
 * @example
 * const events = new EventRecorder(cluster, { reportingInstance: 'pod-1', clock: systemClock, onError: console.error });
 * const loop = new ControlLoop(cluster, catalog, { listeners: [events.listener] });
 * await loop.run(signal);
 * await events.flush(2000);
 */
export class EventRecorder {
  readonly #cluster: Cluster;
  readonly #options: EventRecorderOptions;
  readonly #limits: Required<EventLimits>;
  readonly #words: EventWords;
  readonly #stop = new AbortController();
  readonly #series = new Map<string, Series>();
  readonly #counts = { created: 0, repeated: 0, dropped: 0, failed: 0 };
  #queue: Series[] = [];
  #tokens: number;
  #refilledAt: number;
  #forbiddenUntil = Number.NEGATIVE_INFINITY;
  #isTroubled = false;
  #number = 0;
  #lastMicros = 0;
  #writing: Promise<void> | undefined;
  #repeating: Promise<void> | undefined;

  constructor(cluster: Cluster, options: EventRecorderOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#words = new EventWords(options);
    this.#tokens = this.#limits.burst;
    this.#refilledAt = options.clock.now();
  }

  get counts(): EventCounts {
    return { ...this.#counts };
  }

  readonly listener: Listener = (happening: Happening): void => {
    for (const draft of this.#words.of(happening, this.#options.clock.now())) this.#record(draft);
  };

  /** Writes what waits, counts of series included, for at most so long; after that, nothing more is written. */
  async flush(timeoutMs: number): Promise<void> {
    const enough = new AbortController();
    const deadline = this.#options.clock.sleep(timeoutMs, enough.signal).catch(() => {});
    const written = (async () => {
      await this.#writing;
      await this.#writeRepetitions();
    })();
    await Promise.race([written, deadline]);
    enough.abort();
    this.#counts.dropped += this.#queue.length;
    this.#queue = [];
    this.#stop.abort(new Error('the events are over'));
  }

  #record(draft: EventDraft): void {
    const { clock, reportingInstance } = this.#options;
    const regarding = this.#subject();
    if (regarding === undefined || this.#stop.signal.aborted) {
      this.#counts.dropped++;
      return;
    }
    const now = clock.now();
    const key = seriesKey(draft, regarding);
    const known = this.#series.get(key);
    if (known !== undefined && now - known.lastAt < this.#limits.seriesQuietMs) {
      known.count++;
      known.lastAt = now;
      known.lastDate = clock.date();
      known.isDirty = true;
      this.#counts.repeated++;
      this.#repeatLater();
      return;
    }
    if (draft.isRepetition) return;
    if (now < this.#forbiddenUntil) {
      this.#counts.failed++;
      return;
    }
    if (this.#queue.length >= this.#limits.queue || !this.#takeToken(now)) {
      this.#counts.dropped++;
      return;
    }
    const date = clock.date();
    // Those of one moment keep their order: what drifted is put right afterwards.
    this.#lastMicros = Math.max(Math.floor(date * 1000), this.#lastMicros + 1);
    const name = this.#newName(regarding.name, date);
    const body = eventBody(draft, regarding, { name, micros: this.#lastMicros, reportingInstance });
    const { namespace } = regarding;
    const series = {
      key,
      name,
      namespace,
      body,
      count: 1,
      lastAt: now,
      lastDate: date,
      isDirty: false,
      isThere: false,
    };
    this.#forgetOld(now);
    this.#series.set(key, series);
    this.#queue.push(series);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  #subject(): EventSubject | undefined {
    const { hyperConverged } = this.#options;
    if (hyperConverged !== undefined) return hyperConverged();
    const plan = this.#words.plan;
    if (plan?.hyperConverged === undefined) return undefined;
    const { apiVersion, namespace, name } = plan.hyperConverged;
    const own = plan.items.find((item) => item.target.kind === hyperConvergedKind && item.target.name === name);
    const uid = own !== undefined && 'live' in own ? own.live.uid : undefined;
    return { apiVersion, kind: hyperConvergedKind, namespace, name, ...(uid !== undefined && { uid }) };
  }

  /** One at a time: what is told mustn't compete with what is done. */
  async #write(): Promise<void> {
    // After the work that is told of has gone on.
    await new Promise((resolve) => setImmediate(resolve));
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { body, namespace, key } = next;
      const isWritten = await this.#request(async (signal) => {
        await this.#cluster.create(body, { ...eventCollection, namespace }, { fieldManager: autopilotName, signal });
      });
      if (isWritten) {
        next.isThere = true;
        this.#counts.created++;
      } else {
        this.#series.delete(key);
        this.#counts.failed++;
      }
    }
  }

  /** Counts of series are written on a schedule, as long as there is something to count. */
  #repeatLater(): void {
    this.#repeating ??= (async () => {
      while (this.#hasRepetitions() && !this.#stop.signal.aborted) {
        await this.#options.clock.sleep(this.#limits.seriesIntervalMs, this.#stop.signal);
        await this.#writeRepetitions();
      }
    })()
      .catch(() => {})
      .finally(() => {
        this.#repeating = undefined;
      });
  }

  #hasRepetitions(): boolean {
    return [...this.#series.values()].some(({ isDirty }) => isDirty);
  }

  async #writeRepetitions(): Promise<void> {
    for (const series of [...this.#series.values()]) {
      const { isDirty, isThere, namespace, name, count, lastDate, key } = series;
      if (!isDirty || !isThere || this.#stop.signal.aborted) continue;
      series.isDirty = false;
      const patch = { series: { count, lastObservedTime: microTime(Math.floor(lastDate * 1000)) } };
      const isWritten = await this.#request(async (signal) => {
        const options = { fieldManager: autopilotName, signal };
        await this.#cluster.mergePatch({ ...eventCollection, namespace, name }, patch, options);
      });
      // Perhaps it has expired: the next one begins anew.
      if (!isWritten) {
        this.#series.delete(key);
        this.#counts.failed++;
      }
    }
  }

  async #request(send: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    const { clock, onError } = this.#options;
    try {
      await send(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(this.#limits.timeoutMs)]));
      this.#isTroubled = false;
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.code === 403) {
        this.#forbiddenUntil = clock.now() + this.#limits.forbiddenPauseMs;
        this.#counts.failed += this.#queue.length;
        for (const { key } of this.#queue) this.#series.delete(key);
        this.#queue = [];
      }
      const isNews = !this.#isTroubled && !this.#stop.signal.aborted;
      this.#isTroubled = true;
      if (isNews) onError(error);
      return false;
    }
  }

  #takeToken(now: number): boolean {
    const { burst, perMinute } = this.#limits;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#refilledAt) / 60_000) * perMinute);
    this.#refilledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Unique: by the time, who we are by chance, and a number. */
  #newName(subject: string, at: number): string {
    const chance = Math.floor(this.#options.clock.random() * 2 ** 32);
    const unique = [at, chance, this.#number++].map((number) => number.toString(16)).join('-');
    return `${subject.slice(0, 180)}.${unique}`;
  }

  #forgetOld(now: number): void {
    for (const [key, { lastAt, isDirty }] of this.#series) {
      if (!isDirty && now - lastAt >= this.#limits.seriesQuietMs) this.#series.delete(key);
    }
  }
}

/** One event, and how often it has happened. */
type Series = {
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  readonly body: JsonObject;
  count: number;
  /** Monotonic. */
  lastAt: number;
  /** By the calendar. */
  lastDate: number;
  /** The count isn't written yet. */
  isDirty: boolean;
  /** The event is. */
  isThere: boolean;
};

const defaultLimits: Required<EventLimits> = {
  burst: 150,
  perMinute: 30,
  queue: 500,
  seriesIntervalMs: 30_000,
  seriesQuietMs: 6 * 60_000,
  timeoutMs: 10_000,
  forbiddenPauseMs: 5 * 60_000,
};
