import type { JsonObject } from '../../shared/api/kubernetes-object.ts';
import { autopilotName, managedByLabel } from '../../shared/api/names.ts';
import type { Catalog } from '../../shared/catalog/asset.ts';
import { compareCodeUnits } from '../../shared/catalog/json.ts';
import { permissionsOf } from '../../shared/permissions/permissions-of.ts';

/**
 * A second lock behind RBAC: whatever our ServiceAccount is granted, now or by somebody's mistake, it writes nothing
 * but the catalog's objects, in their namespaces, and deletes nothing but tombstones. Dry runs are no exception.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
 */
export function admissionPolicy(
  catalog: Catalog,
  { namespace }: { namespace: string },
): readonly [policy: JsonObject, binding: JsonObject] {
  const { kept, retired } = identitiesOf(catalog, namespace);
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: autopilotName },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }],
      },
      matchConditions: [
        {
          name: 'is-the-autopilot',
          expression: `request.userInfo.username == 'system:serviceaccount:${namespace}:${autopilotName}'`,
        },
      ],
      variables: [
        {
          name: 'object',
          // What is cluster-scoped has no namespace at all, and what leaves its name to the server no name.
          expression: [
            "request.resource.group + '/' + request.resource.resource + '/'",
            "  + (has(request.namespace) ? request.namespace : '') + '/'",
            "  + (has(request.name) ? request.name : '')",
          ].join('\n'),
        },
        { name: 'kept', expression: listOf(kept) },
        { name: 'retired', expression: listOf(retired) },
        { name: 'events', expression: literal(`events.k8s.io/events/${namespace}/`) },
      ],
      validations: [
        {
          expression: "!has(request.subResource) || request.subResource == ''",
          messageExpression: `'${autopilotName} writes no subresources, and this is one of ' + variables.object`,
        },
        {
          expression: [
            "request.operation == 'DELETE'",
            '  ? variables.object in variables.retired',
            '  : variables.object in variables.kept || variables.object.startsWith(variables.events)',
          ].join('\n'),
          messageExpression: `'the catalog of ${autopilotName} has no ' + variables.object + ' to ' + request.operation`,
        },
        {
          expression: [
            "request.operation != 'DELETE'",
            '  || (has(oldObject.metadata.labels)',
            `    && ${literal(managedByLabel)} in oldObject.metadata.labels`,
            `    && oldObject.metadata.labels[${literal(managedByLabel)}] == ${literal(autopilotName)})`,
          ].join('\n'),
          messageExpression: `variables.object + ' does not carry the label of ${autopilotName}'`,
        },
      ],
    },
  };
  const binding = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: autopilotName },
    spec: { policyName: autopilotName, validationActions: ['Deny'] },
  };
  return [policy, binding];
}

/** `GROUP/RESOURCE/NAMESPACE/NAME` of what may be written, and of what may be deleted. */
function identitiesOf(catalog: Catalog, namespace: string) {
  const kept = new Set<string>();
  const retired = new Set<string>();
  for (const { verb, group, resource, scope, name, ...place } of permissionsOf(catalog, namespace)) {
    if (name === undefined) continue;
    const home = place.namespace ?? (scope === 'namespace' ? namespace : '');
    // A Namespace is cluster-scoped, and yet where one is created the request's namespace is itself.
    const homes = group === '' && resource === 'namespaces' ? [home, name] : [home];
    for (const home of homes) {
      if (verb === 'patch') kept.add(`${group}/${resource}/${home}/${name}`);
      if (verb === 'delete') retired.add(`${group}/${resource}/${home}/${name}`);
    }
  }
  return { kept: [...kept].sort(compareCodeUnits), retired: [...retired].sort(compareCodeUnits) };
}

function listOf(identities: readonly string[]): string {
  return identities.length === 0 ? '[]' : `[\n${identities.map((identity) => `  ${literal(identity)}`).join(',\n')}\n]`;
}

/** Names of objects have no characters that CEL would want escaped; should one have any, that is no name. */
function literal(text: string): string {
  if (!/^[\w./:-]*$/.test(text)) throw new Error(`${JSON.stringify(text)} can't be the identity of an object`);
  return `'${text}'`;
}
