import { type Rules, rulesFor } from '../../../../controller/manifests/rules-for.ts';
import type { Catalog } from '../../../../shared/catalog/asset.ts';
import { loadCatalog } from '../../../../shared/catalog/load-catalog.ts';
import type { PolicyRule } from '../../../../shared/permissions/granted-roles.ts';

/** A catalog of assets by name; what isn't said of one is that of a ConfigMap in another operator's namespace. */
export function catalogWith(assets: Readonly<Record<string, Front>>, files: Record<string, string> = {}): Catalog {
  const assetFiles = Object.entries(assets).map(([name, { target = {}, body = '{}', ...front }]) => [
    `${name}.yaml.hbs`,
    [
      JSON.stringify({
        format: 1,
        target: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'theirs', name, ...target },
        ...front,
      }),
      '---',
      // A read that nothing looks at is a mistake.
      ...Object.keys(front.reads ?? {}).map((alias) => `{{#if (empty objects.${alias})}}{{/if}}`),
      body,
    ].join('\n'),
  ]);
  const encoder = new TextEncoder();
  const all = [...assetFiles, ...Object.entries(files)] as [string, string][];
  return loadCatalog(all.map(([path, text]) => ({ path, content: encoder.encode(text) })));
}

export type Front = {
  target?: Record<string, unknown>;
  params?: Record<string, string>;
  reads?: Record<string, unknown>;
  variants?: readonly unknown[];
  dependsOn?: readonly string[];
  body?: string;
};

export const clusterScoped = (group: string, kind: string, name = 'x') => ({
  apiVersion: `${group}/v1`,
  kind,
  namespace: undefined,
  name,
});

export const inOurs = { namespace: '{{hyperConverged.namespace}}' };

/** The rules about one resource, in short: `verbs on names`, or `verbs on all`. */
export function rulesAbout(resource: string, catalog: Catalog, which: keyof Rules = 'clusterRole'): string[] {
  return rulesFor(catalog, { namespace: 'ours' })
    [which].map(({ rule }) => rule)
    .filter(({ resources }) => resources?.includes(resource))
    .map(inShort);
}

export function inShort({ verbs, resourceNames }: PolicyRule): string {
  return `${verbs.join(' ')} on ${resourceNames?.join(' ') ?? 'all'}`;
}
