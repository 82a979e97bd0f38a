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
  }[];
};

/** The webhooks of a configuration, with the defaults of the API. */
export function webhooksOf(configuration: KubernetesObject): readonly Webhook[] {
  return maps(configuration.webhooks).map(({ name, failurePolicy, sideEffects, clientConfig, rules }) => {
    const service = Object(clientConfig).service;
    const { namespace, name: serviceName } = Object(service);
    return {
      name: String(name),
      failurePolicy: String(failurePolicy ?? 'Fail'),
      sideEffects: String(sideEffects ?? 'Unknown'),
      ...(service !== undefined && { service: { namespace: String(namespace), name: String(serviceName) } }),
      rules: maps(rules).map(({ apiGroups, apiVersions, resources, operations }) => ({
        groups: texts(apiGroups),
        versions: texts(apiVersions),
        resources: texts(resources),
        operations: texts(operations),
      })),
    };
  });
}

/** Whether it is asked about creating or changing a resource; its selectors and conditions may still leave some out. */
export function concerns({ rules }: Webhook, { group, version, plural }: ApiResource): boolean {
  const fits = (patterns: readonly string[], ...values: readonly string[]) =>
    patterns.some((pattern) => pattern === '*' || values.includes(pattern));
  return rules.some(
    ({ groups, versions, resources, operations }) =>
      fits(groups, group) &&
      fits(versions, version) &&
      fits(resources, plural, '*/*') &&
      fits(operations, 'CREATE', 'UPDATE'),
  );
}

/** Whether the API server refuses a dry-run rather than ask it. */
export function deniesDryRun({ sideEffects }: Webhook): boolean {
  return sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun';
}

function maps(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(Object) : [];
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
