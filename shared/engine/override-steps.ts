import {
  annotation,
  type Invalid,
  isInvalid,
  isPaused,
  ownKeys,
  parseIgnoreFields,
  parseMode,
  parsePatch,
  parsePausedBy,
  unknownKeys,
} from '../api/annotations.ts';
import { formatPointer } from '../api/json-pointer.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { autopilotName, isHyperConverged } from '../api/names.ts';
import { noteOn } from '../api/override-note.ts';
import { managerOf } from './field-managers.ts';
import { forbiddenPointer, yieldFields } from './ignored-fields.ts';
import { idleNotesOn, invalidNotesOn, noted } from './override-notes.ts';
import type { Decision, Override } from './plan-item.ts';
import { pass, type StepResult, stop, type Work } from './step.ts';
import { applyUserPatch } from './user-patch.ts';

/** Step 7: paused in an edit war, or by hand. */
export function pauseStep({ live }: Work): StepResult {
  const annotations = live?.metadata.annotations ?? {};
  if (!isPaused(annotations[annotation.reconcilePaused])) return pass('it is not paused');
  const pausedBy = parsePausedBy(annotations[annotation.pausedBy]);
  const rival =
    pausedBy?.manager === undefined
      ? ''
      : `: ${pausedBy.manager} keeps changing ${pausedBy.fields?.join(', ') || 'it'}`;
  const since = pausedBy?.since === undefined ? '' : ` since ${pausedBy.since}`;
  const setBy = pausedByWhom(live);
  // What stands beside it may be forged; managed fields can't be.
  const claimed = setBy === null || setBy === autopilotName ? '' : `; ${setBy} set that, not the controller`;
  const why =
    `${since}${rival}` === ''
      ? `its annotation reconcile-paused is set${setBy === null ? '' : ` by ${setBy}`}`
      : `paused${since}${rival}${claimed}`;
  return stop({ decision: 'paused', ...(pausedBy !== undefined && { pausedBy }) }, why);
}

/** Who set the pause; null where managed fields don't tell. */
function pausedByWhom(live: KubernetesObject | undefined): string | null {
  return live === undefined ? null : managerOf(['metadata', 'annotations', annotation.reconcilePaused], live);
}

/** Step 8: somebody else's for good. */
export function modeStep({ live }: Work): StepResult {
  if (parseMode(live?.metadata.annotations?.[annotation.mode]) !== 'unmanaged') return pass('it is managed');
  return stop({ decision: 'unmanaged' }, 'its annotation mode is unmanaged');
}

/** Step 9: a key or value of ours that we don't know is somebody's wish to deviate, so the object is held. */
export function annotationsStep(work: Work): StepResult {
  const { live } = work;
  if (live === undefined) return pass('it has no annotations of ours');
  const mode = parseMode(live.metadata.annotations?.[annotation.mode]);
  const mistakes = [...unknownKeysOn(live, work), ...(isInvalid(mode) ? [mode] : [])];
  if (mistakes.length === 0) return pass('all annotations of ours on it are known');
  return held(mistakes);
}

/** Step 10: the user's patch, in memory. */
export function patchStep(work: Work): StepResult {
  const { live, baseline } = work;
  if (baseline === undefined) throw new Error('The patch comes after rendering');
  const value = live?.metadata.annotations?.[annotation.patch];
  work.patched = baseline;
  if (value === undefined) return pass('no patch');
  const operations = parsePatch(value, baseline);
  if (isInvalid(operations)) return held([operations]);
  const patched = applyUserPatch(baseline, operations);
  if (patched.result === 'invalid') return held([patched]);
  work.operations = operations;
  work.patched = patched.object;
  return pass(
    `${operations.length} operations applied: ${operations.map(({ op, path }) => `${op} ${path}`).join(', ')}`,
  );
}

/** Step 11: fields yielded to whoever else sets them. */
export function ignoreFieldsStep(work: Work): StepResult {
  const { live, patched } = work;
  if (patched === undefined) throw new Error('Ignored fields come after the patch');
  work.desired = patched;
  const value = live?.metadata.annotations?.[annotation.ignoreFields];
  if (live === undefined || value === undefined) return pass('no ignored fields');
  const paths = parseIgnoreFields(value);
  if (isInvalid(paths)) return heldAfterPatch(work, paths);
  const forbidden = forbiddenPointer(paths, patched);
  if (forbidden !== undefined) return heldAfterPatch(work, forbidden);
  work.ignored = paths;
  work.yielded = yieldFields(patched, live, paths);
  work.desired = work.yielded.desired;
  return pass(`ignored: ${paths.map(formatPointer).join(', ')}`);
}

