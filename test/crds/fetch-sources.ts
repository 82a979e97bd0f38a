import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { digestOf, read, type Source } from './source.ts';

export type Fetched =
  | { readonly source: Source; readonly unreachable: string }
  | { readonly source: Source; readonly text: string; readonly sha256: string; readonly sum?: string };

export type FetchOptions = {
  /** Where files of repositories are: REPOSITORY/VERSION/PATH below it. */
  readonly server: string;
  /** Time allowed for each file or module, in milliseconds. */
  readonly timeoutMs: number;
  /** What Go's client is told besides (GOPROXY and the like). */
  readonly env: Readonly<Record<string, string>>;
};

/** Fetches each source; what can't be had says why, in words that are the same for all of one origin. */
export async function fetchSources(sources: readonly Source[], options: FetchOptions): Promise<readonly Fetched[]> {
  const modules = new Map<string, Promise<Module>>();
  return await Promise.all(
    sources.map((source) => {
      if (!('module' in source)) return fetchFile(source, options);
      const name = `${source.module}@${source.version}`;
      const module = modules.get(name) ?? downloadModule(name, options);
      modules.set(name, module);
      return takeFile(source, name, module);
    }),
  );
}

async function fetchFile(
  source: Source & { repository: string },
  { server, timeoutMs }: FetchOptions,
): Promise<Fetched> {
  const url = `${server}/${source.repository}/${source.version}/${source.path}`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!answer.ok) return { source, unreachable: `${source.name}: ${url} answers ${answer.status}` };
    const text = await answer.text();
    return { source, text, sha256: digestOf(text) };
  } catch (error) {
    const { cause, message } = error as Error;
    const why = cause instanceof Error ? cause.message || message : message;
    return { source, unreachable: `${server} can't be reached (${why})` };
  }
}

type Module = { readonly folder: string; readonly sum: string } | { readonly unreachable: string };

/** Has Go's client put a module into its cache, checked against the checksum database where that is in use. */
async function downloadModule(name: string, { env, timeoutMs }: FetchOptions): Promise<Module> {
  const unreachable = (why: string) => ({ unreachable: `the Go module ${name} can't be fetched (${why})` });
  // Not in a module of somebody's: its go.mod is none of our business.
  const where = { cwd: tmpdir(), timeout: timeoutMs, env: { ...process.env, GOWORK: 'off', ...env } };
  try {
    const { stdout } = await promisify(execFile)('go', ['mod', 'download', '-json', name], where);
    const { Dir, Sum } = JSON.parse(stdout);
    return { folder: Dir, sum: Sum };
  } catch (error) {
    const { code, stdout = '', message } = error as { code?: unknown; stdout?: string; message: string };
    if (code === 'ENOENT') return unreachable('go is not on PATH');
    const said = /"Error": (".*")/.exec(stdout)?.[1];
    return unreachable((said === undefined ? message : String(JSON.parse(said))).split('\n', 1)[0] ?? '');
  }
}

async function takeFile(source: Source, name: string, download: Promise<Module>): Promise<Fetched> {
  const module = await download;
  if ('unreachable' in module) return { source, unreachable: module.unreachable };
  const text = await read(path.join(module.folder, source.path));
  if (text === undefined) return { source, unreachable: `${source.name}: ${name} has no file ${source.path}` };
  return { source, text, sha256: digestOf(text), sum: module.sum };
}
