import type { IncomingMessage, ServerResponse } from 'node:http';
import { escapeJson } from '../../shared/api/escape.ts';
import { printYaml } from '../../shared/yaml/print-yaml.ts';

/** One path, or all under it where it ends in `/*`. */
export type Route = {
  /** As in `/debug/plan`, or `/debug/assets/render/*`. */
  readonly path: string;
  /** One line, for the index. */
  readonly about: string;
  readonly answer: (request: Asked) => Answer | Promise<Answer>;
};

export type Asked = {
  /** What stands in the place of `*`; empty without one. */
  readonly rest: string;
  readonly query: URLSearchParams;
};

export type Answer =
  | { readonly status?: number; readonly text: string; readonly contentType?: string }
  /** Printed as JSON, or as YAML for who asks for it. */
  | { readonly status?: number; readonly data: unknown };

/** Finds the route and answers. Whatever goes wrong is an answer too. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: readonly Route[],
  { isLocal }: { readonly isLocal: boolean },
): Promise<void> {
  try {
    const url = URL.parse(request.url ?? '/', 'http://localhost');
    const reply = await answerOf(request, url, routes, isLocal);
    send(request, response, url?.searchParams ?? new URLSearchParams(), reply);
  } catch (error) {
    const text = `internal error: ${error instanceof Error ? error.message : String(error)}\n`;
    if (!response.headersSent) response.writeHead(500, headersOf('text/plain; charset=utf-8', text));
    response.end(request.method === 'HEAD' ? undefined : text);
  }
}

async function answerOf(
  request: IncomingMessage,
  url: URL | null,
  routes: readonly Route[],
  isLocal: boolean,
): Promise<Answer> {
  // A page elsewhere may have its name resolve to this host, and read what is only for who is on it.
  if (isLocal && !isLocalName(request.headers.host)) return { status: 403, text: 'for local use only\n' };
  if (url === null) return { status: 400, text: 'this is no path\n' };
  const found = find(url.pathname, routes);
  if (found === undefined) {
    return { status: 404, text: `there is nothing at this path; there is something at:\n${pathsOf(routes)}` };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, text: 'only GET and HEAD are answered\n' };
  }
  return await found.route.answer({ rest: found.rest, query: url.searchParams });
}

function find(path: string, routes: readonly Route[]): { route: Route; rest: string } | undefined {
  const exact = routes.find((route) => route.path === path);
  if (exact !== undefined) return { route: exact, rest: '' };
  for (const route of routes) {
    if (!route.path.endsWith('/*') || !path.startsWith(route.path.slice(0, -1))) continue;
    const rest = decoded(path.slice(route.path.length - 1));
    if (rest !== undefined && rest !== '') return { route, rest };
  }
  return undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function send(request: IncomingMessage, response: ServerResponse, query: URLSearchParams, reply: Answer): void {
  const { status = 200 } = reply;
  const { contentType, text } = 'data' in reply ? printed(reply.data, wantsYaml(request, query)) : textOf(reply);
  response.writeHead(status, { ...headersOf(contentType, text), ...(status === 405 && { Allow: 'GET, HEAD' }) });
  response.end(request.method === 'HEAD' ? undefined : text);
}

function textOf({ text, contentType = 'text/plain; charset=utf-8' }: { text: string; contentType?: string }) {
  return { text, contentType };
}

function printed(data: unknown, asYaml: boolean): { readonly contentType: string; readonly text: string } {
  const json = JSON.stringify(data, null, 2);
  if (asYaml) return { contentType: 'application/yaml', text: printYaml(JSON.parse(json)) };
  return { contentType: 'application/json', text: `${escapeJson(json)}\n` };
}

function wantsYaml({ headers }: IncomingMessage, query: URLSearchParams): boolean {
  const format = query.get('format');
  if (format !== null) return format === 'yaml';
  const accept = headers.accept ?? '';
  return /\byaml\b/.test(accept) && !/\bjson\b/.test(accept);
}

function headersOf(contentType: string, text: string): Record<string, string | number> {
  return {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  };
}

function isLocalName(host = ''): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(host);
}

function pathsOf(routes: readonly Route[]): string {
  return routes.map(({ path, about }) => `${path.replace(/\*$/, 'NAME').padEnd(28)} ${about}\n`).join('');
}

/** The routes, and an index of them at `path`. */
export function withIndex(path: string, routes: readonly Route[]): readonly Route[] {
  const index: Route = { path, about: 'this list', answer: () => ({ text: pathsOf(all) }) };
  const all = [index, ...routes];
  return all;
}
