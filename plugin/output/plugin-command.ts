import { shellWord } from './shell-word.ts';

/** A command of ours that reaches the same cluster as `kubectl` (`kubectl --context=prod`), for people to copy. */
export function pluginCommand(words: readonly string[], kubectl: string): string {
  // kubectl takes no flags before the name of a plugin.
  return ['kubectl virt-platform', ...words.map(shellWord)].join(' ') + kubectl.slice('kubectl'.length);
}
