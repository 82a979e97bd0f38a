import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseAllDocuments,
} from 'yaml';
import type { Json } from '../api/kubernetes-object.ts';
import { isAmbiguous } from './plain-string.ts';

export type ParseYamlOptions = {
  /** Named in messages, `file:line: …`. */
  file?: string;
  /** Number of the text's first line, for a text that was cut out of a file. Default 1. */
  firstLine?: number;
  /** Longest text that is read, in UTF-16 units. Default 4 Mi. */
  maxLength?: number;
  /** Deepest nesting that is read. Default 64. */
  maxDepth?: number;
  /** Unquoted text that some reader takes for something else (`yes`, `0644`, `1e3`). Default `allow`. */
  ambiguous?: 'allow' | 'refuse';
};

/** One document: its value and where its parts stand. */
export type YamlDocument = {
  readonly value: Json;
  /** Line of its first node. */
  readonly line: number;
  /** Line of the part at a path, or of the closest part around it that exists; of a map's entry, that of its key. */
  readonly lineOf: (path: readonly (string | number)[]) => number;
  /** The scalars in the text, keys included, and collections written in flow style, by where they begin. */
  readonly pieces: readonly YamlPiece[];
};

export type YamlPiece = {
  readonly start: number;
  readonly end: number;
  readonly style: 'plain' | 'single' | 'double' | 'block' | 'flow';
  readonly value: Json;
};

export type YamlMistake = { readonly line: number; readonly message: string; readonly column?: number };

/** A text that isn't the YAML that we read; its mistakes, the first twenty, with their lines. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
  readonly mistakes: readonly YamlMistake[];

  constructor(mistakes: readonly YamlMistake[], file?: string) {
    const shown = mistakes.slice(0, 20);
    super(
      shown.map(({ line, message }) => `${file === undefined ? 'line ' : `${file}:`}${line}: ${message}`).join('\n'),
    );
    this.mistakes = shown;
  }
}

/**
 * Reads the one document of a text, strictly: JSON's types only; no aliases, anchors, tags, directives or keys given
 * twice; everything capped. A text without a document is null.
 *
 * @throws YamlError with every mistake
 */
export function parseYaml(text: string, options: ParseYamlOptions = {}): Json {
  const documents = parseYamlDocuments(text, options);
  const second = documents[1];
  if (second !== undefined) {
    throw new YamlError([{ line: second.line, message: 'Only one YAML document is expected here' }], options.file);
  }
  return documents[0]?.value ?? null;
}

/** Reads all documents of a text as {@link parseYaml} reads one; those without any content are left out. */
export function parseYamlDocuments(text: string, options: ParseYamlOptions = {}): YamlDocument[] {
  const { file, firstLine = 1, maxLength = 4 * 1024 * 1024 } = options;
  if (text.length > maxLength) {
    throw new YamlError([{ line: firstLine, message: `It is longer than ${maxLength} characters` }], file);
  }

  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: line - 1 + firstLine, column: col };
  };
  const mistakes: YamlMistake[] = [];
  const documents = compose(text, lines, firstLine, file);
  for (const { errors } of documents) {
    for (const { pos, message } of errors) {
      // The library reports the end of its own stack like a mistake, followed by one for each level.
      if (message.includes('call stack')) throw new YamlError([{ ...placeAt(pos[0]), message: tooDeep }], file);
      mistakes.push({ ...placeAt(pos[0]), message: oneLine(message) });
    }
  }
  if (mistakes.length > 0) throw new YamlError(mistakes, file);

  const results: YamlDocument[] = [];
  for (const document of documents) {
    const reader = new Reader(document, placeAt, options, mistakes);
    const result = reader.read();
    if (result !== undefined) results.push(result);
  }
  if (mistakes.length > 0) throw new YamlError(mistakes, file);
  return results;
}

