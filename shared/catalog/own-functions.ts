import { keyPrefix } from '../api/names.ts';
import { isMap } from './json.ts';

/** A function that we give to expressions: it takes one text that is written out, and looks at a variable with it. */
export type OwnFunction = {
  readonly variable: string;
  /** @param value the variable, plain or as CEL sees it */
  readonly look: (value: unknown, argument: string) => unknown;
  readonly yields: 'boolean' | 'text' | 'anything';
};

export const ownFunctions: ReadonlyMap<string, OwnFunction> = new Map([
  [
    'enabled',
    {
      variable: 'annotations',
      yields: 'boolean',
      look: (annotations, name) => textAt(annotations, `${keyPrefix}enable-${name}`) === 'true',
    },
  ],
  [
    'annotation',
    { variable: 'annotations', yields: 'text', look: (annotations, name) => textAt(annotations, keyPrefix + name) },
  ],
  ['configured', { variable: 'hyperConverged', yields: 'boolean', look: isConfigured }],
  ['setting', { variable: 'hyperConverged', yields: 'anything', look: settingAt }],
] satisfies [string, OwnFunction][]);

/** Of plain JSON, and of CEL's maps. */
function childOf(value: unknown, key: string): unknown {
  if (isReadonlyMap(value)) return value.get(key);
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function textAt(annotations: unknown, key: string): string {
  const value = childOf(annotations, key);
  return typeof value === 'string' ? value : '';
}

/** Null where it isn't set. */
function settingAt(hyperConverged: unknown, path: string): unknown {
  return path.split('.').reduce(childOf, hyperConverged) ?? null;
}

function isConfigured(hyperConverged: unknown, path: string): boolean {
  const value = settingAt(hyperConverged, path);
  if (value === null) return false;
  if (isReadonlyMap(value)) return value.size > 0;
  return !isMap(value) || Object.keys(value).length > 0;
}

/** CEL's map, as against its lists; plain JSON has no functions. */
function isReadonlyMap(value: unknown): value is ReadonlyMap<string, unknown> {
  return isMap(value) && typeof value.get === 'function' && typeof value.has === 'function';
}
