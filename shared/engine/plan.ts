import { clusterAnnotation, isInvalid, parseAutopilot, unknownKeys } from '../api/annotations.ts';
import { type ExclusionRule, excludes, parseExclusions } from '../api/exclusions.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import {
  hyperConvergedApiVersions,
  hyperConvergedKind,
  isHyperConverged,
  keyPrefix,
  managedByLabel,
} from '../api/names.ts';
import { nearestName } from '../api/nearest-name.ts';
import type { ObjectRef } from '../api/object-ref.ts';
import type { Asset, Catalog, RenderContext } from '../catalog/asset.ts';
import { Answers, stillOpen } from './answers.ts';
import { factsOf, v1Shape } from './facts.ts';
import { type PlannedAsset, planAsset } from './plan-asset.ts';
import type { Activation, Plan, PlanItem, UnknownFact } from './plan-item.ts';
import { planTombstone } from './plan-tombstone.ts';
import { servedApiVersion } from './served-api.ts';
import type { GetQuestion, ListQuestion, Question, Snapshot } from './snapshot.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Decides what to do about every asset and tombstone of a catalog. Pure: the same catalog and snapshot always give the
 * same plan. What it needs and the snapshot lacks comes back as questions; answer them and call again, until there is
 * none. Answers that can't be had are `unknown` ones: what depends on them is decided `unverified` or `unreadable`.
 *
 * @example
 * let snapshot = { apis, images: {}, reads: new Map(), verdicts: new Map() };
 * for (;;) {
 *   const { plan: decided, questions } = plan(catalog, snapshot);
 *   if (questions.length === 0) return decided;
 *   snapshot = await answer(questions, snapshot);
 * }
 */
export function plan(catalog: Catalog, snapshot: Snapshot): Planned {
  const answers = new Answers(snapshot);
  const found = findHyperConverged(snapshot, answers);
  const decided =
    'activation' in found
      ? inactivePlan(catalog, snapshot, found.activation, undefined)
      : planWith(found.hyperConverged, catalog, snapshot, answers);
  return { plan: decided, questions: answers.open, reads: answers.reads };
}

export type Planned = {
  readonly plan: Plan;
  /** What the snapshot lacked; without any the plan is finished. */
  readonly questions: readonly Question[];
  /** Every object and list that the plan looked at, answered or not: what to watch for changes of the plan. */
  readonly reads: readonly (GetQuestion | ListQuestion)[];
};

function planWith(hyperConverged: KubernetesObject, catalog: Catalog, snapshot: Snapshot, answers: Answers): Plan {
  const activation = activationOf(hyperConverged, catalog);
  if (activation.state !== 'active' && activation.state !== 'selected') {
    return inactivePlan(catalog, snapshot, activation, hyperConverged);
  }

  const exclusions = parseExclusions(hyperConverged.metadata.annotations?.[clusterAnnotation.disabledResources]);
  const planned = new Map<string, PlannedAsset>();
  const namespaceAssets = namespaceAssetsOf(catalog, snapshot);
  const surroundings = (of: KubernetesObject): Surroundings => ({
    ...factsOf(of, snapshot, answers),
    activation,
    answers,
    apis: snapshot.apis,
    exclusions,
    namespaceAssets,
    plannedOf: (name) => planned.get(name),
  });

  // The golden configuration comes before everything, and facts are taken from what it makes of HyperConverged.
  const [golden, others] = partition(catalog.assets, isHyperConvergedAsset);
  let effective = hyperConverged;
  const before = surroundings(hyperConverged);
  for (const asset of golden) {
    const result = planAsset(asset, before);
    planned.set(asset.name, result);
    if (result.effective !== undefined && isSameObject(result.item.target, hyperConverged))
      effective = result.effective;
  }
  const around = golden.length === 0 || effective === hyperConverged ? before : surroundings(effective);
  for (const asset of dependenciesFirst(others, catalog)) planned.set(asset.name, planAsset(asset, around));

  const items = [
    ...catalog.tombstones.map((tombstone) => planTombstone(tombstone, around)),
    ...[...planned.values()].map(({ item }) => item),
  ];
  return {
    activation,
    hyperConverged: summaryOf(hyperConverged),
    unknown: dedupe(around.unknown),
    warnings: [
      ...activationWarnings(activation, catalog),
      ...keyWarnings(hyperConverged, catalog),
      ...exclusionWarnings(exclusions, items),
    ],
    ...(!isInvalid(exclusions) && { exclusions }),
    items,
  };
}

