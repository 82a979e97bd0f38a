/** How often one object may be healed before the other side is asked to stop. All of them are options. */
export type ThrottleLimits = {
  /** Size of the bucket: updates that may follow one another at once. Default 5. */
  readonly burst?: number;
  /** Updates a minute by which the bucket is refilled, continuously. Default 5. */
  readonly updatesPerMinute?: number;
  /** Refusals in a row, each for a new live version, that make an edit war. Default 3. */
  readonly throttlesBeforePause?: number;
  /** Healings of one and the same field within an hour that make a slow edit war. Default 6. */
  readonly healsPerHour?: number;
};

/** Whether an update may be written now. */
export type Admission =
  | { readonly admission: 'go' }
  /** Not now. `isNew` is set once for each live version that is refused. */
  | { readonly admission: 'throttled'; readonly isNew: boolean; readonly retryAfterMs: number }
  /** An edit war: the object is to be paused. */
  | { readonly admission: 'pause'; readonly because: 'fast' | 'slow' };

/**
 * Tells healing from war, object by object. The first healing of every drift is immediate; somebody who keeps changing
 * a field back empties the object's bucket (a fast war), or heals the same field too often within an hour (a slow one).
 *
 * All times are milliseconds of one monotonic clock, so that a jump of the wall clock changes nothing.
 */
export class Throttle {
  readonly #limits: Required<ThrottleLimits>;
  readonly #objects = new Map<string, State>();

  constructor(limits: ThrottleLimits = {}) {
    this.#limits = {
      burst: limits.burst ?? 5,
      updatesPerMinute: limits.updatesPerMinute ?? 5,
      throttlesBeforePause: limits.throttlesBeforePause ?? 3,
      healsPerHour: limits.healsPerHour ?? 6,
    };
  }

  /**
   * Asks for an update of the object, whose live version is `resourceVersion`, that would heal `fields`. A `go` takes
   * a token: ask only to write.
   */
  admit(object: string, resourceVersion: string, fields: readonly string[], now: number): Admission {
    const { throttlesBeforePause, healsPerHour, updatesPerMinute } = this.#limits;
    const state = this.#stateOf(object, now);
    const tooOften = fields.some((field) => healsWithinHour(state, field, now) >= healsPerHour);
    if (tooOften) return { admission: 'pause', because: 'slow' };
    if (state.tokens >= 1) {
      state.tokens -= 1;
      return { admission: 'go' };
    }
    const isNew = state.refusedVersion !== resourceVersion;
    if (isNew) {
      state.refusedVersion = resourceVersion;
      state.throttles += 1;
    }
    if (state.throttles >= throttlesBeforePause) return { admission: 'pause', because: 'fast' };
    const retryAfterMs = Math.ceil(((1 - state.tokens) / updatesPerMinute) * minute);
    return { admission: 'throttled', isNew, retryAfterMs };
  }

  /** An update of the object was written: its refusals no longer follow one another, and these fields were healed. */
  healed(object: string, fields: readonly string[], now: number): void {
    const state = this.#stateOf(object, now);
    state.throttles = 0;
    state.refusedVersion = undefined;
    for (const field of fields) state.heals.set(field, [...recentHeals(state, field, now), now]);
  }

  /** How often each of the fields was healed within the last hour: what a pause tells people. */
  heals(object: string, now: number): ReadonlyMap<string, number> {
    const state = this.#objects.get(object);
    return new Map(
      [...(state?.heals.keys() ?? [])].map((field) => [
        field,
        state === undefined ? 0 : recentHeals(state, field, now).length,
      ]),
    );
  }

  /** Somebody ended the pause: all counters begin anew. */
  resume(object: string): void {
    this.#objects.delete(object);
  }

  /** Forgets objects that nothing was asked about for an hour. */
  prune(now: number): void {
    for (const [object, state] of this.#objects) if (now - state.touched > hour) this.#objects.delete(object);
  }

  /** Objects of which anything is counted. */
  get tracked(): readonly string[] {
    return [...this.#objects.keys()];
  }

  forgetAllBut(objects: ReadonlySet<string>): void {
    for (const object of this.#objects.keys()) if (!objects.has(object)) this.#objects.delete(object);
  }

  #stateOf(object: string, now: number): State {
    const { burst, updatesPerMinute } = this.#limits;
    const known = this.#objects.get(object);
    const state = known ?? { tokens: burst, touched: now, throttles: 0, refusedVersion: undefined, heals: new Map() };
    state.tokens = Math.min(burst, state.tokens + (Math.max(0, now - state.touched) / minute) * updatesPerMinute);
    state.touched = now;
    this.#objects.set(object, state);
    return state;
  }
}

type State = {
  tokens: number;
  /** When it was refilled last. */
  touched: number;
  /** Refusals since the last update. */
  throttles: number;
  refusedVersion: string | undefined;
  /** When each field was healed, within the last hour. */
  readonly heals: Map<string, readonly number[]>;
};

function healsWithinHour(state: State, field: string, now: number): number {
  return recentHeals(state, field, now).length;
}

function recentHeals(state: State, field: string, now: number): readonly number[] {
  return (state.heals.get(field) ?? []).filter((time) => now - time < hour);
}

const minute = 60_000;
const hour = 60 * minute;
