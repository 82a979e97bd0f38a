import type { ObjectRef } from '../../shared/api/object-ref.ts';
import { groupOf, versionOf } from '../../shared/api/object-ref.ts';
import { isMap } from '../../shared/engine/json.ts';
import { isListIndex } from '../../shared/engine/value-at.ts';

/** What a published schema (OpenAPI v3) says of one field, as far as people are told; the server knows the rest. */
export type FieldSchema = {
  /** `string`, `integer`, `number`, `boolean`, `array`, `object`; undefined where several are taken. */
  readonly type: string | undefined;
  readonly nullable: boolean;
  /** The only values that are taken; none where any is. */
  readonly values: readonly unknown[];
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  /** The fields that are declared. */
  readonly names: readonly string[];
  /** The schema of what is inside; undefined where there is no such field. */
  readonly child: (name: string) => FieldSchema | undefined;
};

/** The schema of a kind in the document of its group and version; undefined where it isn't there. */
export function kindSchema(document: unknown, { apiVersion, kind }: ObjectRef): FieldSchema | undefined {
  const schemas = inner(inner(document, 'components'), 'schemas');
  const found = Object.values(isMap(schemas) ? schemas : {}).find((schema) => {
    const kinds = inner(schema, 'x-kubernetes-group-version-kind');
    return (
      Array.isArray(kinds) &&
      kinds.some(
        (it) =>
          inner(it, 'group') === groupOf(apiVersion) &&
          inner(it, 'version') === versionOf(apiVersion) &&
          inner(it, 'kind') === kind,
      )
    );
  });
  return found === undefined ? undefined : fieldSchema(found, schemas);
}

/** The schema at a path below; undefined where a name on the way isn't declared. */
export function schemaBelow(schema: FieldSchema, path: readonly string[]): FieldSchema | undefined {
  return path.reduce<FieldSchema | undefined>((here, name) => here?.child(name), schema);
}

function fieldSchema(node: unknown, schemas: unknown): FieldSchema {
  const schema = resolved(node, schemas);
  const properties = inner(schema, 'properties');
  const additional = inner(schema, 'additionalProperties');
  const items = inner(schema, 'items');
  const [type, values] = [inner(schema, 'type'), inner(schema, 'enum')];
  const declared = isMap(properties) ? properties : {};
  const isOpen =
    inner(schema, 'x-kubernetes-preserve-unknown-fields') === true ||
    additional === true ||
    (!isMap(properties) && !isMap(additional) && type !== 'array');
  return {
    type: typeof type === 'string' ? type : undefined,
    nullable: inner(schema, 'nullable') === true,
    values: Array.isArray(values) ? values : [],
    minimum: numberIn(schema, 'minimum'),
    maximum: numberIn(schema, 'maximum'),
    names: Object.keys(declared),
    child: (name) => {
      if (type === 'array') return isListIndex(name) || name === '-' ? fieldSchema(items, schemas) : undefined;
      if (Object.hasOwn(declared, name)) return fieldSchema(declared[name], schemas);
      if (isMap(additional)) return fieldSchema(additional, schemas);
      return isOpen && (type === 'object' || type === undefined) ? fieldSchema({}, schemas) : undefined;
    },
  };
}

/** Schemas of built-in kinds refer to one another, sometimes only to be described anew. */
function resolved(node: unknown, schemas: unknown): unknown {
  const all = inner(node, 'allOf');
  const reference = inner(node, '$ref') ?? (Array.isArray(all) && all.length === 1 ? inner(all[0], '$ref') : undefined);
  if (typeof reference !== 'string') return node;
  return resolved(inner(schemas, reference.slice(reference.lastIndexOf('/') + 1)), schemas);
}

function numberIn(schema: unknown, name: string): number | undefined {
  const value = inner(schema, name);
  return typeof value === 'number' ? value : undefined;
}

function inner(value: unknown, name: string): unknown {
  return isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