type Found = { readonly hyperConverged: KubernetesObject } | { readonly activation: Activation };

function findHyperConverged(snapshot: Snapshot, answers: Answers): Found {
  const where = snapshot.namespace === undefined ? 'in any namespace' : `in the namespace ${snapshot.namespace}`;
  const served = servedApiVersion(snapshot.apis, {
    apiVersions: hyperConvergedApiVersions,
    kind: hyperConvergedKind,
  });
  if (served === undefined) {
    const why = 'HyperConverged is not installed: the API server does not serve hco.kubevirt.io';
    return { activation: { state: 'absent', why } };
  }
  const objects: KubernetesObject[] = [];
  // Files may hold it in any version; of a cluster only the best that is served is asked for.
  for (const apiVersion of snapshot.apis.known ? [served] : hyperConvergedApiVersions) {
    const { items, why, assumed } = answers.list({
      apiVersion,
      kind: hyperConvergedKind,
      ...(snapshot.namespace !== undefined && { namespace: snapshot.namespace }),
    });
    if (why !== undefined && !assumed) {
      return {
        activation: { state: 'unknown', why: why === stillOpen ? why : `HyperConverged can't be read: ${why}` },
      };
    }
    objects.push(...items);
  }
  // Files may hold the same one in both versions.
  const byName = new Map(objects.toReversed().map((object) => [nameOf(object), object]));
  const [first, ...more] = [...byName.values()].reverse();
  if (first === undefined) return { activation: { state: 'absent', why: `there is no HyperConverged ${where}` } };
  const { namespace } = first.metadata;
  if (namespace !== undefined && !isNamespaceName(namespace)) {
    const why = `HyperConverged can't be used: ${JSON.stringify(namespace)} is no name of a namespace`;
    return { activation: { state: 'unknown', why } };
  }
  if (more.length === 0) return { hyperConverged: first };
  const names = [first, ...more].map(({ metadata: { namespace = '', name } }) => ({ namespace, name }));
  const why = `there are ${names.length} HyperConverged (${names.map(({ namespace, name }) => `${namespace}/${name}`).join(', ')}), and only one can steer a cluster`;
  return { activation: { state: 'ambiguous', why, found: names } };
}

function nameOf({ metadata: { namespace = '', name } }: KubernetesObject): string {
  return `${namespace}/${name}`;
}

function activationOf({ metadata }: KubernetesObject, catalog: Catalog): Activation {
  const value = metadata.annotations?.[clusterAnnotation.autopilot];
  const asked = parseAutopilot(value);
  if (asked === 'all') return { state: 'active' };
  if (asked === 'nothing') {
    const why =
      value === undefined
        ? `the annotation ${clusterAnnotation.autopilot} is not set on HyperConverged`
        : `the annotation ${clusterAnnotation.autopilot} on HyperConverged is ${JSON.stringify(value)}`;
    return { state: 'inactive', why };
  }
  const known = selectableNames(catalog);
  return { state: 'selected', names: asked, unknownNames: asked.filter((name) => !known.has(name)) };
}

function selectableNames({ assets, tombstones }: Catalog): ReadonlySet<string> {
  const ofAssets = assets.flatMap(({ name, group }) => (group === undefined ? [name] : [name, group]));
  return new Set([...ofAssets, ...tombstones.map(({ name }) => name)]);
}

