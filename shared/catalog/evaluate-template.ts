import type { Json } from '../api/kubernetes-object.ts';
import { isPlainString } from '../yaml/plain-string.ts';
import { printFlowYaml, printNumber } from '../yaml/print-flow-yaml.ts';
import { describe, HelperError, type HelperScope, helpers } from './helpers.ts';
import { compareCodeUnits, isList, isMap, type JsonMap } from './json.ts';
import { RenderError } from './render-error.ts';
import type { Call, Expression, TemplateNode } from './template-syntax.ts';

/** A stretch of rendered text and the template's line that it comes from. */
export type Chunk = {
  readonly text: string;
  readonly line: number;
  /** Written by the template's author, or a value put in by `{{x}}` or `{{yaml x}}`. */
  readonly origin: 'author' | 'scalar' | 'yaml';
  /** The interpolated value was a string. */
  readonly isString?: true;
};

export type Evaluation = { readonly file: string; readonly context: JsonMap; readonly scope: HelperScope };

/** The text of a template with these values. Every name must exist; nothing is turned into text by accident. */
export function evaluateTemplate(nodes: readonly TemplateNode[], evaluation: Evaluation): readonly Chunk[] {
  const evaluator = new Evaluator(evaluation);
  evaluator.nodes(nodes, []);
  return evaluator.chunks;
}

/** What an enclosing `each` or `with` gives. */
type Frame = { readonly value: unknown; readonly names: JsonMap; readonly data: JsonMap };

class Evaluator {
  readonly chunks: Chunk[] = [];
  readonly #evaluation: Evaluation;

  constructor(evaluation: Evaluation) {
    this.#evaluation = evaluation;
  }

  nodes(nodes: readonly TemplateNode[], frames: readonly Frame[]): void {
    for (const node of nodes) this.#node(node, frames);
  }

  #node(node: TemplateNode, frames: readonly Frame[]): void {
    switch (node.node) {
      case 'text':
        this.chunks.push({ text: node.text, line: node.line, origin: 'author' });
        return;
      case 'print':
        this.chunks.push(this.#print(node, frames));
        return;
      case 'if': {
        const condition = this.#value(node.condition, frames);
        if (typeof condition !== 'boolean') {
          const advice = 'use (not (empty x)), (eq x y), (hasKey x "y") or another comparison';
          this.#fail(node.line, `A condition must be true or false, not ${describe(condition)}: ${advice}`);
        }
        this.nodes(condition !== node.negated ? node.then : node.otherwise, frames);
        return;
      }
      case 'each':
        this.#each(node, frames);
        return;
      case 'with': {
        const value = this.#value(node.over, frames);
        if (value === null) {
          if (node.otherwise.length === 0) this.#fail(node.line, '{{#with}} is over null and has no {{else}}');
          this.nodes(node.otherwise, frames);
          return;
        }
        this.nodes(node.body, [...frames, { value, names: named(node.names, [value]), data: {} }]);
        return;
      }
      default:
        node satisfies never;
    }
  }

