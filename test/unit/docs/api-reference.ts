import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { apiPage } from '../../../docs/generate/api-page.ts';
import { declarationsOf, declaredModule } from '../../../docs/generate/declarations.ts';
import { root } from './_tracked-files.ts';

const { name, exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const entries: [string, string][] = Object.entries<string>(exports).filter(([, file]) => file.endsWith('.ts'));

for (const [subpath, file] of entries) {
  test(`${path.posix.join(name, subpath)} can be imported, and says what its functions and classes do`, async (t) => {
    const module = await import(path.posix.join(name, subpath));
    const { declarations = [] } = (await declarationsOf(root, [file])).get(path.posix.normalize(file)) ?? {};
    const values = declarations.filter(({ isExported, kind }) => isExported && kind !== 'type');
    t.deepEqual(values.map((value) => value.name).sort(), Object.keys(module).sort());
    for (const value of values) t.not(value.comment, '', value.name);
  });
}

test('a declaration has its comment, and keeps comments that are inside of it', (t) => {
  const { declarations, imports } = declaredModule(
    'shared/a/b.ts',
    `import type { Other as Alias, Third } from '../c/d.ts';
import { readFile } from 'node:fs/promises';
/**
 * What it is.
 *
 * @throws Error always
 */
export type Union =
  /** The first. */
  | { readonly is: 'first' }
  | { readonly is: 'second'; readonly of: Alias };
type Hidden = string;
export declare class Thing {
  #private;
  readonly at: Hidden;
}
export {};
`,
  );
  t.deepEqual(
    declarations.map(({ name, kind, isExported, comment }) => [name, kind, isExported, comment]),
    [
      ['Union', 'type', true, 'What it is.\n\n@throws Error always'],
      ['Hidden', 'type', false, ''],
      ['Thing', 'class', true, ''],
    ],
  );
  t.regex(declarations[0]?.code ?? '', /The first[\s\S]*second/);
  t.is(declarations[2]?.code, 'class Thing {\n  readonly at: Hidden;\n}');
  t.deepEqual(
    [...imports],
    [
      ['Alias', { file: 'shared/c/d.ts', name: 'Other' }],
      ['Third', { file: 'shared/c/d.ts', name: 'Third' }],
    ],
  );
});

test('the page has what an entry exports, what that names, and nothing else', (t) => {
  const modules = new Map(
    [
      declaredModule(
        'a.ts',
        `import type { Named } from './b.ts';\n/** Goes. */\nexport declare function go(): Named;\n`,
      ),
      declaredModule('b.ts', `export type Named = Inner;\ntype Inner = 'x';\nexport type Unnamed = 'go';\n`),
    ].map((module) => [module.file, module]),
  );
  const page = apiPage([{ specifier: 'p/a', file: 'a.ts' }], modules);
  t.deepEqual(
    [...page.matchAll(/^##+ (.*)$/gm)].map(([, heading]) => heading),
    ['p/a', 'go (function)', 'Types', 'Inner', 'Named'],
  );
  t.regex(page, /### go \(function\)\n\nGoes\.\n\n```ts\nfunction go\(\): Named;\n```/);
});
