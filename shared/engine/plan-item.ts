import type { PausedBy } from '../api/annotations.ts';
import type { ExclusionRule } from '../api/exclusions.ts';
import type { JsonObject, KubernetesObject } from '../api/kubernetes-object.ts';
import type { ObjectRef } from '../api/object-ref.ts';

/** Everything that was decided at one moment. Plain JSON: printable, diffable, storable. */
export type Plan = {
  readonly activation: Activation;
  /** HyperConverged as it was found; absent when there is none, or it couldn't be read. */
  readonly hyperConverged?: {
    readonly apiVersion: string;
    readonly namespace: string;
    readonly name: string;
    readonly generation?: number;
  };
  /** Facts that couldn't be known, by dotted path (`hardware`, `topology.workerCount`), with the reason. */
  readonly unknown: readonly UnknownFact[];
  /** One line each: unknown keys on HyperConverged, exclusion rules that match nothing, and the like. */
  readonly warnings: readonly string[];
  /** The rules of `disabled-resources`; absent where they are invalid, or nothing is active. */
  readonly exclusions?: readonly ExclusionRule[];
  /** One entry for every asset and tombstone, in the order of work. */
  readonly items: readonly PlanItem[];
};

/** `assumed`: decided as if it were absent or empty, as for files without it; otherwise what needs it is unverified. */
export type UnknownFact = { readonly fact: string; readonly why: string; readonly assumed: boolean };

export type Activation =
  | { readonly state: 'active' }
  /** Only these names (of assets or groups), as the annotation says; `unknownNames` match nothing in the catalog. */
  | { readonly state: 'selected'; readonly names: readonly string[]; readonly unknownNames: readonly string[] }
  | { readonly state: 'inactive'; readonly why: string }
  /** There is no HyperConverged, or its API isn't served. */
  | { readonly state: 'absent'; readonly why: string }
  /** There is more than one, and nothing says which counts. */
  | {
      readonly state: 'ambiguous';
      readonly why: string;
      readonly found: readonly { readonly namespace: string; readonly name: string }[];
    }
  /** Whether it is active couldn't be known; nothing is decided. */
  | { readonly state: 'unknown'; readonly why: string };

export type PlanItem = {
  readonly type: 'asset' | 'tombstone';
  readonly asset: string;
  /** The first of {@link PlanItem.features}. */
  readonly feature?: string;
  /** Every feature that it belongs to, as its file lists them; none of a tombstone. */
  readonly features: readonly string[];
  readonly group?: string;
  readonly target: ObjectRef;
  readonly overrides: readonly Override[];
  /** Why it was decided so, in one line. */
  readonly why: string;
  /** Every step passed, and last the one that stopped it. */
  readonly steps: readonly Step[];
  /** Each `when` expression by itself; absent where it wasn't asked for. */
  readonly conditions?: readonly ConditionSeen[];
  /** One line each, for people: rules that match nothing, a rewriting webhook, a part that can't be yielded. */
  readonly notes: readonly string[];
  /** The baseline as rendered, identity and label included; absent when it wasn't rendered. */
  readonly baseline?: KubernetesObject;
  /** What an apply sends, after `release` where there is one; absent where overrides hold the object. */
  readonly desired?: KubernetesObject;
  /**
   * Where there is a `release`: `desired` with the fields to be released at their live values. Applied without a
   * release it changes nothing about them, whereas `desired` would delete them.
   */
  readonly retained?: KubernetesObject;
} & Decision;

export type Decision =
  | { readonly decision: SimpleDecision }
  | { readonly decision: 'excluded'; readonly rule: ExclusionRule }
  /** `right` is the annotation of HyperConverged as it seems to be meant, where that is known. */
  | { readonly decision: 'exclusions-invalid'; readonly right?: Readonly<Record<string, string | null>> }
  | { readonly decision: 'paused'; readonly pausedBy?: PausedBy }
  | { readonly decision: 'missing-crd'; readonly crds: readonly string[] }
  | { readonly decision: 'waiting'; readonly for: readonly string[] }
  | ({ readonly decision: 'in-sync' } & Compared)
  | { readonly decision: 'create' }
  | ({ readonly decision: 'adopt' | 'update' } & Compared & { readonly drift: readonly DriftedField[] })
  | { readonly decision: 'rejected'; readonly message: string }
  /** `locally` is the comparison without the server; `drift` is what it found where live is known. */
  | {
      readonly decision: 'unverified';
      readonly locally: 'in-sync' | 'create' | 'adopt' | 'update' | 'unknown';
      readonly drift: readonly DriftedField[];
    }
  /** A tombstone's; the preconditions of the delete. */
  | { readonly decision: 'delete'; readonly live: LiveVersion };

