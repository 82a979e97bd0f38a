import { parseYamlDocuments, type YamlDocument, YamlError, type YamlPiece } from '../yaml/parse-yaml.ts';
import type { RenderContext, Template } from './asset.ts';
import { type Chunk, evaluateTemplate } from './evaluate-template.ts';
import { deepEqual, type JsonMap } from './json.ts';
import { RenderError } from './render-error.ts';
import type { TemplateNode } from './template-syntax.ts';

/** A checked template as plain JSON: what is stored when the program is packaged. */
export type CompiledTemplate = {
  /** The asset's file, for messages. */
  readonly file: string;
  /** Its nodes, as JSON in a text: few templates are ever walked, since most bodies are known or not wanted. */
  readonly nodes: string;
  readonly uses: readonly string[];
  readonly reads: readonly (readonly string[])[];
  /** What it renders to with some values. */
  readonly prerendered?: readonly Prerendered[];
};

/** The body that a template renders to with certain values, and nothing but these. */
export type Prerendered = {
  /** At `reads`, one by one: the value, or nothing where there is none. */
  readonly inputs: readonly (readonly unknown[])[];
  /** As JSON in a text, too; none where the template renders to nothing. */
  readonly body?: string;
};

/** Longest text that a template may render to. */
const maxLength = 1024 * 1024;

/**
 * The desired body of an asset. It is rendered again only when something that it reads has changed (a context is never
 * changed in place), and frozen: many passes share it.
 */
export function bodyTemplate(
  compiled: CompiledTemplate,
  file: (path: string) => Uint8Array | undefined,
): Template<JsonMap | undefined> {
  let last: { readonly inputs: readonly unknown[]; readonly body: JsonMap | undefined } | undefined;
  return {
    uses: compiled.uses,
    render(context) {
      const inputs = inputsOf(compiled, context);
      try {
        if (last === undefined || !deepEqual(last.inputs, inputs)) {
          const known = compiled.prerendered?.find((one) => deepEqual(one.inputs, inputs));
          const body = known === undefined ? renderBody(compiled, context, file) : knownBody(known);
          last = { inputs, body: deepFreeze(body) };
        }
        return last.body;
      } catch (error) {
        // The end of the stack.
        if (error instanceof RangeError)
          throw new RenderError(compiled.file, 1, 'A value that it reads is nested too deeply');
        throw error;
      }
    },
  };
}

/** Of a context, all that the template renders from. */
export function inputsOf({ reads }: CompiledTemplate, context: RenderContext): readonly (readonly unknown[])[] {
  return reads.map((path) => {
    const value = valueAt(context, path);
    return value === undefined ? [] : [value];
  });
}

function knownBody({ body }: Prerendered): JsonMap | undefined {
  return body === undefined ? undefined : JSON.parse(body);
}

function renderBody(
  { file, nodes }: CompiledTemplate,
  context: RenderContext,
  shippedFile: (path: string) => Uint8Array | undefined,
): JsonMap | undefined {
  const { annotations, hyperConverged } = context;
  const scope = { annotations, hyperConverged, file: shippedFile };
  const chunks = evaluateTemplate(JSON.parse(nodes) as readonly TemplateNode[], { file, context, scope });
  const text = chunks.map((chunk) => chunk.text).join('');
  if (text.length > maxLength) throw new RenderError(file, 1, `It renders to more than ${maxLength} characters`);
  if (text.trim() === '') return undefined;

  const positions = new Positions(chunks, text);
  const document = parseBody(text, file, positions);
  if (document === undefined) return undefined;
  checkPieces(document, file, positions);
  checkBody(document, file, positions);
  return document.value as JsonMap;
}

function parseBody(text: string, file: string, positions: Positions): YamlDocument | undefined {
  let documents: readonly YamlDocument[];
  try {
    documents = parseYamlDocuments(text, { maxLength, ambiguous: 'refuse' });
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const [first] = error.mistakes;
    throw new RenderError(file, positions.templateLine(first?.line ?? 1), first?.message ?? error.message);
  }
  const [document, second] = documents;
  if (second !== undefined)
    throw new RenderError(file, positions.templateLine(second.line), 'It renders to more than one document');
  return document;
}

/**
 * No value may change the structure: each one that was put in must stand within one scalar, or be one whole value.
 * And what it is part of must be read as the author meant it: text stays text.
 */
