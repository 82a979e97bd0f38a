import type { Command, Option } from './command.ts';
import { commandList } from './command-list.ts';
import { connection, everywhere } from './global-options.ts';

/** Help about the plugin as a whole. */
export function generalHelp(programName: string): string {
  return `Keeps the virtualization platform around KubeVirt at an opinionated baseline: shows what the autopilot keeps,
what it would change and why, and how to deviate where you must.

Usage:
  ${programName} COMMAND [flags]

Commands:
${aligned([...commandList.map(({ name, summary }) => [name, summary] as const), ['help', 'Help about a command']])}
Examples:
${examples(programName, [
  { text: 'What is the state of my platform?', words: 'status' },
  { text: 'What would be applied for a HyperConverged in a file?', words: 'render -f hyperconverged.yaml' },
])}
Flags stand after "${programName}": kubectl takes none before the name of a plugin.
Use "${programName} COMMAND --help" for more about a command.
`;
}

/** Help about one command. */
export function commandHelp(
  programName: string,
  { usage, description, examples: shown, options, connects }: Command,
): string {
  return `${description}

Usage:
  ${programName} ${usage}

Examples:
${examples(programName, shown)}
Flags:
${optionLines([...options, ...everywhere])}${connects ? `\nFlags for the connection, as in kubectl:\n${optionLines(connection)}` : ''}`;
}

function examples(programName: string, shown: Command['examples']): string {
  return shown.map(({ text, words }) => `  # ${text}\n  ${programName} ${words}\n`).join('\n');
}

function optionLines(options: readonly Option[]): string {
  return aligned(
    options.map(({ name, short, type, choices, bare, placeholder = 'VALUE', description }) => {
      const given = `=${choices?.join('|') ?? placeholder}`;
      const value = type === 'switch' ? '' : bare === undefined ? given : `[${given}]`;
      const long = name.length === 1 ? '' : `--${name}${value}`;
      return [`${short === undefined ? '    ' : `-${short}${long && ', '}`}${long}`, description];
    }),
  );
}

function aligned(pairs: readonly (readonly [string, string])[]): string {
  const widest = Math.max(...pairs.map(([left]) => left.length).filter((length) => length <= 34));
  return pairs
    .map(([left, right]) =>
      left.length > widest
        ? `  ${left}\n  ${' '.repeat(widest)}   ${right}\n`
        : `  ${left.padEnd(widest)}   ${right}\n`,
    )
    .join('');
}
