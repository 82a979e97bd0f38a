import type { Asset, Feature, Tombstone } from './asset.ts';
import type { CompiledCondition } from './compile-condition.ts';
import type { CompiledIdentityText } from './identity-template.ts';
import type { CompiledTemplate } from './template.ts';

/**
 * A checked catalog as plain JSON: all that its files say, parsed, so that a package can carry it and has neither files
 * to read nor parsers to run. `buildCatalog` makes a catalog of it.
 */
export type CompiledCatalog = {
  readonly digest: string;
  /** In the catalog's order. */
  readonly assets: readonly CompiledAsset[];
  readonly tombstones: readonly Tombstone[];
  readonly features: readonly Feature[];
  /** What assets put into their bodies: bytes in base64, by path in the catalog. */
  readonly shippedFiles: Readonly<Record<string, string>>;
};

/** One asset, in one variant, as plain JSON. */
export type CompiledAsset = Pick<
  Asset,
  | 'name'
  | 'file'
  | 'features'
  | 'group'
  | 'install'
  | 'order'
  | 'protects'
  | 'gates'
  | 'params'
  | 'dependsOn'
  | 'readyTimeoutMs'
> & {
  readonly target: CompiledIdentity;
  readonly when: readonly CompiledCondition[];
  readonly reads: Readonly<Record<string, CompiledRead>>;
  readonly readyWhen?: CompiledCondition;
  readonly body: CompiledTemplate;
};

export type CompiledIdentity = {
  readonly apiVersions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly namespace?: CompiledIdentityText;
  readonly name: CompiledIdentityText;
};

export type CompiledRead =
  | ({ readonly read: 'object' } & CompiledIdentity)
  | {
      readonly read: 'list';
      readonly apiVersion: string;
      readonly kind: string;
      readonly plural: string;
      readonly namespace?: CompiledIdentityText;
    };
