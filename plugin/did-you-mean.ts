import { nearestName } from '../shared/api/nearest-name.ts';

/** `did you mean "a" or "b"?`: the nearest name, and those that `word` is a part of; empty when there is none. */
export function didYouMean(word: string, names: Iterable<string>): string {
  const all = [...new Set(names)];
  const nearest = nearestName(word, all);
  const containing = word.length < 3 ? [] : all.filter((name) => name.toLowerCase().includes(word.toLowerCase()));
  const found = [...new Set(nearest === undefined ? containing : [nearest, ...containing])].slice(0, 3);
  return found.length === 0 ? '' : `did you mean ${found.map((name) => `"${name}"`).join(' or ')}?`;
}
