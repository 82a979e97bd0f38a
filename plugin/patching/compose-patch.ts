import { annotation, type Invalid, isInvalid, type PatchOperation, parsePatch } from '../../shared/api/annotations.ts';
import { parsePointer } from '../../shared/api/json-pointer.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { equalJson } from '../../shared/engine/json.ts';
import { applyUserPatch } from '../../shared/engine/user-patch.ts';
import { valueAt } from '../../shared/engine/value-at.ts';
import { UserError } from '../user-error.ts';
import { guardTests } from './guard-tests.ts';
import { smallestPatch } from './smallest-patch.ts';

/** The patch that an object carries already, and what it makes of the rendered state. */
export type CurrentPatch = {
  /** None where there is no patch, or it is invalid. */
  readonly operations: readonly PatchOperation[];
  /** The rendered state with it. */
  readonly patched: KubernetesObject;
  /** Whether it counts as it is written. */
  readonly isRight: boolean;
  /** What people have to know of it. */
  readonly notes: readonly string[];
};

/** What somebody wants instead of the current state. */
export type Edited = {
  readonly object: KubernetesObject;
  /** `test` operations that were given: kept, where they hold for the rendered state. */
  readonly tests?: readonly PatchOperation[];
};

export type ComposedPatch = {
  /** What is to be written; none where the object is as it is rendered. */
  readonly operations: readonly PatchOperation[];
  /** The rendered state with them. */
  readonly patched: KubernetesObject;
  readonly notes: readonly string[];
};

/**
 * Reads the patch annotation of an object. One that is only written in another format counts as it is meant; any other
 * invalid one counts as none, and is to be replaced.
 */
export function currentPatch(value: string | undefined, baseline: KubernetesObject): CurrentPatch {
  if (value === undefined) return { operations: [], patched: baseline, isRight: true, notes: [] };
  const read = parsePatch(value, baseline);
  const right = isInvalid(read) ? read.right?.[annotation.patch] : undefined;
  const operations = typeof right === 'string' ? parsePatch(right) : read;
  if (isInvalid(operations)) return replaced(baseline, operations);
  const result = applyUserPatch(baseline, operations);
  if (result.result === 'invalid') return replaced(baseline, result);
  const notes = typeof right === 'string' ? [`the patch that is there isn't RFC 6902, and is taken as ${right}`] : [];
  return { operations, patched: result.object, isRight: right === undefined, notes };
}

function replaced(baseline: KubernetesObject, { message }: Invalid): CurrentPatch {
  return {
    operations: [],
    patched: baseline,
    isRight: false,
    notes: [`the patch that is there is invalid, and is replaced: ${message}`],
  };
}

/**
 * The smallest patch that makes of the rendered state what is wanted, with the tests that go with it, as the controller
 * will take it.
 *
 * @param options.guard - whether every operation is guarded by what the rendered state has there.
 * @throws UserError where it would be refused: too long, too many operations, or forbidden by its effect.
 */
export function composePatch(
  baseline: KubernetesObject,
  current: CurrentPatch,
  { object, tests: given = [] }: Edited,
  { guard }: { guard: boolean },
): ComposedPatch {
  const changes = smallestPatch(baseline, object);
  const notes = [...current.notes];
  const holds = given.filter(({ path, value }) => equalJson(valueAt(baseline, parsePointer(path)), value));
  const failing = given.filter((test) => !holds.includes(test));
  if (failing.length > 0) {
    notes.push(
      `tested now, and not written, since the rendered state has something else there: ${pathsOf(failing).join(', ')}`,
    );
  }
  const guards = guard ? guardTests(changes, baseline) : { tests: [], unguarded: [] };
  if (guards.unguarded.length > 0) {
    notes.push(`nothing can guard what isn't rendered: ${guards.unguarded.join(', ')}`);
  }
  const tests = new Map(
    [...keptTests(current.operations, changes, baseline), ...holds, ...guards.tests].map((test) => [test.path, test]),
  );
  const operations = changes.length === 0 ? [] : [...tests.values(), ...changes];
  notes.push(...idle(current, baseline, object));

  const checked = parsePatch(JSON.stringify(operations));
  const result = isInvalid(checked) ? undefined : applyUserPatch(baseline, checked);
  const problem = isInvalid(checked) ? checked : result?.result === 'invalid' ? result : undefined;
  if (problem !== undefined) throw new UserError(`no patch can do that: ${problem.message}`);
  return { operations, patched: object, notes };
}

/** Tests of the present patch: one that guards an operation goes with it, any other stays. */
function keptTests(
  operations: readonly PatchOperation[],
  changes: readonly PatchOperation[],
  baseline: KubernetesObject,
): readonly PatchOperation[] {
  const others = operations.filter(({ op }) => op !== 'test');
  return operations.filter(
    (test) =>
      test.op === 'test' &&
      equalJson(valueAt(baseline, parsePointer(test.path)), test.value) &&
      (changes.some((change) => guards(test, change)) || !others.some((operation) => guards(test, operation))),
  );
}

/** Whether it tests what the operation changes, what is around that, or the name of an item around it. */
function guards({ path }: PatchOperation, operation: PatchOperation): boolean {
  const around = path.replace(/\/name$/, '');
  return [path, around].some((place) => isInside(operation.path, place)) || isInside(path, operation.path);
}

function isInside(path: string, around: string): boolean {
  return path === around || path.startsWith(`${around}/`);
}

/** Operations of the present patch that ask for what is rendered by now: they are dropped. */
function idle({ operations }: CurrentPatch, baseline: KubernetesObject, object: KubernetesObject): readonly string[] {
  const dropped = operations.filter(({ op, path, value }) => {
    if (op !== 'add' && op !== 'replace') return false;
    const [rendered, wanted] = [baseline, object].map((root) => valueAt(root, parsePointer(path)));
    return equalJson(rendered, value) && equalJson(wanted, value);
  });
  return dropped.length === 0
    ? []
    : [`dropped from the patch, since it is rendered so by now: ${pathsOf(dropped).join(', ')}`];
}

function pathsOf(operations: readonly PatchOperation[]): readonly string[] {
  return [...new Set(operations.map(({ path }) => path))];
}
