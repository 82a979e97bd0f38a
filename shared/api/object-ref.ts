import type { KubernetesObject } from './kubernetes-object.ts';

/** The identity of one object. Without a namespace it is cluster-scoped. */
export type ObjectRef = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
};

/** The identity of an object that there is. */
export function refOf({ apiVersion, kind, metadata: { namespace, name } }: KubernetesObject): ObjectRef {
  return { apiVersion, kind, ...(namespace !== undefined && { namespace }), name };
}

/** `KIND/NAME`, or `KIND/NAMESPACE/NAME`: how messages and tables name an object. */
export function formatObjectRef({ kind, namespace, name }: Omit<ObjectRef, 'apiVersion'>): string {
  return namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

/** The API group of an apiVersion: `apps` of `apps/v1`, the empty string of `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? '' : apiVersion.slice(0, slash);
}

/** The version of an apiVersion: `v1` of `apps/v1` and of `v1`. */
export function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.indexOf('/') + 1);
}
