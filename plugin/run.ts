import { asksForHelp, commandWord, parseArguments } from './arguments.ts';
import { commandList } from './command-list.ts';
import { didYouMean } from './did-you-mean.ts';
import type { Environment } from './environment.ts';
import { connection, everywhere } from './global-options.ts';
import { commandHelp, generalHelp } from './help.ts';
import { printError } from './output/print-error.ts';
import { UserError } from './user-error.ts';

/**
 * Does what the words say.
 *
 * @returns the exit code; whatever goes wrong is printed as one line on stderr.
 */
export async function run(args: readonly string[], environment: Environment): Promise<number> {
  try {
    return await runCommand(args, environment);
  } catch (error) {
    return printError(error, environment.stderr, { stack: args.some((arg) => /^--?v(?:=?\d+)?$/.test(arg)) });
  }
}

async function runCommand(args: readonly string[], environment: Environment): Promise<number> {
  const { programName, stdout } = environment;
  // What is being typed isn't done yet: nothing of it is an error.
  if (args[0] === '__complete') return (await import('./completion/complete.ts')).complete(args.slice(1), environment);
  const word = commandWord(args, [...everywhere, ...connection]);
  if (word === undefined || word === 'help') {
    const about = word === 'help' ? commandWord(args.slice(args.indexOf('help') + 1), []) : undefined;
    // Not even one word, and no -h: anything else is an option of no command, which may be misspelt.
    if (word === undefined) parseArguments(args, [...everywhere, ...connection], { help: `${programName} --help` });
    stdout.write(
      about === undefined ? generalHelp(programName) : commandHelp(programName, await find(about, programName).load()),
    );
    return 0;
  }

  const command = await find(word, programName).load();
  if (asksForHelp(args)) {
    stdout.write(commandHelp(programName, command));
    return 0;
  }
  const parsed = parseArguments(args, [...command.options, ...everywhere, ...connection], {
    help: `${programName} ${word} --help`,
  });
  return command.run({ ...parsed, words: parsed.words.slice(1) }, environment);
}

function find(word: string, programName: string) {
  const entry = commandList.find(({ name }) => name === word);
  if (entry !== undefined) return entry;
  const names = commandList.map(({ name }) => name);
  const hint = didYouMean(word, names) || `it is one of ${names.join(', ')}`;
  throw new UserError(`unknown command "${word}": ${hint}; see "${programName} --help"`);
}
