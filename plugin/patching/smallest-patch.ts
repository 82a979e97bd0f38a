import type { PatchOperation } from '../../shared/api/annotations.ts';
import { formatPointer } from '../../shared/api/json-pointer.ts';
import type { Json } from '../../shared/api/kubernetes-object.ts';
import { canonicalJson, equalJson, isMap } from '../../shared/engine/json.ts';

/**
 * The operations of RFC 6902 that make `after` of `before`: only what differs is touched, field by field, and a list is
 * rewritten as a whole only where that is shorter. Items at the end of a list are added at `-`, so that they stay at the
 * end should the list grow. In each list the later items come first: every index counts in `before`.
 */
export function smallestPatch(before: unknown, after: unknown): readonly PatchOperation[] {
  return differ(before, after, []);
}

type Path = readonly (string | number)[];

function differ(before: unknown, after: unknown, path: Path): readonly PatchOperation[] {
  if (equalJson(before, after)) return [];
  if (isMap(before) && isMap(after)) return differOfMaps(before, after, path);
  if (Array.isArray(before) && Array.isArray(after)) return differOfLists(before, after, path);
  return [replace(path, after)];
}

type JsonMap = Readonly<Record<string, unknown>>;

function differOfMaps(before: JsonMap, after: JsonMap, path: Path): readonly PatchOperation[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) => {
    const here = [...path, key];
    if (!Object.hasOwn(after, key)) return [{ op: 'remove', path: formatPointer(here) } as const];
    return Object.hasOwn(before, key) ? differ(before[key], after[key], here) : [add(here, after[key])];
  });
}

function differOfLists(before: readonly unknown[], after: readonly unknown[], path: Path): readonly PatchOperation[] {
  const whole = replace(path, after);
  const steps = stepsBetween(before, after);
  const operations = steps?.flatMap((step): readonly PatchOperation[] => {
    switch (step.step) {
      case 'keep':
        return itemOperations(before[step.at], after[step.to], [...path, step.at]);
      case 'remove':
        return [{ op: 'remove', path: formatPointer([...path, step.at]) }];
      case 'append':
        return [add([...path, '-'], after[step.to])];
      case 'insert':
        return [add([...path, step.at], after[step.to])];
      default:
        return step satisfies never;
    }
  });
  if (operations === undefined) return [whole];
  // Items that are maps stay what they are when the list changes around them: that is worth some letters.
  const patience = before.every(isMap) ? 2 : 1;
  return lengthOf(operations) > patience * lengthOf([whole]) ? [whole] : operations;
}

/** One item that becomes another one is put there as a whole, where that is shorter. */
function itemOperations(before: unknown, after: unknown, path: Path): readonly PatchOperation[] {
  const [operations, whole] = [differ(before, after, path), [replace(path, after)]];
  return lengthOf(operations) > lengthOf(whole) ? whole : operations;
}

/** `at` counts in the list before, `to` in the list after. */
type Step =
  | { readonly step: 'keep'; readonly at: number; readonly to: number }
  | { readonly step: 'remove'; readonly at: number }
  | { readonly step: 'insert'; readonly at: number; readonly to: number }
  | { readonly step: 'append'; readonly to: number };

/** The cheapest way from one list to the other, from its end to its begin; `undefined` where looking for it costs more. */
function stepsBetween(before: readonly unknown[], after: readonly unknown[]): readonly Step[] | undefined {
  const texts = { before: before.map(canonicalJson), after: after.map(canonicalJson) };
  let begin = 0;
  while (begin < before.length && begin < after.length && texts.before[begin] === texts.after[begin]) begin++;
  let same = 0;
  const most = Math.min(before.length, after.length) - begin;
  while (same < most && texts.before.at(-1 - same) === texts.after.at(-1 - same)) same++;
  const rows = before.length - begin - same;
  const columns = after.length - begin - same;
  if (rows * columns > mostPairs) return undefined;

  const pairCost = (row: number, column: number) => {
    const [at, to] = [begin + row, begin + column];
    return texts.before[at] === texts.after[to] ? 0 : costOfChange(before[at], after[to]);
  };
  const addCost = (column: number) => operationCost + (texts.after[begin + column] ?? '').length;
  // costs[row][column]: from the items of `before` from `row` on to those of `after` from `column` on.
  const costs = Array.from({ length: rows + 1 }, () => new Float64Array(columns + 1));
  const cost = (row: number, column: number) => costs[row]?.[column] ?? 0;
  for (let row = rows; row >= 0; row--) {
    for (let column = columns; column >= 0; column--) {
      const ways = [
        ...(row < rows ? [operationCost + cost(row + 1, column)] : []),
        ...(column < columns ? [addCost(column) + cost(row, column + 1)] : []),
        ...(row < rows && column < columns ? [pairCost(row, column) + cost(row + 1, column + 1)] : []),
      ];
      const line = costs[row];
      if (line !== undefined && ways.length > 0) line[column] = Math.min(...ways);
    }
  }

  const steps: Step[] = [];
  const appended: Step[] = [];
  for (let row = 0, column = 0; row < rows || column < columns; ) {
    const [at, to] = [begin + row, begin + column];
    if (row < rows && column < columns && cost(row, column) === pairCost(row, column) + cost(row + 1, column + 1)) {
      steps.push({ step: 'keep', at, to });
      row++;
      column++;
    } else if (row < rows && cost(row, column) === operationCost + cost(row + 1, column)) {
      steps.push({ step: 'remove', at });
      row++;
    } else {
      if (at === before.length) appended.push({ step: 'append', to });
      else steps.push({ step: 'insert', at, to });
      column++;
    }
  }
  // What comes at the end is appended in its order, before anything else moves.
  return [...appended, ...steps.reverse()];
}

/** About the letters that it takes, without looking deeper than one level. Items with other names are others. */
function costOfChange(before: unknown, after: unknown): number {
  const whole = operationCost + canonicalJson(after).length;
  if (!isMap(before) || !isMap(after) || before.name !== after.name) return whole;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  let cost = 0;
  for (const name of names) {
    if (!equalJson(before[name], after[name])) {
      cost += operationCost + (Object.hasOwn(after, name) ? canonicalJson(after[name]).length : 0);
    }
  }
  return Math.min(cost, whole);
}

function add(path: Path, value: unknown): PatchOperation {
  return { op: 'add', path: formatPointer(path), value: value as Json };
}

function replace(path: Path, value: unknown): PatchOperation {
  return { op: 'replace', path: formatPointer(path), value: value as Json };
}

function lengthOf(operations: readonly PatchOperation[]): number {
  return JSON.stringify(operations).length;
}

/** Of an operation without its value. */
const operationCost = 40;
const mostPairs = 10_000;
