import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { usualNamespaces } from '../../shared/api/names.ts';
import { loadCatalog } from '../../shared/catalog/load-catalog.ts';
import { readCatalogFiles } from '../../shared/catalog/read-catalog-files.ts';
import { generatedManifests, imagePatch } from './generated-manifests.ts';
import { catalogFor, type Platform } from './platform.ts';

// Writes the manifests that follow from the catalog and package.json: permissions, the admission policy, the image.
// With --check it only says whether they are up to date; with --dry-run it prints them. --catalog and --namespace, for a
// catalog or a namespace of one's own, print what goes into an overlay of one's own, for whatever platform it is.
const namespaces: Readonly<Record<Platform, string>> = usualNamespaces;

const root = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    catalog: { type: 'string' },
    namespace: { type: 'string' },
  },
});
const catalog = loadCatalog(await readCatalogFiles(options.catalog ?? path.join(root, 'assets')));
const isForSomebodyElse = options.catalog !== undefined || options.namespace !== undefined;

if (isForSomebodyElse) {
  const { namespace = namespaces.kubernetes } = options;
  print(generatedManifests(catalog, { namespace }));
} else {
  const files = shippedFiles();
  if (options['dry-run']) print(files);
  else if (options.check) check(files);
  else for (const [file, text] of stale(files)) write(file, text);
}

function shippedFiles(): Record<string, string> {
  const { config, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const overlays = (Object.keys(namespaces) as Platform[]).flatMap((overlay) =>
    Object.entries(generatedManifests(catalogFor(catalog, overlay), { namespace: namespaces[overlay] })).map(
      ([file, text]) => [`overlays/${overlay}/generated/${file}`, text] as const,
    ),
  );
  return Object.fromEntries([['base/image.yaml', imagePatch({ image: config.image, version })], ...overlays]);
}

function stale(files: Record<string, string>): [file: string, text: string][] {
  return Object.entries(files).filter(([file, text]) => text !== read(file));
}

function check(files: Record<string, string>): void {
  for (const [file] of stale(files)) {
    console.log(
      `controller/manifests/${file} is out of date: run "node controller/manifests/generate.ts", and commit what it writes`,
    );
    process.exitCode = 1;
  }
}

function print(files: Record<string, string>): void {
  for (const [file, text] of Object.entries(files)) process.stdout.write(`---\n# ${file}\n${text}`);
}

function write(file: string, text: string): void {
  const absolute = path.join(import.meta.dirname, file);
  mkdirSync(path.dirname(absolute), { recursive: true });
  writeFileSync(absolute, text);
  console.log(`controller/manifests/${file} written`);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(path.join(import.meta.dirname, file), 'utf8');
  } catch {
    return undefined;
  }
}