type SimpleDecision =
  | 'inactive'
  | 'not-selected'
  | 'condition-unmet'
  | 'condition-error'
  | 'empty'
  | 'render-failed'
  | 'unreadable'
  | 'unmanaged'
  | 'override-invalid'
  | 'missing-namespace'
  | 'gone'
  | 'not-ours'
  | 'kept';

export type DecisionWord = Decision['decision'];

/** Details common to what was compared with a live object. */
export type Compared = {
  /** What was compared: the preconditions of every write to it. */
  readonly live: LiveVersion;
  /** Leaves of ours alone that are to be given up before the apply (see `ignore-fields`). */
  readonly release?: Release;
  /** Where the server (a webhook, normalisation) keeps something else than what we send. */
  readonly rewritten?: readonly RewrittenField[];
};

export type LiveVersion = { readonly uid: string; readonly resourceVersion: string };

/** Gives up ownership of `pointers`: the JSON patch tests the resourceVersion and edits our managedFields entry. */
export type Release = {
  readonly pointers: readonly string[];
  readonly patch: readonly JsonObject[];
};

/** `kept` is absent where the server drops the field. */
export type RewrittenField = { readonly pointer: string; readonly sent: unknown; readonly kept?: unknown };

/** A field in which live differs from what an apply would make of it. A value that is absent there is `undefined`. */
export type DriftedField = {
  /** RFC 6901. */
  readonly pointer: string;
  readonly live?: unknown;
  readonly desired?: unknown;
  /** Who set it last and when, where managedFields tell; `time` is the entry's, not the field's. */
  readonly manager: string | null;
  readonly time: string | null;
};

export type Override =
  | ({ readonly type: 'patch'; readonly operations: number; readonly pointers: readonly string[] } & Noted)
  | ({
      readonly type: 'ignore';
      readonly pointers: readonly string[];
      readonly yielded: readonly string[];
      readonly kept: readonly string[];
    } & Noted)
  | ({ readonly type: 'unmanaged'; readonly how: 'mode' | 'ignore-fields' } & Noted)
  | { readonly type: 'paused'; readonly pausedBy?: PausedBy; readonly setBy?: string | null }
  | ({ readonly type: 'excluded'; readonly rule: ExclusionRule } & Noted)
  | {
      readonly type: 'invalid';
      readonly annotation: string;
      readonly message: string;
      /** The annotations written right, where that is known; null takes one away. */
      readonly right?: Readonly<Record<string, string | null>>;
    };

/** What somebody wrote beside an override. It stays in effect after its date, and is reported. */
export type Noted = {
  readonly reason?: string;
  /** A date, to the end of that day in UTC, or an RFC 3339 time. */
  readonly until?: string;
  /** Whether it is past `until`; absent without one, and where the time isn't known. */
  readonly expired?: boolean;
};

/** One step of the decision: `passed` is false only for the one that stopped it. */
export type Step = { readonly step: StepName; readonly passed: boolean; readonly detail: string };

/** One `when` expression, and the values that it saw by dotted path. `message`: why it fails, or what isn't known. */
export type ConditionSeen = {
  readonly expression: string;
  readonly result: 'met' | 'unmet' | 'error' | 'unknown';
  readonly saw: Readonly<Record<string, unknown>>;
  readonly message?: string;
};

export type StepName =
  | 'selection'
  | 'conditions'
  | 'crds'
  | 'render'
  | 'exclusions'
  | 'live'
  | 'pause'
  | 'mode'
  | 'annotations'
  | 'patch'
  | 'ignore-fields'
  | 'namespace'
  | 'dependencies'
  | 'comparison';
