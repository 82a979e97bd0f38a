import { leaseAnnotation } from '../shared/api/lease.ts';
import { isHyperConverged } from '../shared/api/names.ts';
import type { Catalog } from '../shared/catalog/asset.ts';
import { type Planned, plan as planFor } from '../shared/engine/plan.ts';
import type { Plan } from '../shared/engine/plan-item.ts';
import type { DryRunQuestion, Snapshot } from '../shared/engine/snapshot.ts';
import type { Cluster } from '../shared/kube/client.ts';
import { type Clock, systemClock } from '../shared/kube/clock.ts';
import { type Watch, watchObjects } from '../shared/kube/watch.ts';
import { mostWatchesOfOneKind } from '../shared/permissions/watch-limit.ts';
import { ApiFollower } from './api-follower.ts';
import { ClusterCache } from './cluster-cache.ts';
import { DryRuns } from './dry-runs.ts';
import { dueItems } from './due-items.ts';
import { Executor } from './executor.ts';
import type { Happening, Listener } from './happening.ts';
import { LeaderElection, type LeaderTimes } from './leader-election.ts';
import { Recovery } from './recovery.ts';
import type { ThrottleLimits } from './throttle.ts';

export type ControlLoopOptions = {
  /** Image references by name; a program takes them from RELATED_IMAGE_*. Default none. */
  readonly images?: Readonly<Record<string, string>>;
  /** HyperConverged's namespace; any when absent. */
  readonly namespace?: string;
  /** Plans, reports and alerts, and writes nothing to what it watches. Default false. */
  readonly observe?: boolean;
  /** Writes at a time. Default 4. */
  readonly concurrency?: number;
  /** A full re-plan at least so often. Default 5 minutes. */
  readonly resyncPeriodMs?: number;
  readonly limits?: ThrottleLimits;
  /** Replicas agree on one leader; absent: this process leads from the start. */
  readonly leaderElection?: { readonly identity: string; readonly namespace: string; readonly times: LeaderTimes };
  /** What the plugin reads on the Lease besides what the controller knows itself: its version. */
  readonly leaseAnnotations?: Readonly<Record<string, string>>;
  readonly listeners?: readonly Listener[];
  readonly clock?: Clock;
};

/** What the controller knows and does at this moment, for its servers and metrics. */
export type LoopState = {
  readonly isLeader: boolean;
  /** The last finished plan. */
  readonly plan: Plan | undefined;
  readonly snapshot: Snapshot;
  readonly isSynced: boolean;
  readonly watches: readonly Watch[];
  /** Whether it watches what a plan looks at: from the first plan on. */
  readonly hasPlanned: boolean;
  /** Objects being written right now. */
  readonly inFlight: number;
  /** Objects that are to be written, and wait for their turn. */
  readonly waiting: number;
  /** Why nobody can lead: what is wrong with the Lease; absent while it is answered. */
  readonly leaseTrouble: string | undefined;
  /** Who leads, as far as this process saw. */
  readonly holder: string | undefined;
  /** Calendar time, in milliseconds: when the last plan was finished. */
  readonly passedAt: number | undefined;
  /** Of the monotonic clock: since when a pass is under way. */
  readonly busySince: number | undefined;
};

/**
 * Keeps the baseline: watches the cluster, plans at every change, and carries out what the plan says, object by object.
 * Reads no environment, prints nothing and exits nothing; listeners are told what happens.
 *
 * @example
 * const loop = new ControlLoop(cluster, catalog, { listeners: [console.log] });
 * await loop.run(AbortSignal.timeout(60_000));
 */
