import { closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { UserError } from '../user-error.ts';

/** What is read, and what errors say of it. */
export type Reading = {
  /** By which the file was named: `-f`. */
  readonly option: string;
  /** What was to be in it: `Kubernetes objects as YAML or JSON`. */
  readonly expected: string;
  /** What to do where there is too much of it. */
  readonly ifTooLarge: string;
  /** The most that is read, in bytes. */
  readonly maxBytes: number;
};

/**
 * The text of one file, or of standard input (`-`).
 *
 * @throws UserError one line: which file, and what is wrong.
 */
export async function readText(
  name: string,
  { cwd, stdin }: { readonly cwd: string; readonly stdin: () => Readable },
  reading: Reading,
): Promise<string> {
  if (name === '-') {
    return decode(await readStream(stdin(), 'standard input', reading), 'standard input', reading);
  }
  const path = resolve(cwd, name);
  const stats = statOf(path, name, reading);
  if (stats.isDirectory()) throw new UserError(`${name} is a folder: ${reading.option} takes one file`);
  return decode(await readFile(path, name, stats, reading), name, reading);
}

export const mebibyte = 1024 * 1024;

export function statOf(path: string, shownAs: string, { option }: Pick<Reading, 'option'>): Stats {
  // Of an empty variable in a script, and no name for the folder we are in.
  if (shownAs === '') throw new UserError(`${option} names no file: its value is empty`);
  try {
    return statSync(path);
  } catch (error) {
    throw unreadable(error, shownAs, option);
  }
}

/** Why a file can't be read. */
export function unreadable(error: unknown, shownAs: string, option: string): UserError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (/^https?:\/\//.test(shownAs))
    return new UserError(`${shownAs} is no file: fetch it first, as in "curl -fL URL >FILE", and name that`);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new UserError(`${shownAs} does not exist: check the path given with ${option}`, { cause: error });
  if (code === 'EACCES' || code === 'EPERM')
    return new UserError(`${shownAs} can't be read: permission denied`, { cause: error });
  return new UserError(`${shownAs} can't be read: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}

/** What is no plain file tells no size, so reading stops by itself one byte after the limit. */
export async function readFile(path: string, shownAs: string, stats: Stats, reading: Reading): Promise<Buffer> {
  const { maxBytes, option } = reading;
  if (stats.size > maxBytes) throw tooLarge(shownAs, stats.size, reading);
  try {
    return stats.isFIFO()
      ? await readStream(await pipeAt(path), shownAs, reading)
      : readAtOnce(path, shownAs, stats.size, reading);
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(error, shownAs, option);
  }
}

/** A pipe (`-f <(kubectl get …)`) that nobody writes to yet must not block: Ctrl-C would go unheard. */
async function pipeAt(path: string): Promise<Readable> {
  const { Socket } = await import('node:net');
  return new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
}

function readAtOnce(path: string, shownAs: string, expectedBytes: number, reading: Reading): Buffer {
  const file = openSync(path, 'r');
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.max(64 * 1024, expectedBytes + 1));
      const count = readSync(file, chunk, 0, chunk.length, null);
      if (count === 0) return Buffer.concat(chunks);
      size += count;
      if (size > reading.maxBytes) throw tooLarge(shownAs, undefined, reading);
      chunks.push(chunk.subarray(0, count));
    }
  } finally {
    closeSync(file);
  }
}

export async function readStream(stream: Readable, shownAs: string, reading: Reading): Promise<Buffer> {
  const { maxBytes } = reading;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > maxBytes) throw tooLarge(shownAs, undefined, reading);
      chunks.push(bytes);
    }
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(error, shownAs, reading.option);
  }
  return Buffer.concat(chunks);
}

function tooLarge(shownAs: string, size: number | undefined, { maxBytes, ifTooLarge }: Reading): UserError {
  const found =
    size === undefined
      ? `is larger than ${megabytes(maxBytes)}`
      : `is ${megabytes(size)} large, and at most ${megabytes(maxBytes)} are read`;
  return new UserError(`${shownAs} ${found}: ${ifTooLarge}`);
}

export function megabytes(bytes: number): string {
  return bytes < mebibyte ? `${bytes} bytes` : `${Math.ceil(bytes / mebibyte)} MiB`;
}

/** @throws UserError for what is no text. */
export function decode(bytes: Buffer, shownAs: string, { expected }: Pick<Reading, 'expected'>): string {
  // PowerShell's `>` writes UTF-16.
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Said below.
  }
  throw new UserError(`${shownAs} is no text but binary: expected ${expected}`);
}