function compose(text: string, lineCounter: LineCounter, firstLine: number, file?: string): Document.Parsed[] {
  try {
    // Keys given twice are found by the reader: the library compares every key with every other.
    const documents = parseAllDocuments(text, {
      lineCounter,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
    return 'empty' in documents ? [] : documents;
  } catch (error) {
    // Its composer recurses: a text of nothing but brackets ends the stack.
    const message = error instanceof RangeError ? tooDeep : oneLine(String(error));
    throw new YamlError([{ line: firstLine, message }], file);
  }
}

/** Both begin at 1. */
type Place = { readonly line: number; readonly column: number };

const tooDeep = 'It is nested too deeply';

class Reader {
  readonly #document: Document.Parsed;
  readonly #placeAt: (offset: number) => Place;
  readonly #maxDepth: number;
  readonly #refuseAmbiguous: boolean;
  readonly #mistakes: YamlMistake[];
  readonly #pieces: YamlPiece[] = [];

  constructor(
    document: Document.Parsed,
    placeAt: (offset: number) => Place,
    options: ParseYamlOptions,
    mistakes: YamlMistake[],
  ) {
    this.#document = document;
    this.#placeAt = placeAt;
    this.#maxDepth = options.maxDepth ?? 64;
    this.#refuseAmbiguous = options.ambiguous === 'refuse';
    this.#mistakes = mistakes;
  }

  read(): YamlDocument | undefined {
    const { contents, directives } = this.#document;
    if (directives.yaml.explicit === true || Object.keys(directives.tags).length > 1) {
      this.#mistake(this.#document.range[0], "Directives (%YAML, %TAG) aren't allowed");
    }
    if (contents === null) return undefined;
    // `---` with nothing after it has an empty node.
    if (isScalar(contents) && contents.value === null && contents.source === '') return undefined;
    const value = this.#value(contents, 1);
    const lineOf = (path: readonly (string | number)[]) => this.#placeAt(offsetOf(contents, path)).line;
    return { value, line: this.#placeAt(contents.range[0]).line, lineOf, pieces: this.#pieces };
  }

  #value(node: Node | null, depth: number): Json {
    if (node === null) return null;
    const start = node.range?.[0] ?? 0;
    if (depth > this.#maxDepth) return this.#mistake(start, `It is nested more than ${this.#maxDepth} levels deep`);
    if (isAlias(node)) return this.#mistake(start, "Aliases (*name) aren't allowed: write the value out");
    if ('anchor' in node && node.anchor !== undefined) this.#mistake(start, "Anchors (&name) aren't allowed");
    if (node.tag !== undefined) this.#mistake(start, `Tags (${node.tag}) aren't allowed`);

    if (isScalar(node)) return this.#scalar(node as ScalarNode);
    if (isSeq(node)) {
      const list = node.items.map((item) => this.#value(item as ParsedNode | null, depth + 1));
      this.#flowPiece(node, list);
      return list;
    }
    if (isMap(node)) {
      const map: Record<string, Json> = {};
      for (const { key, value } of node.items) {
        const name = this.#key(key as ParsedNode | null, start);
        const item = this.#value(value as ParsedNode | null, depth + 1);
        if (name === undefined) continue;
        if (Object.hasOwn(map, name))
          this.#mistake(keyOffset(key, start), `The key ${JSON.stringify(name)} is given twice`);
        else map[name] = item;
      }
      this.#flowPiece(node, map);
      return map;
    }
    return this.#mistake(start, 'It is neither a scalar, a list nor a map');
  }

  #key(key: ParsedNode | null, around: number): string | undefined {
    if (key === null || !isScalar(key)) {
      this.#mistake(keyOffset(key, around), isAlias(key) ? "Aliases (*name) aren't allowed" : 'A key must be a string');
      return undefined;
    }
    const value = this.#value(key, 1);
    if (value === '__proto__') {
      this.#mistake(keyOffset(key, around), "The key __proto__ isn't allowed");
      return undefined;
    }
    // `1: x` and `true: x`: readers of Kubernetes objects take the text for the key.
    return typeof value === 'string' ? value : (key.source ?? String(value));
  }

  #scalar(node: ScalarNode): Json {
    const { value, type, source } = node;
    const [start, end] = node.range;
    const style = styles[type ?? 'PLAIN'] ?? 'plain';
    if (style === 'plain' && this.#refuseAmbiguous && source !== undefined && readsDifferently(source, value)) {
      this.#mistake(
        start,
        `Readers of YAML disagree about ${source} without quotes: quote it, or write it another way`,
      );
    }
    const json = typeof value === 'bigint' ? Number(value) : value;
    if (
      json === null ||
      typeof json === 'string' ||
      typeof json === 'boolean' ||
      (typeof json === 'number' && Number.isFinite(json))
    ) {
      this.#pieces.push({ start, end, style, value: json });
      return json;
    }
    return this.#mistake(start, `${source ?? String(json)} isn't a JSON value`);
  }

  #flowPiece(node: { range?: readonly [number, number, number] | null; flow?: boolean }, value: Json): void {
    if (node.flow === true && node.range)
      this.#pieces.push({ start: node.range[0], end: node.range[1], style: 'flow', value });
  }

  #mistake(offset: number, message: string): null {
    this.#mistakes.push({ ...this.#placeAt(offset), message });
    return null;
  }
}

type ScalarNode = { value: unknown; type?: string; source?: string; range: [number, number, number] };

const styles: Readonly<Record<string, YamlPiece['style']>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'block',
  BLOCK_FOLDED: 'block',
};

/** Spelled as every reader understands it: JSON's own words and decimal numbers; a string that isn't ambiguous. */
function readsDifferently(source: string, value: unknown): boolean {
  if (value === null) return !['', 'null', '~'].includes(source);
  if (typeof value === 'boolean') return source !== 'true' && source !== 'false';
  if (typeof value === 'string') return isAmbiguous(source);
  return !/^-?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+][0-9]+)?)?$/.test(source);
}

function offsetOf(root: ParsedNode, path: readonly (string | number)[]): number {
  let offset = root.range[0];
  let node: unknown = root;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) return offset;
      offset = keyOffset(pair.key, offset);
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)] as ParsedNode | undefined;
      if (item === undefined) return offset;
      offset = keyOffset(item, offset);
      node = item;
    } else return offset;
  }
  return offset;
}

function keyOffset(node: unknown, otherwise: number): number {
  const range = (node as { range?: readonly number[] } | null | undefined)?.range;
  return range?.[0] ?? otherwise;
}

function oneLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
