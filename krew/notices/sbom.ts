import type { ProductionPackage } from './production-packages.ts';

export type SbomOptions = {
  /** Without `v`. */
  readonly version: string;
  /** Folders of the packages that ours depends on itself. */
  readonly direct: readonly string[];
  readonly homepage: string;
  readonly modified: Date;
  /** The Node inside: its version, and the packages that it is taken from, one for each platform. */
  readonly node: { readonly version: string; readonly packages: readonly NodePackage[] };
};

export type NodePackage = { readonly name: string; readonly integrity: string };

/**
 * What the plugin is made of, for scanners: CycloneDX 1.6. The same lockfile and commit give the same text, so there is
 * no serial number.
 *
 * @see https://cyclonedx.org/docs/1.6/json/
 */
export function sbom(
  packages: readonly ProductionPackage[],
  { version, direct, homepage, modified, node }: SbomOptions,
): string {
  const ourselves = `pkg:npm/virt-platform@${version}`;
  const runtime = `pkg:generic/node@${node.version}`;
  const refs = new Map(packages.map((package_) => [package_.folder, refOf(package_)]));
  const nodePackages = node.packages.map((package_) => ({ ...package_, ref: npmUrl(package_.name, node.version) }));
  const refsOf = (folders: readonly string[]) => folders.flatMap((folder) => refs.get(folder) ?? []);

  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: modified.toISOString(),
      component: {
        type: 'application',
        'bom-ref': ourselves,
        name: 'virt-platform',
        version,
        purl: ourselves,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        externalReferences: [{ type: 'website', url: homepage }],
      },
    },
    components: [
      {
        type: 'platform',
        'bom-ref': runtime,
        name: 'node',
        version: node.version,
        purl: runtime,
        cpe: `cpe:2.3:a:nodejs:node.js:${node.version}:*:*:*:*:*:*:*`,
        licenses: [{ license: { id: 'MIT' } }],
      },
      ...nodePackages.map(({ ref, name, integrity }) => ({
        type: 'file',
        'bom-ref': ref,
        name,
        version: node.version,
        purl: ref,
        hashes: [hashOf(integrity)],
      })),
      ...packages.map((package_) => ({
        type: 'library',
        'bom-ref': refOf(package_),
        name: package_.name,
        version: package_.version,
        purl: npmUrl(package_.name, package_.version),
        hashes: [hashOf(package_.integrity)],
        licenses: [{ expression: package_.license.replace(/^\((.*)\)$/, '$1') }],
      })),
    ],
    dependencies: [
      { ref: ourselves, dependsOn: [runtime, ...refsOf(direct)] },
      { ref: runtime, dependsOn: nodePackages.map(({ ref }) => ref) },
      ...packages.map((package_) => ({ ref: refOf(package_), dependsOn: refsOf(package_.needs) })),
    ],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** A package may be there twice, in two folders. */
function refOf({ name, version, folder }: ProductionPackage): string {
  return folder === `node_modules/${name}` ? npmUrl(name, version) : `${npmUrl(name, version)}#${folder}`;
}

/** @see https://github.com/package-url/purl-spec */
function npmUrl(name: string, version: string): string {
  return `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;
}

function hashOf(integrity: string): { alg: string; content: string } {
  const [algorithm, digest = ''] = integrity.split('-');
  if (algorithm !== 'sha512') throw new Error(`The integrity ${integrity} isn't SHA-512.`);
  return { alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') };
}
