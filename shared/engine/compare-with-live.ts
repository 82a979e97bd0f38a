import { formatPointer } from '../api/json-pointer.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { autopilotName, managedByLabel } from '../api/names.ts';
import { compareLocally, differencesBetween, pointerOf, wantedDifferences } from './compare-locally.ts';
import { withoutEmptiedMaps } from './emptied-maps.ts';
import { driftOf } from './field-managers.ts';
import { entriesOf, type FieldSet, fieldSetOf, isLeaf, isOurs, union } from './field-set.ts';
import { lostPaths, yieldFields } from './ignored-fields.ts';
import { digestOf } from './json.ts';
import type { DriftedField, LiveVersion, Release, RewrittenField } from './plan-item.ts';
import type { Verdict } from './snapshot.ts';
import { type StepResult, stop, type Work } from './step.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Step 14: compares with the live object. What looks equal is trusted and costs nothing; what looks different is put
 * to the server as a dry run, since only it knows defaulting, normalisation and webhooks.
 */
export function compareWithLive(work: Work, around: Surroundings): StepResult {
  const { desired, live, liveUnknown } = work;
  if (desired === undefined) throw new Error('The comparison comes after the overrides');
  if (liveUnknown !== undefined) return stop(unverified('unknown'), liveUnknown);
  return live === undefined
    ? compareWithNothing(work, desired, around)
    : compareWithObject(work, desired, live, around);
}

function compareWithNothing(work: Work, desired: KubernetesObject, { answers }: Surroundings): StepResult {
  const verdict = answers.verdict({ ask: 'dry-run', ref: work.target, desired, digest: digestOf(desired) });
  const why = "it doesn't exist yet";
  if (verdict === undefined || verdict.verdict === 'unknown') {
    return stop(unverified('create'), `${why}; the server didn't confirm: ${verdict?.why ?? notAsked}`);
  }
  if (verdict.verdict === 'rejected') return rejected(verdict);
  work.effective = verdict.object;
  return stop({ decision: 'create' }, why);
}

function compareWithObject(
  work: Work,
  desired: KubernetesObject,
  live: KubernetesObject,
  around: Surroundings,
): StepResult {
  const { target, yielded } = work;
  const version: LiveVersion = {
    uid: live.metadata.uid ?? '',
    resourceVersion: live.metadata.resourceVersion ?? '',
  };
  const release = yielded?.release;
  const sendable = withoutEmptiedMaps(desired, live);
  work.desired = sendable;
  // What is to be released is still ours: sent at its live value, so that the server isn't asked to delete it.
  const sent = release === undefined ? sendable : (yielded?.retained ?? sendable);
  const isOurOwn = live.metadata.labels?.[managedByLabel] === autopilotName;
  const word = isOurOwn ? 'update' : 'adopt';

  const local = compareLocally(sent, live);
  if (local.inSync && local.isCertain) return equal(version, release);

  const verdict = around.answers.verdict({
    ask: 'dry-run',
    ref: target,
    desired: sent,
    digest: digestOf(sent),
    live: version,
  });
  if (verdict === undefined || verdict.verdict === 'unknown') {
    if (local.inSync) return equal(version, release);
    const drift = driftOf(local.differences, live);
    return stop(unverified(word, drift), `${describe(drift)}; the server didn't confirm: ${verdict?.why ?? notAsked}`);
  }
  if (verdict.verdict === 'rejected') return rejected(verdict);

  const differences = differencesBetween(live, verdict.object);
  const again = withLostPartsKept(work, live, verdict.object);
  if (again !== undefined) return compareWithObject(work, again, live, around);

  work.effective = verdict.object;
  const rewritten = rewrittenFields(sent, verdict.object);
  if (rewritten.length > 0) {
    work.notes.push(
      `the server keeps something else than what we send at ${rewritten.map(({ pointer }) => pointer).join(', ')}`,
    );
  }
  const compared = {
    live: version,
    ...(release !== undefined && { release }),
    ...(rewritten.length > 0 && { rewritten }),
  };
  const drift = driftOf(differences, live);
  const givenUp = fieldsGivenUp(live, verdict.object);
  if (drift.length === 0 && givenUp.length === 0 && release === undefined) {
    return stop({ decision: 'in-sync', ...compared }, 'an apply would change nothing, says the server');
  }
  return stop({ decision: word, ...compared, drift }, whyOf(word, drift, [...givenUp, ...(release?.pointers ?? [])]));
}

