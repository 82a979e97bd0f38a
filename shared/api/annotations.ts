import { formatPointer, isForbiddenName, maxDepth, PointerError, parsePointer } from './json-pointer.ts';
import type { Json, KubernetesObject } from './kubernetes-object.ts';
import { keyPrefix, managedByLabel } from './names.ts';
import { nearestName } from './nearest-name.ts';
import { patchWrittenRight, pointersWrittenRight } from './written-right.ts';

/** The annotations that steer a managed object, by what they do. */
export const annotation = {
  patch: `${keyPrefix}patch`,
  ignoreFields: `${keyPrefix}ignore-fields`,
  mode: `${keyPrefix}mode`,
  reconcilePaused: `${keyPrefix}reconcile-paused`,
  pausedBy: `${keyPrefix}paused-by`,
  // Notes beside the overrides (see override-note.ts): they steer nothing.
  patchReason: `${keyPrefix}patch-reason`,
  patchUntil: `${keyPrefix}patch-until`,
  ignoreFieldsReason: `${keyPrefix}ignore-fields-reason`,
  ignoreFieldsUntil: `${keyPrefix}ignore-fields-until`,
  modeReason: `${keyPrefix}mode-reason`,
  modeUntil: `${keyPrefix}mode-until`,
} as const;

/** The annotations that steer the whole cluster, on HyperConverged; features add `enable-<feature>`. */
export const clusterAnnotation = {
  autopilot: `${keyPrefix}autopilot`,
  disabledResources: `${keyPrefix}disabled-resources`,
  openshift: `${keyPrefix}openshift`,
  enablePrefix: `${keyPrefix}enable-`,
} as const;

/** An annotation whose value isn't what it must be: the message names the key, what is wrong, and what is right. */
export type Invalid = {
  readonly annotation: string;
  readonly message: string;
  /** Where it was written in another format that we know: annotations as they would be right; null takes one away. */
  readonly right?: Readonly<Record<string, string | null>>;
};

export function isInvalid(value: unknown): value is Invalid {
  return isObject(value) && 'annotation' in value && 'message' in value;
}

/** What `autopilot` asks for. Anything that isn't `true` is a list of names: a typo activates nothing. */
export function parseAutopilot(value: string | undefined): 'all' | 'nothing' | readonly string[] {
  const text = value?.trim() ?? '';
  if (text === 'true') return 'all';
  if (text === '' || text === 'false') return 'nothing';
  const names = [...new Set(text.split(',').map((name) => name.trim()))].filter((name) => name !== '');
  return names.length === 0 ? 'nothing' : names;
}

/** One operation of a user's patch. */
export type PatchOperation = {
  readonly op: PatchOp;
  readonly path: string;
  readonly from?: string;
  readonly value?: Json;
};
export type PatchOp = 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';

/**
 * The operations of the `patch` annotation, each of them checked for form; nothing is said yet about their effect.
 *
 * @param onto - what they are for, with which a merge patch can be put into operations.
 */
export function parsePatch(value: string, onto?: unknown): readonly PatchOperation[] | Invalid {
  const invalid = (message: string): Invalid => ({ annotation: annotation.patch, message });
  const checked = checkPatch(value, invalid);
  if (!isInvalid(checked) || Buffer.byteLength(value) > maxPatchBytes) return checked;
  const right = patchWrittenRight(value, onto);
  // Only what would be taken is suggested.
  return right === undefined || right === value || isInvalid(checkPatch(right, invalid))
    ? checked
    : writtenRight(checked, annotation.patch, right);
}

