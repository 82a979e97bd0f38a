import { Parser } from 'yargs/helpers';
import type { Option } from './command.ts';
import { didYouMean } from './did-you-mean.ts';
import { UserError } from './user-error.ts';

/** What was given on the command line, checked: every option is known and has a value that is allowed. */
export type Arguments = {
  /** The words that aren't options, without the command's own. */
  readonly words: readonly string[];
  /** The last value given, as kubectl takes it. */
  readonly text: (option: string) => string | undefined;
  readonly texts: (option: string) => readonly string[];
  readonly isOn: (option: string) => boolean;
  /** Whether it was given at all, as in `--recursive=false`. */
  readonly given: (option: string) => boolean;
};

/**
 * Reads the words after the program's name.
 *
 * @throws UserError for an option that isn't known, lacks its value, or has one that isn't allowed.
 */
export function parseArguments(
  args: readonly string[],
  options: readonly Option[],
  { help }: { help: string },
): Arguments {
  const { _: words, '--': literal, ...values } = parsed(longForm(args, options, help), options);
  for (const { name, choices } of options) {
    for (const value of textsOf(values[name])) {
      if (choices !== undefined && !choices.includes(value)) {
        const hint = didYouMean(value, choices);
        throw new UserError(
          `--${name}=${value} isn't known: it is one of ${choices.join(', ')}${hint && ` (${hint})`}; see "${help}"`,
        );
      }
    }
  }
  return {
    words: [...words, ...listOf(literal)].map(String),
    text: (option) => textsOf(values[option]).at(-1),
    texts: (option) => textsOf(values[option]),
    isOn: (option) => listOf(values[option]).at(-1) === true,
    given: (option) => values[option] !== undefined,
  };
}

/** The first word that is no option and no option's value: the command. */
export function commandWord(args: readonly string[], options: readonly Option[]): string | undefined {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg === '--') return args[index + 1];
    if (arg === '-' || !arg.startsWith('-')) return arg;
    if (takingNext(arg, options) !== undefined) index++;
  }
  return undefined;
}

/** The option whose value the word after all of these would be. */
export function optionAwaitingValue(args: readonly string[], options: readonly Option[]): Option | undefined {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg === '--') return undefined;
    const option = takingNext(arg, options);
    if (option !== undefined && ++index === args.length) return option;
  }
  return undefined;
}

/** The option that takes the word after `arg` for its value: `--output`, `-o`, or the last of `-Ao`. */
function takingNext(arg: string, options: readonly Option[]): Option | undefined {
  if (arg.startsWith('--')) return options.find((option) => arg === `--${option.name}` && needsNext(option));
  if (!/^-[A-Za-z]+$/.test(arg)) return undefined;
  const letters = [...arg.slice(1)].map((letter) => options.find(({ short }) => short === letter));
  const last = letters.pop();
  const areSwitches = letters.every((option) => option?.type === 'switch');
  return areSwitches && last !== undefined && needsNext(last) ? last : undefined;
}

function needsNext(option: Option): boolean {
  return option.type !== 'switch' && option.bare === undefined && !isLevel(option);
}

/** Whether `-h` or `--help` is anywhere but after `--`; known before the command and its options are. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args
    .slice(0, end === -1 ? args.length : end)
    .some((arg) => arg === '-h' || arg === '--help' || arg === '--help=true');
}

// Of yargs only the parser: it neither prints nor exits, reads nothing, and needs no time to be set up.
function parsed(args: readonly string[], options: readonly Option[]) {
  const switches = options.filter(({ type }) => type === 'switch').map(({ name }) => name);
  const texts = options.filter(({ type }) => type !== 'switch').map(({ name }) => name);
  return Parser([...args], {
    boolean: switches,
    string: texts,
    array: texts,
    configuration: {
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': true,
    },
  });
}

/**
 * Every option as `--name=value`, by the rules of kubectl's flag library: `-ojson`, `-o=json`, `-o json` and
 * `--output json` are the same, `-AR` is `-A -R`, and the word after an option that needs a value is that value,
 * whatever it looks like (`-f -`).
 */
function longForm(args: readonly string[], options: readonly Option[], help: string): string[] {
  const long: string[] = [];
  const queue = [...args];
  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    if (arg === '--') return [...long, arg, ...queue];
    if (arg === '-' || !arg.startsWith('-')) {
      long.push(arg);
      continue;
    }
    const isLong = arg.startsWith('--');
    const [given = '', value] = isLong ? splitOnce(arg.slice(2)) : [arg[1], shortValue(arg)];
    const option = options.find(
      ({ name, short }) =>
        given === name || (!isLong && given === short) || (isLong && given === short && name === 'v'),
    );
    if (option === undefined) throw unknownOption(isLong ? `--${given}` : `-${given}`, options, help);

    if (option.type === 'switch') {
      if (isLong || value === undefined || arg[2] === '=') {
        long.push(`--${option.name}=${switchValue(option, value, help)}`);
      } else {
        long.push(`--${option.name}=true`);
        queue.unshift(`-${value}`);
      }
    } else if (isLevel(option) && value === undefined) {
      // kubectl wants a number here; a bare -v means 1, and takes the next word only if it is one.
      long.push(valued(option, (/^\d+$/.test(queue[0] ?? '') ? queue.shift() : undefined) ?? '1'));
    } else if (option.bare !== undefined && value === undefined) {
      long.push(valued(option, option.bare));
    } else {
      const taken = value ?? queue.shift();
      if (taken === undefined) throw new UserError(`${isLong ? '--' : '-'}${given} needs a value; see "${help}"`);
      long.push(valued(option, taken));
    }
  }
  return long;
}

/** With a sign before the value: an empty one that comes last would be none to yargs. */
function valued({ name }: Option, value: string): string {
  return `--${name}==${value}`;
}

function textsOf(values: unknown): readonly string[] {
  return listOf(values).map((value) => String(value).slice(1));
}

function splitOnce(text: string): [string, string | undefined] {
  const equals = text.indexOf('=');
  return equals === -1 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
}

function shortValue(arg: string): string | undefined {
  if (arg.length === 2) return undefined;
  return arg[2] === '=' ? arg.slice(3) : arg.slice(2);
}

function switchValue({ name }: Option, value: string | undefined, help: string): 'true' | 'false' {
  if (value === undefined || ['true', 't', '1'].includes(value.toLowerCase())) return 'true';
  if (['false', 'f', '0'].includes(value.toLowerCase())) return 'false';
  throw new UserError(`--${name}=${value} isn't known: it is true or false; see "${help}"`);
}

function isLevel({ name }: Option): boolean {
  return name === 'v';
}

function unknownOption(given: string, options: readonly Option[], help: string): UserError {
  const hint = given.startsWith('--')
    ? didYouMean(
        given.slice(2),
        options.map(({ name }) => name),
      )
    : '';
  return new UserError(
    `unknown flag ${given}${hint && `: ${hint.replaceAll('"', '').replace('mean ', 'mean --')}`}; see "${help}"`,
  );
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
