import { isInvalid } from '../api/annotations.ts';
import { excludes } from '../api/exclusions.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { autopilotName, managedByLabel } from '../api/names.ts';
import { formatObjectRef, groupOf, type ObjectRef } from '../api/object-ref.ts';
import type { Asset, ConditionResult, RenderContext } from '../catalog/asset.ts';
import { compareWithLive } from './compare-with-live.ts';
import { isMap } from './json.ts';
import { annotationsStep, ignoreFieldsStep, modeStep, overridesOf, patchStep, pauseStep } from './override-steps.ts';
import type { DecisionWord, PlanItem, Step, StepName, UnknownFact } from './plan-item.ts';
import { readsOf } from './reads.ts';
import { selection } from './selection.ts';
import { isCrdServed, servedApiVersion, servedVersions } from './served-api.ts';
import { pass, type StepFunction, type StepResult, stop, type Work } from './step.ts';
import type { Surroundings } from './surroundings.ts';
import { targetOf } from './targets.ts';

/** One asset's decision, with what later decisions build on. */
export type PlannedAsset = {
  readonly asset: Asset;
  readonly item: PlanItem;
  readonly live?: KubernetesObject;
  /** The object as the decision would leave it, where the server told. */
  readonly effective?: KubernetesObject;
};

/** Takes one asset through the steps, in their order: the first that stops it is its decision. */
export function planAsset(asset: Asset, around: Surroundings): PlannedAsset {
  const work: Work = { asset, target: targetOf(asset, around.apis, around.facts), notes: [] };
  const taken: Step[] = [];
  for (const [step, take] of steps) {
    const result = guarded(take, work, around);
    taken.push({ step, passed: result.stopped === undefined, detail: result.detail });
    if (result.stopped !== undefined) {
      const { detail, stopped } = result;
      const item: PlanItem = {
        type: 'asset',
        asset: asset.name,
        ...(asset.feature !== undefined && { feature: asset.feature }),
        features: asset.features,
        ...(asset.group !== undefined && { group: asset.group }),
        target: work.target,
        ...stopped,
        overrides: overridesOf(work, stopped, detail),
        why: detail,
        steps: taken,
        notes: work.notes,
        ...(work.conditions !== undefined && { conditions: work.conditions }),
        ...(work.baseline !== undefined && { baseline: work.baseline }),
        ...(work.desired !== undefined && { desired: work.desired }),
        ...(work.yielded?.release !== undefined && { retained: work.yielded.retained }),
      };
      return {
        asset,
        item,
        ...(work.live !== undefined && { live: work.live }),
        ...(work.effective !== undefined && { effective: work.effective }),
      };
    }
  }
  throw new Error(`No step decided about the asset ${asset.name}; the comparison always does`);
}

/** Whatever goes wrong inside one asset stays there: it is left as it is, and the others go on. */
function guarded(take: StepFunction, work: Work, around: Surroundings): StepResult {
  try {
    return take(work, around);
  } catch (error) {
    delete work.desired;
    const message = error instanceof Error ? error.message : String(error);
    return stop({ decision: 'unreadable' }, `internal error: ${message.split('\n', 1)[0]}`);
  }
}

const steps: readonly (readonly [StepName, StepFunction])[] = [
  ['selection', selectionStep],
  ['conditions', conditionsStep],
  ['crds', crdsStep],
  ['render', renderStep],
  ['exclusions', exclusionsStep],
  ['live', liveStep],
  ['pause', pauseStep],
  ['mode', modeStep],
  ['annotations', annotationsStep],
  ['patch', patchStep],
  ['ignore-fields', ignoreFieldsStep],
  ['namespace', namespaceStep],
  ['dependencies', dependenciesStep],
  ['comparison', compareWithLive],
];

function selectionStep({ asset }: Work, { activation }: Surroundings) {
  const { selected, detail } = selection(activation, asset);
  if (selected) return pass(detail);
  return stop({ decision: activation.state === 'selected' ? 'not-selected' : 'inactive' }, detail);
}

