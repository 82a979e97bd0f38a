import type { PatchOperation } from '../../shared/api/annotations.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import { plain } from '../output/colour.ts';
import { diffName, objectText } from '../output/compared-object.ts';
import { unifiedDiff } from '../output/unified-diff.ts';
import { notInEffect } from '../writing/not-in-effect.ts';
import type { AuthoredPatch } from './patch-author.ts';

/** Of an object that is left alone, by the plan for afterwards: until when, and what the patch does then. */
export function laterLines(item: PlanItem, { result }: Pick<AuthoredPatch, 'result'>, now: Date): readonly string[] {
  const waits = notInEffect(item, 'the patch');
  if (waits === undefined || result?.checked !== true) return waits === undefined ? [] : [waits];
  const later = unifiedDiff(
    { name: diffName(item.target), live: objectText(result.live), merged: objectText(result.applied), drift: [] },
    { paint: plain, now, sides: ['NOW', 'THEN'] },
  );
  return [
    waits,
    ...(later === '' ? ['  then no value changes'] : ['  then it becomes:', ...later.trimEnd().split('\n')]),
  ];
}

/** Lines about fields that are patched, and ignored. */
export function ignoredNotes({ asset, overrides }: PlanItem, operations: readonly PatchOperation[]): readonly string[] {
  const ignored = overrides.flatMap((override) => (override.type === 'ignore' ? override.pointers : []));
  return ignored
    .filter((pointer) =>
      operations.some(({ op, path }) => op !== 'test' && (isInside(path, pointer) || isInside(pointer, path))),
    )
    .map(
      (pointer) =>
        `${pointer} is ignored: whatever is patched there, the live value stays until "ignore ${asset} ${pointer} --remove"`,
    );
}

function isInside(path: string, around: string): boolean {
  return path === around || path.startsWith(`${around}/`);
}
