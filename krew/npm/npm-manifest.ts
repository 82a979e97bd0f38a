/** What we read of package.json. */
export type PackageJson = {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly homepage: string;
  readonly repository: unknown;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: unknown;
};

/**
 * The package.json of the npm package, from the project's. What only a checkout needs isn't in it: scripts, tools, and
 * Node for every platform. Sources become what the compiler makes of them.
 */
export function npmManifest(packageJson: PackageJson) {
  const { name, version, description, license, homepage, repository } = packageJson;
  const { dependencies, peerDependencies, peerDependenciesMeta } = packageJson;
  return {
    ...{ name, version, description, license, homepage, repository },
    type: 'module',
    // The oldest that has everything of Node that we use; the release workflow tries it.
    engines: { node: '>=22.15' },
    bin: { [program.name]: program.file },
    exports: Object.fromEntries(
      Object.entries(packageJson.exports).map(([subpath, file]) => [subpath, published(file)]),
    ),
    ...{ dependencies, peerDependencies, peerDependenciesMeta },
  };
}

/** What the package puts on the PATH. */
export const program = { name: 'kubectl-virt_platform', file: 'bin/kubectl-virt_platform.js' } as const;

function published(file: string): string | { types: string; default: string } {
  if (!file.endsWith('.ts')) return file;
  const base = file.replace(/\.ts$/, '');
  return { types: `${base}.d.ts`, default: `${base}.js` };
}
