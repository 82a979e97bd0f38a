import { annotation } from '../shared/api/annotations.ts';
import type { KubernetesObject } from '../shared/api/kubernetes-object.ts';
import { autopilotName } from '../shared/api/names.ts';
import { formatObjectRef, type ObjectRef } from '../shared/api/object-ref.ts';
import type { DriftedField, Plan, PlanItem } from '../shared/engine/plan-item.ts';
import type { Cluster } from '../shared/kube/client.ts';
import type { Clock } from '../shared/kube/clock.ts';
import { type Outcome, perform } from '../shared/kube/perform.ts';
import { isTroubleOfOne } from '../shared/kube/trouble.ts';
import { Backoff } from './backoff.ts';
import type { Happening } from './happening.ts';
import { Throttle, type ThrottleLimits } from './throttle.ts';

export type ExecutorOptions = {
  readonly clock: Clock;
  /** Writes at a time. */
  readonly concurrency: number;
  readonly limits?: ThrottleLimits | undefined;
  /** Aborted: what isn't begun yet never is. */
  readonly stopping: AbortSignal;
  /** Whether this process may write; asked right before every write. */
  readonly mayWrite: () => boolean;
  /** Aborted when it may write no more; undefined where that can't happen. */
  readonly lead: () => AbortSignal | undefined;
  /** What a write made of an object. */
  readonly onWritten: (ref: ObjectRef, object: KubernetesObject) => void;
  /** One object is done with, whatever came of it. */
  readonly onDone: () => void;
  /** Something is to be looked at again after so long. */
  readonly wakeIn: (ms: number) => void;
  readonly tell: (happening: Happening) => void;
};

/**
 * Carries out what plans ask for: one write an object at a time, so many objects at once, each with its own patience.
 * What fails, throttles or throws delays, repeats and stops nobody else.
 */
export class Executor {
  readonly #cluster: Cluster;
  readonly #options: ExecutorOptions;
  readonly #throttle: Throttle;
  readonly #backoff: Backoff;
  /** What the last plan asks for and isn't begun yet. */
  #queue: PlanItem[] = [];
  readonly #inFlight = new Map<string, { readonly target: ObjectRef; readonly work: Promise<void> }>();
  /** Objects that this process has written. */
  readonly #made = new Set<string>();
  /** Objects that are paused, with the version that our own pause made. */
  readonly #paused = new Map<string, string>();
  /** Versions of objects that are left alone for a while. */
  readonly #held = new Map<string, { readonly version: string; readonly until: number }>();

  constructor(cluster: Cluster, options: ExecutorOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#throttle = new Throttle(options.limits);
    this.#backoff = new Backoff({ firstMs: 500, mostMs: 5 * 60_000, random: options.clock.random });
  }

