/**
 * The names in a path that isn't written as a JSON pointer: `spec.a`, `.spec.items[0]`, `$.spec.a`, `{.spec.a}`,
 * `metadata.annotations['example.com/a']`, `metadata.annotations.example\.com/a`. `undefined` for what is none.
 */
export function parseDottedPath(text: string): readonly string[] | undefined {
  const braced = /^\{(.*)\}$/.exec(text.trim())?.[1] ?? text.trim();
  let rest = braced.replace(/^\$/, '').replace(/^(?![.[])/, '.');
  const names: string[] = [];
  while (rest !== '') {
    const match =
      /^\[(?:'([^']*)'|"([^"]*)"|(\d+|[A-Za-z_][\w./-]*))\]/.exec(rest) ?? /^\.((?:\\.|[^.[\]\\\s='"])+)/.exec(rest);
    if (match === null) return undefined;
    const [whole, ...groups] = match;
    names.push((groups.find((group) => group !== undefined) ?? '').replace(/\\(.)/g, '$1'));
    rest = rest.slice(whole.length);
  }
  return names.length === 0 ? undefined : names;
}
