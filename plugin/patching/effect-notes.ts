import type { PatchOperation } from '../../shared/api/annotations.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import { plain } from '../output/colour.ts';
import { diffName, objectText } from '../output/compared-object.ts';
import { unifiedDiff } from '../output/unified-diff.ts';
import type { AuthoredPatch } from './patch-author.ts';

/** Lines about what else decides whether a patch has an effect: fields that are ignored, an object that is left alone. */
export function effectNotes(
  item: PlanItem,
  { operations, result }: Pick<AuthoredPatch, 'operations' | 'result'>,
  now: Date,
): readonly string[] {
  const waits = untilWhen(item);
  const later =
    waits === undefined || result?.checked !== true
      ? undefined
      : unifiedDiff(
          { name: diffName(item.target), live: objectText(result.live), merged: objectText(result.applied), drift: [] },
          { paint: plain, now, sides: ['NOW', 'THEN'] },
        );
  return [
    ...ignoredNotes(item, operations),
    ...(waits === undefined ? [] : [waits]),
    ...(later === undefined
      ? []
      : later === ''
        ? ['  then no value changes']
        : ['  then it becomes:', ...later.trimEnd().split('\n')]),
  ];
}

function untilWhen({ asset, decision, why }: PlanItem): string | undefined {
  const kept = `${asset} is ${decision}: the patch is written, and has no effect until`;
  switch (decision) {
    case 'unmanaged':
      return `${kept} "manage ${asset}" gives the object back`;
    case 'paused':
      return `${kept} "unpause ${asset}" resumes it`;
    case 'excluded':
      return `${kept} no rule of disabled-resources covers it`;
    case 'override-invalid':
    case 'exclusions-invalid':
    case 'waiting':
    case 'missing-namespace':
      return `${kept} that is over: ${why}`;
    default:
      return undefined;
  }
}

function ignoredNotes({ asset, overrides }: PlanItem, operations: readonly PatchOperation[]): readonly string[] {
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
