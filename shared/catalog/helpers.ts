import { Buffer } from 'node:buffer';
import type { Json, JsonObject } from '../api/kubernetes-object.ts';
import { keyPrefix } from '../api/names.ts';
import { mergeYaml } from '../yaml/merge-yaml.ts';
import { parseYaml, YamlError } from '../yaml/parse-yaml.ts';
import { printYaml } from '../yaml/print-yaml.ts';
import { configured } from './configured.ts';
import { enumAt, schemaAt } from './crd-schema.ts';
import { compareCodeUnits, deepEqual, isList, isMap, type JsonMap, mergeDeep } from './json.ts';

/** What a helper may look at besides its arguments. */
export type HelperScope = {
  readonly annotations: Readonly<Record<string, unknown>>;
  readonly hyperConverged: unknown;
  /** Bytes of a file that is shipped with the catalog, by its path relative to the asset's file. */
  readonly file: (path: string) => Uint8Array | undefined;
};

export type Helper = {
  /** Fewest and most positional arguments. */
  readonly arity: readonly [number, number];
  /** Named arguments (`default=x`) that it knows; `*` for any. */
  readonly named?: readonly string[];
  readonly required?: readonly string[];
  /** These arguments (by position) must be written as text in the template. */
  readonly literal?: readonly number[];
  /** Arguments come as functions, called only when needed. */
  readonly lazy?: true;
  /** @throws HelperError when the arguments don't fit */
  readonly run: (args: readonly unknown[], named: Readonly<Record<string, unknown>>, scope: HelperScope) => unknown;
};

/** The arguments of a helper don't fit; the evaluator says where. */
export class HelperError extends Error {
  override readonly name = 'HelperError';
}

const any = Number.POSITIVE_INFINITY;