  /** Objects being written right now. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Objects that are to be written, and wait for their turn. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Objects of which anything is remembered. */
  get remembered(): number {
    const { tracked } = this.#throttle;
    return new Set([...this.#made, ...this.#paused.keys(), ...this.#held.keys(), ...this.#backoff.tracked, ...tracked])
      .size;
  }

  isWriting(ref: ObjectRef): boolean {
    return this.#inFlight.has(formatObjectRef(ref));
  }

  /** Whether an object is being written of which `is` is true. */
  isBusy(is: (target: ObjectRef) => boolean): boolean {
    return [...this.#inFlight.values()].some(({ target }) => is(target));
  }

  /**
   * Takes these in their order, instead of whatever isn't begun yet: an older plan's wishes are no longer anybody's.
   * Those that are being written, or may not be tried yet, are left out.
   */
  replaceQueue(items: readonly PlanItem[]): void {
    this.#queue = items.filter((item) => this.#isDue(item));
    this.#pump();
  }

  /** Everything that is being written, to its end. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#inFlight.values()].map(({ work }) => work));
  }

  /** Looks at a finished plan for pauses that ended, and forgets objects that are in it no more. */
  notice({ items }: Plan): void {
    for (const item of items) this.#noticePause(item);
    this.#throttle.prune(this.#options.clock.now());
    if (this.remembered > 0) this.#forgetAllBut(new Set(items.map(({ target }) => formatObjectRef(target))));
  }

  #forgetAllBut(objects: ReadonlySet<string>): void {
    for (const known of [this.#made, this.#paused, this.#held])
      for (const object of known.keys()) if (!objects.has(object)) known.delete(object);
    this.#backoff.forgetAllBut(objects);
    this.#throttle.forgetAllBut(objects);
  }

  /** A pause may be ended before any plan has seen it: the version that was paused tells the two apart. */
  #noticePause(item: PlanItem): void {
    if (item.decision !== 'paused' && this.#paused.size === 0) return;
    const key = formatObjectRef(item.target);
    if (item.decision === 'paused') {
      this.#paused.set(key, '');
      return;
    }
    const pausedVersion = this.#paused.get(key);
    if (pausedVersion === undefined || (pausedVersion !== '' && versionOf(item) === pausedVersion)) return;
    this.#paused.delete(key);
    this.#throttle.resume(key);
    this.#options.tell({ happening: 'resumed', item });
  }

  /** Whether it may be tried now; otherwise it is looked at again when it may. */
  #isDue(item: PlanItem): boolean {
    const { clock, wakeIn } = this.#options;
    const key = formatObjectRef(item.target);
    if (this.#inFlight.has(key) || this.#isHeld(item, key)) return false;
    const wait = this.#backoff.remaining(key, clock.now());
    if (wait > 0) wakeIn(wait);
    return wait === 0;
  }

  #pump(): void {
    const { concurrency, stopping, clock, onDone, tell } = this.#options;
    while (this.#inFlight.size < concurrency && !stopping.aborted) {
      const item = this.#queue.shift();
      if (item === undefined) return;
      const key = formatObjectRef(item.target);
      if (this.#inFlight.has(key)) continue;
      const work = this.#carryOut(item, key)
        .catch((error) => {
          // An unexpected exception inside one item stays there.
          this.#backoff.failed(key, clock.now());
          tell({ happening: 'trouble', what: `carrying out ${item.decision} of ${key}`, error });
        })
        .finally(() => {
          this.#inFlight.delete(key);
          this.#pump();
          onDone();
        });
      this.#inFlight.set(key, { target: item.target, work });
    }
  }

  async #carryOut(item: PlanItem, key: string): Promise<void> {
    const { clock, mayWrite, lead, tell } = this.#options;
    // The last word before every write: a process that was frozen past its lease stops here.
    if (!mayWrite()) return;
    const now = clock.now();
    const healed = healedFields(item);
    // What is made or adopted for the first time was changed by nobody; again, it was undone by somebody.
    const isAgain = (item.decision === 'create' || item.decision === 'adopt') && this.#made.has(key);
    if (item.decision === 'update' || isAgain) {
      const admission = this.#throttle.admit(key, versionOf(item), healed, now);
      if (admission.admission === 'throttled') {
        if (admission.isNew) tell({ happening: 'throttled', item, retryAfterMs: admission.retryAfterMs });
        this.#hold(item, key, admission.retryAfterMs);
        return;
      }
      if (admission.admission === 'pause') {
        await this.#pause(item, key, admission.because);
        return;
      }
    }
    const signal = lead();
    const outcome = await perform(this.#cluster, item, signal === undefined ? {} : { signal });
    this.#settle(item, key, outcome, healed);
    tell({ happening: 'performed', item, outcome, durationMs: clock.now() - now });
  }

  /** Leaves one live version of an object alone for a while; a newer one is looked at as soon as it comes. */
  #hold(item: PlanItem, key: string, ms: number): void {
    const { clock, wakeIn } = this.#options;
    this.#held.set(key, { version: versionOf(item), until: clock.now() + ms });
    wakeIn(ms);
  }

  #isHeld(item: PlanItem, key: string): boolean {
    const { clock, wakeIn } = this.#options;
    const held = this.#held.get(key);
    if (held === undefined) return false;
    const remaining = held.until - clock.now();
    if (remaining <= 0 || held.version !== versionOf(item)) {
      this.#held.delete(key);
      return false;
    }
    wakeIn(remaining);
    return true;
  }

  #settle(item: PlanItem, key: string, outcome: Outcome, healed: readonly string[]): void {
    const { clock, onWritten, wakeIn } = this.#options;
    const now = clock.now();
    switch (outcome.result) {
      case 'created':
      case 'configured':
        onWritten(item.target, outcome.object);
        this.#backoff.succeeded(key);
        this.#made.add(key);
        if (item.decision === 'update') this.#throttle.healed(key, healed, now);
        return;
      case 'failed':
        this.#backoff.failed(key, now);
        wakeIn(this.#backoff.remaining(key, now));
        return;
      case 'conflict':
        // Somebody wrote, and the watch brings it: until then there is nothing to do.
        this.#hold(item, key, 1000);
        return;
      case 'unchanged':
        this.#made.add(key);
        this.#backoff.succeeded(key);
        return;
      case 'deleted':
      case 'nothing':
        this.#backoff.succeeded(key);
        return;
      default:
        outcome satisfies never;
    }
  }

  /** Ends an edit war by leaving it: the annotation says so to people and to every later plan. */
  async #pause(item: PlanItem, key: string, because: 'fast' | 'slow'): Promise<void> {
    const { clock, lead, onWritten, tell } = this.#options;
    const fields = [...new Set([...healedFields(item), ...this.#throttle.heals(key, clock.now()).keys()])];
    const rival = rivalOf(item);
    const war = { happening: 'war', item, because, rival, fields } as const;
    if (!('live' in item) || item.live === undefined) {
      // There is no object to annotate: it is recreated no faster than the bucket fills.
      this.#backoff.failed(key, clock.now());
      tell({ ...war, written: false });
      return;
    }
    const pausedBy = JSON.stringify({
      since: new Date(clock.date()).toISOString(),
      fields,
      ...(rival !== null && { manager: rival }),
    });
    try {
      const { object } = await this.#cluster.mergePatch(
        item.target,
        {
          metadata: {
            resourceVersion: item.live.resourceVersion,
            annotations: { [annotation.reconcilePaused]: 'true', [annotation.pausedBy]: pausedBy },
          },
        },
        { fieldManager: autopilotName, signal: lead() },
      );
      onWritten(item.target, object);
      this.#paused.set(key, object.metadata.resourceVersion ?? '');
      this.#throttle.resume(key);
      tell({ ...war, written: true });
    } catch (error) {
      if (!isTroubleOfOne(error)) throw error;
      this.#backoff.failed(key, clock.now());
      tell({ ...war, written: false });
      tell({ happening: 'trouble', what: `pausing ${key}`, error });
    }
  }
}

/** The live version that the item was decided about; empty where there is no object. */
function versionOf(item: PlanItem): string {
  return 'live' in item ? item.live.resourceVersion : '';
}

/** The fields that somebody else changed: what we changed our own mind about, or gave up, is no war. */
function healedFields(item: PlanItem): readonly string[] {
  if (item.decision !== 'update') return [];
  return item.drift.filter(isForeign).map(({ pointer }) => pointer);
}

function isForeign({ manager }: DriftedField): boolean {
  return manager !== autopilotName;
}

function rivalOf(item: PlanItem): string | null {
  if (item.decision !== 'update') return null;
  return item.drift.find(({ manager }) => manager !== null && manager !== autopilotName)?.manager ?? null;
}
