import { isMap } from './json.ts';

/**
 * Whether a field of HyperConverged is set: there, not null, and not an empty object.
 *
 * @param path dotted, from the object's root: `spec.virtualization.ksmConfiguration`
 */
export function configured(hyperConverged: unknown, path: string): boolean {
  let value = hyperConverged;
  for (const key of path.split('.')) {
    if (!isMap(value) || !Object.hasOwn(value, key)) return false;
    value = value[key];
  }
  return value !== null && value !== undefined && !(isMap(value) && Object.keys(value).length === 0);
}
