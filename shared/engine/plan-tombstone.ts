import { annotation, isInvalid, isPaused, parseMode, unknownKeys } from '../api/annotations.ts';
import { excludes } from '../api/exclusions.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { autopilotName, managedByLabel } from '../api/names.ts';
import { formatObjectRef, groupOf } from '../api/object-ref.ts';
import type { Tombstone } from '../catalog/asset.ts';
import { isOurs } from './field-set.ts';
import type { Decision, PlanItem, StepName } from './plan-item.ts';
import { selection } from './selection.ts';
import { servedApiVersion, servedVersions } from './served-api.ts';
import type { Surroundings } from './surroundings.ts';
import { tombstoneRef } from './targets.ts';

/** Decides about something that a past version created: deleted only if it is surely ours and nobody keeps it. */
export function planTombstone(tombstone: Tombstone, around: Surroundings): PlanItem {
  const { name, target } = tombstone;
  const { step, why, ...decision } = decide(name, target, around);
  return {
    type: 'tombstone',
    asset: name,
    features: [],
    target: tombstoneRef(tombstone),
    ...decision,
    overrides: [],
    why,
    steps: [{ step, passed: decision.decision === 'delete', detail: why }],
    notes: [],
  };
}

type Decided = Decision & { readonly step: StepName; readonly why: string };

function decide(
  name: string,
  target: Tombstone['target'],
  { activation, answers, apis, exclusions }: Surroundings,
): Decided {
  const { selected, detail } = selection(activation, { name });
  if (!selected)
    return { decision: activation.state === 'selected' ? 'not-selected' : 'inactive', step: 'selection', why: detail };
  if (servedApiVersion(apis, { apiVersions: [target.apiVersion], kind: target.kind }) === undefined) {
    const versions = servedVersions(apis, groupOf(target.apiVersion), target.kind);
    if (versions.length > 0) {
      const why = `${target.kind} is served as ${versions.join(', ')} only, so it can't be looked for as ${target.apiVersion}`;
      return { decision: 'unreadable', step: 'crds', why };
    }
    return { decision: 'gone', step: 'crds', why: `its kind ${target.kind} isn't served` };
  }
  if (isInvalid(exclusions)) {
    return { decision: 'kept', step: 'exclusions', why: 'the exclusions are invalid, and this may be one of them' };
  }
  if (exclusions.some((rule) => excludes(rule, target))) {
    return {
      decision: 'kept',
      step: 'exclusions',
      why: 'disabled-resources covers it: hands off counts for deleting too',
    };
  }
  const answer = answers.get(target);
  if (answer === undefined) return { decision: 'unreadable', step: 'live', why: 'it has not been looked up yet' };
  if (answer.answer === 'absent')
    return { decision: 'gone', step: 'live', why: `${formatObjectRef(target)} doesn't exist` };
  if (answer.answer === 'unknown' && answer.assume === 'absent') {
    return { decision: 'unverified', locally: 'unknown', drift: [], step: 'live', why: answer.why };
  }
  if (answer.answer !== 'object') {
    return {
      decision: 'unreadable',
      step: 'live',
      why: answer.answer === 'unknown' ? answer.why : 'it was answered with a list',
    };
  }
  return decideAbout(answer.object);
}

function decideAbout(object: KubernetesObject): Decided {
  const { metadata } = object;
  const { annotations = {}, labels = {}, managedFields = [], uid = '', resourceVersion = '' } = metadata;
  if (isPaused(annotations[annotation.reconcilePaused]))
    return { decision: 'kept', step: 'pause', why: 'it is paused' };
  if (parseMode(annotations[annotation.mode]) !== 'managed') {
    return { decision: 'kept', step: 'mode', why: `its mode is ${JSON.stringify(annotations[annotation.mode])}` };
  }
  const [unknown] = unknownKeys(object);
  if (unknown !== undefined) return { decision: 'kept', step: 'annotations', why: unknown.message };
  if (labels[managedByLabel] !== autopilotName) {
    return { decision: 'not-ours', step: 'comparison', why: `it lacks the label ${managedByLabel}=${autopilotName}` };
  }
  if (!managedFields.some(isOurs)) {
    return { decision: 'not-ours', step: 'comparison', why: `${autopilotName} is not among its field managers` };
  }
  if (metadata.deletionTimestamp !== undefined) {
    return { decision: 'gone', step: 'comparison', why: 'it is being deleted' };
  }
  const why = 'an earlier version created it, and nothing wants it any more';
  return { decision: 'delete', live: { uid, resourceVersion }, step: 'comparison', why };
}
