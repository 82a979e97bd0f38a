/** What the person may type next; the description is for shells that show one. */
export type Candidate = { readonly text: string; readonly description?: string };

/** Candidates, and the sum of {@link directive}s for the shell. */
export type Candidates = { readonly candidates: readonly Candidate[]; readonly directive: number };

/**
 * What a shell is to do with candidates; the numbers are cobra's, which kubectl and its scripts go by.
 *
 * @see https://pkg.go.dev/github.com/spf13/cobra#ShellCompDirective
 */
export const directive = {
  /** Where there are none, it completes the names of files. */
  files: 0,
  /** No space after what is completed: more is to follow. */
  noSpace: 2,
  noFiles: 4,
  /** Names of folders only. */
  folders: 16,
} as const;

export const nothing: Candidates = { candidates: [], directive: directive.noFiles };

/** Those that begin with what is typed, each once. */
export function fitting(candidates: readonly Candidate[], typed: string): Candidates {
  const byText = new Map(candidates.map((candidate) => [candidate.text, candidate]));
  return { ...nothing, candidates: [...byText.values()].filter(({ text }) => text.startsWith(typed)) };
}
