import type { Catalog } from '../../shared/catalog/asset.ts';
import type { ConditionSeen, PlanItem } from '../../shared/engine/plan-item.ts';

/** What `render --metadata` prints of an asset: what its file says before the manifest, and how its conditions came out. */
export type AssetMetadata = {
  readonly asset: string;
  readonly file: string;
  /** The first of `features`. */
  readonly feature: string | null;
  readonly features: readonly string[];
  readonly group: string | null;
  readonly target: PlanItem['target'];
  readonly install: 'always' | 'opt-in';
  readonly order: number;
  readonly protects: boolean;
  readonly gates: readonly string[];
  readonly dependsOn: readonly string[];
  readonly params: Readonly<Record<string, string>>;
  /** Aliases of the objects that it looks at. */
  readonly reads: readonly string[];
  readonly readyWhen: string | null;
  /** `result` is null where it wasn't asked for, as while nothing is active. */
  readonly when: readonly (Pick<ConditionSeen, 'expression' | 'saw' | 'message'> & {
    readonly result: ConditionSeen['result'] | null;
  })[];
};

export function assetMetadata(
  { asset, feature, features, group, target, conditions }: PlanItem,
  { assets }: Catalog,
): AssetMetadata | undefined {
  const found = assets.find(({ name }) => name === asset);
  if (found === undefined) return undefined;
  const { file, install, order, protects, gates, dependsOn, params, reads, readyWhen, when } = found;
  return {
    asset,
    file,
    feature: feature ?? null,
    features,
    group: group ?? null,
    target,
    install,
    order,
    protects,
    gates,
    dependsOn,
    params,
    reads: Object.keys(reads),
    readyWhen: readyWhen?.expression ?? null,
    when: conditions ?? when.map(({ expression }) => ({ expression, result: null, saw: {} })),
  };
}
