import { annotation, clusterAnnotation } from '../shared/api/annotations.ts';
import { hyperConvergedKind } from '../shared/api/names.ts';
import { formatObjectRef, groupOf, type ObjectRef, versionOf } from '../shared/api/object-ref.ts';
import { endOf, noteKeys } from '../shared/api/override-note.ts';
import type { Asset, Catalog } from '../shared/catalog/asset.ts';
import type { Plan, PlanItem } from '../shared/engine/plan-item.ts';
import type { Outcome } from '../shared/kube/perform.ts';
import { isUnwanted } from './state-changes.ts';

export const objectLabels = ['kind', 'name', 'namespace'] as const;
export type ObjectLabel = (typeof objectLabels)[number];
export type ObjectLabels = Readonly<Record<ObjectLabel, string>>;

/** Labels and value of one time series. */
export type Sample<Label extends string = ObjectLabel> = readonly [Readonly<Record<Label, string>>, number];

/** The time series that a plan, and what came of it, stand for. */
export class StatusSeries {
  readonly #assets: ReadonlyMap<string, Asset>;
  readonly #dependencies: ReadonlyMap<string, Dependency>;
  readonly #observe: boolean;
  #plan: Plan | undefined;
  /** What compliance was when it was last known; for what is being worked on. */
  readonly #compliance = new Map<string, 0 | 1>();
  /** Deviations when they were last seen: of an excluded object nothing is read. */
  readonly #customizations = new Map<string, readonly Customization[]>();
  readonly #failedDeletions = new Set<string>();

  constructor(catalog: Catalog, { observe }: { readonly observe: boolean }) {
    this.#assets = new Map(catalog.assets.map((asset) => [asset.name, asset]));
    this.#dependencies = dependenciesOf(catalog);
    this.#observe = observe;
  }

  /** The last plan that said something. */
  get plan(): Plan | undefined {
    return this.#plan;
  }

