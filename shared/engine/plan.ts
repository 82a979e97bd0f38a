import { clusterAnnotation, isInvalid, parseAutopilot } from '../api/annotations.ts';
import { parseExclusions } from '../api/exclusions.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import type { ObjectRef } from '../api/object-ref.ts';
import type { Asset, Catalog } from '../catalog/asset.ts';
import { Answers } from './answers.ts';
import { factsOf } from './facts.ts';
import { findHyperConverged } from './find-hyper-converged.ts';
import { isNamespaceAsset, orderOfWork } from './order-of-work.ts';
import { dated } from './override-notes.ts';
import { type PlannedAsset, planAsset } from './plan-asset.ts';
import type { Activation, Plan, PlanItem, UnknownFact } from './plan-item.ts';
import { planTombstone } from './plan-tombstone.ts';
import { Recollection } from './recollection.ts';
import { selectableNames } from './selection.ts';
import type { GetQuestion, ListQuestion, Question, Snapshot } from './snapshot.ts';
import type { Context, Surroundings } from './surroundings.ts';
import { namingFacts, targetOf, tombstoneRef } from './targets.ts';
import { activationWarnings, exclusionWarnings, keyWarnings } from './warnings.ts';

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
 *
 * @param earlier An earlier plan of the same cluster makes this one cheaper, and changes nothing about it: what is
 * decided from the same answers (the very same objects in both snapshots) isn't worked out anew.
 */
export function plan(catalog: Catalog, snapshot: Snapshot, earlier?: Planned): Planned {
  const answers = new Answers(snapshot);
  const planned = new Map<string, PlannedAsset>();
  const recollection = new Recollection(answers, (asset) => planned.get(asset), earlier?.recollection);
  const found = findHyperConverged(snapshot, answers);
  const decided =
    'activation' in found
      ? inactivePlan(catalog, snapshot, found.activation, undefined)
      : planWith(found.hyperConverged, { catalog, snapshot, answers, planned, recollection });
  return { plan: decided, questions: answers.open, reads: answers.reads, recollection };
}

export type Planned = {
  readonly plan: Plan;
  /** What the snapshot lacked; without any the plan is finished. */
  readonly questions: readonly Question[];
  /** Every object and list that the plan looked at, answered or not: what to watch for changes of the plan. */
  readonly reads: readonly (GetQuestion | ListQuestion)[];
  /** For the next plan. */
  readonly recollection: Recollection;
};

type Planning = {
  readonly catalog: Catalog;
  readonly snapshot: Snapshot;
  readonly answers: Answers;
  /** Filled in the order of work. */
  readonly planned: Map<string, PlannedAsset>;
  readonly recollection: Recollection;
};

function planWith(hyperConverged: KubernetesObject, planning: Planning): Plan {
  const { catalog, snapshot, answers, planned, recollection } = planning;
  const steering = recollection.of('steering', [hyperConverged, catalog], () => steeringOf(hyperConverged, catalog));
  const { activation, exclusions, warnings } = steering;
  if (activation.state !== 'active' && activation.state !== 'selected') {
    return inactivePlan(catalog, snapshot, activation, hyperConverged);
  }

  const { apis, images, namespace, forced } = snapshot;
  const surroundings = (of: KubernetesObject, name: string): Surroundings => {
    const inputs = [of, steering, catalog, apis, images, namespace, forced];
    const context = recollection.of(name, inputs, (): Context => {
      const namespaceAssets = namespaceAssetsOf(catalog, snapshot);
      return { ...factsOf(of, snapshot, answers), activation, apis, exclusions, namespaceAssets };
    });
    return { ...context, context, answers, plannedOf: recollection.plannedOf };
  };
  const decide = (asset: Asset, around: Surroundings): PlannedAsset => {
    const result = recollection.of(`asset ${asset.name}`, [asset, around.context], () => planAsset(asset, around));
    planned.set(asset.name, result);
    return result;
  };

  // The golden configuration comes before everything, and facts are taken from what it makes of HyperConverged.
  const { golden, others } = orderOfWork(catalog);
  let effective = hyperConverged;
  const before = surroundings(hyperConverged, 'context');
  for (const asset of golden) {
    const result = decide(asset, before);
    if (result.effective !== undefined && isSameObject(result.item.target, hyperConverged))
      effective = result.effective;
  }
  const around = effective === hyperConverged ? before : surroundings(effective, 'effective context');
  for (const asset of others) decide(asset, around);

  const items = [
    ...catalog.tombstones.map((tombstone) =>
      recollection.of(`tombstone ${tombstone.name}`, [tombstone, around.context], () =>
        planTombstone(tombstone, around),
      ),
    ),
    ...[...planned.values()].map(({ item }) => dated(item, snapshot.now)),
  ];
  return {
    activation,
    hyperConverged: summaryOf(hyperConverged),
    unknown: dedupe(around.unknown),
    warnings: [...warnings, ...exclusionWarnings(exclusions, items)],
    ...(!isInvalid(exclusions) && { exclusions }),
    items,
  };
}

/** What HyperConverged's annotations ask for. */
function steeringOf(hyperConverged: KubernetesObject, catalog: Catalog) {
  const activation = activationOf(hyperConverged, catalog);
  return {
    activation,
    exclusions: parseExclusions(hyperConverged.metadata.annotations?.[clusterAnnotation.disabledResources]),
    warnings: [...activationWarnings(activation, catalog), ...keyWarnings(hyperConverged, catalog)],
  };
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

/** Every entry, undecided because nothing is active; nothing is asked. */
function inactivePlan(
  catalog: Catalog,
  snapshot: Snapshot,
  activation: Activation,
  hyperConverged: KubernetesObject | undefined,
): Plan {
  const why = 'why' in activation ? activation.why : '';
  const facts = namingFacts(hyperConverged, snapshot);
  const { golden, others } = orderOfWork(catalog);
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
        (tombstone): PlanItem => ({
          type: 'tombstone',
          asset: tombstone.name,
          features: [],
          ...stopped(tombstoneRef(tombstone)),
        }),
      ),
      ...[...golden, ...others].map(
        (asset): PlanItem => ({
          type: 'asset',
          asset: asset.name,
          ...(asset.feature !== undefined && { feature: asset.feature }),
          features: asset.features,
          ...(asset.group !== undefined && { group: asset.group }),
          ...stopped(targetOf(asset, snapshot.apis, facts)),
        }),
      ),
    ],
  };
}

/** Which asset creates which namespace. */
function namespaceAssetsOf(catalog: Catalog, snapshot: Snapshot): ReadonlyMap<string, string> {
  const facts = namingFacts(undefined, snapshot);
  return new Map(
    catalog.assets.filter(isNamespaceAsset).map((asset) => [targetOf(asset, snapshot.apis, facts).name, asset.name]),
  );
}

function summaryOf({ apiVersion, metadata }: KubernetesObject): NonNullable<Plan['hyperConverged']> {
  const { namespace = '', name, generation } = metadata;
  return { apiVersion, namespace, name, ...(generation !== undefined && { generation }) };
}

function isSameObject(target: ObjectRef, { kind, metadata }: KubernetesObject): boolean {
  return target.kind === kind && target.name === metadata.name && target.namespace === metadata.namespace;
}

function dedupe(unknown: readonly UnknownFact[]): readonly UnknownFact[] {
  return [...new Map(unknown.map((entry) => [entry.fact, entry])).values()];
}
