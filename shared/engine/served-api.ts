import { groupOf, versionOf } from '../api/object-ref.ts';
import type { Apis } from './snapshot.ts';

/** The first of the versions, best first, in which the kind is served; the very first where that isn't known. */
export function servedApiVersion(
  apis: Apis,
  { apiVersions, kind }: { readonly apiVersions: readonly string[]; readonly kind: string },
): string | undefined {
  if (!apis.known) return apiVersions[0];
  if (apis.builtIn === 'assumed' && isBuiltIn(groupOf(apiVersions[0] ?? ''))) return apiVersions[0];
  return apiVersions.find((apiVersion) =>
    apis.resources.some(
      (resource) =>
        resource.kind === kind && resource.group === groupOf(apiVersion) && resource.version === versionOf(apiVersion),
    ),
  );
}

/** The versions in which a kind of a group is served. */
export function servedVersions(apis: Apis, group: string, kind: string): readonly string[] {
  if (!apis.known) return [];
  return apis.resources
    .filter((resource) => resource.kind === kind && resource.group === group)
    .map(({ version }) => version);
}

/** Whether a CRD, by its name `plural.group`, is served in any version. */
export function isCrdServed(apis: Apis, name: string): boolean {
  return !apis.known || apis.resources.some(({ plural, group }) => `${plural}.${group}` === name);
}

/** Where OpenShift's configuration is served, whatever else is, the cluster is an OpenShift. */
export function isOpenShiftServed(apis: Apis): boolean {
  return !apis.known || apis.resources.some(({ group }) => group === 'config.openshift.io');
}

/** Groups of the API server's own: without a dot, or protected from CRDs of others. */
function isBuiltIn(group: string): boolean {
  return !group.includes('.') || builtInGroups.has(group);
}

const builtInGroups: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
]);