  planned(plan: Plan): void {
    this.#plan = plan;
    const keys = new Set<string>();
    for (const item of plan.items) {
      const key = keyOf(item);
      keys.add(key);
      const value = complianceOf(item, this.#observe);
      if (value === 'gone') this.#compliance.delete(key);
      else if (value !== 'as before') this.#compliance.set(key, value);
      if (item.decision === 'excluded') continue;
      const customizations = customizationsOf(item);
      if (customizations.length > 0) this.#customizations.set(key, customizations);
      else this.#customizations.delete(key);
      if (item.decision !== 'delete') this.#failedDeletions.delete(key);
    }
    for (const map of [this.#compliance, this.#customizations]) {
      for (const key of map.keys()) if (!keys.has(key)) map.delete(key);
    }
  }

  performed(item: PlanItem, { result }: Outcome): void {
    const key = keyOf(item);
    if (item.type === 'tombstone') {
      if (result === 'failed') this.#failedDeletions.add(key);
      else this.#failedDeletions.delete(key);
    } else if (result === 'failed') this.#compliance.set(key, 0);
    else if (result === 'created' || result === 'configured' || result === 'unchanged') this.#compliance.set(key, 1);
  }

  *compliance(): Generator<Sample> {
    const invalid = this.#plan?.items.some(({ decision }) => decision === 'exclusions-invalid');
    // One mistake on one object, and it holds all others: one series, the one of the object to be mended.
    const held = invalid && this.#plan?.hyperConverged;
    if (held) yield [labelsOf({ target: { ...held, kind: hyperConvergedKind } }), 0];
    for (const item of this.#assetItems()) {
      const value = this.#compliance.get(keyOf(item));
      if (value === undefined || (held && item.target.kind === hyperConvergedKind)) continue;
      yield [labelsOf(item), value];
    }
  }

  *paused(): Generator<Sample> {
    for (const item of this.#assetItems())
      if (isWanted(item)) yield [labelsOf(item), item.decision === 'paused' ? 1 : 0];
  }

  *customizations(): Generator<Sample<ObjectLabel | 'type'>> {
    for (const item of this.#assetItems()) {
      for (const type of this.#customizations.get(keyOf(item)) ?? []) yield [{ ...labelsOf(item), type }, 1];
    }
  }

  *invalidAnnotations(): Generator<Sample<ObjectLabel | 'annotation'>> {
    const held = this.#plan?.hyperConverged;
    if (held !== undefined && this.#plan?.items.some(({ decision }) => decision === 'exclusions-invalid')) {
      const labels = labelsOf({ target: { ...held, kind: hyperConvergedKind } });
      yield [{ ...labels, annotation: nameOfKey(clusterAnnotation.disabledResources) }, 1];
    }
    for (const item of this.#assetItems()) {
      const names = item.overrides.flatMap((override) =>
        override.type === 'invalid' ? [nameOfKey(override.annotation)] : [],
      );
      for (const name of new Set(names)) yield [{ ...labelsOf(item), annotation: name }, 1];
    }
  }

  /** When overrides are to end, in seconds since 1970. */
  *overrideEnds(): Generator<Sample<ObjectLabel | 'type'>> {
    for (const item of this.#assetItems()) {
      for (const override of item.overrides) {
        const end = 'until' in override && override.until !== undefined ? endOf(override.until) : undefined;
        if (end !== undefined) yield [{ ...labelsOf(item), type: override.type }, end / 1000];
      }
    }
  }

  /** Of what is wanted here only: what nobody asked for isn't missed. */
  *dependencies(): Generator<Sample<'group' | 'version' | 'kind'>> {
    const missing = new Map<string, boolean>();
    for (const item of this.#assetItems()) {
      const asset = this.#assets.get(item.asset);
      const isServed = item.steps.some(({ step, passed }) => step === 'crds' && passed);
      if (asset === undefined || !(isServed || item.decision === 'missing-crd')) continue;
      const absent = item.decision === 'missing-crd' ? item.crds : [];
      for (const crd of [...crdsOf(asset), ...absent]) missing.set(crd, missing.get(crd) || absent.includes(crd));
    }
    for (const [crd, isMissing] of missing) {
      const { group, version, kind } = this.#dependencies.get(crd) ?? unknownDependency(crd);
      yield [{ group, version, kind }, isMissing ? 1 : 0];
    }
  }

  *tombstones(): Generator<Sample> {
    for (const item of this.#plan?.items ?? []) {
      const value = item.type === 'tombstone' ? tombstoneStatus(item, this.#failedDeletions) : undefined;
      if (value !== undefined) yield [labelsOf(item), value];
    }
  }

  *decisions(): Generator<Sample<'type' | 'decision'>> {
    const items = this.#plan?.items ?? [];
    for (const type of ['asset', 'tombstone'] as const) {
      const counts = Object.groupBy(
        items.filter((item) => item.type === type),
        ({ decision }) => decision,
      );
      for (const [decision, { length }] of Object.entries(counts)) yield [{ type, decision }, length];
    }
  }

  #assetItems(): readonly PlanItem[] {
    return (this.#plan?.items ?? []).filter(({ type }) => type === 'asset');
  }
}

type Customization = 'patch' | 'ignore' | 'unmanaged';

export function labelsOf({ target }: { readonly target: Omit<ObjectRef, 'apiVersion'> }): ObjectLabels {
  return { kind: target.kind, name: target.name, namespace: target.namespace ?? '' };
}

export function keyOf({ type, target }: PlanItem): string {
  return `${type} ${formatObjectRef(target)}`;
}

/** Whether the asset is in the active set: selected, its conditions met, its API served, and nobody excludes it. */
export function isWanted(item: PlanItem): boolean {
  return !isUnwanted(item) && item.decision !== 'missing-crd';
}

export function isWrite({ decision }: PlanItem): boolean {
  return decision === 'create' || decision === 'adopt' || decision === 'update' || decision === 'delete';
}

function complianceOf(item: PlanItem, observe: boolean): 0 | 1 | 'as before' | 'gone' {
  switch (item.decision) {
    case 'in-sync':
      return 1;
    case 'create':
    case 'adopt':
    case 'update':
      // Being put right, or failing to be, which the attempt tells; who only looks puts nothing right.
      return observe ? 0 : 'as before';
    case 'waiting':
    case 'missing-namespace':
    case 'exclusions-invalid':
      return 'as before';
    case 'rejected':
    case 'unreadable':
    case 'unverified':
    case 'render-failed':
    case 'condition-error':
    case 'override-invalid':
    case 'paused':
      return 0;
    case 'inactive':
    case 'not-selected':
    case 'condition-unmet':
    case 'missing-crd':
    case 'empty':
    case 'excluded':
    case 'unmanaged':
    case 'gone':
    case 'not-ours':
    case 'kept':
    case 'delete':
      return 'gone';
    default:
      return item satisfies never;
  }
}

function customizationsOf({ overrides }: PlanItem): readonly Customization[] {
  const types = overrides.flatMap(({ type }) =>
    type === 'patch' || type === 'ignore' || type === 'unmanaged' ? [type] : [],
  );
  return [...new Set(types)];
}

function tombstoneStatus(item: PlanItem, failed: ReadonlySet<string>): number | undefined {
  switch (item.decision) {
    case 'gone':
      return 0;
    case 'delete':
      return failed.has(keyOf(item)) ? -1 : 1;
    case 'kept':
      return 1;
    case 'unreadable':
    case 'unverified':
      return -1;
    case 'not-ours':
      return -2;
    default:
      return undefined;
  }
}

type Dependency = { readonly group: string; readonly version: string; readonly kind: string };

/** Which kind a CRD brings, as the catalog's own targets name it. */
function dependenciesOf({ assets }: Catalog): ReadonlyMap<string, Dependency> {
  return new Map(
    assets.map(({ target }) => {
      const [apiVersion = ''] = target.apiVersions;
      const group = groupOf(apiVersion);
      return [`${target.plural}.${group}`, { group, version: versionOf(apiVersion), kind: target.kind }];
    }),
  );
}

function unknownDependency(crd: string): Dependency {
  const dot = crd.indexOf('.');
  return { group: crd.slice(dot + 1), version: '', kind: crd.slice(0, dot) };
}

/** The CRDs that an asset needs; what the API server brings itself is no dependency. */
function crdsOf({ target, gates }: Asset): readonly string[] {
  const group = groupOf(target.apiVersions[0] ?? '');
  const isBuiltIn = !group.includes('.') || group.endsWith('.k8s.io');
  return [...(isBuiltIn ? [] : [`${target.plural}.${group}`]), ...gates];
}

/** The keys that we know by name; whatever else somebody wrote must not become a label. */
function nameOfKey(key: string): string {
  const known: readonly string[] = [
    annotation.patch,
    annotation.ignoreFields,
    annotation.mode,
    ...Object.values(noteKeys).flatMap(({ reason, until }) => [reason, until]),
    clusterAnnotation.disabledResources,
  ];
  return known.includes(key) ? key.slice(key.indexOf('/') + 1) : 'unknown';
}
