import { groupOf } from './object-ref.ts';

/** Field manager, ServiceAccount, Deployment, Lease and managed-by value of the controller. */
export const autopilotName = 'virt-platform-autopilot';

/** Field manager of what the plugin writes. */
export const pluginManager = 'kubectl-virt-platform';

/** Every annotation and label of ours begins with this. */
export const keyPrefix = 'platform.kubevirt.io/';

/** The label on everything managed; its value is {@link autopilotName}. */
export const managedByLabel = `${keyPrefix}managed-by`;

/** The versions in which HyperConverged may be served, best first. */
export const hyperConvergedApiVersions = ['hco.kubevirt.io/v1', 'hco.kubevirt.io/v1beta1'] as const;
export const hyperConvergedKind = 'HyperConverged';

/** Where it is taken to be while nothing says otherwise. */
export const hyperConvergedNamespace = 'openshift-cnv';
/** Where it usually is, by distribution. */
export const usualNamespaces = { openshift: hyperConvergedNamespace, kubernetes: 'kubevirt-hyperconverged' } as const;

/** Whether something is a HyperConverged, by kind and group. */
export function isHyperConverged({
  apiVersion,
  kind,
}: {
  readonly apiVersion: string;
  readonly kind: string;
}): boolean {
  return kind === hyperConvergedKind && groupOf(apiVersion) === groupOf(hyperConvergedApiVersions[0]);
}
