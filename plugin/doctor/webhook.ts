import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import type { ApiResource } from '../../shared/engine/snapshot.ts';

/** What of an admission webhook decides whether it stands in the way. */
export type Webhook = {
  readonly name: string;
  readonly failurePolicy: string;
  readonly sideEffects: string;
  /** Absent where it is reached by URL. */
  readonly service?: { readonly namespace: string; readonly name: string };
  readonly rules: readonly {
    readonly groups: readonly string[];
    readonly versions: readonly string[];
    readonly resources: readonly string[];
    readonly operations: readonly string[];
    readonly scope: string;
  }[];
  /** Whether it is asked by the labels of an object, or conditions on it, only. */
  readonly selectsObjects: boolean;
  /** Whether it is asked by the labels of an object's namespace only. */
  readonly selectsNamespaces: boolean;
};

/** The webhooks of a configuration, with the defaults of the API. */
export function webhooksOf(configuration: KubernetesObject): readonly Webhook[] {
  return maps(configuration.webhooks).map((webhook) => {
    const { name, failurePolicy, sideEffects, clientConfig, rules, matchConditions } = webhook;
    const service = Object(clientConfig).service;
    const { namespace, name: serviceName } = Object(service);
    return {
      name: String(name),
      failurePolicy: String(failurePolicy ?? 'Fail'),
      sideEffects: String(sideEffects ?? 'Unknown'),
      ...(service !== undefined && { service: { namespace: String(namespace), name: String(serviceName) } }),
      rules: maps(rules).map(({ apiGroups, apiVersions, resources, operations, scope }) => ({
        groups: texts(apiGroups),
        versions: texts(apiVersions),
        resources: texts(resources),
        operations: texts(operations),
        scope: String(scope ?? '*'),
      })),
      selectsObjects: selects(webhook.objectSelector) || maps(matchConditions).length > 0,
      selectsNamespaces: selects(webhook.namespaceSelector),
    };
  });
}

/** Whether it is asked about creating or changing a resource, as far as its rules tell: see {@link mayLeaveOut}. */
export function concerns({ rules }: Webhook, { group, version, plural, namespaced }: ApiResource): boolean {
  const fits = (patterns: readonly string[], ...values: readonly string[]) =>
    patterns.some((pattern) => pattern === '*' || values.includes(pattern));
  return rules.some(
    ({ groups, versions, resources, operations, scope }) =>
      fits(groups, group) &&
      fits(versions, version) &&
      fits(resources, plural, '*/*') &&
      fits(operations, 'CREATE', 'UPDATE') &&
      fits([scope], namespaced ? 'Namespaced' : 'Cluster'),
  );
}

/** Whether its selectors and conditions may leave out objects of a resource that its rules are about. */
export function mayLeaveOut(
  { selectsObjects, selectsNamespaces }: Webhook,
  { group, plural, namespaced }: ApiResource,
): boolean {
  const hasNamespace = namespaced || (group === '' && plural === 'namespaces');
  return selectsObjects || (selectsNamespaces && hasNamespace);
}

/** Whether the API server refuses a dry-run rather than ask it. */
export function deniesDryRun({ sideEffects }: Webhook): boolean {
  return sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun';
}

function maps(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(Object) : [];
}

/** An empty selector selects everything. */
function selects(selector: unknown): boolean {
  const { matchLabels, matchExpressions } = Object(selector);
  return Object.keys(Object(matchLabels)).length > 0 || maps(matchExpressions).length > 0;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