export class ControlLoop {
  readonly #cluster: Cluster;
  readonly #catalog: Catalog;
  readonly #options: ControlLoopOptions;
  readonly #clock: Clock;
  readonly #cache: ClusterCache;
  readonly #executor: Executor;
  readonly #dryRuns: DryRuns;
  readonly #apis: ApiFollower;
  /** The last one, finished or not: the next builds on it. */
  #planned: Planned | undefined;
  #hasPlanned = false;
  /** When one was made that builds on none. */
  #plannedAnewAt = Number.NEGATIVE_INFINITY;
  /** Since when something that a plan looks at was never read. */
  #unreadSince: number | undefined;
  readonly #stop = new AbortController();
  #election: LeaderElection | undefined;
  #plan: Plan | undefined;
  #passedAt: number | undefined;
  #busySince: number | undefined;
  #wake: () => void = () => {};
  #isDirty = true;
  #wakeTimer: NodeJS.Timeout | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(cluster: Cluster, catalog: Catalog, options: ControlLoopOptions = {}) {
    this.#cluster = cluster;
    this.#catalog = catalog;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const clock = this.#clock;
    const stopping = this.#stop.signal;
    const recovery = new Recovery({
      clock,
      stopping,
      retry: () => {
        this.#cache.retryFailing();
        if (this.#apis.watch?.isSynced === false) this.#apis.watch.retryNow();
      },
    });
    this.#cache = new ClusterCache({
      watch: (target, { onChange, project }) =>
        watchObjects(cluster, target, {
          onChange,
          onState: onChange,
          ...(project !== undefined && { project }),
          signal: stopping,
          onError: (error: unknown) =>
            this.#tell({ happening: 'trouble', what: `watching ${target.kind}`, error, watchedKind: target.kind }),
        }),
      kindWide: kindWideOf(catalog),
      images: options.images ?? {},
      onChange: () => this.#markDirty(),
      onRecovered: () => recovery.noticed(),
    });
    const around = {
      clock,
      stopping,
      wakeIn: (ms: number) => this.#wakeIn(ms),
      tell: (happening: Happening) => this.#tell(happening),
    };
    this.#executor = new Executor(cluster, {
      ...around,
      concurrency: options.concurrency ?? 4,
      limits: options.limits,
      mayWrite: () => this.#isLeader,
      lead: () => this.#election?.lead,
      onWritten: (ref, object) => this.#cache.addWritten(ref, object),
      onDone: () => this.#markDirty(),
    });
    this.#dryRuns = new DryRuns(cluster, this.#cache, {
      ...around,
      mayAsk: () => this.#isLeader,
      onAnswer: () => this.#markDirty(),
    });
    this.#apis = new ApiFollower(cluster, {
      ...around,
      onApis: (apis) => {
        this.#cache.apis = apis;
      },
    });
  }

  get state(): LoopState {
    return {
      isLeader: this.#isLeader,
      plan: this.#plan,
      snapshot: this.#cache.snapshot(),
      isSynced: this.#cache.isSynced,
      watches: [...this.#cache.watches, ...(this.#apis.watch === undefined ? [] : [this.#apis.watch])],
      hasPlanned: this.#hasPlanned,
      inFlight: this.#executor.inFlight,
      waiting: this.#executor.waiting,
      leaseTrouble: this.#election?.trouble,
      holder: this.#election?.holder,
      passedAt: this.#passedAt,
      busySince: this.#busySince,
    };
  }

  /**
   * Runs until the signal: then it takes no more work, finishes what is being written, hands the lead over, and
   * resolves.
   */
  async run(signal: AbortSignal): Promise<void> {
    const stop = () => {
      this.#stop.abort(signal.reason);
      this.#wake();
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const electionEnds = new AbortController();
    const election = this.#elect(electionEnds.signal);
    try {
      await this.#apis.start();
      await this.#loop();
    } finally {
      await this.#apis.stop();
      await this.#executor.idle();
      clearTimeout(this.#wakeTimer);
      this.#cache.stop();
      electionEnds.abort();
      await election;
      await this.#election
        ?.release()
        .catch((error) => this.#tell({ happening: 'trouble', what: 'releasing the Lease', error }));
      signal.removeEventListener('abort', stop);
    }
  }

  get #isLeader(): boolean {
    return this.#election === undefined ? this.#options.leaderElection === undefined : this.#election.isLeader;
  }

  async #elect(signal: AbortSignal): Promise<void> {
    const { leaderElection, leaseAnnotations = {} } = this.#options;
    if (leaderElection === undefined) return;
    this.#election = new LeaderElection(this.#cluster, {
      ...leaderElection,
      clock: this.#clock,
      annotations: () => ({ ...leaseAnnotations, ...this.#passAnnotations() }),
      onError: (error) => this.#tell({ happening: 'trouble', what: 'renewing the Lease', error }),
    });
    await this.#election.run(signal, (isLeader) => {
      this.#tell({ happening: 'leading', isLeader });
      this.#markDirty();
    });
  }

  /** What the plugin reads of the last pass. */
  #passAnnotations(): Readonly<Record<string, string>> {
    const generation = this.#plan?.hyperConverged?.generation;
    return {
      [leaseAnnotation.catalogDigest]: this.#catalog.digest,
      [leaseAnnotation.images]: JSON.stringify(this.#options.images ?? {}),
      ...(generation !== undefined && { [leaseAnnotation.plannedGeneration]: String(generation) }),
      ...(this.#passedAt !== undefined && { [leaseAnnotation.lastPass]: new Date(this.#passedAt).toISOString() }),
    };
  }

  get #resyncPeriodMs(): number {
    return this.#options.resyncPeriodMs ?? 5 * 60_000;
  }

  /** Plans whenever something changed, at once after a quiet moment and coalesced in a burst. */
  async #loop(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (!this.#isDirty) await this.#nextChange(this.#resyncPeriodMs);
      if (this.#stop.signal.aborted) return;
      const started = this.#clock.now();
      this.#busySince = started;
      try {
        await this.#pass();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        // Nothing that one pass meets ends the controller: it is told, and tried again.
        this.#tell({ happening: 'trouble', what: 'a pass', error });
        this.#wakeIn(1000 + 1000 * this.#clock.random());
      } finally {
        this.#busySince = undefined;
      }
      const spent = this.#clock.now() - started;
      await this.#clock.sleep(Math.max(0, burstMs - spent), this.#stop.signal).catch(() => {});
    }
  }

  async #nextChange(mostMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, mostMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }

  #markDirty(): void {
    this.#isDirty = true;
    this.#wake();
  }

  /** Looks again after a while, without being told of a change. */
  #wakeIn(ms: number): void {
    const at = this.#clock.now() + ms;
    if (at >= this.#wakeAt && this.#wakeTimer !== undefined) return;
    clearTimeout(this.#wakeTimer);
    this.#wakeAt = at;
    this.#wakeTimer = setTimeout(() => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.#wakeTimer = undefined;
      this.#markDirty();
    }, ms);
  }

  /** Plans, asks for the dry runs that the plan needs, and carries out what is decided. */
  async #pass(): Promise<void> {
    this.#isDirty = false;
    if (!this.#cache.knowsApis) return;
    const started = this.#clock.now();
    // Should anything ever be taken for unchanged that isn't, it is not for long.
    if (started - this.#plannedAnewAt >= this.#resyncPeriodMs) {
      this.#planned = undefined;
      this.#plannedAnewAt = started;
    }
    for (let round = 0; ; round++) {
      // Whatever changed up to here is planned now.
      this.#isDirty = false;
      const planned = planFor(this.#catalog, this.#snapshot(), this.#planned);
      this.#planned = planned;
      const { plan, questions, reads } = planned;
      const open = questions.filter((question) => question.ask === 'dry-run');
      this.#cache.watch(reads, { isFinished: questions.length === 0 });
      this.#hasPlanned = true;
      const isRead = questions.length === open.length;
      this.#noticeReads(isRead);
      // What isn't read yet marks the plan dirty when it is. Only who leads writes, reports, or asks the server.
      if (!isRead || !this.#isLeader) {
        this.#executor.replaceQueue([]);
        return;
      }
      const isNews = this.#dryRuns.ask(open.filter(({ ref }) => !this.#executor.isWriting(ref)));
      if (isNews && round < mostRounds) {
        await this.#dryRuns.untilAnswered();
        this.#stop.signal.throwIfAborted();
        continue;
      }
      if (open.length === 0) this.#finish(plan, this.#clock.now() - started);
      this.#execute(plan, open);
      return;
    }
  }

  /** A kind that can't be read, as with a broken conversion webhook, holds up what depends on it, and nothing else. */
  #noticeReads(isRead: boolean): void {
    if (isRead) {
      this.#unreadSince = undefined;
      return;
    }
    const now = this.#clock.now();
    this.#unreadSince ??= now;
    const left = this.#unreadSince + patienceWithReadsMs - now;
    if (left <= 0 && this.#cache.giveUpFailing()) this.#markDirty();
    else this.#wakeIn(left > 0 ? left : patienceWithReadsMs);
  }

  #snapshot(): Snapshot {
    const { namespace } = this.#options;
    return { ...this.#cache.snapshot(), now: this.#clock.date(), ...(namespace !== undefined && { namespace }) };
  }

  #finish(plan: Plan, durationMs: number): void {
    const previous = this.#plan;
    this.#plan = plan;
    this.#passedAt = this.#clock.date();
    this.#executor.notice(plan);
    this.#dryRuns.notice(plan.items);
    const misses = this.#dryRuns.takeCount();
    const verdicts = { hits: Math.max(0, this.#cache.verdictCount - misses), misses };
    this.#tell({ happening: 'planned', plan, previous, durationMs, verdicts });
  }

  /** HyperConverged alone first, since everything else follows from it. */
  #execute(plan: Plan, open: readonly DryRunQuestion[]): void {
    if (this.#options.observe === true) return;
    const { golden, others } = dueItems(plan, open, this.#catalog);
    this.#executor.replaceQueue(golden);
    // Where it can't be written now, its present state counts, and the others go on.
    const isGoldenOpen =
      this.#executor.waiting > 0 ||
      this.#executor.isBusy(isHyperConverged) ||
      open.some(({ ref }) => isHyperConverged(ref));
    if (!isGoldenOpen) this.#executor.replaceQueue(others);
  }

  #tell(happening: Happening): void {
    for (const listener of this.#options.listeners ?? []) {
      try {
        listener(happening);
      } catch {
        // A listener that fails must not disturb the work it listens to; listeners report for themselves.
      }
    }
  }
}

/** Kinds of which the catalog keeps so many that one watch is cheaper than one for each. */
export function kindWideOf({ assets }: Catalog): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const { target } of assets) {
    for (const apiVersion of target.apiVersions) {
      const name = `${apiVersion} ${target.kind}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return new Set([...counts].filter(([, count]) => count > mostWatchesOfOneKind).map(([name]) => name));
}

/** Rounds of dry runs within one pass. */
const mostRounds = 5;
/** A kind that can't be read for longer holds up only what depends on it. */
const patienceWithReadsMs = 10_000;
/** In a burst of changes, plans follow one another no faster. */
const burstMs = 20;
