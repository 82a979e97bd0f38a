import type { PatchOperation } from '../../shared/api/annotations.ts';
import { formatPointer, parsePointer } from '../../shared/api/json-pointer.ts';
import type { Json } from '../../shared/api/kubernetes-object.ts';
import { isMap } from '../../shared/engine/json.ts';
import { valueAt } from '../../shared/engine/value-at.ts';

/** `test` operations, and the pointers of what can't be guarded: RFC 6902 has no test for what isn't there. */
export type Guard = { readonly tests: readonly PatchOperation[]; readonly unguarded: readonly string[] };

/**
 * What must be so in the rendered state for the operations to mean what they mean now: what they replace or remove has
 * its value, and an item of a list that they reach by its index is that item. All of it stands before the operations,
 * which are those of `smallestPatch`.
 */
export function guardTests(operations: readonly PatchOperation[], baseline: unknown): Guard {
  const tests = new Map<string, PatchOperation>();
  const unguarded: string[] = [];
  for (const { op, path } of operations) {
    if (op === 'test') continue;
    const names = parsePointer(path);
    const needed = [
      ...names.flatMap((_, depth) => itemTests(baseline, names.slice(0, depth))),
      ...(op === 'add' ? itemTests(baseline, names) : [testOf(baseline, names)]),
    ];
    if (needed.length === 0) unguarded.push(path);
    for (const test of needed) tests.set(test.path, test);
  }
  return { tests: [...tests.values()], unguarded };
}

/** That the item of a list at `path` is this one: by its name where it has one, otherwise as a whole. */
function itemTests(baseline: unknown, path: readonly string[]): readonly PatchOperation[] {
  const isItem = path.length > 0 && Array.isArray(valueAt(baseline, path.slice(0, -1)));
  const item = isItem ? valueAt(baseline, path) : undefined;
  if (item === undefined) return [];
  return [testOf(baseline, isMap(item) && typeof item.name === 'string' ? [...path, 'name'] : path)];
}

function testOf(baseline: unknown, path: readonly string[]): PatchOperation {
  return { op: 'test', path: formatPointer(path), value: valueAt(baseline, path) as Json };
}