/** Every entry, undecided because nothing is active; nothing is asked. */
function inactivePlan(
  catalog: Catalog,
  snapshot: Snapshot,
  activation: Activation,
  hyperConverged: KubernetesObject | undefined,
): Plan {
  const why = 'why' in activation ? activation.why : '';
  const context = contextWithout(hyperConverged, snapshot);
  const stopped = (target: ObjectRef) => ({
    target,
    decision: 'inactive' as const,
    overrides: [],
    why,
    steps: [{ step: 'selection' as const, passed: false, detail: why }],
    notes: [],
  });
  return {
    activation,
    ...(hyperConverged !== undefined && { hyperConverged: summaryOf(hyperConverged) }),
    unknown: [],
    warnings: hyperConverged === undefined ? [] : keyWarnings(hyperConverged, catalog),
    items: [
      ...catalog.tombstones.map(
        ({ name, target }): PlanItem => ({ type: 'tombstone', asset: name, ...stopped(refOf(target)) }),
      ),
      ...inOrderOfWork(catalog).map(
        (asset): PlanItem => ({
          type: 'asset',
          asset: asset.name,
          ...(asset.feature !== undefined && { feature: asset.feature }),
          ...(asset.group !== undefined && { group: asset.group }),
          ...stopped(targetOf(asset, snapshot, { ...context, params: asset.params })),
        }),
      ),
    ],
  };
}

/** Enough to name targets by: no facts of the cluster. */
function contextWithout(hyperConverged: KubernetesObject | undefined, snapshot: Snapshot): RenderContext {
  const namespace = hyperConverged?.metadata.namespace ?? snapshot.namespace;
  const nothing = {
    apiVersion: hyperConvergedApiVersions[0],
    kind: hyperConvergedKind,
    metadata: { name: '', ...(namespace !== undefined && isNamespaceName(namespace) && { namespace }) },
  };
  const empty: Snapshot = { ...snapshot, reads: new Map(), otherwise: { answer: 'absent' } };
  const { facts } = factsOf(nothing, empty, new Answers(empty));
  return { ...facts, hyperConverged: v1Shape(hyperConverged ?? nothing), params: {}, objects: {} };
}

function isNamespaceName(name: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
}

function targetOf({ target }: Asset, snapshot: Snapshot, context: RenderContext): ObjectRef {
  return {
    apiVersion: servedApiVersion(snapshot.apis, target) ?? target.apiVersions[0] ?? '',
    kind: target.kind,
    ...(target.namespace !== undefined && { namespace: target.namespace.render(context) }),
    name: target.name.render(context),
  };
}

/** HyperConverged's golden configuration comes before everything. */
function inOrderOfWork(catalog: Catalog): readonly Asset[] {
  const [golden, others] = partition(catalog.assets, isHyperConvergedAsset);
  return [...golden, ...dependenciesFirst(others, catalog)];
}

/** Dependencies before their dependents, otherwise in the catalog's order. */
function dependenciesFirst(assets: readonly Asset[], catalog: Catalog): readonly Asset[] {
  const byName = new Map(catalog.assets.map((asset) => [asset.name, asset]));
  const wanted = new Set(assets);
  const sorted = new Set<Asset>();
  const visit = (asset: Asset) => {
    if (sorted.has(asset) || !wanted.has(asset)) return;
    // A catalog's dependencies are acyclic, which is checked when it is loaded.
    for (const name of asset.dependsOn) {
      const dependency = byName.get(name);
      if (dependency !== undefined) visit(dependency);
    }
    sorted.add(asset);
  };
  // A namespace that the plan creates is an implicit dependency of what lives in it.
  for (const asset of assets) if (isNamespaceAsset(asset)) visit(asset);
  for (const asset of assets) visit(asset);
  return [...sorted];
}

/** Which asset creates which namespace. */
function namespaceAssetsOf(catalog: Catalog, snapshot: Snapshot): ReadonlyMap<string, string> {
  const context = contextWithout(undefined, snapshot);
  return new Map(
    catalog.assets
      .filter(isNamespaceAsset)
      .map((asset) => [targetOf(asset, snapshot, { ...context, params: asset.params }).name, asset.name]),
  );
}

function isNamespaceAsset({ target }: Asset): boolean {
  return target.kind === 'Namespace' && target.apiVersions.includes('v1');
}

function isHyperConvergedAsset({ target }: Asset): boolean {
  return target.apiVersions.some((apiVersion) => isHyperConverged({ apiVersion, kind: target.kind }));
}

