import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { groupOf } from '../api/object-ref.ts';
import { parseYamlDocuments, YamlError } from '../yaml/parse-yaml.ts';
import type { Feature, RenderContext, Tombstone } from './asset.ts';
import { CatalogError, type Mistake } from './catalog-error.ts';
import { resolveShippedFile } from './catalog-path.ts';
import { type CompiledAssetFile, compileAssetFile } from './compile-asset-file.ts';
import type { CompiledAsset, CompiledCatalog } from './compiled-catalog.ts';
import { type CompiledIdentityText, identityTemplate } from './identity-template.ts';
import { compareCodeUnits, isMap, type JsonMap } from './json.ts';
import { loadFeatures } from './load-features.ts';
import { loadTombstones } from './load-tombstones.ts';
import type { CatalogFile } from './read-catalog-files.ts';

/**
 * Checks a catalog and turns it into plain JSON: assets (`NAME.yaml.hbs` in any folder), `features.yaml`,
 * `tombstones/*.yaml`, and the files that assets ship. Pure: equal files give equal catalogs.
 *
 * @throws CatalogError with every mistake in every file
 */
export function compileCatalog(files: readonly CatalogFile[]): CompiledCatalog {
  const contents = new Map(files.map(({ path, content }) => [path, content]));
  const mistakes: Mistake[] = [];
  const assets: CompiledAsset[] = [];
  const tombstones: Tombstone[] = [];
  const shippedFiles = new Map<string, string>();
  const lines = new Map<string, CompiledAssetFile['lineOf']>();
  let features: readonly Feature[] = [];
  let featureNames: ReadonlySet<string> | undefined;
  const defaults = defaultsOf(files, mistakes);

  for (const { path, content } of sortedByPath(files)) {
    const isText = /\.yaml(\.hbs)?$/.test(path);
    const source = isText ? decode(content) : '';
    if (source === undefined) {
      mistakes.push({ file: path, line: 1, message: "It isn't UTF-8 text" });
    } else if (path.endsWith('.yaml.hbs')) {
      const pathOf = (relative: string) => resolveShippedFile(path, relative) ?? '';
      const shippedFile = (relative: string) => contents.get(pathOf(relative));
      const compiled = compileAssetFile(path, source, shippedFile, defaults.get(folderOf(path)));
      assets.push(...compiled.assets);
      mistakes.push(...compiled.mistakes);
      lines.set(path, compiled.lineOf);
      for (const relative of compiled.shippedFiles) {
        shippedFiles.set(pathOf(relative), Buffer.from(shippedFile(relative) ?? []).toString('base64'));
      }
    } else if (path === 'features.yaml') {
      const loaded = loadFeatures(path, source);
      features = loaded.features;
      featureNames = loaded.names;
      mistakes.push(...loaded.mistakes);
    } else if (/^tombstones\/[^/]+\.yaml$/.test(path)) {
      const loaded = loadTombstones(path, source);
      tombstones.push(...loaded.tombstones);
      mistakes.push(...loaded.mistakes);
    }
  }

  const naming = assets.filter((asset) => asset.features.length > 0);
  if (naming.length > 0 && !contents.has('features.yaml')) {
    mistakes.push({
      file: 'features.yaml',
      line: 1,
      message: `It isn't there, and ${naming[0]?.file} names a feature`,
    });
  }
  mistakes.push(...mistakesBetween(assets, tombstones, featureNames, lines));
  if (mistakes.length > 0) throw new CatalogError(mistakes.sort(byFileAndLine));
  return {
    digest: digestOf(files),
    assets: assets.sort(byOrder),
    tombstones,
    features,
    shippedFiles: Object.fromEntries(shippedFiles),
  };
}

