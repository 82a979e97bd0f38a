import { WatchError } from './watch-error.ts';

/** Cuts a stream of bytes into lines as they come, holding no more than the line that isn't whole yet. */
export class WatchLines {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True when all that came ended with the end of a line. */
  get isWhole(): boolean {
    return this.#bytes === 0;
  }

  /**
   * The lines that are whole now; empty ones are left out. Each is decoded when it is asked for, never before.
   *
   * @throws WatchError for a line of more than `maxBytes`, before the rest of it is waited for.
   */
  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const line = this.#finish(chunk.subarray(start, end));
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  #finish(last: Buffer): string {
    this.#check(last);
    const line = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#bytes = 0;
    return line.toString('utf8');
  }

  #keep(part: Buffer): void {
    this.#check(part);
    this.#parts.push(part);
    this.#bytes += part.length;
  }

  #check(part: Buffer): void {
    if (this.#bytes + part.length <= this.#maxBytes) return;
    throw new WatchError('line-too-long', `one event is longer than ${this.#maxBytes} bytes`);
  }
}

const newline = 0x0a;
