import { parseDottedPath } from './dotted-path.ts';
import { formatPointer, isForbiddenName } from './json-pointer.ts';
import type { Json, JsonObject } from './kubernetes-object.ts';

/**
 * What a merge patch (RFC 7386) does to `onto`, as operations of RFC 6902; none where everything is so already. Names
 * with dots at the top, where no object has any, are paths. `undefined` for what operations can't say: `$patch` and the
 * like of a strategic merge patch mean something only beside the live lists.
 */
export function mergePatchOperations(patch: JsonObject, onto: unknown): readonly JsonObject[] | undefined {
  const merged = Object.entries(patch).reduce<JsonObject | undefined>((all, [name, value]) => {
    const path = name.includes('.') ? parseDottedPath(name) : [name];
    return all === undefined || path === undefined ? undefined : putInto(all, path, value);
  }, {});
  return merged === undefined || directiveIn(merged) !== undefined ? undefined : merge(merged, onto, []);
}

/** The map with a value at a path, maps on the way made where there is none; `undefined` for a name that is refused. */
export function putInto(map: JsonObject, [name, ...rest]: readonly string[], value: Json): JsonObject | undefined {
  if (name === undefined || isForbiddenName(name)) return undefined;
  const there = map[name];
  const inner = rest.length === 0 ? value : putInto(isMap(there) ? there : {}, rest, value);
  return inner === undefined ? undefined : { ...map, [name]: inner };
}

/** A name in the patch that stands for something else than a field. */
export function directiveIn(value: Json): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const isList = Array.isArray(value);
  for (const [name, item] of Object.entries(value)) {
    if (!isList && (name.startsWith('$') || isForbiddenName(name))) return name;
    const inner = directiveIn(item);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

function merge(patch: JsonObject, onto: unknown, path: readonly string[]): readonly JsonObject[] {
  return Object.entries(patch).flatMap(([name, value]): readonly JsonObject[] => {
    const here = [...path, name];
    const there = isMap(onto) && Object.hasOwn(onto, name) ? onto[name] : undefined;
    if (value === null) return there === undefined ? [] : [{ op: 'remove', path: formatPointer(here) }];
    if (isMap(value) && isMap(there)) return merge(value, there, here);
    return [{ op: there === undefined ? 'add' : 'replace', path: formatPointer(here), value: withoutNulls(value) }];
  });
}

function withoutNulls(value: Json): Json {
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) => (item === null ? [] : [[name, withoutNulls(item)]])),
  );
}

function isMap(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