/** Every helper there is, by name: pure, deterministic, strict about the number and the types of its arguments. */
export const helpers: ReadonlyMap<string, Helper> = new Map<string, Helper>(
  Object.entries({
    // Files that ship with the catalog
    file: {
      arity: [1, 1],
      named: ['encoding'],
      literal: [0],
      run: ([path], { encoding = 'text' }, scope) => readFile(text(path), encoding, scope),
    },
    fill: { arity: [1, 1], named: ['*'], run: ([value], named) => fill(text(value), named) },
    base64: { arity: [1, 1], run: ([value]) => Buffer.from(text(value), 'utf8').toString('base64') },

    // Comparing and deciding
    eq: { arity: [2, 2], run: ([a, b]) => deepEqual(a, b) },
    ne: { arity: [2, 2], run: ([a, b]) => !deepEqual(a, b) },
    lt: { arity: [2, 2], run: ([a, b]) => compare(a, b) < 0 },
    le: { arity: [2, 2], run: ([a, b]) => compare(a, b) <= 0 },
    gt: { arity: [2, 2], run: ([a, b]) => compare(a, b) > 0 },
    ge: { arity: [2, 2], run: ([a, b]) => compare(a, b) >= 0 },
    and: { arity: [2, any], lazy: true, run: (args) => args.every((arg) => boolean(force(arg))) },
    or: { arity: [2, any], lazy: true, run: (args) => args.some((arg) => boolean(force(arg))) },
    not: { arity: [1, 1], run: ([value]) => !boolean(value) },
    empty: { arity: [1, 1], run: ([value]) => isEmpty(value) },
    choose: {
      arity: [3, 3],
      lazy: true,
      run: ([condition, yes, no]) => force(boolean(force(condition)) ? yes : no),
    },
    default: { arity: [2, 2], run: ([value, fallback]) => (isEmpty(value) ? fallback : value) },
    fail: {
      arity: [1, 1],
      run: ([message]) => {
        throw new HelperError(text(message));
      },
    },

    // Maps and lists
    dig: {
      arity: [2, any],
      named: ['default'],
      required: ['default'],
      run: ([from, ...keys], named) => dig(from, keys, named.default),
    },
    get: { arity: [2, 2], named: ['default'], run: ([from, key], named) => get(map(from), text(key), named) },
    has: { arity: [2, 2], run: ([items, value]) => list(items).some((item) => deepEqual(item, value)) },
    hasKey: { arity: [2, 2], run: ([from, key]) => Object.hasOwn(map(from), text(key)) },
    keys: { arity: [1, 1], run: ([from]) => Object.keys(map(from)).sort(compareCodeUnits) },
    dict: { arity: [0, 0], named: ['*'], run: (_, named) => named },
    list: { arity: [0, any], run: (args) => args },
    append: { arity: [2, any], run: ([items, ...more]) => [...list(items), ...more] },
    count: { arity: [1, 1], run: ([items]) => (isMap(items) ? Object.keys(items).length : list(items).length) },
    pluck: { arity: [2, 2], run: ([items, key]) => list(items).map((item) => get(map(item), text(key), {})) },
    sort: { arity: [1, 1], run: ([items]) => [...list(items)].sort(compare) },
    unique: {
      arity: [1, 1],
      run: ([items]) =>
        list(items).filter((item, index, all) => all.findIndex((other) => deepEqual(other, item)) === index),
    },
    first: {
      arity: [1, 1],
      named: ['default'],
      required: ['default'],
      run: ([items], named) => list(items)[0] ?? named.default,
    },
    common: {
      arity: [2, 2],
      run: ([items, others]) => list(items).filter((item) => list(others).some((other) => deepEqual(item, other))),
    },
    where: {
      arity: [3, 3],
      run: ([items, key, value]) => list(items).filter((item) => deepEqual(map(item)[text(key)], value)),
    },
    whereNot: {
      arity: [3, 3],
      run: ([items, key, value]) => list(items).filter((item) => !deepEqual(map(item)[text(key)], value)),
    },
    merge: { arity: [2, 2], run: ([base, extra]) => mergeDeep(map(base), map(extra)) },

    // Text
    concat: { arity: [1, any], run: (args) => args.map(text).join('') },
    string: { arity: [1, 1], run: ([value]) => asText(value) },
    join: { arity: [2, 2], run: ([items, separator]) => list(items).map(text).join(text(separator)) },
    split: { arity: [2, 2], run: ([value, separator]) => (value === '' ? [] : text(value).split(nonEmpty(separator))) },
    lower: { arity: [1, 1], run: ([value]) => text(value).toLowerCase() },
    upper: { arity: [1, 1], run: ([value]) => text(value).toUpperCase() },
    trim: { arity: [1, 1], run: ([value]) => text(value).trim() },
    replace: { arity: [3, 3], run: ([value, from, to]) => text(value).split(nonEmpty(from)).join(text(to)) },
    matches: {
      arity: [2, 2],
      literal: [1],
      run: ([value, pattern]) => new RegExp(`^(?:${text(pattern)})$`, 'u').test(text(value)),
    },

    // Whole numbers
    add: { arity: [2, any], run: (args) => args.map(integer).reduce((a, b) => safe(a + b)) },
    integer: {
      arity: [1, 1],
      named: ['default', 'min', 'max'],
      run: ([value], named) => readInteger(asText(value), named),
    },
    seconds: { arity: [1, 1], named: ['default'], run: ([value], named) => seconds(text(value), named.default) },
    sub: { arity: [2, 2], run: ([a, b]) => safe(integer(a) - integer(b)) },
    mul: { arity: [2, any], run: (args) => args.map(integer).reduce((a, b) => safe(a * b)) },

    // Documents in text
    fromJson: { arity: [1, 1], run: ([value]) => fromJson(text(value)) },
    toJson: { arity: [1, 1], run: ([value]) => JSON.stringify(value) },
    fromYaml: { arity: [1, 1], run: ([value]) => readYaml(() => parseYaml(text(value))) },
    toYaml: { arity: [1, 1], run: ([value]) => printYaml(value as Json).slice(0, -1) },
    mergeYaml: {
      arity: [2, 2],
      run: ([value, extra]) => readYaml(() => mergeYaml(text(value), map(extra) as JsonObject)),
    },

    // HyperConverged
    annotation: {
      arity: [1, 1],
      named: ['default'],
      literal: [0],
      run: ([name], named, scope) => annotation(text(name), named, scope),
    },
    enabled: {
      arity: [1, 1],
      literal: [0],
      run: ([feature], _, scope) => own(scope.annotations, `${keyPrefix}enable-${text(feature)}`) === 'true',
    },
    configured: {
      arity: [1, 1],
      literal: [0],
      run: ([path], _, scope) => configured(scope.hyperConverged, text(path)),
    },

    // Objects that the asset reads
    crdHasField: { arity: [2, 2], run: ([crd, path]) => schemaAt(object(crd), text(path)) !== undefined },
    crdEnum: { arity: [2, 2], run: ([crd, path]) => enumAt(object(crd), text(path)) },
    crdHasEnum: {
      arity: [3, 3],
      run: ([crd, path, value]) => enumAt(object(crd), text(path)).some((item) => deepEqual(item, value)),
    },
    hasRecordingRule: { arity: [2, 2], run: ([rule, name]) => hasRecordingRule(object(rule), text(name)) },
    storageProfileRWXClass: { arity: [1, 1], run: ([profiles]) => storageProfileRWXClass(list(profiles)) },
  } satisfies Record<string, Helper>),
);

