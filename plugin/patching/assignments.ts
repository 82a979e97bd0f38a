import { parseDottedPath } from '../../shared/api/dotted-path.ts';
import {
  formatPointer,
  isForbiddenName,
  PointerError,
  parsePointer,
  withFirstSlash,
} from '../../shared/api/json-pointer.ts';
import type { Json, KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { isMap } from '../../shared/engine/json.ts';
import { isListIndex, valueAt } from '../../shared/engine/value-at.ts';
import { parseYaml, YamlError } from '../../shared/yaml/parse-yaml.ts';
import { UserError } from '../user-error.ts';
import type { FieldSchema } from './field-schema.ts';
import { mistakeIn } from './written-patch.ts';

/** The schema of the field at a path, as far as it is known. */
export type SchemaAt = (path: readonly string[]) => FieldSchema | undefined;

/**
 * The object with every `PATH=VALUE` made to it, in their order. What isn't there on the way is made. A value is what
 * the schema says; without one a number, `true`, `false`, `null`, `[…]`, `{…}`, and otherwise a text.
 *
 * @throws UserError for what is no path, an index beyond its list, or a place inside something else than a map or a list.
 */
export function applyAssignments(
  assignments: readonly string[],
  onto: KubernetesObject,
  schemaAt: SchemaAt,
): KubernetesObject {
  return assignments.reduce<KubernetesObject>((object, text) => {
    const equals = text.indexOf('=');
    if (equals <= 0) throw new UserError(`--set ${text} is no PATH=VALUE, as in spec.replicas=3`);
    const names = pathOf(text.slice(0, equals));
    const value = readValue(text.slice(equals + 1), schemaAt(names), text);
    return put(object, names, value, [], schemaAt) as KubernetesObject;
  }, onto);
}

/**
 * The object without what stands at the pointers. All of them count in the object as it is now, however many go.
 *
 * @param nearby - what is known of a pointer at which nothing is rendered.
 * @throws UserError for what is no pointer, or points at nothing.
 */
export function applyRemovals(
  pointers: readonly string[],
  onto: KubernetesObject,
  nearby: (path: readonly string[]) => string,
): KubernetesObject {
  const paths = pointers.map((text) => removalPath(text));
  for (const path of paths) {
    if (valueAt(onto, path) === undefined) {
      throw new UserError(`--remove ${formatPointer(path)}: nothing is rendered there${nearby(path)}`);
    }
  }
  const distinct = [...new Map(paths.map((path) => [formatPointer(path), path])).values()];
  const outermost = distinct.filter((path) => !distinct.some((other) => other !== path && isAbove(other, path)));
  // Later items first, so that those before them stay where they are.
  return outermost
    .sort(byPlace)
    .reduceRight<KubernetesObject>((object, path) => without(object, path) as KubernetesObject, onto);
}

function pathOf(text: string): readonly string[] {
  const path = pathIn(text, '--set');
  if (path === undefined || path.length === 0) {
    throw new UserError(
      `--set: ${JSON.stringify(text)} is no path: it is written spec.a.b, spec.list[0], metadata.annotations['example.com/x'], or as a JSON pointer`,
    );
  }
  const forbidden = path.find(isForbiddenName);
  if (forbidden !== undefined)
    throw new UserError(`--set: ${JSON.stringify(text)} uses the name "${forbidden}", which is refused`);
  return path;
}

function removalPath(text: string): readonly string[] {
  const path = pathIn(text, '--remove');
  if (path !== undefined && path.length > 0) return path;
  throw new UserError(`--remove: ${JSON.stringify(text)} is no JSON pointer, as in /spec/x`);
}

/** The names in a pointer, or in a dotted path; undefined where it is neither. */
function pathIn(text: string, option: string): readonly string[] | undefined {
  const pointer = withFirstSlash(text);
  if (!pointer.startsWith('/')) return parseDottedPath(text);
  try {
    return parsePointer(pointer);
  } catch (error) {
    if (error instanceof PointerError) throw new UserError(`${option}: ${error.message}`);
    throw error;
  }
}

function readValue(text: string, schema: FieldSchema | undefined, assignment: string): Json {
  const isQuoted = /^".*"$/s.test(text);
  if (schema?.type === 'string' && !isQuoted && !(text === 'null' && schema.nullable)) return text;
  if (!isQuoted && !/^[[{]/.test(text)) return scalarIn(text);
  try {
    return parseYaml(text, { maxLength: 64 * 1024, ambiguous: 'refuse' });
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new UserError(`--set ${assignment}: the value is neither JSON nor YAML: ${mistakeIn(error)}`, {
      cause: error,
    });
  }
}

/** As JSON has it, and otherwise a text. */
function scalarIn(text: string): Json {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text)) ? Number(text) : text;
}

function put(here: unknown, names: readonly string[], value: Json, at: readonly string[], schemaAt: SchemaAt): unknown {
  const [name, ...rest] = names;
  if (name === undefined) return value;
  const inner = [...at, name];
  const isMissing = here === undefined || here === null;
  const isList = Array.isArray(here) || (isMissing && startsList(name, schemaAt(at)));
  if (isList) {
    const list: readonly unknown[] = Array.isArray(here) ? here : [];
    const index = name === '-' ? list.length : isListIndex(name) ? Number(name) : Number.NaN;
    if (!(index <= list.length)) {
      throw new UserError(
        `--set ${formatPointer(inner)}: ${formatPointer(at)} is ${placesIn(list)}[${list.length}] adds to it`,
      );
    }
    return list.toSpliced(index, 1, put(list[index], rest, value, inner, schemaAt));
  }
  if (!isMissing && !isMap(here)) {
    throw new UserError(
      `--set ${formatPointer([...at, ...names])}: ${formatPointer(at)} is ${JSON.stringify(here)}, neither a map nor a list`,
    );
  }
  const map = isMap(here) ? here : {};
  return { ...map, [name]: put(Object.hasOwn(map, name) ? map[name] : undefined, rest, value, inner, schemaAt) };
}

function placesIn({ length }: readonly unknown[]): string {
  if (length === 0) return 'an empty list: ';
  return `a list of ${length}: ${length === 1 ? '[0] is' : `[0] to [${length - 1}] are`} there, and `;
}

/** Whether what has to be made around a name is a list. */
function startsList(name: string, schema: FieldSchema | undefined): boolean {
  return schema?.type === undefined ? isListIndex(name) || name === '-' : schema.type === 'array';
}

function without(here: unknown, [name = '', ...rest]: readonly string[]): unknown {
  if (Array.isArray(here)) {
    const index = Number(name);
    return rest.length === 0 ? here.toSpliced(index, 1) : here.with(index, without(here[index], rest));
  }
  const { [name]: inner, ...others } = Object(here) as Record<string, unknown>;
  // In its place, so that a diff shows nothing else.
  return rest.length === 0 ? others : { ...Object(here), [name]: without(inner, rest) };
}

function isAbove(path: readonly string[], other: readonly string[]): boolean {
  return path.length < other.length && path.every((name, index) => name === other[index]);
}

function byPlace(a: readonly string[], b: readonly string[]): number {
  for (const [depth, name] of a.entries()) {
    const other = b[depth];
    if (other === undefined) return 1;
    if (name === other) continue;
    return isListIndex(name) && isListIndex(other) ? Number(name) - Number(other) : name < other ? -1 : 1;
  }
  return a.length - b.length;
}
