import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { UserError } from '../user-error.ts';
import { objectsInText } from './objects-in-text.ts';
import { decode, mebibyte, megabytes, type Reading, readFile, readStream, statOf, unreadable } from './read-bytes.ts';

export type ReadFilesOptions = {
  readonly cwd: string;
  readonly stdin: () => Readable;
  /** Whether the folders in a folder are read too. Default true: a must-gather is a tree. */
  readonly recursive?: boolean;
  /** Longest file of YAML, in characters. Default 10 Mi. */
  readonly maxYamlLength?: number;
  /** All files together, in bytes. Default 256 MiB. */
  readonly maxBytes?: number;
};

export type FilesRead = {
  readonly objects: readonly KubernetesObject[];
  /** One line each: what in a folder was left out. */
  readonly notes: readonly string[];
};

/**
 * Reads the Kubernetes objects in files, folders (`.yaml`, `.yml` and `.json` in them) and standard input (`-`).
 * Lists are taken apart; of several objects with one identity the last counts. No link leads out of a folder.
 *
 * @throws UserError one line: which file, where in it, and what is wrong.
 */
export async function readFiles(names: readonly string[], options: ReadFilesOptions): Promise<FilesRead> {
  const { cwd, stdin, recursive = true, maxYamlLength = 10 * mebibyte, maxBytes = 256 * mebibyte } = options;
  const objects = new Map<string, KubernetesObject>();
  const notes: string[] = [];
  const reading: Reading = {
    option: '-f',
    expected: 'Kubernetes objects as YAML or JSON',
    ifTooLarge: 'name files with only the objects that are needed',
    maxBytes,
  };
  let total = 0;
  const take = (bytes: Buffer, shownAs: string, isNamed: boolean) => {
    total += bytes.length;
    if (total > maxBytes) {
      throw new UserError(`the files are larger than ${megabytes(maxBytes)} together: name only those that are needed`);
    }
    const found = objectsInText(decode(bytes, shownAs, reading), shownAs, { strict: isNamed, maxYamlLength });
    for (const object of found.objects) objects.set(identity(object), object);
    return found;
  };

  for (const name of new Set(names)) {
    if (name === '-') {
      take(await readStream(stdin(), 'standard input', reading), 'standard input', true);
      continue;
    }
    const path = resolve(cwd, name);
    const stats = statOf(path, name, reading);
    if (!stats.isDirectory()) {
      take(await readFile(path, name, stats, reading), name, true);
      continue;
    }
    const folder = filesInFolder(path, name, recursive);
    if (folder.files.length === 0)
      throw new UserError(`there is no .yaml, .yml or .json file in ${name}: name another folder, or a file`);
    notes.push(...folder.notes);
    const without: string[] = [];
    for (const { file, shownAs } of folder.files) {
      const bytes = await readFile(file, shownAs, statOf(file, shownAs, reading), reading);
      if (take(bytes, shownAs, false).hasOther) without.push(shownAs);
    }
    if (without.length > 0) {
      notes.push(
        `${without.length === 1 ? `${without[0]} holds` : `${without.length} files in ${name} hold`} something else than Kubernetes objects, which is left out${without.length === 1 ? '' : ` (the first is ${without[0]})`}`,
      );
    }
  }
  return { objects: [...objects.values()], notes };
}

const extensions: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json']);
const maxFiles = 50_000;
const maxFolderDepth = 32;

type FoundFile = { readonly file: string; readonly shownAs: string };

/** Sorted by name, so that the same folder always reads the same. */
function filesInFolder(folder: string, name: string, recursive: boolean): { files: FoundFile[]; notes: string[] } {
  const root = realpathSync(folder);
  const files: FoundFile[] = [];
  const outside: string[] = [];
  const seen = new Set<string>();
  const visit = (at: string, depth: number) => {
    const real = realpathSync(at);
    if (seen.has(real)) return;
    seen.add(real);
    if (depth > maxFolderDepth)
      throw new UserError(`${shown(at)} is more than ${maxFolderDepth} folders deep in ${name}: name a smaller folder`);
    for (const entry of entriesOf(at, shown(at))) {
      const path = join(at, entry);
      const stats = followed(path);
      if (stats === undefined) continue;
      if (lstatSync(path).isSymbolicLink() && !isInside(root, realpathSync(path))) {
        if (stats.isDirectory() || extensions.has(extname(entry))) outside.push(shown(path));
      } else if (stats.isDirectory()) {
        if (recursive) visit(path, depth + 1);
      } else if (stats.isFile() && extensions.has(extname(entry))) {
        files.push({ file: path, shownAs: shown(path) });
        if (files.length > maxFiles)
          throw new UserError(`${name} holds more than ${maxFiles} files: name a smaller folder`);
      }
    }
  };
  const shown = (path: string) => join(name, relative(folder, path));
  visit(folder, 0);
  return { files, notes: outside.map((path) => `${path} is a link that leads out of ${name}, and is left out`) };
}

function entriesOf(folder: string, shownAs: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    throw unreadable(error, shownAs, '-f');
  }
}

/** `undefined` for a link to nowhere. */
function followed(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function identity({ apiVersion, kind, metadata }: KubernetesObject): string {
  return JSON.stringify([apiVersion, kind, metadata.namespace ?? '', metadata.name]);
}