function conditionsStep(work: Work, around: Surroundings) {
  const { asset } = work;
  if (asset.when.length === 0) {
    if (asset.install === 'always') return pass('it is installed always');
    return stop({ decision: 'condition-unmet' }, 'it is opt-in, and has no condition by which to opt in');
  }
  const used = asset.when.flatMap(({ uses }) => uses);
  const { objects, unknown } = readsOf(asset, used, around);
  const context: RenderContext = { ...around.facts, params: asset.params, objects };

  // One that is surely unmet decides, whatever isn't known about the others.
  const results = asset.when.map((condition) => {
    const missing = unknownAmong(condition.uses, unknown);
    return { condition, missing, result: missing === undefined ? condition.evaluate(context) : undefined };
  });
  work.conditions = results.map(({ condition: { expression }, missing, result }) => ({
    expression,
    result: result?.result ?? 'unknown',
    saw: result?.saw ?? {},
    ...(result?.result === 'error' && { message: result.message }),
    ...(missing !== undefined && { message: describeUnknown(missing) }),
  }));
  const unmet = results.find(({ result }) => result?.result === 'unmet');
  if (unmet?.result !== undefined) {
    return stop({ decision: 'condition-unmet' }, `not met: ${unmet.condition.expression}${seen(unmet.result)}`);
  }
  for (const { condition, result } of results) {
    if (result?.result === 'error') {
      return stop({ decision: 'condition-error' }, `${condition.expression} fails: ${result.message}${seen(result)}`);
    }
  }
  const open = results.find(({ missing }) => missing !== undefined);
  if (open?.missing !== undefined) {
    return stop(unverified, `${open.condition.expression} can't be told: ${describeUnknown(open.missing)}`);
  }
  return pass(results.map(({ condition, result }) => `met: ${condition.expression}${seen(result)}`).join('; '));
}

function crdsStep(work: Work, around: Surroundings) {
  const { apis } = around;
  const { target, gates } = work.asset;
  const group = groupOf(target.apiVersions[0] ?? '');
  const ownCrd = `${target.plural}.${group}`;
  const isServed = servedApiVersion(apis, target) !== undefined;
  const missing = [...new Set([...(isServed ? [] : [ownCrd]), ...gates.filter((gate) => !isCrdServed(apis, gate))])];
  if (missing.length > 0) {
    const others = isServed ? [] : servedVersions(apis, group, target.kind);
    const versions =
      others.length === 0
        ? ''
        : ` (${target.kind} is served as ${others.join(', ')}, not as ${target.apiVersions.join(' or ')})`;
    const detail = `not installed: ${missing.join(', ')}${versions}`;
    return unlessExcluded(stop({ decision: 'missing-crd', crds: missing }, detail), work, around);
  }
  if (!apis.known) return pass('assumed to be installed: which APIs are served is not known');
  return pass(
    group === ''
      ? 'its kind is built in'
      : `installed: ${[ownCrd, ...gates].filter((name, index, all) => all.indexOf(name) === index).join(', ')}`,
  );
}

function renderStep(work: Work, around: Surroundings) {
  const { asset, target } = work;
  const { objects, unknown } = readsOf(asset, asset.body.uses, around);
  const missing = unknownAmong(asset.body.uses, unknown);
  if (missing !== undefined) return stop(unverified, `it can't be rendered: ${describeUnknown(missing)}`);
  let body: Readonly<Record<string, unknown>> | undefined;
  try {
    body = asset.body.render({ ...around.facts, params: asset.params, objects });
  } catch (error) {
    // Whatever goes wrong inside one asset stays there.
    const message = error instanceof Error ? error.message : String(error);
    return unlessExcluded(stop({ decision: 'render-failed' }, message.split('\n', 1)[0] ?? message), work, around);
  }
  if (body === undefined) return stop({ decision: 'empty' }, 'its template renders to nothing here');
  work.baseline = withIdentity(body, target);
  return pass(`rendered ${formatObjectRef(target)}`);
}

/** Identity comes from the target alone, whatever the body says; of metadata it gives labels and annotations. */
function withIdentity(body: Readonly<Record<string, unknown>>, target: ObjectRef): KubernetesObject {
  const { apiVersion: _, kind: __, metadata, status: ___, ...rest } = body;
  const { labels, annotations } = isMap(metadata) ? metadata : {};
  return {
    apiVersion: target.apiVersion,
    kind: target.kind,
    metadata: {
      name: target.name,
      ...(target.namespace !== undefined && { namespace: target.namespace }),
      labels: { ...textsOf(labels), [managedByLabel]: autopilotName },
      ...(isMap(annotations) && Object.keys(annotations).length > 0 && { annotations: textsOf(annotations) }),
    },
    ...rest,
  };
}

function textsOf(map: unknown): { readonly [key: string]: string } {
  return isMap(map) ? (map as { readonly [key: string]: string }) : {};
}

function exclusionsStep(work: Work, { exclusions }: Surroundings) {
  const { target } = work;
  if (isInvalid(exclusions)) {
    return stop(
      { decision: 'exclusions-invalid', ...(exclusions.right && { right: exclusions.right }) },
      `${exclusions.annotation} on HyperConverged: ${exclusions.message}`,
    );
  }
  const rule = exclusions.find((candidate) => excludes(candidate, target));
  if (rule === undefined) return pass('no rule of disabled-resources covers it');
  work.exclusion = rule;
  const { note: _, ...covers } = rule;
  return stop({ decision: 'excluded', rule: covers }, `disabled-resources covers it with ${JSON.stringify(covers)}`);
}

