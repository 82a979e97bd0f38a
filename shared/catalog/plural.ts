/**
 * The resource's plural of a kind, lower case, as Kubernetes builds it. Kinds that form it in another way declare it.
 *
 * @example `KubeDescheduler` → `kubedeschedulers`, `NetworkPolicy` → `networkpolicies`
 */
export function pluralOf(kind: string): string {
  const singular = kind.toLowerCase();
  if (unchanged.has(singular)) return singular;
  if (/(s|x|ch|sh)$/.test(singular)) return `${singular}es`;
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`;
  return `${singular}s`;
}

const unchanged: ReadonlySet<string> = new Set(['securitycontextconstraints', 'endpoints']);
