import { groupOf } from '../api/object-ref.ts';
import type { Identity, Read, RenderContext, Template, Tombstone } from '../catalog/asset.ts';

/** An object, or without a name all of a kind, as RBAC sees it. */
export type Place = {
  /** `namespace`: a Role in HyperConverged's namespace reaches it; `cluster`: only a ClusterRole does. */
  readonly scope: 'cluster' | 'namespace';
  readonly group: string;
  readonly resource: string;
  readonly name?: string;
  /** Absent for what is cluster-scoped. */
  readonly namespace?: string;
};

/** Where an identity is, when HyperConverged is in `namespace`. */
export function placeOf(identity: Identity, params: Readonly<Record<string, string>>, namespace: string): Place {
  const { apiVersions, plural } = identity;
  const text = (template: Template<string>) => template.render(contextOf(params, namespace));
  return {
    ...placed(identity.namespace === undefined ? undefined : text(identity.namespace), namespace),
    group: groupOf(apiVersions[0] ?? ''),
    resource: plural,
    name: text(identity.name),
  };
}

/** Where a declared read looks. */
export function placeOfRead(read: Read, params: Readonly<Record<string, string>>, namespace: string): Place {
  if (read.read === 'object') return placeOf(read, params, namespace);
  return {
    ...placed(read.namespace?.render(contextOf(params, namespace)), namespace),
    group: groupOf(read.apiVersion),
    resource: read.plural,
  };
}

export function placeOfTombstone(target: Tombstone['target'], namespace: string): Place {
  const { apiVersion, plural, name } = target;
  return { ...placed(target.namespace, namespace), group: groupOf(apiVersion), resource: plural, name };
}

/** What identities may use of a context, and no more: anything else would be a permission that depends on a cluster. */
export function contextOf(params: Readonly<Record<string, string>>, namespace: string): RenderContext {
  return { params, hyperConverged: { namespace } } as unknown as RenderContext;
}

function placed(own: string | undefined, namespace: string): Pick<Place, 'scope' | 'namespace'> {
  return { scope: own === namespace ? 'namespace' : 'cluster', ...(own !== undefined && { namespace: own }) };
}
