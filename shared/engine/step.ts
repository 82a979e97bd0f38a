import type { PatchOperation } from '../api/annotations.ts';
import type { ExclusionRule } from '../api/exclusions.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import type { ObjectRef } from '../api/object-ref.ts';
import type { Asset } from '../catalog/asset.ts';
import type { Shown, Yielded } from './ignored-fields.ts';
import type { ConditionSeen, Decision } from './plan-item.ts';
import type { Surroundings } from './surroundings.ts';

/** What is known of one asset so far: each step adds what the later ones need. Lives only while it is decided. */
export type Work = {
  readonly asset: Asset;
  readonly target: ObjectRef;
  readonly notes: string[];
  baseline?: KubernetesObject;
  /** That covers it. */
  exclusion?: ExclusionRule;
  live?: KubernetesObject;
  /** Why the live object can't be known, where files don't hold it. */
  liveUnknown?: string;
  operations?: readonly PatchOperation[];
  /** The baseline with the user's patch. */
  patched?: KubernetesObject;
  ignored?: readonly (readonly string[])[];
  yielded?: Yielded;
  /** Set once a dry run showed more about ignored fields than the live object does. */
  shown?: Shown;
  conditions?: readonly ConditionSeen[];
  /** What an apply sends. */
  desired?: KubernetesObject;
  effective?: KubernetesObject;
};

export type StepFunction = (work: Work, around: Surroundings) => StepResult;

/** `stopped` is the decision of a step that ends the way. */
export type StepResult = { readonly detail: string; readonly stopped?: Decision };

export function pass(detail: string): StepResult {
  return { detail };
}

export function stop(stopped: Decision, detail: string): StepResult {
  return { detail, stopped };
}
