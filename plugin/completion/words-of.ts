import type { Arguments } from '../arguments.ts';
import type { NameOf, Word } from '../command.ts';
import type { Environment } from '../environment.ts';
import { isKindAlone, type Named } from '../input/select-items.ts';
import { type Candidates, fitting, nothing } from './candidate.ts';
import { catalogItems } from './catalog-items.ts';
import { namesOf } from './names-of.ts';
import { namesOfKind } from './object-names.ts';

/** What the word after those given may be, for a command that takes `words`. */
export async function wordsOf(
  words: readonly Word[],
  typed: string,
  given: Arguments,
  environment: Environment,
): Promise<Candidates> {
  const mayBeKind = given.words.length > 0 && words.some(({ of }) => isObject(of));
  const { items } = mayBeKind ? await catalogItems(given, environment) : { items: [] };
  const next = nextOf(words, given.words, items);
  if (next === undefined) return nothing;
  if (next.kind !== undefined) return fitting(namesOfKind(next.kind, items), typed);
  const found = await namesOf(next.of, typed, given, environment);
  // What is named already needn't be named again.
  return { ...found, candidates: found.candidates.filter(({ text }) => !given.words.includes(text)) };
}

/** Which of `words` comes after those given; with its `kind` where that was the last of them, and a name follows. */
function nextOf(
  words: readonly Word[],
  given: readonly string[],
  items: readonly Named[],
): { readonly of: NameOf; readonly kind?: string } | undefined {
  let at = 0;
  for (let index = 0; index < given.length; index++) {
    const word = words[at];
    if (word === undefined) return undefined;
    const one = given[index] ?? '';
    if (isObject(word.of) && isKindAlone(one, items) && ++index === given.length) return { of: word.of, kind: one };
    if (word.many !== true) at++;
  }
  return words[at];
}

/** Whether it may be given as `KIND NAME`. */
function isObject(of: NameOf): boolean {
  return of === 'item' || of === 'asset' || of === 'target';
}
