import { annotation } from '../../shared/api/annotations.ts';
import type { JsonObject, KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { equalJson } from '../../shared/engine/json.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import { takesNoPatch } from '../../shared/engine/user-patch.ts';
import { isTroubleOfOne } from '../../shared/kube/trouble.ts';
import { UserError } from '../user-error.ts';
import { existing, type Seen } from '../writing/change-annotations.ts';
import { type Checked, checkResult } from './check-result.ts';
import { schemaProblems } from './check-schema.ts';
import { type ComposedPatch, type CurrentPatch, composePatch, currentPatch, type Edited } from './compose-patch.ts';
import { type FieldSchema, kindSchema } from './field-schema.ts';

/** A patch that was checked in every way, ready to be written. */
export type AuthoredPatch = ComposedPatch & {
  /** The annotation; null where none is needed. */
  readonly value: string | null;
  /** Whether it is the one that is there. */
  readonly isSame: boolean;
  /** The cluster's side of it; absent for the rendered state itself. */
  readonly result?: Checked;
};

/** What it takes to author the patch of one object: how it is rendered, what patch there is, and all the checks. */
export class PatchAuthor {
  readonly item: PlanItem;
  readonly live: KubernetesObject;
  readonly baseline: KubernetesObject;
  readonly current: CurrentPatch;
  readonly #seen: Seen;
  readonly #signal: AbortSignal;
  #schema: Promise<FieldSchema | undefined> | undefined;

  /** @throws UserError for an object that can't carry a patch, or takes none. */
  static async of(seen: Seen, item: PlanItem, signal: AbortSignal): Promise<PatchAuthor> {
    const { asset, baseline, target } = item;
    if (takesNoPatch(target)) {
      throw new UserError(
        `${target.kind} is a sensitive kind and takes no patch: "unmanage ${asset}" hands all of it over to you, "ignore ${asset} POINTER" leaves a field to others`,
      );
    }
    if (baseline === undefined) {
      throw new UserError(
        `${asset} isn't rendered here, so that there is nothing to patch (${item.decision}): ${item.why}`,
      );
    }
    const live = await existing(
      seen,
      target,
      `patch it once the controller has created it ("status ${asset}" says what keeps it), or create it from "render ${asset}" with the annotation on it, which counts from then on`,
    );
    return new PatchAuthor({ seen, item, baseline, live, signal });
  }

  constructor({
    seen,
    item,
    baseline,
    live,
    signal,
  }: {
    seen: Seen;
    item: PlanItem;
    baseline: KubernetesObject;
    live: KubernetesObject;
    signal: AbortSignal;
  }) {
    this.#seen = seen;
    this.#signal = signal;
    this.item = item;
    this.live = live;
    this.baseline = baseline;
    this.current = currentPatch(live.metadata.annotations?.[annotation.patch], baseline);
  }

  /** The published schema of the kind; undefined where there is none, or it can't be read: the server checks anyway. */
  schema(): Promise<FieldSchema | undefined> {
    this.#schema ??= this.#readSchema();
    return this.#schema;
  }

  /**
   * The patch for what somebody wants.
   *
   * @throws UserError for what limits, guard, schema or server refuse.
   */
  async author(edited: Edited, { guard }: { guard: boolean }): Promise<AuthoredPatch> {
    const { live, current, baseline, item } = this;
    const composed = composePatch(baseline, current, edited, { guard });
    const { operations } = composed;
    const there = live.metadata.annotations?.[annotation.patch];
    const isSame = there !== undefined && current.isRight && equalJson(current.operations, operations);
    if (operations.length === 0) return { ...composed, value: null, isSame: there === undefined };
    await this.#checkSchema(composed);
    const result = await this.apply(composed.patched);
    const value = isSame && there !== undefined ? there : JSON.stringify(operations);
    const unchecked = result.checked
      ? []
      : [`the API server couldn't check the result of ${item.asset}: ${result.why}`];
    return { ...composed, notes: [...composed.notes, ...unchecked], value, isSame, result };
  }

  /** What the server says of an apply. */
  apply(desired: KubernetesObject): Promise<Checked> {
    return checkResult(this.#seen.cluster, this.item.target, { desired, live: this.live, signal: this.#signal });
  }

  async #checkSchema({ operations }: ComposedPatch): Promise<void> {
    const schema = await this.schema();
    const problems = schema === undefined ? [] : schemaProblems(operations, schema);
    const [first, ...more] = problems;
    if (first === undefined) return;
    throw more.length === 0
      ? new UserError(first)
      : new UserError(`${problems.length} mistakes by the schema of ${this.item.target.kind}:`, { details: problems });
  }

  async #readSchema(): Promise<FieldSchema | undefined> {
    let document: JsonObject | undefined;
    try {
      document = await this.#seen.cluster.openApi(this.item.target.apiVersion, { signal: this.#signal });
    } catch (error) {
      if (!isTroubleOfOne(error)) throw error;
    }
    return document === undefined ? undefined : kindSchema(document, this.item.target);
  }
}
