import { formatObjectRef } from '../shared/api/object-ref.ts';
import type { PlanItem } from '../shared/engine/plan-item.ts';
import { type DryRunQuestion, questionKey } from '../shared/engine/snapshot.ts';
import type { Cluster } from '../shared/kube/client.ts';
import type { Clock } from '../shared/kube/clock.ts';
import { dryRun } from '../shared/kube/dry-run.ts';
import { Backoff } from './backoff.ts';
import type { ClusterCache } from './cluster-cache.ts';
import type { Happening } from './happening.ts';

export type DryRunsOptions = {
  readonly clock: Clock;
  /** Aborted: nothing more is asked. */
  readonly stopping: AbortSignal;
  /** Whether this process is to ask: one that doesn't lead leaves the server alone. */
  readonly mayAsk: () => boolean;
  /** One was answered, or can't be. */
  readonly onAnswer: () => void;
  /** Something is to be asked after so long. */
  readonly wakeIn: (ms: number) => void;
  readonly tell: (happening: Happening) => void;
};

/** Asks the server what plans want to know of it, so much at a time, and puts the answers into the cache. */
export class DryRuns {
  readonly #cluster: Cluster;
  readonly #cache: ClusterCache;
  readonly #options: DryRunsOptions;
  readonly #backoff: Backoff;
  #toAsk: DryRunQuestion[] = [];
  readonly #toAskAgain: DryRunQuestion[] = [];
  readonly #asking = new Map<string, Promise<void>>();
  /** Not before, since the server couldn't be asked. */
  #askAgainAt = 0;
  #allAnswered: () => void = () => {};
  #count = 0;

  constructor(cluster: Cluster, cache: ClusterCache, options: DryRunsOptions) {
    this.#cluster = cluster;
    this.#cache = cache;
    this.#options = options;
    this.#backoff = new Backoff({ firstMs: 500, mostMs: 5 * 60_000, random: options.clock.random });
  }

  /** How many were sent since this was asked last. */
  takeCount(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }

  /** Asks what isn't being asked yet; each answer is told. Whether there was any. */
  ask(questions: readonly DryRunQuestion[]): boolean {
    this.#toAsk = questions.filter((question) => !this.#asking.has(questionKey(question)));
    const wait = this.#askAgainAt - this.#options.clock.now();
    if (wait > 0) {
      if (this.#toAsk.length > 0) this.#options.wakeIn(wait);
      return false;
    }
    const isNews = this.#toAsk.length > 0;
    this.#askNext();
    return isNews;
  }

  /** Until every dry run is answered, but no longer than one that hangs may hold up the others. */
  async untilAnswered(): Promise<void> {
    if (this.#asking.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.#allAnswered = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#allAnswered = () => {};
  }

  /** Objects that are in no plan any more need no patience. */
  notice(items: readonly PlanItem[]): void {
    if (this.#backoff.tracked.length === 0) return;
    this.#backoff.forgetAllBut(new Set(items.map(({ target }) => formatObjectRef(target))));
  }

  #askNext(): void {
    const { clock, stopping, onAnswer, tell } = this.#options;
    while (this.#asking.size < mostAtOnce && !stopping.aborted && clock.now() >= this.#askAgainAt) {
      const question = this.#toAskAgain.shift() ?? this.#toAsk.shift();
      if (question === undefined) return;
      const key = questionKey(question);
      if (this.#asking.has(key)) continue;
      const asked = this.#answer(question)
        .catch((error) => {
          if (stopping.aborted) return;
          // What any other request would meet too: they are asked again when the server may be back.
          this.#askAgainAt = clock.now() + 1000 + 1000 * clock.random();
          tell({ happening: 'trouble', what: `the dry run of ${formatObjectRef(question.ref)}`, error });
        })
        .finally(() => {
          this.#asking.delete(key);
          this.#askNext();
          if (this.#asking.size === 0) this.#allAnswered();
          onAnswer();
        });
      this.#asking.set(key, asked);
    }
  }

  async #answer(question: DryRunQuestion): Promise<void> {
    const { clock, stopping } = this.#options;
    this.#count += 1;
    const object = formatObjectRef(question.ref);
    const verdict = await dryRun(this.#cluster, question, stopping);
    // Of what has changed the watch will tell what is there now; until it does, this state can't be written.
    const changed = { verdict: 'unknown', why: 'it changed while it was looked at' } as const;
    this.#cache.addVerdict(question, verdict === 'changed' ? changed : verdict);
    if (verdict !== 'changed' && verdict.verdict === 'accepted') {
      this.#backoff.succeeded(object);
      return;
    }
    // What was refused may be taken later: by a webhook that was mended, or another one.
    this.#backoff.failed(object, clock.now());
    this.#askLater(question, this.#backoff.remaining(object, clock.now()));
  }

  /** An answer that isn't a yes is asked for again after a while; until then it stands. */
  #askLater(question: DryRunQuestion, ms: number): void {
    const timer = setTimeout(() => {
      if (!this.#cache.hasVerdict(question)) return;
      if (!this.#options.mayAsk()) {
        // Whoever leads asks anew.
        this.#cache.removeVerdict(question);
        return;
      }
      this.#toAskAgain.push(question);
      this.#askNext();
    }, ms);
    timer.unref();
  }
}

const mostAtOnce = 8;
/** A dry run that takes longer holds up its own object only. */
const patienceMs = 250;
