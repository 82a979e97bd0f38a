import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';

type Finding = { category: string; location: { path: string } };

const root = path.resolve(import.meta.dirname, '../../..');
const restrictedImport = 'lint/style/noRestrictedImports';
const imports = (module: string) => `import { a } from '${module}';\n\nexport const b = a;\n`;

/** In which folder, the source, and the rule that it breaks, if any. */
const cases: [folder: string, source: string, rule?: string][] = [
  ...['shared/catalog', 'shared/kube', 'shared/engine'].flatMap((folder): typeof cases => [
    [folder, imports('../../plugin/main.ts'), restrictedImport],
    [folder, imports('../../controller/controller.ts'), restrictedImport],
    [folder, imports('node:process'), restrictedImport],
    [folder, 'export const home = process.env.HOME;\n', 'lint/style/noRestrictedGlobals'],
  ]),
  ['shared/engine', imports('../kube/client.ts'), restrictedImport],
  ['shared/engine', imports('@kubernetes/client-node'), restrictedImport],
  ['shared/engine', imports('node:child_process'), restrictedImport],
  ['shared/engine', imports('node:fs'), restrictedImport],
  ['shared/engine', imports('node:fs/promises'), restrictedImport],
  ['shared/engine', imports('node:http'), restrictedImport],
  ['shared/engine', imports('node:https'), restrictedImport],
  ['plugin/commands', imports('../../controller/controller.ts'), restrictedImport],
  ['controller', imports('../plugin/main.ts'), restrictedImport],
  ['shared/engine', 'export default 1;\n', 'lint/style/noDefaultExport'],

  ['shared/engine', imports('../api/names.ts')],
  ['shared/engine', imports('./plan.ts')],
  ['shared/kube', imports('node:https')],
  ['plugin/commands', imports('../../shared/kube/client.ts')],
  ['plugin', 'export const home = process.env.HOME;\n'],
  ['controller', imports('../shared/engine/plan.ts')],
];

const fileOf = (index: number) => `${cases[index]?.[0]}/case-${index}.ts`;
let findings: Finding[] = [];

// One run for all: each case is a file of its own in a folder that has our biome.json.
test.before('biome reads every case', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'arrows-'));
  await copyFile(path.join(root, 'biome.json'), path.join(folder, 'biome.json'));
  for (const [index, [, source]] of cases.entries()) {
    const file = path.join(folder, fileOf(index));
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, source);
  }
  findings = await lint(folder).finally(() => rm(folder, { recursive: true }));
});

for (const [index, [folder, source, rule]] of cases.entries()) {
  const what = source.split('\n', 1)[0];
  test(`${folder} ${rule === undefined ? 'may' : 'may not'}: ${what}`, (t) => {
    const broken = findings.filter(({ location }) => location.path === fileOf(index)).map(({ category }) => category);
    t.deepEqual(broken, rule === undefined ? [] : [rule]);
  });
}

async function lint(folder: string): Promise<Finding[]> {
  const biome = path.join(root, 'node_modules/.bin/biome');
  const args = ['lint', '--vcs-enabled=false', '--max-diagnostics=none', '--reporter=json'];
  return new Promise((resolve, reject) => {
    // It ends with 1, as it should: there are findings.
    execFile(biome, args, { cwd: folder }, (_error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout).diagnostics);
      } catch {
        reject(new Error(`biome gave no findings: ${stdout}${stderr}`));
      }
    });
  });
}
