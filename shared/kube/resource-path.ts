import type { ApiResource } from '../engine/snapshot.ts';
import { RefusedError } from './refused-error.ts';

/**
 * The URL path of a resource, or of one object of it. Built from an identity alone, never from a body.
 *
 * @throws RefusedError for a namespace or name that would lead somewhere else.
 */
export function resourcePath(
  { group, version, plural, namespaced }: ApiResource,
  { namespace, name }: { readonly namespace?: string | undefined; readonly name?: string },
): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const scope = namespaced && namespace !== undefined ? `/namespaces/${segment(namespace)}` : '';
  return `${root}${scope}/${segment(plural)}${name === undefined ? '' : `/${segment(name)}`}`;
}

/** The rules of the API server for path segments: https://github.com/kubernetes/apimachinery/blob/master/pkg/api/validation/path/name.go */
function segment(value: string): string {
  if (value === '' || value === '.' || value === '..' || /[/%]/.test(value)) {
    throw new RefusedError(`"${value}" is no name that an object can have`);
  }
  return encodeURIComponent(value);
}
