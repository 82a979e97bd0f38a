import type { Asset, Read, RenderContext } from '../catalog/asset.ts';
import type { UnknownFact } from './plan-item.ts';
import { servedApiVersion } from './served-api.ts';
import type { Surroundings } from './surroundings.ts';

/** The declared reads among `uses`, as `objects.<alias>`, with all that isn't known, the facts' unknowns included. */
export function readsOf(
  asset: Asset,
  uses: readonly string[],
  around: Surroundings,
): { readonly objects: Readonly<Record<string, unknown>>; readonly unknown: readonly UnknownFact[] } {
  const unknown: UnknownFact[] = [...around.unknown];
  const objects: Record<string, unknown> = {};
  for (const [alias, read] of Object.entries(asset.reads)) {
    if (!isReadBy(uses, alias)) continue;
    const { value, why, assumed } = resolveRead(read, { ...around.facts, params: asset.params, objects: {} }, around);
    objects[alias] = value;
    if (why !== undefined) unknown.push({ fact: `objects.${alias}`, why, assumed });
  }
  return { objects, unknown };
}

/** Whether a declared read is among what a template or a condition uses. */
export function isReadBy(uses: readonly string[], alias: string): boolean {
  return uses.some((use) => use === 'objects' || use === `objects.${alias}` || use.startsWith(`objects.${alias}.`));
}

function resolveRead(
  read: Read,
  context: RenderContext,
  { answers, apis }: Surroundings,
): { readonly value: unknown; readonly why?: string; readonly assumed: boolean } {
  const namespace = read.namespace === undefined ? {} : { namespace: read.namespace.render(context) };
  if (read.read === 'list') {
    const { apiVersion, kind } = read;
    if (servedApiVersion(apis, { apiVersions: [apiVersion], kind }) === undefined) return { value: [], assumed: false };
    const { items, ...known } = answers.list({ apiVersion, kind, ...namespace });
    return { value: items, ...known };
  }
  const apiVersion = servedApiVersion(apis, read);
  if (apiVersion === undefined) return { value: null, assumed: false };
  const { object, ...known } = answers.object({
    apiVersion,
    kind: read.kind,
    ...namespace,
    name: read.name.render(context),
  });
  return { value: object ?? null, ...known };
}
