import type { KubernetesObject } from '../shared/api/kubernetes-object.ts';
import { autopilotName } from '../shared/api/names.ts';
import type { ObjectRef } from '../shared/api/object-ref.ts';
import { ApiError } from '../shared/kube/api-error.ts';
import type { Cluster } from '../shared/kube/client.ts';
import type { Clock } from '../shared/kube/clock.ts';

/** How long a leader may be silent, in milliseconds. */
export type LeaderTimes = {
  /** After so long without a renewal, another may take over. */
  readonly leaseDurationMs: number;
  /** After so long without a renewal of its own, a leader writes no more. Shorter than the lease's duration. */
  readonly renewDeadlineMs: number;
  /** Between two renewals; who doesn't lead looks at least every two seconds, to follow soon when the lead is let go. */
  readonly retryPeriodMs: number;
};

/** `openshift` outlives a minute without an API server and renews rarely; `default` is what client-go does. */
export const leaderPresets = {
  openshift: { leaseDurationMs: 137_000, renewDeadlineMs: 107_000, retryPeriodMs: 26_000 },
  default: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
} as const satisfies Record<string, LeaderTimes>;

export type LeaderOptions = {
  /** Unique to this process: the pod's name and something that no restart repeats. */
  readonly identity: string;
  readonly namespace: string;
  readonly times: LeaderTimes;
  readonly clock: Clock;
  /** What the plugin reads of the controller, written with each renewal. */
  readonly annotations: () => Readonly<Record<string, string>>;
  /** A try that failed, for the log; trying goes on. */
  readonly onError: (error: unknown) => void;
};

/**
 * One leader at a time, by a Lease. Whether it is us is asked before each write, and answered from a monotonic clock:
 * a process that was frozen past its lease knows so the moment it thaws.
 *
 * @see https://kubernetes.io/docs/concepts/architecture/leases/
 */
export class LeaderElection {
  readonly #cluster: Cluster;
  readonly #options: LeaderOptions;
  readonly #ref: ObjectRef;
  #holder: string | undefined;
  #lead = new AbortController();
  #deadline: NodeJS.Timeout | undefined;
  #failure: string | undefined;
  #answeredAt: number;
  /** When our last renewal was sent; a renewal that took long began long ago. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  /** What the Lease said last, and when we saw it change: other clocks are never trusted. */
  #observed: { readonly record: string; readonly at: number } | undefined;

  constructor(cluster: Cluster, options: LeaderOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#ref = leaseRef(options.namespace);
    this.#answeredAt = options.clock.now();
    this.#lead.abort(notLeading);
  }

  /** Whether we lead at this moment, and may write. */
  get isLeader(): boolean {
    const { clock, times } = this.#options;
    return clock.now() - this.#renewedAt < times.renewDeadlineMs;
  }

  /** Who held the Lease when it was last read; undefined before, and while nobody does. */
  get holder(): string | undefined {
    return this.#holder;
  }

  /** Aborted when the lead is lost, and while there is none: what was begun under it is then not begun again. */
  get lead(): AbortSignal {
    return this.#lead.signal;
  }

  /** Why the Lease couldn't be read or renewed for so long that nobody may lead; undefined when it could. */
  get trouble(): string | undefined {
    const { clock, times } = this.#options;
    const silentMs = clock.now() - this.#answeredAt;
    if (silentMs < times.renewDeadlineMs) return undefined;
    return `no use of the Lease for ${Math.round(silentMs / 1000)} s: ${this.#failure ?? 'no answer'}`;
  }

