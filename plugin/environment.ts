import type { Readable } from 'node:stream';

/** A stream that text goes to. A width is there only for a terminal that knows its own. */
export type Output = {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly columns?: number;
  /** Aborts once nobody reads it any more (`| head -1`): what is written then is lost, and no failure. */
  readonly closed?: AbortSignal;
};

/** Everything that the plugin knows of the process it runs in; `main.ts` makes the only real one. */
export type Environment = {
  /** Environment variables. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Opened when it is first asked for, so that a command that reads nothing never holds it. */
  readonly stdin: () => Readable;
  /** Whether somebody can be asked there. */
  readonly isStdinTerminal: boolean;
  readonly cwd: string;
  /** Where temporary files belong. */
  readonly temporaryFolder: string;
  readonly now: () => Date;
  /** Node's names: `linux`, `x64`. */
  readonly platform: string;
  readonly arch: string;
  /** How the person calls the plugin: `kubectl virt-platform`. */
  readonly programName: string;
  /**
   * Aborts on SIGINT and SIGTERM, right before the process ends: what listens to it has no time but to clean up.
   */
  readonly signal: AbortSignal;
  /**
   * Runs another program, without a shell, on the same terminal. Its input is empty, unless it `reads` ours.
   *
   * @returns its exit code; of one that a signal ended 128 and the signal's number, as in a shell.
   * @throws where it can't be started.
   */
  readonly runProgram: (
    program: string,
    args: readonly string[],
    options?: { readonly reads?: boolean },
  ) => Promise<number>;
};
