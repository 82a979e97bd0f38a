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
  /** What its value names, where that can be completed; files and folders follow from the placeholder. */
  readonly of?: NameOf;
  readonly description: string;
};

/**
 * What a word or a value names, for shells to complete: `item` anything that `selectItems` takes, `asset` the same but for
 * what is only there to be deleted, `target` one object by its asset, `KIND/NAME` or `KIND NAME`, `switch` an opt-in,
 * `pointer` a field of the object named before, `name` an object of the kind of `--kind`; or one of these texts.
 */
export type NameOf =
  | 'item'
  | 'asset'
  | 'target'
  | 'switch'
  | 'pointer'
  | 'kind'
  | 'name'
  | 'fact'
  | 'namespace'
  | 'context'
  | 'cluster'
  | 'user'
  | readonly string[];

/** One of the words after a command; `many`, of the last, goes on for as many as there are. */
export type Word = { readonly of: NameOf; readonly many?: true };

/** One command: a file in `commands/`, loaded only when it is called. */
export type Command = {
  /** After the program's name: `status [FEATURE|ASSET|KIND/NAME…]`. */
  readonly usage: string;
  /** What the words of `usage` name, in their order; absent where it takes none. */
  readonly words?: readonly Word[];
  /** What it does, for somebody who has never used it; lines as they are printed. */
  readonly description: string;
  readonly examples: readonly { readonly text: string; readonly words: string }[];
  readonly options: readonly Option[];
  /** Whether it talks to a cluster, so that help lists the options for that. */
  readonly connects: boolean;
  /** @returns the exit code. Errors are thrown. */
  readonly run: (args: Arguments, environment: Environment) => Promise<number>;
};
