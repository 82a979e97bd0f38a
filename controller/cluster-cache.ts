import type { KubernetesObject } from '../shared/api/kubernetes-object.ts';
import type { ObjectRef } from '../shared/api/object-ref.ts';
import { projectNode } from '../shared/engine/facts.ts';
import { equalJson } from '../shared/engine/json.ts';
import { servedApiVersion } from '../shared/engine/served-api.ts';
import {
  type Apis,
  type DryRunQuestion,
  type GetQuestion,
  type ListQuestion,
  questionKey,
  type ReadAnswer,
  type Snapshot,
  type Verdict,
} from '../shared/engine/snapshot.ts';
import type { Watch, WatchTarget } from '../shared/kube/watch.ts';

export type CacheOptions = {
  /** Starts a watch; `onChange` is called whenever what it holds, or whether it holds it, may have changed. */
  readonly watch: (
    target: WatchTarget,
    options: { readonly onChange: () => void; readonly project?: (object: KubernetesObject) => KubernetesObject },
  ) => Watch;
  /** Kinds, as `apiVersion kind`, that are watched as a whole instead of object by object. */
  readonly kindWide: ReadonlySet<string>;
  readonly images: Readonly<Record<string, string>>;
  /** Something that a plan may look at is not as it was. */
  readonly onChange: () => void;
  /** A watch that failed is synced again, so others may be too. */
  readonly onRecovered?: () => void;
  /** Watches that no plan needed for so many finished plans in a row end. Default 3. */
  readonly keepUnused?: number;
};

/**
 * What is known of the cluster, kept up to date by watches. The plan's own questions say what is watched, so watches
 * come and go with CRDs and wishes. A watch that fails goes on answering with what it knew last: a flaky API must
 * never change what is rendered.
 */
export class ClusterCache {
  readonly #options: CacheOptions;
  readonly #watched = new Map<string, Watched>();
  /** By question: which watch answers, and the answer as long as nothing changed. */
  readonly #questions = new Map<string, { readonly question: Read; readonly watch: string }>();
  readonly #answers = new Map<string, ReadAnswer>();
  readonly #verdicts = new Map<string, { readonly verdict: Verdict; readonly object: string }>();
  /** What our own writes returned, until the watch has seen it too. */
  readonly #written = new Map<string, KubernetesObject>();
  #apis: Apis | undefined;

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  /** Whether it was told what is served; a plan made before would take everything for missing. */
  get knowsApis(): boolean {
    return this.#apis !== undefined;
  }