function checkPieces({ pieces }: YamlDocument, file: string, positions: Positions): void {
  for (const { chunk, start, end } of positions.values()) {
    if (start === end) continue;
    const around = pieceAround(pieces, start, end);
    const failure = (reason: string) => new RenderError(file, chunk.line, reason);
    if (around === undefined) {
      throw failure('This value would change the structure around it: put {{yaml …}} where a whole value stands');
    }
    if (chunk.origin === 'yaml') {
      if (around.start !== start || around.end !== end)
        throw failure('{{yaml …}} must stand alone as a whole value, without quotes or text around it');
    } else if (around.style === 'flow') {
      throw failure('This value would change the structure around it: use {{yaml …}}');
    } else if (around.style === 'double' && /["\\]/.test(chunk.text)) {
      throw failure('This value would be read as something else between double quotes: use {{yaml …}} without quotes');
    } else if (around.style === 'single' && chunk.text.includes("'")) {
      throw failure('This value would be read as something else between single quotes: use {{yaml …}} without quotes');
    } else if (chunk.isString && typeof around.value !== 'string') {
      throw failure('What this text is part of is not read as text: use {{yaml (concat …)}}');
    }
  }
}

/** The smallest scalar around a stretch of text, or the flow collection that is exactly it. */
function pieceAround(pieces: readonly YamlPiece[], start: number, end: number): YamlPiece | undefined {
  return pieces.find((piece) =>
    piece.style === 'flow' ? piece.start === start && piece.end === end : piece.start <= start && end <= piece.end,
  );
}

/** Identity is the target's, and status the cluster's: a body holds neither. */
function checkBody({ value, lineOf }: YamlDocument, file: string, positions: Positions): void {
  const failure = (path: readonly string[], reason: string) =>
    new RenderError(file, positions.templateLine(lineOf(path)), reason);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw failure([], 'The body must be a map');
  for (const key of ['apiVersion', 'kind', 'status']) {
    if (Object.hasOwn(value, key)) throw failure([key], mistakeInBodyKey(key));
  }
  const metadata = (value as JsonMap).metadata;
  if (metadata === undefined) return;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw failure(['metadata'], 'metadata must be a map of labels and annotations');
  }
  for (const [key, entries] of Object.entries(metadata)) {
    if (key !== 'labels' && key !== 'annotations')
      throw failure(['metadata', key], `metadata may only hold labels and annotations, not ${key}`);
    if (typeof entries !== 'object' || entries === null || Array.isArray(entries))
      throw failure(['metadata', key], `metadata.${key} must be a map`);
    for (const [name, text] of Object.entries(entries)) {
      if (typeof text !== 'string')
        throw failure(['metadata', key, name], `metadata.${key} holds only text: quote the value of ${name}`);
    }
  }
}

export function mistakeInBodyKey(key: string): string {
  return key === 'status' ? "A body can't set status" : `A body can't set ${key}: that is the target's`;
}

/** Finds the way back from the rendered text to the template. */
class Positions {
  readonly #chunks: readonly Chunk[];
  /** Per line of the text, the template's line. */
  readonly #lines: number[] = [];

  constructor(chunks: readonly Chunk[], text: string) {
    this.#chunks = chunks;
    let isLineStart = true;
    for (const chunk of chunks) {
      let line = chunk.line;
      for (const char of lineParts(chunk.text)) {
        if (isLineStart || this.#lines.length === 0) this.#lines.push(line);
        isLineStart = char.endsWith('\n');
        if (isLineStart && chunk.origin === 'author') line++;
      }
    }
    if (text === '') this.#lines.push(1);
  }

  templateLine(renderedLine: number): number {
    return this.#lines[Math.min(renderedLine, this.#lines.length) - 1] ?? 1;
  }

  *values(): Generator<{ chunk: Chunk; start: number; end: number }> {
    let offset = 0;
    for (const chunk of this.#chunks) {
      const start = offset;
      offset += chunk.text.length;
      if (chunk.origin !== 'author') yield { chunk, start, end: offset };
    }
  }
}

/** The lines of a text, each with its line feed. */
function lineParts(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+/g) ?? [];
}

function valueAt(context: unknown, path: readonly string[]): unknown {
  let value = context;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as JsonMap)[key];
  }
  return value;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) deepFreeze(item);
  }
  return value;
}
