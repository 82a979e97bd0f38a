import type { Arguments } from './arguments.ts';
import type { Environment } from './environment.ts';

/** One option, by kubectl's names. */
export type Option = {
  /** The long name, without dashes. */
  readonly name: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /** `texts` may be given several times; `switch` takes no value. */
  readonly type: 'text' | 'texts' | 'switch';
  /** The only values that are taken; named in help and errors. */
  readonly choices?: readonly string[];
  /** What the value is, in help: `FILE`. */
  readonly placeholder?: string;
  /** What it means without a value (`--graph`); a value then only follows `=`. */
  readonly bare?: string;
  readonly description: string;
};

/** One command: a file in `commands/`, loaded only when it is called. */
export type Command = {
  /** After the program's name: `status [FEATURE|ASSET|KIND/NAME…]`. */
  readonly usage: string;
  /** What it does, for somebody who has never used it; lines as they are printed. */
  readonly description: string;
  readonly examples: readonly { readonly text: string; readonly words: string }[];
  readonly options: readonly Option[];
  /** Whether it talks to a cluster, so that help lists the options for that. */
  readonly connects: boolean;
  /** @returns the exit code. Errors are thrown. */
  readonly run: (args: Arguments, environment: Environment) => Promise<number>;
};
