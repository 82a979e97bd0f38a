import { commandWord, optionAwaitingValue, parseArguments } from '../arguments.ts';
import type { Option } from '../command.ts';
import { commandList } from '../command-list.ts';
import type { Environment } from '../environment.ts';
import { connection, everywhere } from '../global-options.ts';
import { escapeText } from '../output/escape.ts';
import { type Candidate, type Candidates, fitting, nothing } from './candidate.ts';

// What only names of the catalog or of a cluster need is loaded where they are asked for.

/**
 * Prints what the last of the words, perhaps empty, may become: a candidate a line, with a tab before its description,
 * and last `:` with what the shell is to do with them. That is the protocol of kubectl's completion for plugins, and
 * of cobra. Whatever goes wrong, there are just no candidates: nobody reads errors while typing.
 *
 * @param args - as typed, after the program's name
 * @returns 0, always
 * @see https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/
 */
export async function complete(args: readonly string[], environment: Environment): Promise<number> {
  const found = await candidatesFor(args, environment).catch(() => nothing);
  // A name with control characters in it can't be typed either way.
  const printable = found.candidates.filter(({ text }) => escapeText(text) === text);
  const lines = printable.map(({ text, description = '' }) =>
    description === '' ? text : `${text}\t${escapeText(description)}`,
  );
  environment.stdout.write([...lines, `:${found.directive}`, ''].join('\n'));
  return 0;
}

async function candidatesFor(args: readonly string[], environment: Environment): Promise<Candidates> {
  const before = args.slice(0, -1);
  const typed = args.at(-1) ?? '';
  const word = commandWord(before, [...everywhere, ...connection]);
  const command = await commandList.find(({ name }) => name === word)?.load();
  const options = [...(command?.options ?? []), ...everywhere, ...connection];
  const awaiting = optionAwaitingValue(before, options);
  const parsed = parseArguments(awaiting === undefined ? before : before.slice(0, -1), options, { help: '' });
  const given = { ...parsed, words: parsed.words.slice(1) };
  if (awaiting !== undefined)
    return await (await import('./values-of.ts')).valuesOf(awaiting, typed, given, environment);

  const isOption = typed.startsWith('-') && !before.includes('--');
  if (!isOption) {
    if (command !== undefined) {
      return await (await import('./words-of.ts')).wordsOf(command.words ?? [], typed, given, environment);
    }
    const isCommand = word === undefined || (word === 'help' && given.words.length === 0);
    return isCommand ? fitting(commandNames(), typed) : nothing;
  }
  const equals = typed.indexOf('=');
  if (equals === -1) {
    const shown = command?.connects === false ? [...command.options, ...everywhere] : options;
    const open = shown.filter(({ name, type }) => type === 'texts' || !given.given(name));
    return fitting(optionNames(open, typed), typed);
  }
  const name = typed.slice(0, equals);
  const option = options.find((one) => name === `--${one.name}` || name === `-${one.short}`);
  if (option === undefined) return nothing;
  return await (await import('./values-of.ts')).valuesOf(option, typed.slice(equals + 1), given, environment);
}

function commandNames(): readonly Candidate[] {
  const help = { text: 'help', description: 'Help about a command' };
  return [...commandList.map(({ name, summary }) => ({ text: name, description: summary })), help];
}

/** Long names, and the letters too where nothing says yet which is meant. */
function optionNames(options: readonly Option[], typed: string): readonly Candidate[] {
  return options.flatMap(({ name, short, description }) => [
    ...(name.length === 1 ? [] : [{ text: `--${name}`, description }]),
    ...(short === undefined || typed.startsWith('--') ? [] : [{ text: `-${short}`, description }]),
  ]);
}