function activationWarnings(activation: Activation, catalog: Catalog): readonly string[] {
  if (activation.state !== 'selected') return [];
  const known = selectableNames(catalog);
  const shown = activation.unknownNames.slice(0, mostNames);
  const more = activation.unknownNames.length - shown.length;
  const warnings = shown.map((name) => {
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    return `${clusterAnnotation.autopilot} names ${JSON.stringify(name)}, which is no asset and no group${hint}`;
  });
  return more > 0 ? [...warnings, `${clusterAnnotation.autopilot} has ${more} more names that mean nothing`] : warnings;
}

/** Whoever writes thousands of them gets no thousands of lines. */
const mostNames = 20;

/** Keys of ours on HyperConverged that nothing reads: a newer version may, so they are only pointed out. */
function keyWarnings(hyperConverged: KubernetesObject, catalog: Catalog): readonly string[] {
  const read = annotationsReadBy(catalog);
  const { autopilot, disabledResources, openshift } = clusterAnnotation;
  // The last two are what HyperConverged's own asset marks it with.
  const annotations = [autopilot, disabledResources, openshift, ...read, managedByLabel, `${keyPrefix}version`];
  const unknown = unknownKeys(hyperConverged, { annotations }).map(({ message }) => `${message} (on HyperConverged)`);
  const switches = [
    clusterAnnotation.openshift,
    ...[...read].filter((key) => key.startsWith(clusterAnnotation.enablePrefix)),
  ];
  const values = switches.flatMap((key) => {
    const value = hyperConverged.metadata.annotations?.[key];
    if (value === undefined || value === 'true' || value === 'false') return [];
    return [`${key} on HyperConverged is ${JSON.stringify(value)}; only "true" and "false" mean something`];
  });
  return [...unknown, ...values];
}

/** The annotations that any asset's conditions or templates look at. */
function annotationsReadBy({ assets }: Catalog): ReadonlySet<string> {
  const uses = assets.flatMap(({ when, body }) => [...when.flatMap((condition) => condition.uses), ...body.uses]);
  return new Set(
    uses.flatMap((use) => {
      const [, call, name = ''] = /^(enabled|annotation)\('(.*)'\)$/.exec(use) ?? [];
      if (call === 'enabled') return [`${clusterAnnotation.enablePrefix}${name}`];
      if (call === 'annotation') return [`${keyPrefix}${name}`];
      return use.startsWith('annotations.') ? [use.slice('annotations.'.length)] : [];
    }),
  );
}

function exclusionWarnings(
  exclusions: ReturnType<typeof parseExclusions>,
  items: readonly PlanItem[],
): readonly string[] {
  if (isInvalid(exclusions))
    return [`${exclusions.annotation} on HyperConverged: ${exclusions.message}; nothing is changed until it is fixed`];
  const kinds = new Set(items.map(({ target }) => target.kind));
  return exclusions
    .filter((rule) => !items.some(({ target }) => excludes(rule, target)))
    .map((rule) => {
      const nearest = kinds.has(rule.kind) ? undefined : nearestName(rule.kind, kinds);
      const hint = nearest === undefined ? '' : `; did you mean the kind ${nearest}?`;
      return `${clusterAnnotation.disabledResources}: the rule ${describeRule(rule)} matches nothing in the catalog${hint}`;
    });
}

function describeRule({ kind, namespace, name }: ExclusionRule): string {
  return `{kind: ${kind}, name: ${name}${namespace === undefined ? '' : `, namespace: ${namespace}`}}`;
}

function summaryOf({ apiVersion, metadata }: KubernetesObject): NonNullable<Plan['hyperConverged']> {
  const { namespace = '', name, generation } = metadata;
  return { apiVersion, namespace, name, ...(generation !== undefined && { generation }) };
}

function isSameObject(target: ObjectRef, { kind, metadata }: KubernetesObject): boolean {
  return target.kind === kind && target.name === metadata.name && target.namespace === metadata.namespace;
}

function refOf({ apiVersion, kind, namespace, name }: ObjectRef): ObjectRef {
  return { apiVersion, kind, ...(namespace !== undefined && { namespace }), name };
}

function partition<Item>(items: readonly Item[], belongs: (item: Item) => boolean): readonly [Item[], Item[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

function dedupe(unknown: readonly UnknownFact[]): readonly UnknownFact[] {
  return [...new Map(unknown.map((entry) => [entry.fact, entry])).values()];
}
