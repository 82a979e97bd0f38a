import { hyperConvergedKind } from '../../shared/api/names.ts';
import type { Catalog } from '../../shared/catalog/asset.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import { escapeText } from './escape.ts';

/** What comes before what, and how each was decided. */
export type DependencyGraph = {
  readonly nodes: readonly PlanItem[];
  /** `before` has to be in place for `after`; `why` where the asset doesn't say so itself. */
  readonly edges: readonly { readonly before: string; readonly after: string; readonly why?: string }[];
};

/**
 * The dependencies of a catalog as it was planned: those that assets declare, the namespaces that others create, and
 * HyperConverged before everything that waits for nothing else. With `about`: only what that asset waits for, or what
 * waits for it.
 */
export function dependencyGraph(items: readonly PlanItem[], { assets }: Catalog, about?: string): DependencyGraph {
  const planned = items.filter(({ type }) => type === 'asset');
  const names = new Set(planned.map(({ asset }) => asset));
  const namespaces = new Map(
    planned
      .filter(({ target: { kind, apiVersion } }) => kind === 'Namespace' && apiVersion === 'v1')
      .map(({ asset, target }) => [target.name, asset]),
  );
  const golden = planned.filter(({ target }) => target.kind === hyperConvergedKind).map(({ asset }) => asset);
  const edges = planned.flatMap(({ asset, target }): DependencyGraph['edges'] => {
    const declared = (assets.find(({ name }) => name === asset)?.dependsOn ?? []).filter((name) => names.has(name));
    const creator = target.namespace === undefined ? undefined : namespaces.get(target.namespace);
    const implied = creator === undefined || declared.includes(creator) ? [] : [creator];
    const own = [
      ...declared.map((before) => ({ before, after: asset })),
      ...implied.map((before) => ({ before, after: asset, why: 'namespace' })),
    ];
    if (own.length > 0 || golden.includes(asset)) return own;
    return golden.map((before) => ({ before, after: asset, why: 'facts' }));
  });
  if (about === undefined) return { nodes: planned, edges };
  const kept = new Set([
    about,
    ...reachable(about, edges, 'after', 'before'),
    ...reachable(about, edges, 'before', 'after'),
  ]);
  // What waits for the same as it does is none of its business.
  return {
    nodes: planned.filter(({ asset }) => kept.has(asset)),
    edges: edges.filter(({ before, after }) => kept.has(before) && kept.has(after)),
  };
}

/** For GitHub and GitLab, which draw it. */
export function mermaid({ nodes, edges }: DependencyGraph): string {
  const id = idsOf(nodes);
  return [
    'flowchart LR',
    ...nodes.map(({ asset, decision }) => `  ${id(asset)}["${mermaidText(asset)}<br/>${decision}"]`),
    ...edges.map(({ before, after, why }) => `  ${id(before)} -->${why === undefined ? '' : `|${why}|`} ${id(after)}`),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** For Graphviz. */
export function dot({ nodes, edges }: DependencyGraph): string {
  const quote = (text: string) => `"${escapeText(text).replace(/["\\]/g, '\\$&')}"`;
  return [
    'digraph "virt-platform" {',
    '  rankdir=LR;',
    '  node [shape=box];',
    ...nodes.map(({ asset, decision }) => `  ${quote(asset)} [label=${quote(asset).slice(0, -1)}\\n${decision}"];`),
    ...edges.map(
      ({ before, after, why }) =>
        `  ${quote(before)} -> ${quote(after)}${why === undefined ? '' : ` [label=${quote(why)}, style=dashed]`};`,
    ),
    '}',
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function reachable(
  from: string,
  edges: DependencyGraph['edges'],
  at: 'before' | 'after',
  next: 'before' | 'after',
): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const edge of edges) {
      if (edge[at] !== name || found.has(edge[next])) continue;
      found.add(edge[next]);
      open.push(edge[next]);
    }
  }
  return found;
}

/** Names hold what Mermaid has a meaning for. */
function idsOf(nodes: readonly PlanItem[]): (asset: string) => string {
  const ids = new Map(nodes.map(({ asset }, index) => [asset, `n${index + 1}`]));
  return (asset) => ids.get(asset) ?? 'unknown';
}

function mermaidText(text: string): string {
  return escapeText(text).replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
