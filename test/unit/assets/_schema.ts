/** What is wrong with a value, each with its path; nothing where it is as it should be. */
export type Schema = (value: unknown, path: string) => readonly string[];

/** A map with these keys and no others: an invented one is what the API server doesn't find in a schemaless part. */
export function object(
  required: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
): Schema {
  return (value, path) => {
    if (!isMap(value)) return [`${path} must be a map`];
    const schemas = { ...required, ...optional };
    return [
      ...Object.keys(required).flatMap((key) => (Object.hasOwn(value, key) ? [] : [`${path} needs ${key}`])),
      ...Object.entries(value).flatMap(([key, inner]) => {
        const schema = Object.hasOwn(schemas, key) ? schemas[key] : undefined;
        return schema === undefined ? [`${path} has no ${key}`] : schema(inner, `${path}.${key}`);
      }),
    ];
  };
}

export function mapOf(values: Schema, keys: RegExp = /./): Schema {
  return (value, path) => {
    if (!isMap(value)) return [`${path} must be a map`];
    return Object.entries(value).flatMap(([key, inner]) => [
      ...(keys.test(key) ? [] : [`${path}: ${key} can't be a key`]),
      ...values(inner, `${path}.${key}`),
    ]);
  };
}

/** `unique` is the key by which items are told apart. */
export function listOf(item: Schema, { unique }: { unique?: string } = {}): Schema {
  return (value, path) => {
    if (!Array.isArray(value)) return [`${path} must be a list`];
    const names = unique === undefined ? [] : value.map((inner) => (isMap(inner) ? inner[unique] : undefined));
    return [
      ...value.flatMap((inner, index) => item(inner, `${path}[${index}]`)),
      ...names.flatMap((name, index) => (names.indexOf(name) < index ? [`${path} has ${name} twice`] : [])),
    ];
  };
}

export function text(pattern: RegExp = /^/): Schema {
  return (value, path) =>
    typeof value === 'string' && pattern.test(value) ? [] : [`${path} must be a text that matches ${pattern}`];
}

export function oneOf(...values: readonly unknown[]): Schema {
  return (value, path) => (values.includes(value) ? [] : [`${path} must be one of ${values.join(', ')}`]);
}

export function number(min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): Schema {
  return (value, path) =>
    typeof value === 'number' && min <= value && value <= max ? [] : [`${path} must be a number from ${min} to ${max}`];
}

export function integer(min: number, max: number): Schema {
  return (value, path) =>
    Number.isInteger(value) ? number(min, max)(value, path) : [`${path} must be a whole number`];
}

export const boolean: Schema = oneOf(true, false);

/** `{kind, spec}`, with a schema of `spec` by kind. */
export function kinds(specs: Readonly<Record<string, Schema>>, more: Readonly<Record<string, Schema>> = {}): Schema {
  return (value, path) => {
    if (!isMap(value)) return [`${path} must be a map`];
    const spec = Object.hasOwn(specs, String(value.kind)) ? specs[String(value.kind)] : undefined;
    if (spec === undefined) return [`${path}.kind must be one of ${Object.keys(specs).join(', ')}, not ${value.kind}`];
    return object({ kind: text(), spec }, more)(value, path);
  };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