  set apis(apis: Apis) {
    this.#apis = apis;
    this.#answers.clear();
    for (const { watch } of this.#watched.values()) watch.retryNow();
    this.#options.onChange();
  }

  /** Everything that is known at this moment. */
  snapshot(): Snapshot {
    for (const [key, { question, watch }] of this.#questions) {
      if (this.#answers.has(key)) continue;
      const answer = this.#answer(question, this.#watched.get(watch));
      if (answer !== undefined) this.#answers.set(key, answer);
    }
    return {
      apis: this.#apis ?? { known: true, resources: [] },
      images: this.#options.images,
      reads: new Map(this.#answers),
      verdicts: new Map([...this.#verdicts].map(([key, { verdict }]) => [key, verdict])),
    };
  }

  /** Watches what a plan looked at. Without `isFinished` nothing ends: a plan with open questions says little of that. */
  watch(reads: readonly Read[], { isFinished }: { isFinished: boolean }): void {
    const used = new Set<string>();
    let isNews = false;
    for (const question of reads) {
      const key = questionKey(question);
      const known = this.#questions.get(key);
      const name = known?.watch ?? this.#watchFor(question);
      if (known === undefined) {
        this.#questions.set(key, { question, watch: name });
        // One that others needed before may know the answer, and has no news to tell.
        isNews ||= this.#answer(question, this.#watched.get(name)) !== undefined;
      }
      used.add(name);
    }
    if (isNews) this.#options.onChange();
    if (!isFinished) return;
    for (const [name, watched] of this.#watched) {
      watched.unused = used.has(name) ? 0 : watched.unused + 1;
      if (watched.unused > (this.#options.keepUnused ?? 3)) this.#end(name, watched);
    }
  }

  /** Whether every watch has its first complete list, or knows why it can't have one. */
  get isSynced(): boolean {
    return [...this.#watched.values()].every(({ watch }) => watch.isSynced || isSettled(watch));
  }

  /** Tries those that fail at once, instead of at the end of their waits. */
  retryFailing(): void {
    for (const { watch } of this.#watched.values()) if (isOut(watch)) watch.retryNow();
  }

  /** The watches, for health and metrics. */
  get watches(): readonly Watch[] {
    return [...this.#watched.values()].map(({ watch }) => watch);
  }

  addVerdict(question: DryRunQuestion, verdict: Verdict): void {
    const object = refName(question.ref);
    // One verdict an object: an older one is about a state that is gone.
    for (const [key, known] of this.#verdicts) if (known.object === object) this.#verdicts.delete(key);
    this.#verdicts.set(questionKey(question), { verdict, object });
  }

  /** Answers of the server that are known. */
  get verdictCount(): number {
    return this.#verdicts.size;
  }

  hasVerdict(question: DryRunQuestion): boolean {
    return this.#verdicts.has(questionKey(question));
  }

  /** It is an open question again. */
  removeVerdict(question: DryRunQuestion): void {
    this.#verdicts.delete(questionKey(question));
  }

  /** Waits no longer for what fails and was never read: its answer is that nobody knows. Whether there is any. */
  giveUpFailing(): boolean {
    const failing = [...this.#watched.values()].filter(
      ({ watch, wasSynced, isGivenUp }) => wasSynced !== true && isGivenUp !== true && watch.state.phase === 'failing',
    );
    for (const watched of failing) watched.isGivenUp = true;
    return failing.length > 0;
  }

  /** What a write of ours made of an object: known at once, rather than when the watch gets to it. */
  addWritten(ref: ObjectRef, object: KubernetesObject): void {
    this.#written.set(refName(ref), object);
    this.#answers.delete(questionKey({ ask: 'get', ref }));
  }

  stop(): void {
    for (const [name, watched] of this.#watched) this.#end(name, watched);
  }

  #watchFor(question: Read): string {
    const { apiVersion, kind } = question.ask === 'get' ? question.ref : question;
    const wide = watchName({ apiVersion, kind });
    if (this.#watched.has(wide)) return wide;
    if (question.ask === 'list') {
      const { namespace } = question;
      return this.#start({ apiVersion, kind, ...(namespace !== undefined && { namespace }) });
    }
    return this.#start(this.#options.kindWide.has(wide) ? { apiVersion, kind } : question.ref);
  }

  #start({ apiVersion, kind, namespace, name }: WatchTarget): string {
    const target = {
      apiVersion,
      kind,
      ...(namespace !== undefined && { namespace }),
      ...(name !== undefined && { name }),
    };
    const id = watchName(target);
    if (this.#watched.has(id)) return id;
    const project = kind === 'Node' && apiVersion === 'v1' ? projectNode : undefined;
    const onChange = () => this.#changed(id);
    const watch = this.#options.watch(target, { onChange, ...(project !== undefined && { project }) });
    this.#watched.set(id, { watch, target, unused: 0 });
    return id;
  }

  #end(id: string, { watch }: Watched): void {
    watch.stop();
    this.#watched.delete(id);
    for (const [key, question] of this.#questions) {
      if (question.watch !== id) continue;
      this.#questions.delete(key);
      this.#answers.delete(key);
    }
  }

  /** Answers that are as they were are kept, so that what doesn't concern us (a node's heartbeat) plans nothing. */
  #changed(id: string): void {
    const watched = this.#watched.get(id);
    this.#noticeRecovery(watched);
    let isNews = false;
    for (const [key, { question, watch }] of this.#questions) {
      if (watch !== id) continue;
      const before = this.#answers.get(key);
      const after = this.#answer(question, watched);
      if (after === undefined || (before !== undefined && isSameAnswer(before, after))) continue;
      this.#answers.set(key, after);
      isNews = true;
    }
    if (isNews) this.#options.onChange();
  }

  #noticeRecovery(watched: Watched | undefined): void {
    if (watched === undefined) return;
    const hadFailed = watched.isFailing === true;
    watched.isFailing = isOut(watched.watch) || (hadFailed && !watched.watch.isSynced);
    if (hadFailed && !watched.isFailing) this.#options.onRecovered?.();
  }

  #answer(question: Read, watched: Watched | undefined): ReadAnswer | undefined {
    if (watched === undefined) return undefined;
    const { watch } = watched;
    const { phase } = watch.state;
    // The watch goes by discovery, which may lag behind the CRDs: only what they don't serve either is absent.
    if (phase === 'absent' && !this.#isServed(watched.target)) return { answer: 'absent' };
    if (phase === 'forbidden') {
      const { why = 'it may not be watched', permission } = watch.state;
      return { answer: 'unknown', why, ...(permission !== undefined && { permission }) };
    }
    // Never complete yet: open. Failing after that: what was known last stands.
    if (!watch.isSynced && !watched.wasSynced) {
      return watched.isGivenUp ? { answer: 'unknown', why: watch.state.why ?? 'it could never be read' } : undefined;
    }
    watched.wasSynced = true;
    if (question.ask === 'list') {
      const { namespace } = question;
      const items = [...watch.items.values()];
      return {
        answer: 'list',
        items: namespace === undefined ? items : items.filter((item) => item.metadata.namespace === namespace),
      };
    }
    const object = this.#newest(question.ref, watch.items.get(itemKey(question.ref)), watch.state.resourceVersion);
    return object === undefined ? { answer: 'absent' } : { answer: 'object', object };
  }

  #isServed({ apiVersion, kind }: WatchTarget): boolean {
    return this.#apis !== undefined && servedApiVersion(this.#apis, { apiVersions: [apiVersion], kind }) !== undefined;
  }

  /** What we wrote ourselves, as long as the watch hasn't come as far. */
  #newest(ref: ObjectRef, seen: KubernetesObject | undefined, watchedTo = '0'): KubernetesObject | undefined {
    const name = refName(ref);
    const written = this.#written.get(name);
    if (written === undefined) return seen;
    const version = versionOf(written.metadata.resourceVersion);
    const isCaughtUp = versionOf(seen?.metadata.resourceVersion) >= version || versionOf(watchedTo) >= version;
    if (!isCaughtUp) return written;
    this.#written.delete(name);
    return seen;
  }
}

type Read = GetQuestion | ListQuestion;

type Watched = {
  readonly watch: Watch;
  readonly target: WatchTarget;
  /** Finished plans in a row that didn't look at it. */
  unused: number;
  wasSynced?: boolean;
  /** It failed, and isn't synced again yet. */
  isFailing?: boolean;
  /** It failed for too long before it was synced for the first time. */
  isGivenUp?: boolean;
};

/** It fails, or waits to list anew. */
function isOut({ state }: Watch): boolean {
  return state.phase === 'failing' || state.phase === 'connecting';
}

/** It can't have a complete list, and says why. */
function isSettled({ state }: Watch): boolean {
  return state.phase === 'absent' || state.phase === 'forbidden';
}

/** Equal but for what every write changes, or the very same object. Nodes are projected to what is used of them. */
function isSameAnswer(before: ReadAnswer, after: ReadAnswer): boolean {
  return equalJson(before, after);
}

function watchName({ apiVersion, kind, namespace, name }: WatchTarget): string {
  return [
    apiVersion,
    kind,
    ...(namespace === undefined && name === undefined ? [] : [namespace ?? '', name ?? '']),
  ].join(' ');
}

function refName({ apiVersion, kind, namespace = '', name }: ObjectRef): string {
  return `${apiVersion} ${kind} ${namespace} ${name}`;
}

function itemKey({ namespace, name }: ObjectRef): string {
  return `${namespace ?? ''}/${name}`;
}

/** Resource versions of one resource can be compared as numbers; one that isn't a number is older than any. */
function versionOf(resourceVersion: string | undefined): bigint {
  return /^\d+$/.test(resourceVersion ?? '') ? BigInt(resourceVersion ?? 0) : -1n;
}