function equal(live: LiveVersion, release: Release | undefined): StepResult {
  if (release === undefined)
    return stop({ decision: 'in-sync', live }, 'every field that we want has the value that we want');
  const why = `gives up ${release.pointers.join(', ') || 'what is left of the ignored fields'}`;
  return stop({ decision: 'update', live, drift: [], release }, why);
}

/**
 * Ignored fields keep their live value, whatever else happens. Where leaving them out would change them, managed fields
 * didn't show that they lie inside something atomic, or which item of a list is meant; the server's answer does. Then
 * there is something else to send.
 */
function withLostPartsKept(work: Work, live: KubernetesObject, next: KubernetesObject): KubernetesObject | undefined {
  const { ignored, patched, yielded } = work;
  if (ignored === undefined || patched === undefined || yielded === undefined) return undefined;
  const lost = lostPaths(ignored, patched, live, next).map(formatPointer);
  if (lost.length === 0) return undefined;
  const known = work.shown ?? { whole: new Set<string>(), shown: live };
  const isNews = work.shown === undefined || lost.some((pointer) => !known.whole.has(pointer));
  if (!isNews) return undefined;
  // First by what the answer shows of lists; what is lost even so lies inside something atomic.
  work.shown = {
    whole: work.shown === undefined ? known.whole : new Set([...known.whole, ...lost]),
    shown: next,
  };
  work.yielded = yieldFields(patched, live, ignored, work.shown);
  work.desired = work.yielded.desired;
  return work.desired;
}

function rewrittenFields(sent: KubernetesObject, kept: KubernetesObject): readonly RewrittenField[] {
  return wantedDifferences(sent, kept).map((difference) => ({
    pointer: pointerOf(difference),
    sent: difference.desired,
    ...(difference.live !== undefined && { kept: difference.live }),
  }));
}

/** What we own now and wouldn't after the apply: somebody waits for it, even where no value changes. */
function fieldsGivenUp(live: KubernetesObject, next: KubernetesObject): readonly string[] {
  const [before, after] = [live, next].map(
    (object) => new Set(leavesOf(union(entriesOf(object).filter(isOurs).map(fieldSetOf)), '')),
  );
  const left = [...(after ?? [])];
  // What was owned as a leaf, and now by what is inside it, is still ours.
  return [...(before ?? [])].filter((leaf) => !left.some((field) => field === leaf || field.startsWith(`${leaf}/`)));
}

function leavesOf(set: FieldSet, at: string): readonly string[] {
  return Object.entries(set).flatMap(([element, inner]) => {
    if (element === '.') return [];
    const here = `${at}/${element.replace(/^[fkv]:/, '')}`;
    return isLeaf(inner) ? [here] : leavesOf(inner, here);
  });
}

function whyOf(word: 'update' | 'adopt', drift: readonly DriftedField[], givenUp: readonly string[]): string {
  const what = drift.length > 0 ? describe(drift) : `gives up ${givenUp.join(', ')}`;
  return word === 'adopt' ? `it exists without our label; ${what}` : what;
}

function describe(drift: readonly DriftedField[]): string {
  const shown = drift
    .slice(0, 3)
    .map(({ pointer, manager }) => (manager === null ? pointer : `${pointer} (${manager})`));
  const more = drift.length > shown.length ? ` and ${drift.length - shown.length} more` : '';
  return `${drift.length === 1 ? 'one field differs' : `${drift.length} fields differ`}: ${shown.join(', ')}${more}`;
}

function rejected({ message }: Verdict & { readonly verdict: 'rejected' }): StepResult {
  return stop({ decision: 'rejected', message }, `the server refuses it: ${message}`);
}

function unverified(locally: 'create' | 'adopt' | 'update' | 'unknown', drift: readonly DriftedField[] = []) {
  return { decision: 'unverified', locally, drift } as const;
}

const notAsked = 'it was not asked';