function readFile(path: string, encoding: unknown, scope: HelperScope): string {
  if (encoding !== 'text' && encoding !== 'base64') throw new HelperError('encoding is "text" or "base64"');
  const bytes = scope.file(path);
  if (bytes === undefined) throw new HelperError(`there is no file ${path} beside the asset`);
  if (encoding === 'base64') return Buffer.from(bytes).toString('base64');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new HelperError(`${path} isn't UTF-8 text: use encoding="base64"`);
  }
}

/** Puts values where `@name@` stands, each name at least once; what looks like one more is a mistake. */
function fill(source: string, values: Readonly<Record<string, unknown>>): string {
  const unused = new Set(Object.keys(values));
  const filled = source.replace(/@([A-Za-z][A-Za-z0-9]*)@/g, (_, name: string) => {
    if (!Object.hasOwn(values, name)) throw new HelperError(`the text has @${name}@, which isn't given`);
    unused.delete(name);
    return asText(values[name]);
  });
  const [name] = unused;
  if (name !== undefined) throw new HelperError(`the text has no @${name}@`);
  return filled;
}

/** A whole number out of a text; what isn't one, or is out of bounds, is the default, and without one a mistake. */
function readInteger(value: string, { default: fallback, min, max }: Readonly<Record<string, unknown>>): unknown {
  const number = /^(0|-?[1-9]\d{0,14})$/.test(value) ? Number(value) : undefined;
  const low = min === undefined ? Number.NEGATIVE_INFINITY : integer(min);
  const high = max === undefined ? Number.POSITIVE_INFINITY : integer(max);
  if (number !== undefined && low <= number && number <= high) return number;
  if (fallback !== undefined) return fallback;
  const bounds = min === undefined && max === undefined ? '' : ` from ${low} to ${high}`;
  throw new HelperError(`it isn't a whole number${bounds}`);
}

/** A span of time as Go and Kubernetes write it, down to the second: 90s, 1m30s, 2h. */
function seconds(value: string, fallback: unknown): unknown {
  const [, hours, minutes, rest] = /^(?=.)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/.exec(value) ?? [];
  if (hours === undefined && minutes === undefined && rest === undefined) {
    if (fallback !== undefined) return fallback;
    throw new HelperError("it isn't a time like 90s, 15m or 1h30m");
  }
  return Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(rest ?? 0);
}

