import { parseYaml, YamlError } from '../yaml/parse-yaml.ts';
import { printFlowYaml } from '../yaml/print-flow-yaml.ts';
import { parseDottedPath } from './dotted-path.ts';
import { formatPointer, withFirstSlash } from './json-pointer.ts';
import type { Json, JsonObject } from './kubernetes-object.ts';
import { mergePatchOperations, putInto } from './merge-patch.ts';
import { nearestName } from './nearest-name.ts';

/**
 * A patch that was written in another known format, as RFC 6902 has it: a merge patch (RFC 7386), also as YAML;
 * operations as YAML or without their list, or with dotted paths; assignments such as `spec.a=5`. `undefined` where the
 * text can't be taken for any of them.
 *
 * @param onto - what the patch is for: where something isn't there, a merge patch makes it, and RFC 6902 doesn't.
 */
export function patchWrittenRight(text: string, onto: unknown): string | undefined {
  const value = valueIn(text) ?? assignmentsIn(text);
  const operations: readonly (JsonObject | undefined)[] | undefined = Array.isArray(value)
    ? value.map(operationRight)
    : isMap(value)
      ? typeof value.op === 'string' && typeof value.path === 'string'
        ? [operationRight(value)]
        : mergePatchOperations(value, onto)
      : undefined;
  if (operations === undefined || operations.length === 0 || operations.includes(undefined)) return undefined;
  return JSON.stringify(operations);
}

/** Pointers that were written as a list, on lines of their own or with dots, as `ignore-fields` takes them. */
export function pointersWrittenRight(text: string): string | undefined {
  const value = /^\s*[[-]/.test(text) ? valueIn(text) : undefined;
  const listed = Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  const pointers = (listed ?? text.split(/[,\n]/))
    .map((pointer) => pointer.trim())
    .filter((pointer) => pointer !== '')
    .map(pointerRight);
  return pointers.length === 0 || pointers.includes(undefined) ? undefined : pointers.join(',');
}

/**
 * Rules of `disabled-resources` that were written without their list, with misspelt keys, or as `KIND/NAME` and
 * `KIND/NAMESPACE/NAME`, as messages name an object. On one line, in YAML's flow style.
 */
export function rulesWrittenRight(text: string, keys: readonly string[]): string | undefined {
  const value = valueIn(text) ?? text.split(/[,\n]/).filter((part) => part.trim() !== '');
  const rules = (Array.isArray(value) ? value : [value]).map((rule) => ruleRight(rule, keys));
  return rules.length === 0 || rules.includes(undefined) ? undefined : printFlowYaml(rules as Json[]);
}

function ruleRight(rule: Json, keys: readonly string[]): JsonObject | undefined {
  if (isMap(rule)) {
    const right = Object.entries(rule).map(([key, value]) => [nearestName(key, keys) ?? key, value] as const);
    // Which of two was meant, nobody knows.
    return new Set(right.map(([key]) => key)).size < right.length ? undefined : Object.fromEntries(right);
  }
  const named = typeof rule === 'string' ? /^\s*([A-Z]\w*)\/(?:([^/\s]+)\/)?([^/\s]+)\s*$/.exec(rule) : null;
  const [, kind = '', namespace, name = ''] = named ?? [];
  return named === null ? undefined : { kind, name, ...(namespace !== undefined && { namespace }) };
}

function pointerRight(text: string): string | undefined {
  const pointer = withFirstSlash(text);
  // A comma would end it.
  if (pointer.startsWith('/')) return /~(?![01])|,/.test(pointer) ? undefined : pointer;
  const names = parseDottedPath(text);
  return names === undefined || names.some((name) => name.includes(',')) ? undefined : formatPointer(names);
}

function operationRight(operation: unknown): JsonObject | undefined {
  if (!isMap(operation) || typeof operation.op !== 'string') return undefined;
  const right: { [key: string]: Json } = { ...operation };
  for (const key of ['path', 'from']) {
    const pointer = operation[key];
    if (pointer === undefined && key === 'from') continue;
    const fixed = typeof pointer === 'string' ? pointerRight(pointer) : undefined;
    if (fixed === undefined) return undefined;
    right[key] = fixed;
  }
  return right;
}

/** `spec.a=5,.spec.b=x`: a value is JSON, or else a text. */
function assignmentsIn(text: string): JsonObject | undefined {
  let all: JsonObject = {};
  for (const part of text.split(/[,\n]/).filter((piece) => piece.trim() !== '')) {
    const [, dotted = '', value = ''] = /^([^=]+?)\s*=\s*(.*)$/s.exec(part.trim()) ?? [];
    const path = parseDottedPath(dotted);
    const next = path === undefined ? undefined : putInto(all, path, valueIn(value) ?? value);
    if (next === undefined) return undefined;
    all = next;
  }
  return all;
}

function valueIn(text: string): Json | undefined {
  try {
    const value = parseYaml(text, { maxLength: 64 * 1024 });
    // Nearly every text is YAML for a text.
    return typeof value === 'string' ? undefined : value;
  } catch (error) {
    if (error instanceof YamlError) return undefined;
    throw error;
  }
}

function isMap(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
