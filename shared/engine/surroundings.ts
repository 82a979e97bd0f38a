import type { Invalid } from '../api/annotations.ts';
import type { ExclusionRule } from '../api/exclusions.ts';
import type { Answers } from './answers.ts';
import type { Facts } from './facts.ts';
import type { PlannedAsset } from './plan-asset.ts';
import type { Activation, UnknownFact } from './plan-item.ts';
import type { Apis } from './snapshot.ts';

/** What all entries of a plan are decided with. */
export type Surroundings = Context & {
  /** All of that as one: the same one again as long as nothing in it is otherwise. */
  readonly context: Context;
  readonly answers: Answers;
  /** What was decided about an asset that comes earlier in the order of work. */
  readonly plannedOf: PlannedOf;
};

/** The part that is known before anything is decided. */
export type Context = {
  readonly activation: Activation;
  readonly apis: Apis;
  readonly exclusions: readonly ExclusionRule[] | Invalid;
  readonly facts: Facts;
  readonly unknown: readonly UnknownFact[];
  /** Which asset creates which namespace. */
  readonly namespaceAssets: ReadonlyMap<string, string>;
};

export type PlannedOf = (asset: string) => PlannedAsset | undefined;
