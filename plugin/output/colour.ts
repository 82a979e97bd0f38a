import { Chalk } from 'chalk';
import type { Environment, Output } from '../environment.ts';

export type ColourMode = 'auto' | 'always' | 'never';

/** What a piece of text is about. Colour only repeats what the words say. */
export type Tone = 'good' | 'change' | 'bad' | 'quiet' | 'strong' | 'added' | 'removed';

/** Gives a piece of text its colour, or gives it back as it is. */
export type Paint = (tone: Tone, text: string) => string;

/** The painter for one output: colour only on a terminal, unless `--color` says otherwise. */
export function painter(mode: ColourMode, output: Output, variables: Environment['variables']): Paint {
  if (!hasColour(mode, output, variables)) return plain;
  const chalk = new Chalk({ level: 1 });
  const styles: Record<Tone, (text: string) => string> = {
    good: chalk.green,
    change: chalk.yellow,
    bad: chalk.red,
    quiet: chalk.dim,
    strong: chalk.bold,
    added: chalk.green,
    removed: chalk.red,
  };
  return (tone, text) => styles[tone](text);
}

/** Leaves every text as it is. */
export function plain(_tone: Tone, text: string): string {
  return text;
}

function hasColour(mode: ColourMode, output: Output, { NO_COLOR, TERM }: Environment['variables']): boolean {
  if (mode !== 'auto') return mode === 'always';
  return output.isTerminal && !NO_COLOR && TERM !== 'dumb';
}