function checkPatch(value: string, invalid: (message: string) => Invalid): readonly PatchOperation[] | Invalid {
  const size = Buffer.byteLength(value);
  if (size > maxPatchBytes) return invalid(`the patch is ${size} bytes long; at most ${maxPatchBytes} are taken`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (error) {
    return invalid(`the patch isn't JSON: ${error instanceof Error ? error.message : String(error)}; ${patchExample}`);
  }
  if (!Array.isArray(parsed)) {
    const what = isObject(parsed) ? 'a JSON object (a merge patch?)' : `the JSON value ${shown(parsed)}`;
    return invalid(`the patch is ${what}; ${patchExample}`);
  }
  if (parsed.length > maxPatchOperations) {
    return invalid(`the patch has ${parsed.length} operations; at most ${maxPatchOperations} are taken`);
  }
  for (const [index, operation] of parsed.entries()) {
    const problem = problemOfOperation(operation);
    if (problem !== undefined) return invalid(`operation ${index + 1} of the patch: ${problem}`);
  }
  return parsed;
}

/** The pointers of `ignore-fields`, checked for form only. */
export function parseIgnoreFields(value: string): readonly (readonly string[])[] | Invalid {
  const invalid = (message: string): Invalid => ({ annotation: annotation.ignoreFields, message });
  const checked = checkIgnoreFields(value, invalid);
  if (!isInvalid(checked) || Buffer.byteLength(value) > maxPatchBytes) return checked;
  const right = pointersWrittenRight(value);
  return right === undefined || right === value || isInvalid(checkIgnoreFields(right, invalid))
    ? checked
    : writtenRight(checked, annotation.ignoreFields, right);
}

function checkIgnoreFields(
  value: string,
  invalid: (message: string) => Invalid,
): readonly (readonly string[])[] | Invalid {
  if (Buffer.byteLength(value) > maxPatchBytes) return invalid(`the list is longer than ${maxPatchBytes} bytes`);
  if (/^\s*\[/.test(value)) {
    return invalid('the pointers are a JSON or YAML list; they are written separated by commas, as in /spec/a,/spec/b');
  }
  if (/\S\s*\n\s*\S/.test(value)) {
    return invalid(
      'the pointers stand on lines of their own; they are written separated by commas, as in /spec/a,/spec/b',
    );
  }
  const pointers = value.split(',').map((pointer) => pointer.trim());
  if (pointers.length > maxIgnoredFields) return invalid(`more than ${maxIgnoredFields} pointers`);
  const paths: string[][] = [];
  for (const pointer of pointers) {
    if (pointer === '' || pointer === '/') {
      const what = pointer === '' ? 'an empty pointer' : '"/"';
      return invalid(`${what} would ignore the whole object; use mode: unmanaged for that`);
    }
    try {
      paths.push(parsePointer(pointer));
    } catch (error) {
      if (error instanceof PointerError) return invalid(error.message);
      throw error;
    }
  }
  return paths;
}

/** Absent, or `unmanaged`: any other value is somebody's wish that we don't understand. */
export function parseMode(value: string | undefined): 'managed' | 'unmanaged' | Invalid {
  if (value === undefined) return 'managed';
  if (value === 'unmanaged') return 'unmanaged';
  const isMeant = nearestName(value.trim(), ['unmanaged']) !== undefined;
  return {
    annotation: annotation.mode,
    message: `mode ${shown(value)} isn't known; the only mode is "unmanaged"`,
    ...(isMeant && { right: { [annotation.mode]: 'unmanaged' } }),
  };
}

/** Anything but absent or `false` pauses. */
export function isPaused(value: string | undefined): boolean {
  return value !== undefined && value !== 'false';
}

/** Since when, over which fields and against which manager an object is paused; unreadable JSON says nothing. */
export type PausedBy = { readonly since?: string; readonly fields?: readonly string[]; readonly manager?: string };

export function parsePausedBy(value: string | undefined): PausedBy | undefined {
  if (value === undefined || value.length > maxPatchBytes) return undefined;
  try {
    const { since, fields, manager } = Object(JSON.parse(value));
    return {
      ...(typeof since === 'string' && { since }),
      ...(Array.isArray(fields) && { fields: fields.filter((field) => typeof field === 'string') }),
      ...(typeof manager === 'string' && { manager }),
    };
  } catch {
    return undefined;
  }
}

/**
 * Keys of ours on an object that mean nothing: each with the nearest that does. `also` are further keys that are right
 * on this object, such as those that the baseline itself sets.
 */
export function unknownKeys(
  { metadata }: KubernetesObject,
  also: { readonly annotations?: readonly string[]; readonly labels?: readonly string[] } = {},
): readonly Invalid[] {
  const annotations = new Set([...Object.values(annotation), ...(also.annotations ?? [])]);
  const labels = new Set([managedByLabel, ...(also.labels ?? [])]);
  return [
    ...ownKeys(metadata.annotations)
      .filter((key) => !annotations.has(key))
      .map((key) => unknownKey('annotation', key, annotations, metadata.annotations)),
    ...ownKeys(metadata.labels)
      .filter((key) => !labels.has(key))
      .map((key) => unknownKey('label', key, annotations)),
  ];
}

/** The keys of a metadata map that are ours. */
export function ownKeys(map: { readonly [key: string]: string } | undefined): readonly string[] {
  return Object.keys(map ?? {}).filter((key) => key.startsWith(keyPrefix));
}

function writtenRight(invalid: Invalid, key: string, value: string): Invalid {
  return { ...invalid, message: `${invalid.message}; written right it is ${value}`, right: { [key]: value } };
}

function unknownKey(
  where: 'annotation' | 'label',
  key: string,
  known: ReadonlySet<string>,
  values: { readonly [key: string]: string } = {},
): Invalid {
  if (where === 'label' && known.has(key)) {
    return { annotation: key, message: `${key} is a label here, and steers only as an annotation` };
  }
  const nearest = nearestName(
    key.slice(keyPrefix.length),
    [...known].map((name) => name.slice(keyPrefix.length)),
  );
  const hint = nearest === undefined ? '' : `; did you mean ${keyPrefix}${nearest}?`;
  const value = values[key];
  const right =
    nearest === undefined || value === undefined || Object.hasOwn(values, `${keyPrefix}${nearest}`)
      ? undefined
      : { [`${keyPrefix}${nearest}`]: value, [key]: null };
  return { annotation: key, message: `the ${where} ${key} isn't known${hint}`, ...(right !== undefined && { right }) };
}

function problemOfOperation(operation: unknown): string | undefined {
  if (!isObject(operation)) return `it is ${shown(operation)}, not an object with op and path`;
  const { op, path, from } = operation;
  if (typeof op !== 'string' || !patchOps.has(op)) {
    return `op is ${shown(op)}; it is one of ${[...patchOps].join(', ')}`;
  }
  const unknown = Object.keys(operation).find((key) => !['op', 'path', 'from', 'value'].includes(key));
  if (unknown !== undefined) return `it has the key ${shown(unknown)}, which means nothing in RFC 6902`;
  if (typeof path !== 'string') return 'it has no path';
  const needsFrom = op === 'move' || op === 'copy';
  if (needsFrom && typeof from !== 'string') return `${op} has no from`;
  if (!needsFrom && from !== undefined) return `${op} takes no from`;
  if (['add', 'replace', 'test'].includes(op) && !Object.hasOwn(operation, 'value')) return `${op} has no value`;
  try {
    const target = parsePointer(path);
    if (needsFrom) {
      const source = parsePointer(String(from));
      if (op === 'move' && isPrefix(source, target) && source.length < target.length) {
        return `it moves ${formatPointer(source)} into itself`;
      }
    }
  } catch (error) {
    if (error instanceof PointerError) return error.message;
    throw error;
  }
  return problemOfValue(operation.value, 0);
}

function problemOfValue(value: unknown, depth: number): string | undefined {
  if (typeof value === 'number' && !isExact(value))
    return `its value has a number beyond ±${Number.MAX_SAFE_INTEGER}, where numbers aren't exact; a text takes any digits`;
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > maxDepth) return `its value is nested deeper than ${maxDepth} levels`;
  for (const [key, inner] of Object.entries(value)) {
    if (isForbiddenName(key)) return `its value uses the name "${key}", which is refused`;
    const problem = problemOfValue(inner, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Whether it is the number that was written. JSON takes others for the next one that there is, or for null. */
function isExact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPrefix(prefix: readonly string[], path: readonly string[]): boolean {
  return prefix.every((name, index) => name === path[index]);
}

const patchOps: ReadonlySet<string> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);
const maxPatchBytes = 64 * 1024;
const maxPatchOperations = 200;
const maxIgnoredFields = 200;
const patchExample = 'it must be a list of RFC 6902 operations, as in [{"op":"replace","path":"/spec/x","value":5}]';
