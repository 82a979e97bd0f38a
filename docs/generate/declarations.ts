import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** What one source file declares, as the compiler prints it for others: exported types and functions, without bodies. */
export type DeclaredModule = {
  /** As in `shared/engine/plan.ts`. */
  readonly file: string;
  readonly declarations: readonly Declaration[];
  /** Where the names come from that it imports from sources of ours. */
  readonly imports: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
};

export type Declaration = {
  readonly name: string;
  readonly kind: 'function' | 'class' | 'type' | 'const';
  readonly isExported: boolean;
  /** The doc comment's text, without its asterisks; empty without one. */
  readonly comment: string;
  /** TypeScript. */
  readonly code: string;
};

/** Declarations of these files and of everything that they import, by file. */
export async function declarationsOf(
  root: string,
  files: readonly string[],
): Promise<ReadonlyMap<string, DeclaredModule>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'virt-platform-declarations-'));
  try {
    const out = path.join(folder, 'out');
    const config = path.join(folder, 'tsconfig.json');
    const compilerOptions = {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: root,
      outDir: out,
      typeRoots: [path.join(root, 'node_modules/@types')],
    };
    const absolute = files.map((file) => path.join(root, file));
    await writeFile(
      config,
      JSON.stringify({ extends: path.join(root, 'tsconfig.json'), compilerOptions, include: [], files: absolute }),
    );
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, '-p', config], { cwd: root });
    await formatted(root, out);
    const modules = globSync('**/*.d.ts', { cwd: out }).map(async (file) => {
      const source = file.replace(/\.d\.ts$/, '.ts').replaceAll(path.sep, '/');
      return [source, declaredModule(source, await readFile(path.join(out, file), 'utf8'))] as const;
    });
    return new Map(await Promise.all(modules));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As our sources are: the compiler's own layout of unions doesn't show where a statement ends. */
async function formatted(root: string, folder: string): Promise<void> {
  const { formatter, javascript } = JSON.parse(await readFile(path.join(root, 'biome.json'), 'utf8'));
  await writeFile(path.join(folder, 'biome.json'), JSON.stringify({ root: true, formatter, javascript }));
  const biome = path.join(root, 'node_modules/@biomejs/biome/bin/biome');
  await promisify(execFile)(process.execPath, [biome, 'format', '--write', '.'], { cwd: folder });
}

/**
 * Takes apart what the compiler printed and the formatter laid out: each statement begins at the start of a line, and what belongs to it is indented
 * or closes it.
 */
export function declaredModule(file: string, text: string): DeclaredModule {
  const imports = new Map<string, { file: string; name: string }>();
  const declarations: Declaration[] = [];
  let comment = '';
  for (const statement of text.split(/\n(?=\/\*\*|export |declare |import |type |interface |class |function )/)) {
    if (statement.startsWith('/**')) {
      comment = withoutAsterisks(statement);
      continue;
    }
    for (const [name, from] of importsOf(statement, file)) imports.set(name, from);
    const declaration = declarationOf(statement, comment);
    if (declaration !== undefined) declarations.push(declaration);
    comment = '';
  }
  return { file, declarations, imports };
}

function importsOf(statement: string, file: string): [string, { file: string; name: string }][] {
  const [, names, from] = /^(?:import|export)\b[^{]*\{([^}]*)\} from '(\.[^']+)';/.exec(statement) ?? [];
  if (names === undefined || from === undefined) return [];
  return names.split(',').map((each) => {
    const [name = '', alias = name] = each
      .trim()
      .replace(/^type /, '')
      .split(' as ');
    return [alias, { file: path.posix.join(path.posix.dirname(file), from), name }];
  });
}

function declarationOf(statement: string, comment: string): Declaration | undefined {
  const head = /^(export )?(?:declare )?(?:abstract )?(function|class|type|interface|const) ([\w$]+)/.exec(statement);
  if (head === null) return undefined;
  const [, exported, keyword, name = ''] = head;
  const kind = keyword === 'interface' ? 'type' : (keyword as Declaration['kind']);
  const code = statement
    .trimEnd()
    .replace(/^(export )?(declare )?/, '')
    .replace(/^ {2}#private;\n/m, '');
  return { name, kind, isExported: exported !== undefined, comment, code };
}

function withoutAsterisks(comment: string): string {
  return comment
    .trim()
    .replace(/^\/\*\*\s?|\s*\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
}
