import { annotation } from '../shared/api/annotations.ts';
import { leaseAnnotation } from '../shared/api/lease.ts';
import { autopilotName, hyperConvergedApiVersions, hyperConvergedKind } from '../shared/api/names.ts';
import { formatObjectRef, groupOf, type ObjectRef } from '../shared/api/object-ref.ts';
import type { Catalog } from '../shared/catalog/asset.ts';
import { plan as makePlan } from '../shared/engine/plan.ts';
import type { DriftedField, Plan, PlanItem } from '../shared/engine/plan-item.ts';
import { type DryRunQuestion, questionKey, type Snapshot } from '../shared/engine/snapshot.ts';
import type { Cluster } from '../shared/kube/client.ts';
import { type Clock, systemClock } from '../shared/kube/clock.ts';
import { dryRun } from '../shared/kube/dry-run.ts';
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
  readonly #throttle: Throttle;
  readonly #backoff: Backoff;
  /** Objects that this process has written. */
  readonly #made = new Set<string>();
  /** Objects that are paused, with the version that our own pause made. */
  readonly #paused = new Map<string, string>();
  /** What the last plan asks for and isn't begun yet. */
  #queue: PlanItem[] = [];
  readonly #held = new Map<string, { readonly version: string; readonly until: number }>();
  /** Dry runs that are to be asked for, and those that are. */
  #toAsk: DryRunQuestion[] = [];
  readonly #toAskAgain: DryRunQuestion[] = [];
  readonly #asking = new Map<string, Promise<void>>();
  /** Not before, since the server couldn't be asked. */
  #askAgainAt = 0;
  #allAnswered: () => void = () => {};
  /** Dry runs since the last finished plan. */
  #dryRuns = 0;
  /** Since when something that a plan looks at was never read. */
  #unreadSince: number | undefined;
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
  #retriedAt = Number.NEGATIVE_INFINITY;
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
      onRecovered: () => this.#retryFailing(),
    });
  }

  get state(): LoopState {
    return {
      isLeader: this.#isLeader,
      plan: this.#plan,
      snapshot: this.#cache.snapshot(),
      isSynced: this.#cache.isSynced,
      watches: [...this.#cache.watches, ...(this.#crds === undefined ? [] : [this.#crds])],
      knowsApis: this.#cache.knowsApis,
      inFlight: this.#inFlight.size,
      waiting: this.#queue.length,
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
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#signal.addEventListener('abort', () => this.#wake(), { once: true });
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

  /** One watch that is back says that the server is: the others needn't wait to the end of their backoff. */
  #retryFailing(): void {
    const now = this.#clock.now();
    if (now - this.#retriedAt < 1000) return;
    this.#retriedAt = now;
    this.#cache.retryFailing();
    if (this.#crds?.isSynced === false) this.#crds.retryNow();
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
    if (!this.#cache.knowsApis) return;
    const started = this.#clock.now();
    for (let round = 0; ; round++) {
      const { plan, questions, reads } = makePlan(this.#catalog, this.#snapshot());
      const open = questions.filter((question) => question.ask === 'dry-run');
      this.#cache.watch(reads, { isFinished: questions.length === 0 });
      const isRead = questions.length === open.length;
      this.#noticeReads(isRead);
      // What isn't read yet marks the plan dirty when it is. Only who writes, or reports instead, asks the server.
      if (!isRead || !(this.#isLeader || this.#options.observe === true)) {
        this.#queue = [];
        return;
      }
      const wanted = open.filter(({ ref }) => !this.#inFlight.has(formatObjectRef(ref)));
      const isNews = this.#ask(wanted);
      if (isNews && round < mostRounds) {
        await this.#untilAnswered();
        this.#signal.throwIfAborted();
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
    return { ...this.#cache.snapshot(), ...(namespace !== undefined && { namespace }) };
  }

  /** Asks what isn't being asked yet, so many at a time; each answer marks the plan dirty. Whether there was any. */
  #ask(questions: readonly DryRunQuestion[]): boolean {
    this.#toAsk = questions.filter((question) => !this.#asking.has(questionKey(question)));
    const wait = this.#askAgainAt - this.#clock.now();
    if (wait > 0) {
      if (this.#toAsk.length > 0) this.#wakeIn(wait);
      return false;
    }
    const isNews = this.#toAsk.length > 0;
    this.#askNext();
    return isNews;
  }

  #askNext(): void {
    while (this.#asking.size < mostDryRuns && !this.#signal.aborted && this.#clock.now() >= this.#askAgainAt) {
      const question = this.#toAskAgain.shift() ?? this.#toAsk.shift();
      if (question === undefined) return;
      const key = questionKey(question);
      if (this.#asking.has(key)) continue;
      const asked = this.#answer(question)
        .catch((error) => {
          if (this.#signal.aborted) return;
          // What any other request would meet too: they are asked again when the server may be back.
          this.#askAgainAt = this.#clock.now() + 1000 + 1000 * this.#clock.random();
          this.#tell({ happening: 'trouble', what: `the dry run of ${formatObjectRef(question.ref)}`, error });
        })
        .finally(() => {
          this.#asking.delete(key);
          this.#askNext();
          if (this.#asking.size === 0) this.#allAnswered();
          this.#markDirty();
        });
      this.#asking.set(key, asked);
    }
  }

  /** Until every dry run is answered, but no longer than one that hangs may hold up the others. */
  async #untilAnswered(): Promise<void> {
    if (this.#asking.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceWithDryRunsMs);
      this.#allAnswered = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#allAnswered = () => {};
  }

  async #answer(question: DryRunQuestion): Promise<void> {
    this.#dryRuns += 1;
    const key = dryRunKey(question.ref);
    const verdict = await dryRun(this.#cluster, question, this.#signal);
    // Of what has changed the watch will tell what is there now; until it does, this state can't be written.
    const changed = { verdict: 'unknown', why: 'it changed while it was looked at' } as const;
    this.#cache.addVerdict(question, verdict === 'changed' ? changed : verdict);
    if (verdict !== 'changed' && verdict.verdict === 'accepted') {
      this.#backoff.succeeded(key);
      return;
    }
    // What was refused may be taken later: by a webhook that was mended, or another one.
    this.#backoff.failed(key, this.#clock.now());
    this.#askLater(question, this.#backoff.remaining(key, this.#clock.now()));
  }

  /** An answer that isn't a yes is asked for again after a while; until then it stands. */
  #askLater(question: DryRunQuestion, ms: number): void {
    const timer = setTimeout(() => {
      if (!this.#cache.hasVerdict(question)) return;
      this.#toAskAgain.push(question);
      this.#askNext();
    }, ms);
    timer.unref();
  }

  #finish(plan: Plan, durationMs: number): void {
    const previous = this.#plan;
    this.#plan = plan;
    this.#passedAt = this.#clock.date();
    for (const item of plan.items) this.#noticePause(item);
    this.#throttle.prune(this.#clock.now());
    const misses = this.#dryRuns;
    this.#dryRuns = 0;
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
  #execute(plan: Plan, open: readonly DryRunQuestion[]): void {
    if (this.#options.observe === true) return;
    const due = plan.items.filter(isWrite);
    const golden = due.filter(({ target }) => isHyperConverged(target));
    this.#queue = golden.filter((item) => this.#isDue(item));
    this.#pump();
    // Where it can't be written now, its present state counts, and the others go on.
    const isGoldenOpen = this.#queue.length > 0 || open.some(({ ref }) => isHyperConverged(ref));
    if (isGoldenOpen || this.#isBusy(isHyperConverged)) return;
    const unsure = this.#dependentsOf(open, plan);
    this.#queue = due.filter((item) => !golden.includes(item) && !unsure.has(item.asset) && this.#isDue(item));
    this.#pump();
  }

  /** What isn't asked to the end yet, and everything that comes after it. */
  #dependentsOf(open: readonly DryRunQuestion[], { items }: Plan): ReadonlySet<string> {
    const targets = new Set(open.map(({ ref }) => formatObjectRef(ref)));
    const found = new Set(items.filter(({ target }) => targets.has(formatObjectRef(target))).map(({ asset }) => asset));
    for (let before = -1; before < found.size; ) {
      before = found.size;
      for (const { name, dependsOn } of this.#catalog.assets)
        if (dependsOn.some((other) => found.has(other))) found.add(name);
    }
    return found;
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
    // What is made or adopted for the first time was changed by nobody; again, it was undone by somebody.
    const isAgain = (item.decision === 'create' || item.decision === 'adopt') && this.#made.has(key);
    if (item.decision === 'update' || isAgain) {
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
    const signal = this.#election?.lead;
    const outcome = await perform(this.#cluster, item, signal === undefined ? {} : { signal });
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
        { fieldManager: autopilotName, signal: this.#election?.lead },
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
/** Dry runs at a time, and rounds of them within one pass. */
const mostDryRuns = 8;
const mostRounds = 5;
/** A dry run that takes longer holds up its own object only, a read what depends on it only. */
const patienceWithDryRunsMs = 250;
const patienceWithReadsMs = 10_000;
/** In a burst of changes, plans follow one another no faster. */
const burstMs = 20;
