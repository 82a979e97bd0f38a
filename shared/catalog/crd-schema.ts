/**
 * The part of a CustomResourceDefinition's storage-version schema at a dotted path below the object's root
 * (`spec.profiles`), or undefined where it isn't declared. Lists on the way stand for their items.
 */
export function schemaAt(crd: unknown, path: string): Readonly<Record<string, unknown>> | undefined {
  const versions = field(field(crd, 'spec'), 'versions');
  if (!Array.isArray(versions)) return undefined;
  const storage = versions.find((version) => field(version, 'storage') === true);
  let schema = field(field(storage, 'schema'), 'openAPIV3Schema');
  for (const name of path.split('.')) {
    const owner = itemsOf(schema);
    schema = field(field(owner, 'properties'), name) ?? mapValues(owner);
    if (schema === undefined) return undefined;
  }
  return isMap(schema) ? schema : undefined;
}

/** The values that a CRD allows at a path, for a list those of its items; none where nothing is said. */
export function enumAt(crd: unknown, path: string): readonly unknown[] {
  const values = field(itemsOf(schemaAt(crd, path)), 'enum');
  return Array.isArray(values) ? values : [];
}

function itemsOf(schema: unknown): unknown {
  return field(schema, 'items') ?? schema;
}

/** `additionalProperties: {…}` declares every key. */
function mapValues(schema: unknown): unknown {
  const values = field(schema, 'additionalProperties');
  return isMap(values) ? values : undefined;
}

function field(value: unknown, name: string): unknown {
  return isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
