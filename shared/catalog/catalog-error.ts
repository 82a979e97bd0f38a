/** One thing that is wrong with a catalog. */
export type Mistake = { readonly file: string; readonly line: number; readonly message: string };

/** The catalog can't be used; everything that is wrong with it, one line each: `file:line: message`. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError';
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(formatMistake).join('\n'));
    this.mistakes = mistakes;
  }
}

export function formatMistake({ file, line, message }: Mistake): string {
  return `${file}:${line}: ${message}`;
}
