import { type Document, isScalar, isMap as isYamlMap, parse, parseDocument, Scalar, visit, type YAMLMap } from 'yaml';
import type { Json, JsonObject } from '../api/kubernetes-object.ts';
import { parseYaml, YamlError } from './parse-yaml.ts';
import { isPlainString } from './plain-string.ts';
import { escapeUnsafe } from './print-flow-yaml.ts';
import { printYaml } from './print-yaml.ts';

/**
 * Merges a map into a YAML document that somebody else wrote: maps deeply, lists and scalars replaced. What isn't
 * touched keeps its comments and its spelling; a document that already says it all comes back as it is, byte by byte.
 *
 * @throws YamlError for a text that isn't one mapping, or that the merge would make say something else to some reader
 */
export function mergeYaml(text: string, extra: JsonObject): string {
  const base = parseYaml(text) ?? {};
  if (!isMap(base)) throw new YamlError([{ line: 1, message: 'It must be a mapping' }]);
  const wanted = merged(base, extra);
  if (isSame(wanted, base)) return text;

  const document = parseDocument(text, { uniqueKeys: false });
  if (!isYamlMap(document.contents)) {
    // Nothing, or comments only.
    const start = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    return start.trim() === '' ? printYaml(extra) : start + printYaml(extra);
  }
  setLeaves(document, document.contents, extra);
  const result = escapeUnsafe(document.toString({ lineWidth: 0, flowCollectionPadding: false }));
  if (!isSame(parseYaml(result), wanted) || !saysTheSameIn11(text, result, extra)) {
    const message =
      "It can't be merged into without changing what it says to some readers: quote what looks like numbers or booleans";
    throw new YamlError([{ line: 1, message }]);
  }
  return result;
}

function setLeaves(document: Document, map: YAMLMap, extra: JsonObject): void {
  for (const [key, value] of Object.entries(extra)) {
    const node = map.get(key, true);
    if (isMap(value) && isYamlMap(node)) {
      setLeaves(document, node, value);
      continue;
    }
    const created = document.createNode(value);
    visit(created, { Scalar: (_, scalar) => void quoteWhereNeeded(scalar) });
    // The comment beside a value that is replaced stays beside it.
    if (isScalar(node) && isScalar(created) && typeof node.comment === 'string') created.comment = node.comment;
    map.set(quoteWhereNeeded(new Scalar(key)), created);
  }
}

function quoteWhereNeeded(scalar: Scalar): Scalar {
  if (typeof scalar.value === 'string' && !isPlainString(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
  return scalar;
}

/** Old readers take `yes` for true and `0644` for 420: what they read must be merged and otherwise unchanged as well. */
function saysTheSameIn11(text: string, result: string, extra: JsonObject): boolean {
  const read = (source: string) => parse(source, { version: '1.1', uniqueKeys: false, logLevel: 'silent' }) as Json;
  try {
    const base = read(text);
    return isMap(base) && isSame(read(result), merged(base, extra));
  } catch {
    return false;
  }
}

function merged(base: JsonObject, extra: JsonObject): JsonObject {
  const result = new Map<string, Json>(Object.entries(base));
  for (const [key, value] of Object.entries(extra)) {
    const old = result.get(key);
    result.set(key, isMap(old) && isMap(value) ? merged(old, value) : value);
  }
  return Object.fromEntries(result);
}

function isMap(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Equal as JSON, whatever the order of keys. */
function isSame(a: Json, b: Json): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: Json): string {
  return JSON.stringify(value, (_, item) =>
    isMap(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
  );
}
