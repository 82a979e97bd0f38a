/** What JSON can hold; every value that comes from or goes to a cluster is one of these. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/** One entry of `metadata.managedFields`; `fieldsV1` is the field set in its `f:`, `k:`, `v:`, `.` notation. */
export type ManagedFieldsEntry = {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly time?: string;
  readonly subresource?: string;
  readonly fieldsType?: string;
  readonly fieldsV1?: JsonObject;
};

export type ObjectMeta = {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: { readonly [key: string]: string };
  readonly annotations?: { readonly [key: string]: string };
  readonly managedFields?: readonly ManagedFieldsEntry[];
  readonly deletionTimestamp?: string;
};

/** Any Kubernetes object as plain JSON, read only: an object that is passed in goes back unchanged. */
export type KubernetesObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [key: string]: unknown;
};
