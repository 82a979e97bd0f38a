import { annotation, isInvalid, type PatchOperation, parsePatch } from '../../shared/api/annotations.ts';
import type { Json, JsonObject, KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { directiveIn, mergePatchOperations } from '../../shared/api/merge-patch.ts';
import { isMap } from '../../shared/engine/json.ts';
import { applyUserPatch } from '../../shared/engine/user-patch.ts';
import { parseYaml, YamlError } from '../../shared/yaml/parse-yaml.ts';
import { UserError } from '../user-error.ts';
import type { Edited } from './compose-patch.ts';

export type WrittenPatchOptions = {
  /** `json` (RFC 6902) or `merge` (RFC 7386); by its form where it isn't said. */
  readonly type: string | undefined;
  /** Named in messages: `-p`, or the file. */
  readonly source: string;
};

/**
 * What a patch that somebody wrote makes of an object.
 *
 * @throws UserError for what is no patch, or doesn't apply: with line and column, or the operation.
 */
export function applyWrittenPatch(text: string, onto: KubernetesObject, { type, source }: WrittenPatchOptions): Edited {
  const value = read(text, source);
  const isList = Array.isArray(value);
  const isOperation = isMap(value) && typeof value.op === 'string' && typeof value.path === 'string';
  const isMerge = isMap(value) && !isOperation;
  if (type === 'strategic') {
    throw new UserError(
      '--type=strategic has no meaning here, since lists are patched without the live ones: --type=merge replaces a list as a whole, --edit changes what is in it',
    );
  }
  if (type !== undefined && type !== 'json' && type !== 'merge') {
    throw new UserError(`--type=${type} isn't known: it is json (RFC 6902) or merge (RFC 7386)`);
  }
  if (!isList && !isMap(value)) throw noPatch(value, text, source);
  if (type === 'json' && isMerge) {
    throw new UserError(`${source} is a merge patch, and --type=json wants a list of operations: use --type=merge`);
  }
  if (type === 'merge' && !isMerge) {
    throw new UserError(`${source} has operations of RFC 6902, and --type=merge wants none: use --type=json`);
  }
  const operations = isMerge
    ? operationsOfMerge(value as JsonObject, onto, source)
    : operationsIn(isList ? value : [value as JsonObject], source);
  const result = applyUserPatch(onto, operations);
  if (result.result === 'invalid') throw new UserError(`${source} doesn't fit: ${result.message}`);
  return { object: result.object, tests: operations.filter(({ op }) => op === 'test') };
}

function read(text: string, source: string): Json {
  try {
    return parseYaml(text, { maxLength: 1024 * 1024, ambiguous: 'refuse' });
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new UserError(`${source} is neither JSON nor YAML: ${mistakeIn(error)}`, { cause: error });
  }
}

/** The first mistake, with its place. */
export function mistakeIn({ mistakes: [first], message }: YamlError): string {
  if (first === undefined) return message;
  const column = first.column === undefined ? '' : `, column ${first.column}`;
  return `line ${first.line}${column}: ${first.message}`;
}

function noPatch(value: Json, text: string, source: string): UserError {
  if (value === null) return new UserError(`${source} is empty: it is to hold a patch, as in ${example}`);
  if (/^[\w.'"[\]/~-]+=/.test(text.trim()))
    return new UserError(`${source} is an assignment: give it with --set, as in --set spec.x=5`);
  return new UserError(
    `${source} is ${JSON.stringify(value).slice(0, 80)}, and no patch: it is operations, as in ${example}, or a merge patch, as in {"spec":{"x":5}}`,
  );
}

function operationsOfMerge(patch: JsonObject, onto: KubernetesObject, source: string): readonly PatchOperation[] {
  const directive = directiveIn(patch);
  if (directive?.startsWith('$') === true) {
    throw new UserError(
      `${source} has ${directive}, of a strategic merge patch, which means something only beside the live lists: give the whole list, or use --edit`,
    );
  }
  if (directive !== undefined) throw new UserError(`${source} uses the name "${directive}", which is refused`);
  const operations = mergePatchOperations(patch, onto);
  if (operations === undefined) {
    throw new UserError(`${source} has a name with dots that is no path: nest it, as in {"spec":{"x":5}}`);
  }
  return operations as readonly PatchOperation[];
}

function operationsIn(list: readonly Json[], source: string): readonly PatchOperation[] {
  const selecting = list.flatMap((operation) => {
    const { path, from } = Object(operation) as Record<string, unknown>;
    return [path, from].filter((place) => typeof place === 'string' && /\[\?|\[\*\]|\.\./.test(place));
  });
  if (selecting.length > 0) {
    throw new UserError(
      `${source} selects with ${JSON.stringify(selecting[0])} (JSONPath), and RFC 6902 names one place: say which by its index, as "render" shows them, or use --edit`,
    );
  }
  const read = parsePatch(JSON.stringify(list));
  if (!isInvalid(read)) return read;
  const right = read.right?.[annotation.patch];
  const operations = typeof right === 'string' ? parsePatch(right) : read;
  if (isInvalid(operations)) throw new UserError(`${source}: ${operations.message}`);
  return operations;
}

const example = '[{"op":"replace","path":"/spec/x","value":5}]';
