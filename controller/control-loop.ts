import { annotation } from '../shared/api/annotations.ts';
import { leaseAnnotation } from '../shared/api/lease.ts';
import { autopilotName, hyperConvergedApiVersions, hyperConvergedKind } from '../shared/api/names.ts';
import { formatObjectRef, groupOf, type ObjectRef } from '../shared/api/object-ref.ts';
import type { Catalog } from '../shared/catalog/asset.ts';
import { plan as makePlan } from '../shared/engine/plan.ts';
import type { DriftedField, Plan, PlanItem } from '../shared/engine/plan-item.ts';
import type { DryRunQuestion, Snapshot } from '../shared/engine/snapshot.ts';
import type { Cluster } from '../shared/kube/client.ts';
import { type Clock, systemClock } from '../shared/kube/clock.ts';
import { dryRun } from '../shared/kube/dry-run.ts';
import { forEachConcurrently } from '../shared/kube/for-each-concurrently.ts';
import { type Outcome, perform } from '../shared/kube/perform.ts';
import { isTroubleOfOne } from '../shared/kube/trouble.ts';
import { type Watch, watchObjects } from '../shared/kube/watch.ts';
import { Backoff } from './backoff.ts';
import { ClusterCache } from './cluster-cache.ts';
import type { Happening, Listener } from './happening.ts';
import { LeaderElection, type LeaderTimes } from './leader-election.ts';
import { projectCrd, ServedApis } from './served-apis.ts';
import { Throttle, type ThrottleLimits } from './throttle.ts';
import { mostWatchesOfOneKind } from './watch-limit.ts';

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
  /** Whether it is known what the API server serves. */
  readonly knowsApis: boolean;
  /** Objects being written right now. */
  readonly inFlight: number;
  /** Objects that are to be written, and wait for their turn. */
  readonly waiting: number;
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
  readonly #throttle: Throttle;
  readonly #backoff: Backoff;
  /** Objects that this process has written. */
  readonly #made = new Set<string>();
  /** Objects that are paused, with the version that our own pause made. */
  readonly #paused = new Map<string, string>();
  /** What the last plan asks for and isn't begun yet. */
  #queue: PlanItem[] = [];
  readonly #held = new Map<string, { readonly version: string; readonly until: number }>();
  readonly #inFlight = new Map<string, { readonly target: ObjectRef; readonly work: Promise<void> }>();
  readonly #stop = new AbortController();
  readonly #served = new ServedApis();
  #crds: Watch | undefined;
  #election: LeaderElection | undefined;
  #plan: Plan | undefined;
  #passedAt: number | undefined;
  #busySince: number | undefined;
  #signal: AbortSignal = this.#stop.signal;
  #wake: () => void = () => {};
  #isDirty = true;
  #wakeTimer: NodeJS.Timeout | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(cluster: Cluster, catalog: Catalog, options: ControlLoopOptions = {}) {
    this.#cluster = cluster;
    this.#catalog = catalog;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#throttle = new Throttle(options.limits);
    this.#backoff = new Backoff({ firstMs: 500, mostMs: 5 * 60_000, random: this.#clock.random });
    this.#cache = new ClusterCache({
      watch: (target, { onChange, project }) =>
        watchObjects(cluster, target, {
          onChange,
          onState: onChange,
          ...(project !== undefined && { project }),
          signal: this.#signal,
          onError: (error: unknown) =>
            this.#tell({ happening: 'trouble', what: `watching ${target.kind}`, error, watchedKind: target.kind }),
        }),
      kindWide: kindWideOf(catalog),
      images: options.images ?? {},
      onChange: () => this.#markDirty(),
    });
  }

  get state(): LoopState {
    return {
      isLeader: this.#isLeader,
      plan: this.#plan,
      snapshot: this.#cache.snapshot(),
      isSynced: this.#cache.isSynced,
      watches: this.#cache.watches,
      knowsApis: this.#cache.knowsApis,
      inFlight: this.#inFlight.size,
      waiting: this.#queue.length,
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
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    const electionEnds = new AbortController();
    const election = this.#elect(electionEnds.signal);
    try {
      await this.#discover();
      this.#crds = watchObjects(this.#cluster, crdTarget, {
        project: projectCrd,
        onChange: () => this.#crdsChanged(),
        onState: () => this.#crdsChanged(),
        signal: this.#signal,
        onError: (error: unknown) => this.#tell({ happening: 'trouble', what: 'watching CRDs', error }),
      });
      try {
        await this.#loop();
      } finally {
        await this.#crds.stop();
      }
    } finally {
      await Promise.allSettled([...this.#inFlight.values()].map(({ work }) => work));
      clearTimeout(this.#wakeTimer);
      this.#cache.stop();
      electionEnds.abort();
      await election;
      await this.#election
        ?.release()
        .catch((error) => this.#tell({ happening: 'trouble', what: 'releasing the Lease', error }));
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

  /** Plans whenever something changed, at once after a quiet moment and coalesced in a burst. */
  async #loop(): Promise<void> {
    const { resyncPeriodMs = 5 * 60_000 } = this.#options;
    while (!this.#signal.aborted) {
      if (!this.#isDirty) await this.#nextChange(resyncPeriodMs);
      if (this.#signal.aborted) return;
      this.#isDirty = false;
      this.#busySince = this.#clock.now();
      try {
        await this.#pass();
      } catch (error) {
        if (this.#signal.aborted) return;
        // Nothing that one pass meets ends the controller: it is told, and tried again.
        this.#tell({ happening: 'trouble', what: 'a pass', error });
        this.#wakeIn(1000 + 1000 * this.#clock.random());
      } finally {
        this.#busySince = undefined;
      }
      await this.#clock.sleep(burstMs, this.#signal).catch(() => {});
    }
  }

  async #nextChange(mostMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, mostMs);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#wake = done;
      this.#signal.addEventListener('abort', done, { once: true });
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

  /** Plans until no dry run is open, and carries out what a finished plan says. */
  async #pass(): Promise<void> {
    if (!this.#cache.knowsApis) return;
    const started = this.#clock.now();
    let misses = 0;
    for (;;) {
      const { plan, questions, reads } = makePlan(this.#catalog, this.#snapshot());
      const open = questions.filter((question) => question.ask === 'dry-run');
      this.#cache.watch(reads, { isFinished: questions.length === 0 });
      // What isn't read yet marks the plan dirty when it is. Only who writes, or reports instead, asks the server.
      if (questions.length > open.length || !(this.#isLeader || this.#options.observe === true)) return;
      const openNow = open.filter(({ ref }) => !this.#inFlight.has(formatObjectRef(ref)));
      if (openNow.length > 0) {
        await this.#answer(openNow);
        misses += openNow.length;
        continue;
      }
      if (open.length === 0) this.#finish(plan, this.#clock.now() - started, misses);
      this.#execute(plan);
      return;
    }
  }

  #snapshot(): Snapshot {
    const { namespace } = this.#options;
    return { ...this.#cache.snapshot(), ...(namespace !== undefined && { namespace }) };
  }

  async #answer(questions: readonly DryRunQuestion[]): Promise<void> {
    await forEachConcurrently(
      questions,
      8,
      async (question, signal) => {
        const verdict = await dryRun(this.#cluster, question, signal);
        if (verdict === 'changed') {
          // The watch will tell what is there now; until it does, this state can't be written.
          this.#cache.addVerdict(question, { verdict: 'unknown', why: 'it changed while it was looked at' });
        } else {
          this.#cache.addVerdict(question, verdict);
        }
        // What was refused may be taken later: by a webhook that was mended, or another one.
        if (verdict === 'changed' || verdict.verdict !== 'accepted') {
          this.#backoff.failed(dryRunKey(question.ref), this.#clock.now());
          this.#forgetLater(question);
        } else {
          this.#backoff.succeeded(dryRunKey(question.ref));
        }
      },
      this.#signal,
    );
  }

  /** An answer that isn't a yes is asked for again after a while. */
  #forgetLater(question: DryRunQuestion): void {
    const wait = this.#backoff.remaining(dryRunKey(question.ref), this.#clock.now());
    const timer = setTimeout(() => {
      this.#cache.forgetVerdict(question);
      this.#markDirty();
    }, wait);
    timer.unref();
  }

  #finish(plan: Plan, durationMs: number, misses: number): void {
    const previous = this.#plan;
    this.#plan = plan;
    this.#passedAt = this.#clock.date();
    for (const item of plan.items) this.#noticePause(item);
    this.#throttle.prune(this.#clock.now());
    const verdicts = { hits: Math.max(0, this.#cache.verdictCount - misses), misses };
    this.#tell({ happening: 'planned', plan, previous, durationMs, verdicts });
  }

  /** A pause may be ended before any plan has seen it: the version that was paused tells the two apart. */
  #noticePause(item: PlanItem): void {
    const key = formatObjectRef(item.target);
    if (item.decision === 'paused') {
      this.#paused.set(key, '');
      return;
    }
    const pausedVersion = this.#paused.get(key);
    if (pausedVersion === undefined || (pausedVersion !== '' && versionOf(item) === pausedVersion)) return;
    this.#paused.delete(key);
    this.#throttle.resume(key);
    this.#tell({ happening: 'resumed', item });
  }

  /** Queues what may be carried out: HyperConverged alone first, since everything else follows from it. */
  #execute(plan: Plan): void {
    if (this.#options.observe === true) return;
    const due = plan.items.filter(isWrite);
    const golden = due.filter(({ target }) => isHyperConverged(target));
    this.#queue = golden.filter((item) => this.#isDue(item));
    this.#pump();
    // Where it can't be written now, its present state counts, and the others go on.
    if (this.#isBusy(isHyperConverged)) return;
    this.#queue = due.filter((item) => !golden.includes(item) && this.#isDue(item));
    this.#pump();
  }

  #isBusy(is: (target: ObjectRef) => boolean): boolean {
    return [...this.#inFlight.values()].some(({ target }) => is(target));
  }

  /** Whether it may be tried now; otherwise it is looked at again when it may. */
  #isDue(item: PlanItem): boolean {
    const key = formatObjectRef(item.target);
    if (this.#inFlight.has(key) || this.#isHeld(item, key)) return false;
    const wait = this.#backoff.remaining(key, this.#clock.now());
    if (wait > 0) this.#wakeIn(wait);
    return wait === 0;
  }

  /** Carries out what is queued, so many at a time. A newer plan replaces the queue. */
  #pump(): void {
    const { concurrency = 4 } = this.#options;
    while (this.#inFlight.size < concurrency && !this.#signal.aborted) {
      const item = this.#queue.shift();
      if (item === undefined) return;
      const key = formatObjectRef(item.target);
      if (this.#inFlight.has(key)) continue;
      const work = this.#carryOut(item, key)
        .catch((error) => {
          // An unexpected exception inside one item stays there.
          this.#backoff.failed(key, this.#clock.now());
          this.#tell({ happening: 'trouble', what: `carrying out ${item.decision} of ${key}`, error });
        })
        .finally(() => {
          this.#inFlight.delete(key);
          this.#pump();
          this.#markDirty();
        });
      this.#inFlight.set(key, { target: item.target, work });
    }
  }

  async #carryOut(item: PlanItem, key: string): Promise<void> {
    const now = this.#clock.now();
    const healed = healedFields(item);
    // What is made for the first time was changed by nobody; what is made again was deleted by somebody.
    const isMadeAgain = item.decision === 'create' && this.#made.has(key);
    if (item.decision === 'update' || isMadeAgain) {
      const admission = this.#throttle.admit(key, versionOf(item), healed, now);
      if (admission.admission === 'throttled') {
        if (admission.isNew) this.#tell({ happening: 'throttled', item, retryAfterMs: admission.retryAfterMs });
        this.#hold(item, key, admission.retryAfterMs);
        return;
      }
      if (admission.admission === 'pause') {
        await this.#pause(item, key, admission.because);
        return;
      }
    }
    // The last word before every write: a process that was frozen past its lease stops here.
    if (!this.#isLeader) return;
    const outcome = await perform(this.#cluster, item, {});
    this.#settle(item, key, outcome, healed);
    this.#tell({ happening: 'performed', item, outcome, durationMs: this.#clock.now() - now });
  }

  /** Leaves one live version of an object alone for a while; a newer one is looked at as soon as it comes. */
  #hold(item: PlanItem, key: string, ms: number): void {
    this.#held.set(key, { version: versionOf(item), until: this.#clock.now() + ms });
    this.#wakeIn(ms);
  }

  #isHeld(item: PlanItem, key: string): boolean {
    const held = this.#held.get(key);
    if (held === undefined) return false;
    const remaining = held.until - this.#clock.now();
    if (remaining <= 0 || held.version !== versionOf(item)) {
      this.#held.delete(key);
      return false;
    }
    this.#wakeIn(remaining);
    return true;
  }

  #settle(item: PlanItem, key: string, outcome: Outcome, healed: readonly string[]): void {
    const now = this.#clock.now();
    switch (outcome.result) {
      case 'created':
      case 'configured':
        this.#cache.addWritten(item.target, outcome.object);
        this.#backoff.succeeded(key);
        this.#made.add(key);
        if (item.decision === 'update') this.#throttle.healed(key, healed, now);
        return;
      case 'failed':
        this.#backoff.failed(key, now);
        this.#wakeIn(this.#backoff.remaining(key, now));
        return;
      case 'conflict':
        // Somebody wrote, and the watch brings it: until then there is nothing to do.
        this.#hold(item, key, 1000);
        return;
      case 'unchanged':
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
    const fields = [...new Set([...healedFields(item), ...this.#throttle.heals(key, this.#clock.now()).keys()])];
    const rival = rivalOf(item);
    const war = { happening: 'war', item, because, rival, fields } as const;
    if (!('live' in item) || item.live === undefined) {
      // There is no object to annotate: it is recreated no faster than the bucket fills.
      this.#backoff.failed(key, this.#clock.now());
      this.#tell({ ...war, written: false });
      return;
    }
    if (!this.#isLeader) return;
    const pausedBy = JSON.stringify({
      since: new Date(this.#clock.date()).toISOString(),
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
        { fieldManager: autopilotName },
      );
      this.#cache.addWritten(item.target, object);
      this.#paused.set(key, object.metadata.resourceVersion ?? '');
      this.#throttle.resume(key);
      this.#tell({ ...war, written: true });
    } catch (error) {
      if (!isTroubleOfOne(error)) throw error;
      this.#backoff.failed(key, this.#clock.now());
      this.#tell({ ...war, written: false });
      this.#tell({ happening: 'trouble', what: `pausing ${key}`, error });
    }
  }

  /** Asks what is served besides CRDs, and so that the client finds their paths. */
  async #discover(): Promise<void> {
    for (let failures = 0; !this.#signal.aborted; failures++) {
      try {
        this.#served.discovered = (await this.#cluster.discover({ signal: this.#signal })).resources;
        return;
      } catch (error) {
        if (this.#signal.aborted) return;
        this.#tell({ happening: 'trouble', what: 'asking what the API server serves', error });
        await this.#wait(failures);
      }
    }
  }

  /** Half a second at first, then ever longer, with jitter. */
  async #wait(failures: number): Promise<void> {
    const ms = Math.min(30_000, 500 * 2 ** Math.min(failures, 10)) * (0.5 + 0.5 * this.#clock.random());
    await this.#clock.sleep(ms, this.#signal).catch(() => {});
  }

  #isDiscovering = false;

  /** What is served is known from the CRDs at once; discovery is asked until it has come as far. */
  #crdsChanged(): void {
    const { phase } = this.#crds?.state ?? {};
    // Not complete yet: nothing is known to be gone.
    if (phase !== 'synced' && phase !== 'forbidden') return;
    if (phase === 'synced') this.#served.crds = [...(this.#crds?.items.values() ?? [])];
    this.#cache.apis = { known: true, resources: this.#served.resources };
    if (phase === 'forbidden' || this.#served.isConsistent || this.#isDiscovering) return;
    this.#isDiscovering = true;
    void (async () => {
      for (let tries = 0; !this.#served.isConsistent && !this.#signal.aborted; tries++) {
        if (tries > 0) await this.#wait(tries - 4);
        await this.#discover();
        this.#cache.apis = { known: true, resources: this.#served.resources };
      }
      this.#isDiscovering = false;
    })();
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

function isHyperConverged({ apiVersion, kind }: ObjectRef): boolean {
  return kind === hyperConvergedKind && groupOf(apiVersion) === groupOf(hyperConvergedApiVersions[0]);
}

/** The live version that the item was decided about; empty where there is no object. */
function versionOf(item: PlanItem): string {
  return 'live' in item ? item.live.resourceVersion : '';
}

function isWrite({ decision }: PlanItem): boolean {
  return decision === 'create' || decision === 'adopt' || decision === 'update' || decision === 'delete';
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

function dryRunKey(ref: ObjectRef): string {
  return `dry-run ${formatObjectRef(ref)}`;
}

const crdTarget = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
/** In a burst of changes, plans follow one another no faster. */
const burstMs = 20;
