import type { Output } from '../environment.ts';
import { escapeText } from './escape.ts';

/** What is said beside the data: on stderr, each text once. */
export type Messages = {
  /** `Warning: …`, as kubectl prints what the API server warns of. */
  readonly warn: (text: string) => void;
  /** `note: …`, about what was left out or assumed. */
  readonly note: (text: string) => void;
};

export function messagesTo(stderr: Output): Messages {
  const said = new Set<string>();
  const say = (line: string) => {
    if (said.has(line)) return;
    said.add(line);
    stderr.write(`${line}\n`);
  };
  return {
    warn: (text) => say(`Warning: ${escapeText(text)}`),
    note: (text) => say(`note: ${escapeText(text)}`),
  };
}
