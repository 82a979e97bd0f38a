/** Waits that double after each failure, with jitter, object by object. Times are milliseconds of one monotonic clock. */
export class Backoff {
  readonly #first: number;
  readonly #most: number;
  readonly #random: () => number;
  readonly #failures = new Map<string, { readonly count: number; readonly until: number }>();

  constructor({ firstMs, mostMs, random }: { firstMs: number; mostMs: number; random: () => number }) {
    this.#first = firstMs;
    this.#most = mostMs;
    this.#random = random;
  }

  /** Milliseconds until the object may be tried again; 0 for at once. */
  remaining(object: string, now: number): number {
    return Math.max(0, (this.#failures.get(object)?.until ?? 0) - now);
  }

  failed(object: string, now: number): void {
    const count = (this.#failures.get(object)?.count ?? 0) + 1;
    const wait = Math.min(this.#most, this.#first * 2 ** Math.min(count - 1, 30));
    // Between half and all of it, so that what failed together isn't tried together for ever.
    this.#failures.set(object, { count, until: now + wait * (0.5 + 0.5 * this.#random()) });
  }

  succeeded(object: string): void {
    this.#failures.delete(object);
  }

  /** Objects that failed last. */
  get tracked(): readonly string[] {
    return [...this.#failures.keys()];
  }

  forgetAllBut(objects: ReadonlySet<string>): void {
    for (const object of this.#failures.keys()) if (!objects.has(object)) this.#failures.delete(object);
  }
}
