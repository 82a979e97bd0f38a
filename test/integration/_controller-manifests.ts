import path from 'node:path';
import { autopilotName } from '../../shared/api/names.ts';
import { type AnyObject, type As, type Cluster, waitFor } from '../helpers/cluster.ts';

export const overlays = { openshift: 'openshift-cnv', kubernetes: 'kubevirt-hyperconverged' } as const;
export type Overlay = keyof typeof overlays;

export function overlayFolder(overlay: Overlay): string {
  return path.resolve(import.meta.dirname, '../../controller/manifests/overlays', overlay);
}

/** The ServiceAccount that the manifests make, with their RBAC and admission policy and nothing more. */
export type InstalledAutopilot = {
  readonly namespace: string;
  readonly user: string;
  readonly kubeconfig: string;
  readonly token: string;
  /** Makes requests as the ServiceAccount. */
  readonly as: As;
  /** Makes requests under its name, with every permission there is: only the admission policy is left to refuse. */
  readonly asIfAllowed: As;
};

/** Applies an overlay, and waits until its admission policy is at work. Its namespace must exist. */
export async function installAutopilot(cluster: Cluster, overlay: Overlay = 'openshift'): Promise<InstalledAutopilot> {
  const namespace = overlays[overlay];
  const args = ['apply', '--server-side', '--validate=strict', '-k', overlayFolder(overlay)];
  const { code, stderr } = await cluster.kubectl(args);
  if (code !== 0) throw new Error(`The overlay ${overlay} was refused: ${stderr}`);

  const user = `system:serviceaccount:${namespace}:${autopilotName}`;
  const asIfAllowed = { user, groups: ['system:masters'] };
  await waitFor(() => isRefused(cluster, namespace, asIfAllowed), { what: 'the admission policy to be at work' });
  const token = await cluster.serviceAccountToken(namespace, autopilotName);
  const kubeconfig = await cluster.controlPlane.kubeconfigWith(autopilotName, { token });
  return { namespace, user, kubeconfig, token, as: { token }, asIfAllowed };
}

async function isRefused(cluster: Cluster, namespace: string, as: As): Promise<boolean> {
  const probe: AnyObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'is-the-policy-at-work' } };
  const { status } = await cluster.request('POST', `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`, {
    body: probe,
    as,
  });
  return status === 422;
}
