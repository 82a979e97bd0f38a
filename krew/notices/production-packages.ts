/** A package of package-lock.json that ours needs when it runs. */
export type ProductionPackage = {
  readonly name: string;
  readonly version: string;
  /** Its folder from the project's root: `node_modules/yaml`. */
  readonly folder: string;
  /** An SPDX expression. */
  readonly license: string;
  /** Of the archive that it was published as: `sha512-` and base64. */
  readonly integrity: string;
  /** Folders of what it needs itself. */
  readonly needs: readonly string[];
};

/** What we read of package-lock.json, of version 3. */
export type Lock = { readonly packages: Readonly<Record<string, LockedPackage>> };

export type LockedPackage = {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
};

/**
 * The dependencies of our package and theirs, sorted by folder. Optional ones aren't among them: nothing of ours loads
 * them, and the packages leave them out.
 *
 * @throws Error where the lockfile lacks one, or what there is to say about it
 */
export function productionPackages(lock: Lock): ProductionPackage[] {
  const found = new Map<string, ProductionPackage>();
  const waiting = directDependencies(lock);
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (found.has(folder)) continue;
    const { version, license, integrity } = lock.packages[folder] ?? {};
    if (version === undefined || license === undefined || integrity === undefined) {
      throw new Error(`package-lock.json says no version, license or integrity of ${folder}: look at it by hand.`);
    }
    const needs = needsOf(lock, folder);
    found.set(folder, { name: nameOf(folder), version, folder, license, integrity, needs });
    waiting.push(...needs);
  }
  return [...found.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** Folders of what our package itself depends on, sorted. */
export function directDependencies(lock: Lock): string[] {
  return needsOf(lock, '');
}

function needsOf(lock: Lock, folder: string): string[] {
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = lock.packages[folder] ?? {};
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  return [...new Set([...Object.keys(dependencies), ...peers])].sort().map((name) => resolved(lock, folder, name));
}

/** As Node resolves it: in the nearest node_modules, from the folder upwards. */
function resolved({ packages }: Lock, from: string, name: string): string {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages[candidate] !== undefined) return candidate;
    if (folder === '') throw new Error(`package-lock.json has no ${name}, which ${from || 'our package'} needs.`);
  }
}

function nameOf(folder: string): string {
  const parts = folder.split('node_modules/');
  return parts.at(-1) ?? folder;
}
