/** Something that the person who called can put right: printed as one line, `error: what, where, what to do`. */
export class UserError extends Error {
  override readonly name = 'UserError';
  /** Printed below the line, indented: the mistakes that it counts. */
  readonly details: readonly string[];
  readonly exitCode: number;

  constructor(
    message: string,
    { details = [], exitCode = 2, cause }: { details?: readonly string[]; exitCode?: number; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.details = details;
    this.exitCode = exitCode;
  }
}
