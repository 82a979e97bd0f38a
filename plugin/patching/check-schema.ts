import type { PatchOperation } from '../../shared/api/annotations.ts';
import { formatPointer, parsePointer } from '../../shared/api/json-pointer.ts';
import { isMap } from '../../shared/engine/json.ts';
import { didYouMean } from '../did-you-mean.ts';
import { type FieldSchema, schemaBelow } from './field-schema.ts';

/**
 * What the schema of the kind says against what the operations put there: one line each, with the names or values that
 * would be taken. Nothing is said of what they leave alone.
 */
export function schemaProblems(operations: readonly PatchOperation[], schema: FieldSchema): readonly string[] {
  return operations.flatMap(({ op, path, value }) => {
    if (op !== 'add' && op !== 'replace') return [];
    const names = parsePointer(path);
    const unknown = names.findIndex((_, depth) => schemaBelow(schema, names.slice(0, depth + 1)) === undefined);
    if (unknown !== -1) {
      const around = schemaBelow(schema, names.slice(0, unknown));
      return around === undefined ? [] : [noSuchField(names.slice(0, unknown + 1), around)];
    }
    const here = schemaBelow(schema, names);
    return here === undefined ? [] : problemsOf(value, here, names);
  });
}

function problemsOf(value: unknown, schema: FieldSchema, path: readonly string[]): readonly string[] {
  // What null means, and whether it is taken, only the server knows.
  if (value === null) return [];
  const at = formatPointer(path);
  if (!isOfType(value, schema.type)) {
    return [`${at} is ${wanted(schema)}, and ${shown(value)} is ${typeNames[typeOf(value)] ?? typeOf(value)}`];
  }
  if (schema.values.length > 0 && !schema.values.includes(value)) {
    const hint = didYouMean(String(value), schema.values.map(String));
    return [`${at} is ${wanted(schema)}, and ${shown(value)} isn't${hint && ` (${hint})`}`];
  }
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  if (typeof value === 'number' && (value < minimum || value > maximum)) {
    return [`${at} is ${wanted(schema)}, and ${value} isn't`];
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => {
      const inner = schema.child(String(index));
      return inner === undefined ? [] : problemsOf(item, inner, [...path, String(index)]);
    });
  }
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => {
    const inner = schema.child(name);
    const here = [...path, name];
    return inner === undefined ? [noSuchField(here, schema)] : problemsOf(item, inner, here);
  });
}

function noSuchField(path: readonly string[], { type, names }: FieldSchema): string {
  const name = path.at(-1) ?? '';
  const around = formatPointer(path.slice(0, -1)) || 'the object';
  if (type === 'array') return `${formatPointer(path)}: ${around} is a list, and its items are counted from 0`;
  if (names.length === 0) return `${formatPointer(path)}: ${around} is ${typeNames[type ?? ''] ?? 'no map'}`;
  const shownNames = names.length > mostNames ? [...names.slice(0, mostNames), '…'] : names;
  return `${formatPointer(path)}: there is no such field; ${didYouMean(name, names) || `${around} has ${shownNames.join(', ')}`}`;
}

function wanted({ type, values, minimum, maximum }: FieldSchema): string {
  if (values.length > 0) return `one of ${values.map((value) => String(value) || '""').join(', ')}`;
  const range =
    minimum === undefined
      ? maximum === undefined
        ? ''
        : `, at most ${maximum}`
      : maximum === undefined
        ? `, at least ${minimum}`
        : `, ${minimum} to ${maximum}`;
  return `${typeNames[type ?? ''] ?? 'something else'}${range}`;
}

function isOfType(value: unknown, type: string | undefined): boolean {
  const actual = typeOf(value);
  return type === undefined || actual === type || (type === 'number' && actual === 'integer');
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
};
const mostNames = 20;
