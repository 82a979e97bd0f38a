import { annotation } from '../api/annotations.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { isOver, type NotedKey, noteKeys, noteOn, type OverrideNote } from '../api/override-note.ts';
import type { Noted, Override, PlanItem } from './plan-item.ts';

/** What is shown of a note. */
export function noted({ reason, until }: OverrideNote = {}): Noted {
  return { ...(reason !== undefined && { reason }), ...(until !== undefined && { until }) };
}

/** Notes on the object that can't be used: they are reported, and hold nothing. */
export function invalidNotesOn({ metadata }: KubernetesObject): readonly (Override & { readonly type: 'invalid' })[] {
  return notedKeys.flatMap((key) =>
    (noteOn(metadata.annotations, key)?.mistakes ?? []).map(({ field, message }) => ({
      type: 'invalid' as const,
      annotation: noteKeys[key][field],
      message: `${shortName(key)}-${message}`,
    })),
  );
}

/** One line for each note that says nothing. */
export function idleNotesOn({ metadata: { annotations = {} } }: KubernetesObject): readonly string[] {
  return notedKeys
    .filter((key) => annotations[key] === undefined)
    .flatMap((key) => Object.values(noteKeys[key]))
    .filter((key) => annotations[key] !== undefined)
    .map((key) => `there is ${shortName(key)}, but nothing that it is about`);
}

/**
 * The item with what its overrides say for themselves: a line for each, and whether its date is past. `now` is in
 * milliseconds since 1970; without it nothing is. Decisions don't depend on it, so that time alone changes nothing.
 */
export function dated(item: PlanItem, now: number | undefined): PlanItem {
  if (!item.overrides.some(hasNote)) return item;
  const overrides = item.overrides.map((override): Override => {
    if (!hasNote(override) || override.until === undefined || now === undefined) return override;
    return { ...override, expired: isOver(override.until, now) };
  });
  return { ...item, overrides, notes: [...item.notes, ...overrides.filter(hasNote).map(describe)] };
}

function describe({ type, reason, until, expired }: NotedOverride): string {
  const end = until === undefined ? '' : ` until ${until}${expired === true ? ', which is over' : ''}`;
  return `${type}${end}${reason === undefined ? '' : `: ${reason}`}`;
}

type NotedOverride = Exclude<Override, { readonly type: 'paused' | 'invalid' }>;

function hasNote(override: Override): override is NotedOverride {
  return 'reason' in override || 'until' in override;
}

function shortName(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

const notedKeys: readonly NotedKey[] = [annotation.patch, annotation.ignoreFields, annotation.mode];
