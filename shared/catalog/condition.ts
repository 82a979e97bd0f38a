import type { Condition, ConditionResult } from './asset.ts';
import { cel } from './cel-library.ts';
import type { CompiledCondition, CompiledUse } from './compile-condition.ts';
import { celEvaluator } from './evaluate-cel.ts';
import { evaluateSimply } from './evaluate-simply.ts';
import { isList, isMap, type JsonMap } from './json.ts';
import { ownFunctions } from './own-functions.ts';

/** The condition that was compiled. */
export function conditionOf({ expression, uses, paths, parsed }: CompiledCondition): Condition {
  // Planned when first needed: most conditions of a catalog are never evaluated by a short-lived command.
  let evaluate: ((variables: JsonMap) => unknown) | undefined;
  return {
    expression,
    uses: uses.map(({ use }) => use),
    evaluate(variables): ConditionResult {
      const saw = Object.fromEntries(uses.flatMap((one) => seen(one.use, lookedUp(one, variables))));
      try {
        const simple = evaluateSimply(parsed, variables);
        if (simple !== undefined) return { saw, result: simple ? 'met' : 'unmet' };
        evaluate ??= celEvaluator(parsed);
        const value = evaluate(variables);
        if (typeof value === 'boolean') return { saw, result: value ? 'met' : 'unmet' };
        const message = cel().isCelError(value) ? value.message : `it yields ${nameOf(value)}, not true or false`;
        return { saw, result: 'error', message: explain(message, paths, variables) };
      } catch (error) {
        // A stack that ends in values nested without end, for one.
        return { saw, result: 'error', message: oneLine(String((error as Error).message ?? error)) };
      }
    },
  };
}

function lookedUp(use: CompiledUse, variables: JsonMap): unknown {
  if ('path' in use) return valueAt(variables, use.path);
  const own = ownFunctions.get(use.call);
  return own?.look(valueAt(variables, [own.variable]), use.argument);
}

/** The library says only the last name: say which path, when one of the expression's isn't there. */
function explain(message: string, paths: readonly (readonly string[])[], variables: JsonMap): string {
  const missing = paths.find((path) => valueAt(variables, path) === undefined);
  if (missing === undefined || !/field not found|unresolved attribute|no such key/.test(message))
    return oneLine(message);
  const length = missing.findIndex((_, index) => valueAt(variables, missing.slice(0, index + 1)) === undefined) + 1;
  return `${missing.slice(0, length).join('.')} isn't set: ask with has(${missing.join('.')}) first`;
}

/** Small values as they are; of large ones only how large, since a plan keeps what was seen. */
function seen(use: string, value: unknown): [string, unknown][] {
  if (value === undefined) return [];
  if (typeof value === 'string' && value.length > 200) return [[use, `${value.slice(0, 200)}…`]];
  if (isList(value) && value.length > 0) return [[use, `a list of ${value.length}`]];
  if (isMap(value) && Object.keys(value).length > 0) return [[use, `a map of ${Object.keys(value).length}`]];
  return [[use, value]];
}

function valueAt(variables: unknown, path: readonly string[]): unknown {
  let value = variables;
  for (const key of path) {
    if (!isMap(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint' || typeof value === 'number') return 'a number';
  return typeof value === 'string' ? 'text' : cel().isCelMap(value) ? 'a map' : 'a list or another value';
}

function oneLine(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}