function dig(from: unknown, keys: readonly unknown[], fallback: unknown): unknown {
  let value = from;
  for (const key of keys) {
    if (isMap(value) && typeof key === 'string' && Object.hasOwn(value, key)) value = value[key];
    else if (isList(value) && typeof key === 'number' && key in value) value = value[key];
    else return fallback;
  }
  return value;
}

function get(from: JsonMap, key: string, named: Readonly<Record<string, unknown>>): unknown {
  if (Object.hasOwn(from, key)) return from[key];
  if (Object.hasOwn(named, 'default')) return named.default;
  throw new HelperError(`there is no key ${JSON.stringify(key)}; give default= or ask with hasKey`);
}

function annotation(name: string, named: Readonly<Record<string, unknown>>, { annotations }: HelperScope): unknown {
  const value = own(annotations, keyPrefix + name);
  return value ?? (Object.hasOwn(named, 'default') ? named.default : '');
}

function fromJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new HelperError(`it isn't JSON: ${(error as Error).message}`);
  }
}

function readYaml<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof YamlError)
      throw new HelperError(`the text isn't YAML that can be used: ${error.message.split('\n', 1)[0]}`);
    throw error;
  }
}

function hasRecordingRule(rule: JsonMap | null, name: string): boolean {
  const groups = dig(rule, ['spec', 'groups'], []);
  return asList(groups).some((group) =>
    asList(dig(group, ['rules'], [])).some((item) => dig(item, ['record'], null) === name),
  );
}

/** Name of the first StorageProfile, in code-unit order, that offers shared file systems; empty where none does. */
function storageProfileRWXClass(profiles: readonly unknown[]): string {
  const offers = (profile: unknown) =>
    asList(dig(profile, ['status', 'claimPropertySets'], [])).some(
      (set) =>
        dig(set, ['volumeMode'], null) === 'Filesystem' &&
        asList(dig(set, ['accessModes'], [])).includes('ReadWriteMany'),
    );
  const names = profiles.filter(offers).map((profile) => dig(profile, ['metadata', 'name'], ''));
  return names.filter((name) => typeof name === 'string').sort(compareCodeUnits)[0] ?? '';
}

function asList(value: unknown): readonly unknown[] {
  return isList(value) ? value : [];
}

function own(from: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(from, key) ? from[key] : undefined;
}

function force(thunk: unknown): unknown {
  return (thunk as () => unknown)();
}

function isEmpty(value: unknown): boolean {
  if (isMap(value)) return Object.keys(value).length === 0;
  if (isList(value)) return value.length === 0;
  return value === null || value === '' || value === 0 || value === false;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareCodeUnits(a, b);
  throw new HelperError(`numbers or texts can be compared, not ${describe(a)} with ${describe(b)}`);
}

function boolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new HelperError(
    `a boolean is expected, not ${describe(value)}: use (not (empty x)), (eq x y) or another comparison`,
  );
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new HelperError(`text is expected, not ${describe(value)}`);
}

function nonEmpty(value: unknown): string {
  if (text(value) !== '') return value as string;
  throw new HelperError("an empty text can't be looked for");
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'number') return JSON.stringify(value);
  throw new HelperError(`a number, boolean or text is expected, not ${describe(value)}`);
}

function integer(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new HelperError(`a whole number is expected, not ${describe(value)}`);
}

function safe(value: number): number {
  return Number.isSafeInteger(value) ? value : integer(undefined);
}

function list(value: unknown): readonly unknown[] {
  if (isList(value)) return value;
  throw new HelperError(`a list is expected, not ${describe(value)}`);
}

function map(value: unknown): JsonMap {
  if (isMap(value)) return value;
  throw new HelperError(`a map is expected, not ${describe(value)}`);
}

/** An object that is read, or null where there is none. */
function object(value: unknown): JsonMap | null {
  return value === null ? null : map(value);
}

/** How messages name a value without telling what it holds. */
export function describe(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (isList(value)) return 'a list';
  if (isMap(value)) return 'a map';
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'text';
  return typeof value === 'number' ? `the number ${value}` : 'nothing';
}
