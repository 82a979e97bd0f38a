import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { hyperConvergedApiVersions, hyperConvergedKind } from '../api/names.ts';
import type { ObjectRef } from '../api/object-ref.ts';
import type { Asset, RenderContext, Tombstone } from '../catalog/asset.ts';
import { Answers } from './answers.ts';
import { type Facts, factsOf, v1Shape } from './facts.ts';
import { servedApiVersion } from './served-api.ts';
import type { Apis, Snapshot } from './snapshot.ts';

/** The object that an asset is about, in the best version that is served. */
export function targetOf({ target, params }: Asset, apis: Apis, facts: Facts): ObjectRef {
  const context: RenderContext = { ...facts, params, objects: {} };
  return {
    apiVersion: servedApiVersion(apis, target) ?? target.apiVersions[0] ?? '',
    kind: target.kind,
    ...(target.namespace !== undefined && { namespace: target.namespace.render(context) }),
    name: target.name.render(context),
  };
}

export function tombstoneRef({ target: { apiVersion, kind, namespace, name } }: Tombstone): ObjectRef {
  return { apiVersion, kind, ...(namespace !== undefined && { namespace }), name };
}

/** Enough to name targets by, and no facts of the cluster. */
export function namingFacts(hyperConverged: KubernetesObject | undefined, snapshot: Snapshot): Facts {
  const namespace = hyperConverged?.metadata.namespace ?? snapshot.namespace;
  const nothing = {
    apiVersion: hyperConvergedApiVersions[0],
    kind: hyperConvergedKind,
    metadata: { name: '', ...(namespace !== undefined && isNamespaceName(namespace) && { namespace }) },
  };
  const empty: Snapshot = { ...snapshot, reads: new Map(), otherwise: { answer: 'absent' } };
  const { facts } = factsOf(nothing, empty, new Answers(empty));
  return { ...facts, hyperConverged: v1Shape(hyperConverged ?? nothing) };
}

export function isNamespaceName(name: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
}