  /** Tries to become leader and to stay it, until the signal; calls `onChange` whenever that turned. */
  async run(signal: AbortSignal, onChange: (isLeader: boolean) => void): Promise<void> {
    const { clock, times, onError } = this.#options;
    let was = false;
    const tellChange = () => {
      if (this.isLeader === was) return;
      was = !was;
      onChange(was);
    };
    this.#onDeadline = tellChange;
    while (!signal.aborted) {
      try {
        await this.#tryInTime(signal);
        this.#answeredAt = clock.now();
        this.#failure = undefined;
      } catch (error) {
        if (!signal.aborted) {
          this.#failure = error instanceof Error ? error.message : String(error);
          onError(error);
        }
      }
      tellChange();
      // Jittered, so that replicas don't meet at every try.
      const ms = this.isLeader ? times.retryPeriodMs : Math.min(times.retryPeriodMs, mostBetweenLooksMs);
      await clock.sleep(ms * (0.9 + 0.2 * clock.random()), signal).catch(() => {});
    }
    clearTimeout(this.#deadline);
  }

  #onDeadline: () => void = () => {};

  /** Gives a try up early enough for another before the deadline: a server may take requests and answer none. */
  async #tryInTime(signal: AbortSignal): Promise<void> {
    const ms = this.#options.times.renewDeadlineMs / 2;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error(`no answer about the Lease within ${ms / 1000} s`)), ms);
    const stop = () => late.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await this.#try(late.signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  #renewed(at: number): void {
    const { clock, times } = this.#options;
    this.#renewedAt = at;
    this.#holder = this.#options.identity;
    if (this.#lead.signal.aborted) this.#lead = new AbortController();
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#lost(), times.renewDeadlineMs - (clock.now() - at));
    this.#deadline.unref();
  }

  #lost(): void {
    this.#renewedAt = Number.NEGATIVE_INFINITY;
    clearTimeout(this.#deadline);
    this.#lead.abort(notLeading);
    this.#onDeadline();
  }

  /** Hands over at once: to be called after the last write. Does nothing when somebody else leads. */
  async release(): Promise<void> {
    if (!this.isLeader) return;
    this.#renewedAt = Number.NEGATIVE_INFINITY;
    const answer = await this.#cluster.get(this.#ref);
    if (answer.answer === 'absent' || holderOf(answer.object) !== this.#options.identity) return;
    const spec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: this.#time() };
    await this.#patch(answer.object, { spec });
  }

  async #try(signal: AbortSignal): Promise<void> {
    const { clock, identity, annotations } = this.#options;
    const answer = await this.#cluster.get(this.#ref, { signal });
    const startedAt = clock.now();
    if (answer.answer === 'absent') {
      await this.#create(signal);
      this.#renewed(startedAt);
      return;
    }
    const lease = answer.object;
    const isOurs = holderOf(lease) === identity;
    this.#holder = holderOf(lease) || undefined;
    if (!isOurs && !this.#isFree(lease, startedAt)) {
      this.#lost();
      return;
    }
    const { leaseTransitions = 0 } = specOf(lease);
    const spec = {
      ...this.#spec(),
      ...(!isOurs && { acquireTime: this.#time(), leaseTransitions: Number(leaseTransitions) + 1 }),
    };
    try {
      await this.#patch(lease, { metadata: { annotations: annotations() }, spec }, signal);
      this.#renewed(startedAt);
    } catch (error) {
      // Somebody was faster: whoever it is, the next try tells.
      if (!(error instanceof ApiError && error.isConflict)) throw error;
      this.#lost();
    }
  }

  /** Nobody holds it, or whoever does has been silent for its own duration, by our clock. */
  #isFree(lease: KubernetesObject, now: number): boolean {
    if (holderOf(lease) === '') return true;
    const record = JSON.stringify(lease.spec);
    if (this.#observed?.record !== record) this.#observed = { record, at: now };
    const seconds = Number(specOf(lease).leaseDurationSeconds ?? 0);
    return now - this.#observed.at >= Math.max(seconds * 1000, 1000);
  }

  async #create(signal: AbortSignal): Promise<void> {
    const { namespace, annotations } = this.#options;
    const lease = {
      apiVersion: this.#ref.apiVersion,
      kind: this.#ref.kind,
      metadata: { name: this.#ref.name, namespace, annotations: annotations() },
      spec: { ...this.#spec(), acquireTime: this.#time(), leaseTransitions: 0 },
    };
    // An apply, since its permission can be limited by name before the Lease exists.
    await this.#cluster.apply(lease, { ref: this.#ref, fieldManager: autopilotName, live: 'none', signal });
  }

  async #patch(lease: KubernetesObject, patch: object, signal?: AbortSignal): Promise<void> {
    const { resourceVersion = '' } = lease.metadata;
    const withVersion = { ...patch, metadata: { ...Object(patch).metadata, resourceVersion } };
    await this.#cluster.mergePatch(this.#ref, withVersion, { fieldManager: autopilotName, signal });
  }

  #spec() {
    const { identity, times } = this.#options;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(times.leaseDurationMs / 1000),
      renewTime: this.#time(),
    };
  }

  /** MicroTime, as the API wants it. */
  #time(): string {
    return new Date(this.#options.clock.date()).toISOString().replace(/Z$/, '000Z');
  }
}

/** What client-go's default is: to look is one small read, whereas each renewal is a write to etcd. */
const mostBetweenLooksMs = 2000;

const notLeading = new Error('this process leads no more, so it writes no more');

/** The Lease by which replicas agree, and from whose annotations the plugin reads how the controller is. */
export function leaseRef(namespace: string): ObjectRef {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: autopilotName };
}

function specOf({ spec }: KubernetesObject): Readonly<Record<string, unknown>> {
  return Object(spec);
}

function holderOf(lease: KubernetesObject): string {
  const { holderIdentity } = specOf(lease);
  return typeof holderIdentity === 'string' ? holderIdentity : '';
}
