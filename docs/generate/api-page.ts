import path from 'node:path';
import type { Declaration, DeclaredModule } from './declarations.ts';

/** One thing that a program may import: `virt-platform/engine`, and the file behind it. */
export type Entry = { readonly specifier: string; readonly file: string };

type Place = { readonly file: string; readonly declaration: Declaration };

/** The reference of everything that the entries export, and of every type that those name. */
export function apiPage(entries: readonly Entry[], modules: ReadonlyMap<string, DeclaredModule>): string {
  const exported = entries.map(({ specifier, file }) => {
    const { declarations = [] } = modules.get(file) ?? {};
    return { specifier, file, places: declarations.filter(isPublic).map((declaration) => ({ file, declaration })) };
  });
  const own = exported.flatMap(({ places }) => places);
  const named = reachable(own, modules)
    .filter((place) => !own.some((it) => isSame(it, place)))
    .sort((a, b) => (a.declaration.name < b.declaration.name ? -1 : 1));
  return `<!-- AUTO-GENERATED - DO NOT EDIT. Written by docs/generate-api.ts from the doc comments. -->
# API reference

Everything that the entry points in package.json's \`exports\` give, from the doc comments in the sources. How to use it is
in the [library guide](library.md). Nothing is published yet, so these names work in a checkout, and may change.

| import from | what |
|---|---|
${exported.map(({ specifier, places }) => `| [\`${specifier}\`](#${anchor(specifier)}) | ${listed(places)} |`).join('\n')}
| | [the types that these name](#types) |

${exported.map(({ specifier, file, places }) => `## ${specifier}\n\n${sourceLink(file)}\n\n${places.map((place) => about(place)).join('\n')}`).join('\n')}
## Types

Not exported by the entry points themselves; TypeScript finds them through what is.

${named.map((place) => about(place, true)).join('\n')}`;
}

function isPublic({ isExported }: Declaration): boolean {
  return isExported;
}

function listed(places: readonly Place[]): string {
  const values = places.filter(({ declaration }) => declaration.kind !== 'type');
  return (values.length > 0 ? values : places).map(({ declaration }) => `\`${declaration.name}\``).join(', ');
}

function about({ file, declaration: { name, kind, comment, code } }: Place, withSource = false): string {
  const parts = [
    `### ${kind === 'type' ? name : `${name} (${kind})`}`,
    ...(withSource ? [sourceLink(file)] : []),
    ...(comment === '' ? [] : [inMarkdown(comment)]),
    `\`\`\`ts\n${code}\n\`\`\``,
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Tags as words, links as code, examples as blocks. */
function inMarkdown(comment: string): string {
  const [text = '', ...tags] = comment.split(/^@(?=\w)/m);
  const blocks = tags.map((tag) => {
    const [, name = '', rest = ''] = /^(\w+)\s*([\s\S]*)$/.exec(tag.trimEnd()) ?? [];
    if (name === 'example') return `For example:\n\n\`\`\`ts\n${rest}\n\`\`\``;
    return `**${words[name] ?? name}:** ${rest}`;
  });
  return [text.trim(), ...blocks]
    .filter((block) => block !== '')
    .join('\n\n')
    .replace(/\{@link (\w+)\}/g, '`$1`');
}

const words: Readonly<Record<string, string>> = {
  throws: 'Throws',
  returns: 'Returns',
  see: 'See',
  param: 'Parameter',
};

/** What declarations name, and what that names, as far as it is ours. */
function reachable(from: readonly Place[], modules: ReadonlyMap<string, DeclaredModule>): Place[] {
  const found: Place[] = [...from];
  // Grows while it is walked.
  for (const { file, declaration } of found) {
    const code = declaration.code.replace(/\/\*[\s\S]*?\*\/|'[^']*'|"[^"]*"/g, '');
    for (const name of new Set(code.match(/[A-Za-z_$][\w$]*/g))) {
      const place = placeOf(name, file, modules);
      if (place !== undefined && !found.some((it) => isSame(it, place))) found.push(place);
    }
  }
  return found;
}

function placeOf(name: string, file: string, modules: ReadonlyMap<string, DeclaredModule>): Place | undefined {
  const module = modules.get(file);
  const declaration = module?.declarations.find((it) => it.name === name);
  if (declaration !== undefined) return { file, declaration };
  const from = module?.imports.get(name);
  return from === undefined ? undefined : placeOf(from.name, from.file, modules);
}

function isSame(a: Place, b: Place): boolean {
  return a.file === b.file && a.declaration.name === b.declaration.name;
}

function sourceLink(file: string): string {
  return `In [\`${file}\`](${path.posix.join('..', file)})`;
}

function anchor(heading: string): string {
  return heading.replace(/[^\w-]/g, '');
}
