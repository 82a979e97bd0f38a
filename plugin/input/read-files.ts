import { closeSync, lstatSync, openSync, readdirSync, readSync, realpathSync, type Stats, statSync } from 'node:fs';
import { extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { UserError } from '../user-error.ts';
import { objectsInText } from './objects-in-text.ts';

export type ReadFilesOptions = {
  readonly cwd: string;
  readonly stdin: () => Readable;
  /** Whether the folders in a folder are read too. Default true: a must-gather is a tree. */
  readonly recursive?: boolean;
  /** Largest file, in bytes. Default 10 MiB. */
  readonly maxFileBytes?: number;
  /** All files together, in bytes. Default 256 MiB. */
  readonly maxTotalBytes?: number;
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
  const { cwd, stdin, recursive = true, maxFileBytes = 10 * mebibyte, maxTotalBytes = 256 * mebibyte } = options;
  const objects = new Map<string, KubernetesObject>();
  const notes: string[] = [];
  let total = 0;
  const take = (bytes: Buffer, shownAs: string, isNamed: boolean) => {
    total += bytes.length;
    if (total > maxTotalBytes) {
      throw new UserError(
        `the files are larger than ${megabytes(maxTotalBytes)} together: name only those that are needed`,
      );
    }
    const found = objectsInText(decode(bytes, shownAs), shownAs, { strict: isNamed });
    for (const object of found.objects) objects.set(identity(object), object);
    return found;
  };

  for (const name of new Set(names)) {
    if (name === '-') {
      take(await readStream(stdin(), 'standard input', maxFileBytes), 'standard input', true);
      continue;
    }
    const path = resolve(cwd, name);
    const stats = statOf(path, name);
    if (!stats.isDirectory()) {
      take(readFile(path, name, stats, maxFileBytes), name, true);
      continue;
    }
    const folder = filesInFolder(path, name, recursive);
    if (folder.files.length === 0)
      throw new UserError(`there is no .yaml, .yml or .json file in ${name}: name another folder, or a file`);
    notes.push(...folder.notes);
    const without: string[] = [];
    for (const { file, shownAs } of folder.files) {
      if (take(readFile(file, shownAs, statOf(file, shownAs), maxFileBytes), shownAs, false).hasOther)
        without.push(shownAs);
    }
    if (without.length > 0) {
      notes.push(
        `${without.length === 1 ? `${without[0]} holds` : `${without.length} files in ${name} hold`} something else than Kubernetes objects, which is left out${without.length === 1 ? '' : ` (the first is ${without[0]})`}`,
      );
    }
  }
  return { objects: [...objects.values()], notes };
}

const mebibyte = 1024 * 1024;
const extensions: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json']);
const maxFiles = 50_000;
const maxFolderDepth = 32;

function statOf(path: string, shownAs: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw unreadable(error, shownAs);
  }
}

function unreadable(error: unknown, shownAs: string): UserError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new UserError(`${shownAs} does not exist: check the path given with -f`, { cause: error });
  if (code === 'EACCES' || code === 'EPERM')
    return new UserError(`${shownAs} can't be read: permission denied`, { cause: error });
  return new UserError(`${shownAs} can't be read: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}

/** A pipe (`-f <(kubectl get …)`) tells no size, so reading stops by itself one byte after the limit. */
function readFile(path: string, shownAs: string, stats: Stats, maxBytes: number): Buffer {
  if (stats.size > maxBytes) throw tooLarge(shownAs, stats.size, maxBytes);
  try {
    const file = openSync(path, 'r');
    try {
      const chunks: Buffer[] = [];
      let size = 0;
      for (;;) {
        const chunk = Buffer.allocUnsafe(Math.max(64 * 1024, stats.size + 1));
        const count = readSync(file, chunk, 0, chunk.length, null);
        if (count === 0) return Buffer.concat(chunks);
        size += count;
        if (size > maxBytes) throw tooLarge(shownAs, undefined, maxBytes);
        chunks.push(chunk.subarray(0, count));
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(error, shownAs);
  }
}

async function readStream(stream: Readable, shownAs: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > maxBytes) throw tooLarge(shownAs, undefined, maxBytes);
      chunks.push(bytes);
    }
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(error, shownAs);
  }
  return Buffer.concat(chunks);
}

function tooLarge(shownAs: string, size: number | undefined, maxBytes: number): UserError {
  const found =
    size === undefined
      ? `is larger than ${megabytes(maxBytes)}`
      : `is ${megabytes(size)} large, and at most ${megabytes(maxBytes)} are read`;
  return new UserError(`${shownAs} ${found}: name files with only the objects that are needed`);
}

function megabytes(bytes: number): string {
  return bytes < mebibyte ? `${bytes} bytes` : `${Math.ceil(bytes / mebibyte)} MiB`;
}

function decode(bytes: Buffer, shownAs: string): string {
  // PowerShell's `>` writes UTF-16.
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Said below.
  }
  throw new UserError(`${shownAs} is no text but binary: expected Kubernetes objects as YAML or JSON`);
}

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
    throw unreadable(error, shownAs);
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
