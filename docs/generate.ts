import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { KubernetesObject } from '../shared/api/kubernetes-object.ts';
import { loadCatalog } from '../shared/catalog/load-catalog.ts';
import { readCatalogFiles } from '../shared/catalog/read-catalog-files.ts';
import { parseYamlDocuments } from '../shared/yaml/parse-yaml.ts';
import { assetsPage } from './generate/assets-page.ts';
import { dashboardFiles } from './generate/dashboards-page.ts';
import { featuresPage } from './generate/features-page.ts';
import { helpersPage } from './generate/helpers-page.ts';

// Writes the pages that follow from the sources; with --check only says whether they are up to date.
const root = path.resolve(import.meta.dirname, '..');
const isChecking = process.argv.includes('--check');

const catalog = loadCatalog(await readCatalogFiles(path.join(root, 'assets')));
const pages = {
  'docs/assets.md': assetsPage(catalog, sourceOf, exampleCluster()),
  'docs/features.md': featuresPage(catalog),
  'docs/template-helpers.md': helpersPage(),
  ...dashboardFiles(catalog),
};

const stale = Object.entries(pages).filter(([file, text]) => text !== read(file));
for (const [file, text] of stale) {
  if (!isChecking) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  console.log(
    isChecking ? `${file} is out of date: run "npm run generate", and commit what it writes` : `${file} written`,
  );
}
if (isChecking && stale.length > 0) process.exitCode = 1;

function sourceOf(file: string): string {
  return read(path.join('assets', file)) ?? '';
}

function read(file: string): string | undefined {
  try {
    return readFileSync(path.join(root, file), 'utf8');
  } catch {
    return undefined;
  }
}

/** The fixture cluster, with the definitions that the tests use: what an asset sets is shown as it is there. */
function exampleCluster(): KubernetesObject[] {
  const patterns = ['test/crds/*.yaml', 'test/fixtures/clusters/openshift/*.yaml'];
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root }).sort());
  return files.flatMap((file) =>
    parseYamlDocuments(read(file) ?? '', { file }).map(({ value }) => value as KubernetesObject),
  );
}