function heldAfterPatch(work: Work, invalid: Invalid): StepResult {
  delete work.desired;
  return held([invalid]);
}

function held(mistakes: readonly Invalid[]): StepResult {
  return stop({ decision: 'override-invalid' }, `held as it is: ${mistakes.map(({ message }) => message).join('; ')}`);
}

/** The deviations that the live object carries, whichever step was reached. */
export function overridesOf(work: Work, decision: Decision, detail: string): readonly Override[] {
  const { live } = work;
  const overrides: Override[] = [];
  if (decision.decision === 'excluded') {
    overrides.push({ type: 'excluded', rule: decision.rule, ...noted(work.exclusion?.note) });
  }
  const annotations = live?.metadata.annotations;
  if (live === undefined || annotations === undefined) return overrides;

  if (isPaused(annotations[annotation.reconcilePaused])) {
    const pausedBy = parsePausedBy(annotations[annotation.pausedBy]);
    overrides.push({ type: 'paused', ...(pausedBy !== undefined && { pausedBy }), setBy: pausedByWhom(live) });
  }
  const mode = parseMode(annotations[annotation.mode]);
  if (mode === 'unmanaged') {
    overrides.push({ type: 'unmanaged', how: 'mode', ...noted(noteOn(annotations, annotation.mode)) });
  }
  const patch = annotations[annotation.patch];
  const operations = patch === undefined ? undefined : parsePatch(patch, work.baseline);
  if (operations !== undefined && !isInvalid(operations)) {
    overrides.push({
      type: 'patch',
      operations: operations.length,
      pointers: operations.map(({ path }) => path),
      ...noted(noteOn(annotations, annotation.patch)),
    });
  }
  const ignore = annotations[annotation.ignoreFields];
  const paths = ignore === undefined ? undefined : parseIgnoreFields(ignore);
  if (paths !== undefined && !isInvalid(paths)) {
    const { yielded = [], kept = [], keys = [], unmatched = [] } = work.yielded ?? {};
    if (kept.length > 0) {
      work.notes.push(
        `${kept.join(', ')} can't be yielded by itself: the server takes the list or map around it as one value, which stays ours, with what others set there`,
      );
    }
    for (const pointer of keys) {
      work.notes.push(
        `${pointer} can't be yielded by itself: it tells the item from others of its list; ${pointer.slice(0, pointer.lastIndexOf('/'))} leaves the whole item to others`,
      );
    }
    if (unmatched.length > 0) work.notes.push(`ignore-fields: the baseline sets nothing at ${unmatched.join(', ')}`);
    const note = noted(noteOn(annotations, annotation.ignoreFields));
    overrides.push({ type: 'ignore', pointers: paths.map(formatPointer), yielded, kept: [...kept, ...keys], ...note });
    if (paths.some((path) => path.length === 1 && path[0] === 'spec')) {
      overrides.push({ type: 'unmanaged', how: 'ignore-fields' });
    }
  }
  const invalid = [patch === undefined ? undefined : operations, paths, mode, ...unknownKeysOn(live, work)].filter(
    isInvalid,
  );
  for (const { annotation: key, message, right } of invalid) {
    overrides.push({ type: 'invalid', annotation: key, message, ...(right !== undefined && { right }) });
  }
  if (decision.decision === 'override-invalid' && invalid.length === 0) {
    const key = work.operations === undefined && patch !== undefined ? annotation.patch : annotation.ignoreFields;
    overrides.push({ type: 'invalid', annotation: key, message: detail });
  }
  const mistakes = invalidNotesOn(live);
  work.notes.push(...mistakes.map(({ message }) => message), ...idleNotesOn(live));
  overrides.push(...mistakes);
  return overrides;
}

/** On HyperConverged an unknown key may belong to a newer version: the plan only warns of it. */
function unknownKeysOn(live: KubernetesObject, { baseline, target }: Work): readonly Invalid[] {
  if (isHyperConverged(target)) return [];
  const { labels, annotations } = baseline?.metadata ?? {};
  return unknownKeys(live, { labels: ownKeys(labels), annotations: ownKeys(annotations) });
}
