import { formatObjectRef } from '../../shared/api/object-ref.ts';
import { isOfKind, type Named } from '../input/select-items.ts';
import type { Candidate } from './candidate.ts';

/**
 * Objects by their assets, their kinds, and as `KIND/NAME` as soon as something of that is typed: all at once would be
 * every object twice. A kind may be typed as kubectl takes it, and stays as it was typed.
 */
export function objectNames(items: readonly Named[], typed: string): readonly Candidate[] {
  const slash = typed.indexOf('/');
  if (slash !== -1) {
    const kind = typed.slice(0, slash);
    return namesOfKind(kind, items, { withNamespace: typed.includes('/', slash + 1) }).map((name) => ({
      ...name,
      text: `${kind}/${name.text}`,
    }));
  }
  const assets = items.map(({ asset, target }) => ({ text: asset, description: formatObjectRef(target) }));
  const kinds = [...new Set(items.map(({ target }) => target.kind))];
  return [
    ...assets,
    ...kinds.map((text) => ({ text, description: 'a kind; its name follows' })),
    ...(typed === ''
      ? []
      : items.map(({ asset, target: { kind, name } }) => ({ text: `${kind}/${name}`, description: asset }))),
  ];
}

/** The names of the objects of a kind. */
export function namesOfKind(
  kind: string,
  items: readonly Named[],
  { withNamespace = false }: { withNamespace?: boolean } = {},
): readonly Candidate[] {
  return items.flatMap(({ asset, target }) => {
    if (!isOfKind(target, kind)) return [];
    const { namespace, name } = target;
    if (!withNamespace) return [{ text: name, description: asset }];
    return namespace === undefined ? [] : [{ text: `${namespace}/${name}`, description: asset }];
  });
}
