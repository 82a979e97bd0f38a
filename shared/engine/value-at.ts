import { isMap } from './json.ts';

/** What stands at a path of names, as RFC 6901 resolves a pointer; undefined where there is nothing. */
export function valueAt(root: unknown, names: readonly string[]): unknown {
  let value = root;
  for (const name of names) {
    if (Array.isArray(value)) value = isListIndex(name) ? value[Number(name)] : undefined;
    else if (isMap(value) && Object.hasOwn(value, name)) value = value[name];
    else return undefined;
  }
  return value;
}

/** Whether a name counts items of a list: no sign, no leading zero. */
export function isListIndex(name: string): boolean {
  return /^(0|[1-9]\d{0,9})$/.test(name);
}