  #each(node: TemplateNode & { node: 'each' | 'with' }, frames: readonly Frame[]): void {
    const over = this.#value(node.over, frames);
    const entries = isList(over) ? [...over.entries()] : isMap(over) ? sortedEntries(over) : undefined;
    if (entries === undefined) this.#fail(node.line, `{{#each}} goes over a list or a map, not ${describe(over)}`);
    if (entries.length === 0) this.nodes(node.otherwise, frames);
    entries.forEach(([key, value], index) => {
      const data = { index, key, first: index === 0, last: index === entries.length - 1 };
      this.nodes(node.body, [...frames, { value, names: named(node.names, [value, key]), data }]);
    });
  }

  #print({ as, value: expression, line }: TemplateNode & { node: 'print' }, frames: readonly Frame[]): Chunk {
    const value = this.#value(expression, frames);
    if (as === 'yaml') {
      try {
        return { text: printFlowYaml(value as Json), line, origin: 'yaml' };
      } catch (error) {
        return this.#fail(line, `{{yaml}} prints JSON values: ${(error as Error).message}`);
      }
    }
    if (typeof value === 'boolean') return { text: String(value), line, origin: 'scalar' };
    if (typeof value === 'number' && Number.isFinite(value))
      return { text: printNumber(value), line, origin: 'scalar' };
    if (typeof value !== 'string') {
      this.#fail(line, `${describe(value)} can't stand in text: use {{yaml …}}, or {{#if}} to leave the field out`);
    }
    if (!isPlainString(value)) {
      this.#fail(line, `${shown(value)} isn't the same text to every reader of YAML without quotes: use {{yaml …}}`);
    }
    return { text: value, line, origin: 'scalar', isString: true };
  }

  #value(expression: Expression, frames: readonly Frame[]): unknown {
    if ('literal' in expression) return expression.literal;
    if ('helper' in expression) return this.#call(expression, frames);
    const { path, from, up, text, line } = expression;
    if (up === -1 || (from === 'this' && up >= frames.length)) {
      return this.#walk(this.#evaluation.context, path, text, line);
    }
    const frame = frames[frames.length - 1 - up];
    if (frame === undefined) return this.#fail(line, `${text} goes out of the template`);
    if (from === 'this') return this.#walk(frame.value, path, text, line);
    return this.#walk(from === 'name' ? frame.names : frame.data, path, text, line);
  }

  #walk(from: unknown, path: readonly string[], text: string, line: number): unknown {
    let value = from;
    path.forEach((key, index) => {
      if (isList(value)) {
        if (!/^(0|[1-9]\d*)$/.test(key) || Number(key) >= value.length) {
          this.#fail(line, `${text}: the list ${walked(path, index)}has ${value.length} items, and no [${key}]`);
        }
        value = value[Number(key)];
        return;
      }
      if (!isMap(value)) this.#fail(line, `${text}: ${walked(path, index)}is ${describe(value)}, which has no ${key}`);
      if (!Object.hasOwn(value, key)) {
        const keys = Object.keys(value).sort(compareCodeUnits);
        const known = keys.length === 0 ? 'it is empty' : `it has ${keys.slice(0, 20).map(clean).join(', ')}`;
        this.#fail(
          line,
          `${text}: there is no ${key} in ${walked(path, index) || 'this '}(${known}${keys.length > 20 ? ', …' : ''})`,
        );
      }
      value = value[key];
    });
    // What JSON doesn't know is as good as absent.
    return value === undefined ? this.#fail(line, `${text} isn't set`) : value;
  }

  #call({ helper: name, args, named: pairs, line }: Call, frames: readonly Frame[]): unknown {
    const helper = helpers.get(name);
    if (helper === undefined) return this.#fail(line, `There is no helper ${name}`);
    const values = args.map((arg) => (helper.lazy ? () => this.#value(arg, frames) : this.#value(arg, frames)));
    const options = Object.fromEntries(pairs.map(([key, value]) => [key, this.#value(value, frames)]));
    try {
      return helper.run(values, options, this.#evaluation.scope);
    } catch (error) {
      if (error instanceof HelperError) this.#fail(line, name === 'fail' ? error.message : `${name}: ${error.message}`);
      throw error;
    }
  }

  #fail(line: number, reason: string): never {
    throw new RenderError(this.#evaluation.file, line, reason);
  }
}

function sortedEntries(map: JsonMap): [string, unknown][] {
  return Object.entries(map).sort(([a], [b]) => compareCodeUnits(a, b));
}

function named(names: readonly string[], values: readonly unknown[]): JsonMap {
  return Object.fromEntries(names.map((name, index) => [name, values[index]]));
}

function walked(path: readonly string[], index: number): string {
  return index === 0 ? '' : `${path.slice(0, index).join('.')} `;
}

function shown(text: string): string {
  return text === '' ? 'An empty text' : clean(JSON.stringify(text));
}

function clean(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?');
  return printable.length > 60 ? `${printable.slice(0, 57)}...` : printable;
}