/** What somebody disabled is neither missed nor to be mended, so that goes before what is in its way. */
function unlessExcluded(stopped: StepResult, work: Work, around: Surroundings): StepResult {
  const result = exclusionsStep(work, around);
  if (result.stopped?.decision !== 'excluded') return stopped;
  return { ...result, detail: `${result.detail}; ${stopped.detail}` };
}

function liveStep(work: Work, { answers }: Surroundings) {
  const answer = answers.get(work.target);
  if (answer === undefined) return stop(unverified, 'the live object has not been looked up yet');
  switch (answer.answer) {
    case 'object':
      work.live = answer.object;
      return pass(`it exists, resourceVersion ${answer.object.metadata.resourceVersion ?? 'unknown'}`);
    case 'absent':
      return pass("it doesn't exist");
    case 'unknown':
      if (answer.assume !== 'absent') return stop({ decision: 'unreadable' }, answer.why);
      work.liveUnknown = answer.why;
      return pass(`whether it exists is not known: ${answer.why}`);
    default:
      return stop({ decision: 'unreadable' }, 'it was answered with a list');
  }
}

function namespaceStep({ target, live, liveUnknown }: Work, { answers, namespaceAssets, plannedOf }: Surroundings) {
  if (target.namespace === undefined) return pass('it is cluster-scoped');
  if (live !== undefined) return pass(`the namespace ${target.namespace} exists: so does the object`);
  const answer = answers.get({ apiVersion: 'v1', kind: 'Namespace', name: target.namespace });
  if (answer === undefined || liveUnknown !== undefined || answer.answer === 'unknown') {
    return pass(`whether the namespace ${target.namespace} exists is not known`);
  }
  const isThere = answer.answer === 'object' && answer.object.metadata.deletionTimestamp === undefined;
  if (isThere) return pass(`the namespace ${target.namespace} exists`);
  const creator = namespaceAssets.get(target.namespace);
  if (creator !== undefined && !isLeftOut(plannedOf(creator))) {
    return stop({ decision: 'waiting', for: [creator] }, `the namespace ${target.namespace} comes first (${creator})`);
  }
  const how = answer.answer === 'object' ? 'is being deleted' : "doesn't exist";
  return stop({ decision: 'missing-namespace' }, `the namespace ${target.namespace} ${how}`);
}

/** Whether nothing will come of it, however long one waits. */
function isLeftOut(planned: PlannedAsset | undefined): boolean {
  return planned !== undefined && leftOut.has(planned.item.decision);
}

const leftOut: ReadonlySet<DecisionWord> = new Set([
  'inactive',
  'not-selected',
  'condition-unmet',
  'empty',
  'excluded',
]);

function dependenciesStep({ asset }: Work, { plannedOf }: Surroundings) {
  const blocked = asset.dependsOn.flatMap((name) => {
    const planned = plannedOf(name);
    const why = planned === undefined ? undefined : notReady(planned);
    return why === undefined ? [] : [{ name, why }];
  });
  if (blocked.length === 0)
    return pass(asset.dependsOn.length === 0 ? 'it depends on nothing' : `ready: ${asset.dependsOn.join(', ')}`);
  const reasons = blocked.map(({ name, why }) => `${name} ${why}`).join('; ');
  return stop({ decision: 'waiting', for: blocked.map(({ name }) => name) }, `waits for ${reasons}`);
}

/** Why those that depend on it must wait, or undefined. What we leave to others can't be waited for. */
function notReady({ asset, item, live }: PlannedAsset): string | undefined {
  if (leftOut.has(item.decision)) return undefined;
  switch (item.decision) {
    case 'unverified':
      return undefined;
    case 'in-sync':
    case 'paused':
    case 'unmanaged':
    case 'override-invalid':
      if (live === undefined) return "doesn't exist";
      if (asset.readyWhen === undefined) return undefined;
      return asset.readyWhen.evaluate({ object: live }).result === 'met' ? undefined : 'is not ready yet';
    default:
      return `is ${item.decision}`;
  }
}

function unknownAmong(uses: readonly string[], unknown: readonly UnknownFact[]): UnknownFact | undefined {
  return unknown.find(({ fact, assumed }) => !assumed && uses.some((use) => overlaps(use, fact)));
}

/** Whether one dotted path is the other or lies inside it. */
function overlaps(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);
}

function describeUnknown({ fact, why }: UnknownFact): string {
  return `${fact} is not known: ${why}`;
}

function seen(result: ConditionResult | undefined): string {
  const values = Object.entries(result?.saw ?? {}).map(
    ([path, value]) => `${path} = ${shorten(JSON.stringify(value) ?? 'nothing')}`,
  );
  return values.length === 0 ? '' : ` (${values.join(', ')})`;
}

function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

const unverified = { decision: 'unverified', locally: 'unknown', drift: [] } as const;
