/** A template can't be rendered with these values: what is wrong, and where in the template. */
export class RenderError extends Error {
  override readonly name = 'RenderError';
  readonly file: string;
  readonly line: number;
  /** The message without `file:line: `. */
  readonly reason: string;

  constructor(file: string, line: number, reason: string) {
    super(`${file}:${line}: ${reason}`);
    this.file = file;
    this.line = line;
    this.reason = reason;
  }
}
