import { Buffer } from 'node:buffer';
import type { Asset, Catalog, Identity, Read, Template } from './asset.ts';
import { resolveShippedFile } from './catalog-path.ts';
import type { CompiledAsset, CompiledCatalog, CompiledIdentity, CompiledRead } from './compiled-catalog.ts';
import { conditionOf } from './condition.ts';
import { type CompiledIdentityText, identityTemplate } from './identity-template.ts';
import { bodyTemplate } from './template.ts';

/** The catalog that was compiled. Nothing is checked again, and an expression is planned when it is first evaluated. */
export function buildCatalog(compiled: CompiledCatalog): Catalog {
  const { digest, assets, tombstones, features } = compiled;
  const shippedFile = shippedFilesOf(compiled);
  return { digest, assets: assets.map((asset) => buildAsset(asset, shippedFile)), tombstones, features };
}

/** The bytes of the files that the catalog ships, by their path in it. */
export function shippedFilesOf({ shippedFiles }: CompiledCatalog): (path: string) => Uint8Array | undefined {
  return (path) => {
    const content = Object.hasOwn(shippedFiles, path) ? shippedFiles[path] : undefined;
    return content === undefined ? undefined : Buffer.from(content, 'base64');
  };
}

/** @param shippedFile as {@link shippedFilesOf} gives it */
export function buildAsset(
  { features, target, when, reads, readyWhen, body, ...plain }: CompiledAsset,
  shippedFile: (path: string) => Uint8Array | undefined,
): Asset {
  return {
    ...plain,
    features,
    target: identityOf(target),
    when: when.map(conditionOf),
    reads: Object.fromEntries(Object.entries(reads).map(([alias, read]) => [alias, readOf(read)])),
    body: bodyTemplate(body, (relative) => {
      const path = resolveShippedFile(plain.file, relative);
      return path === undefined ? undefined : shippedFile(path);
    }),
    ...(features[0] === undefined ? {} : { feature: features[0] }),
    ...(readyWhen === undefined ? {} : { readyWhen: conditionOf(readyWhen) }),
  };
}

function identityOf({ name, namespace, ...plain }: CompiledIdentity): Identity {
  return { ...plain, name: identityTemplate(name), ...namespaceOf(namespace) };
}

function readOf(read: CompiledRead): Read {
  if (read.read === 'object') return { read: 'object', ...identityOf(read) };
  const { namespace, ...plain } = read;
  return { ...plain, ...namespaceOf(namespace) };
}

function namespaceOf(namespace: CompiledIdentityText | undefined): { namespace?: Template<string> } {
  return namespace === undefined ? {} : { namespace: identityTemplate(namespace) };
}
