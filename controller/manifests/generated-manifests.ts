import type { JsonObject } from '../../shared/api/kubernetes-object.ts';
import { autopilotName } from '../../shared/api/names.ts';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { printYaml } from '../../shared/yaml/print-yaml.ts';
import { admissionPolicy } from './admission-policy.ts';
import { type Rule, rulesFor } from './rules-for.ts';

/** The image that is deployed, as in `ghcr.io/OWNER/NAME:v1.2.3`. */
export type Release = { readonly image: string; readonly version: string };

/** What of the manifests follows from the catalog, by file name, for a HyperConverged in `namespace`. */
export function generatedManifests(
  catalog: Catalog,
  { namespace }: { namespace: string },
): Readonly<Record<string, string>> {
  const { clusterRole, role, viewer, author } = rulesFor(catalog, { namespace });
  const subjects = [{ kind: 'ServiceAccount', name: autopilotName, namespace }];
  const bound = (kind: string, metadata: JsonObject) =>
    printYaml({
      apiVersion: rbac,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: autopilotName },
      subjects,
    });
  return {
    'rbac.yaml': documents(
      `${printRole('ClusterRole', { name: autopilotName }, clusterRole)}`,
      bound('ClusterRole', { name: autopilotName }),
      `${printRole('Role', { name: autopilotName, namespace }, role)}`,
      bound('Role', { name: autopilotName, namespace }),
    ),
    'roles-for-people.yaml': documents(
      `# To see what "kubectl virt-platform status" tells. OpenShift's cluster-reader has it too.\n${printRole(
        'ClusterRole',
        {
          name: 'virt-platform-viewer',
          labels: { 'rbac.authorization.k8s.io/aggregate-to-cluster-reader': 'true' },
        },
        viewer,
      )}`,
      // Not aggregated to edit or admin: whoever writes HyperConverged steers the whole cluster.
      `# To steer by annotations as well. RBAC knows no annotations: who has this may change these objects as a whole, those
# that configure nodes among them. It is for whom you would trust with the nodes.\n${printRole(
        'ClusterRole',
        { name: 'virt-platform-author' },
        author,
      )}`,
    ),
    'admission-policy.yaml': documents(...admissionPolicy(catalog, { namespace }).map(printYaml)),
    'flow-schema.yaml': documents(
      `# Optional, and no part of the overlay: keeps the lease alive on an API server that is flooded with requests.\n${printYaml(flowSchema(namespace))}`,
    ),
  };
}

/** Renewals of a lease outside of kube-system would otherwise wait in line with the requests of all service accounts. */
function flowSchema(namespace: string): JsonObject {
  const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: [namespace] };
  return {
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    metadata: { name: `${autopilotName}-leader-election` },
    spec: {
      priorityLevelConfiguration: { name: 'leader-election' },
      matchingPrecedence: 250,
      distinguisherMethod: { type: 'ByUser' },
      rules: [
        {
          subjects: [{ kind: 'ServiceAccount', serviceAccount: { name: autopilotName, namespace } }],
          resourceRules: [{ ...leases, verbs: ['get', 'create', 'patch'] }],
        },
      ],
    },
  };
}

/** Which image the Deployment runs, as a patch. */
export function imagePatch({ image, version }: Release): string {
  const containers = [{ name: 'autopilot', image: `${image}:v${version}` }];
  return documents(
    printYaml({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: autopilotName },
      spec: { template: { spec: { containers } } },
    }),
  );
}

function printRole(kind: 'Role' | 'ClusterRole', metadata: JsonObject, rules: readonly Rule[]): string {
  const head = printYaml({ apiVersion: rbac, kind, metadata });
  const printed = rules.map(({ why, rule }) => `${comment(why)}${printYaml([rule as unknown as JsonObject])}`);
  return `${head}${printed.length === 0 ? 'rules: []\n' : `rules:\n${printed.join('')}`}`;
}

function documents(...texts: readonly string[]): string {
  return `${header}${texts.join('---\n')}`;
}

/** A sentence as lines of a comment. */
function comment(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 110) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`# ${word}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

const header =
  '# AUTO-GENERATED - DO NOT EDIT. Written by controller/manifests/generate.ts from the catalog and package.json.\n';
const rbac = 'rbac.authorization.k8s.io/v1';
