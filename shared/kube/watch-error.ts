/** A watch was answered, but what came can't be followed any further. The watch reports it and connects anew. */
export class WatchError extends Error {
  override readonly name = 'WatchError';
  readonly problem: WatchProblem;

  constructor(problem: WatchProblem, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.problem = problem;
  }
}

export type WatchProblem =
  /** A line is no watch event. */
  | 'unparsable'
  | 'line-too-long'
  /** The stream ended in the middle of a line. */
  | 'cut'
  /** Not even a bookmark within the time allowed. */
  | 'silent'
  /** The server took the request for a streamed initial list, and streams something else. */
  | 'no-initial-list'
  /** A projection threw: what is kept would be wrong. */
  | 'projection';
