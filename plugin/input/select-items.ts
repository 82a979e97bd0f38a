import { formatObjectRef, groupOf, type ObjectRef } from '../../shared/api/object-ref.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import { didYouMean } from '../did-you-mean.ts';
import { UserError } from '../user-error.ts';

/** What an item is named by. */
export type Named = Pick<PlanItem, 'asset' | 'features' | 'group' | 'target'>;

/**
 * The items that the words name, in the plan's order; all of them without words. A word is the name of an asset, a
 * feature or a group, or `KIND/NAME` (also `KIND/NAMESPACE/NAME` and `KIND.GROUP/NAME`); `KIND NAME` may be two words.
 *
 * @throws UserError for a word that names nothing, with the nearest names.
 */
export function selectItems(
  items: readonly PlanItem[],
  words: readonly string[],
  { namespace }: { namespace?: string | undefined } = {},
): readonly PlanItem[] {
  const inScope = namespace === undefined ? items : items.filter(({ target }) => target.namespace === namespace);
  if (words.length === 0) return inScope;

  const chosen = new Set<PlanItem>();
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const isKind = isKindAlone(word, items);
    const name = isKind && index + 1 < words.length ? `${word}/${words[++index]}` : word;
    const named = namedBy(name, items);
    if (named.length === 0) throw unknown(name, items, isKind && name === word);
    const found = named.filter((item) => inScope.includes(item));
    if (found.length === 0) {
      throw new UserError(
        `"${name}" is not in namespace ${namespace}: ${named.map(({ target }) => formatObjectRef(target)).join(', ')} is; leave -n out`,
      );
    }
    for (const item of found) chosen.add(item);
  }
  return items.filter((item) => chosen.has(item));
}

/**
 * The one item that the words name.
 *
 * @throws UserError where they name none, or more than one.
 */
export function selectOne(
  items: readonly PlanItem[],
  words: readonly string[],
  options: { namespace?: string | undefined } = {},
): PlanItem {
  const [first, ...others] = selectItems(items, words, options);
  if (first === undefined) throw new UserError(`nothing that is managed is in namespace ${options.namespace}`);
  if (others.length === 0) return first;
  const found = [first, ...others].map(({ asset }) => asset);
  const isSame = others.every(({ target: { kind, name } }) => kind === first.target.kind && name === first.target.name);
  const how = isSame ? 'say which one by its asset, or its namespace with -n' : 'say which one';
  throw new UserError(
    `${words.map((word) => `"${word}"`).join(' ')} names ${found.length}, ${how}: ${found.join(', ')}`,
  );
}

/** Every word that {@link selectItems} takes, for completion and for errors. */
export function namesOf(items: readonly Named[]): readonly string[] {
  return items.flatMap(({ asset, features, group, target }) => [
    asset,
    ...features,
    ...(group === undefined ? [] : [group]),
    `${target.kind}/${target.name}`,
  ]);
}

/** Whether a word is a kind and no more, so that the next one is a name. */
export function isKindAlone(word: string, items: readonly Named[]): boolean {
  return !word.includes('/') && namedBy(word, items).length === 0 && items.some(({ target }) => isOfKind(target, word));
}

function namedBy<Item extends Named>(word: string, items: readonly Item[]): readonly Item[] {
  const slash = word.indexOf('/');
  if (slash === -1) {
    const byAsset = items.filter(({ asset }) => asset === word);
    return byAsset.length > 0
      ? byAsset
      : items.filter(({ features, group }) => features.includes(word) || group === word);
  }
  const kind = word.slice(0, slash);
  const rest = word.slice(slash + 1);
  return items.filter(
    ({ target }) =>
      isOfKind(target, kind) && (target.name === rest || `${target.namespace ?? ''}/${target.name}` === rest),
  );
}

/** As kubectl takes kinds: in any case, in plural, with their group. */
export function isOfKind({ apiVersion, kind }: ObjectRef, word: string): boolean {
  const [name = '', ...group] = word.toLowerCase().split('.');
  if (group.length > 0 && group.join('.') !== groupOf(apiVersion)) return false;
  const singular = kind.toLowerCase();
  return [singular, `${singular}s`, `${singular}es`, singular.replace(/y$/, 'ies')].includes(name);
}

function unknown(word: string, items: readonly PlanItem[], isKind: boolean): UserError {
  if (isKind) return new UserError(`"${word}" is a kind: say which one, as in ${exampleOf(word, items)}`);
  const hint = didYouMean(word, namesOf(items)) || `"status -o wide" lists all of them`;
  return new UserError(
    `there is no asset, feature or group "${word}", nor such an object among those managed: ${hint}`,
  );
}

function exampleOf(kind: string, items: readonly PlanItem[]): string {
  const item = items.find(({ target }) => isOfKind(target, kind));
  return `${kind}/${item?.target.name ?? 'NAME'}`;
}
