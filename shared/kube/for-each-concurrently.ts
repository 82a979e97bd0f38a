/**
 * Calls `visit` for every item, at most `limit` at a time. The first failure ends it: the others are told by the
 * signal, nothing new begins, and it is thrown when all have ended.
 */
export async function forEachConcurrently<Item>(
  items: readonly Item[],
  limit: number,
  visit: (item: Item, signal: AbortSignal) => Promise<void>,
  outer?: AbortSignal,
): Promise<void> {
  const failure = new AbortController();
  const signal = outer === undefined ? failure.signal : AbortSignal.any([outer, failure.signal]);
  const queue = items.values();
  const work = async () => {
    for (const item of queue) {
      if (signal.aborted) return;
      try {
        await visit(item, signal);
      } catch (error) {
        failure.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  signal.throwIfAborted();
}