/** By folder: what `defaults.yaml` says for all assets beside it, but not below. */
function defaultsOf(files: readonly CatalogFile[], mistakes: Mistake[]): ReadonlyMap<string, JsonMap> {
  const defaults = new Map<string, JsonMap>();
  for (const { path, content } of files) {
    if (!path.endsWith('/defaults.yaml') && path !== 'defaults.yaml') continue;
    try {
      const [document] = parseYamlDocuments(decode(content) ?? '', { ambiguous: 'refuse' });
      if (isMap(document?.value)) defaults.set(folderOf(path), document.value);
      else
        mistakes.push({ file: path, line: 1, message: 'Defaults are a map, of what the front matter of assets says' });
    } catch (error) {
      if (!(error instanceof YamlError)) throw error;
      mistakes.push(...error.mistakes.map((mistake) => ({ file: path, ...mistake })));
    }
  }
  return defaults;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** HyperConverged's own assets come first: facts are taken from what they make of it. */
function byOrder(a: CompiledAsset, b: CompiledAsset): number {
  return rank(a) - rank(b) || a.order - b.order || compareCodeUnits(a.name, b.name);
}

function rank({ target }: CompiledAsset): number {
  return target.kind === 'HyperConverged' && groupOf(target.apiVersions[0] ?? '') === 'hco.kubevirt.io' ? 0 : 1;
}

/** What only shows when all files are known: names, targets, dependencies and features. */
function* mistakesBetween(
  assets: readonly CompiledAsset[],
  tombstones: readonly Tombstone[],
  featureNames: ReadonlySet<string> | undefined,
  lines: ReadonlyMap<string, CompiledAssetFile['lineOf']>,
): Generator<Mistake> {
  const at = ({ file }: CompiledAsset, ...path: string[]) => ({ file, line: lines.get(file)?.(path) ?? 1 });
  const byName = new Map<string, CompiledAsset>();
  const byTarget = new Map<string, string>();

  for (const asset of assets) {
    const other = byName.get(asset.name);
    if (other !== undefined) yield { ...at(asset), message: `There is another asset ${asset.name}, in ${other.file}` };
    byName.set(asset.name, asset);

    const target = targetKey(asset);
    const owner = byTarget.get(target);
    if (owner !== undefined)
      yield { ...at(asset, 'target'), message: `${asset.name} has the same target as ${owner}: ${target}` };
    byTarget.set(target, asset.name);

    for (const feature of asset.features) {
      if (featureNames !== undefined && !featureNames.has(feature))
        yield { ...at(asset, 'feature'), message: `There is no feature ${feature} in features.yaml` };
    }
  }
  for (const asset of assets) {
    for (const name of asset.dependsOn) {
      if (!byName.has(name))
        yield { ...at(asset, 'dependsOn'), message: `${asset.name} depends on ${name}, which isn't an asset` };
    }
  }
  for (const cycle of cyclesOf(byName)) {
    const [first] = cycle;
    const asset = first === undefined ? undefined : byName.get(first);
    if (asset !== undefined)
      yield { ...at(asset, 'dependsOn'), message: `Assets depend on each other: ${[...cycle, first].join(' -> ')}` };
  }
  for (const { name, file, target } of tombstones) {
    const owner = byTarget.get(keyOf(target.apiVersion, target.kind, target.namespace, target.name));
    if (owner !== undefined)
      yield { file, line: 1, message: `The tombstone ${name} would delete what the asset ${owner} keeps` };
  }
}

/** An identity with params filled in; the namespace of HyperConverged is only known on a cluster. */
function targetKey({ target, params }: CompiledAsset): string {
  const context = { params, hyperConverged: { namespace: 'HyperConverged-namespace' } } as unknown as RenderContext;
  const text = (compiled: CompiledIdentityText | undefined) => {
    try {
      return compiled && identityTemplate(compiled).render(context);
    } catch {
      return 'invalid';
    }
  };
  return keyOf(target.apiVersions[0] ?? '', target.kind, text(target.namespace), text(target.name) ?? '');
}

function keyOf(apiVersion: string, kind: string, namespace: string | undefined, name: string): string {
  const group = groupOf(apiVersion);
  return `${kind}${group === '' ? '' : `.${group}`} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** Each cycle once, from its first asset in code-unit order. */
function cyclesOf(assets: ReadonlyMap<string, CompiledAsset>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();

  function visit(name: string, path: readonly string[]): void {
    const start = path.indexOf(name);
    if (start !== -1) {
      cycles.push(path.slice(start));
      return;
    }
    if (done.has(name)) return;
    for (const next of assets.get(name)?.dependsOn ?? []) visit(next, [...path, name]);
    done.add(name);
  }

  for (const name of [...assets.keys()].sort(compareCodeUnits)) visit(name, []);
  return cycles;
}

function digestOf(files: readonly CatalogFile[]): string {
  const hash = createHash('sha256');
  // Lengths in front, so that no two catalogs are the same bytes.
  for (const { path, content } of sortedByPath(files)) {
    hash.update(`${new TextEncoder().encode(path).length} ${path} ${content.length} `).update(content);
  }
  return `sha256:${hash.digest('hex')}`;
}

function sortedByPath(files: readonly CatalogFile[]): CatalogFile[] {
  return [...files].sort((a, b) => compareCodeUnits(a.path, b.path));
}

function decode(content: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    return undefined;
  }
}

function byFileAndLine(a: Mistake, b: Mistake): number {
  return compareCodeUnits(a.file, b.file) || a.line - b.line || compareCodeUnits(a.message, b.message);
}
