import packageJson from '../../package.json' with { type: 'json' };
import { ApiError, formatPermission, formatServerError } from '../../shared/kube/api-error.ts';
import type { Output } from '../environment.ts';
import { UserError } from '../user-error.ts';
import { escapeText } from './escape.ts';

/**
 * Prints an error as one line on stderr, `error: …`, with what it counts below it.
 *
 * @returns the exit code: 2, or what the error asks for.
 */
export function printError(error: unknown, stderr: Output, { stack = false }: { stack?: boolean } = {}): number {
  const message = error instanceof ApiError && !error.isUnauthorized ? serverWords(error) : messageOf(error);
  stderr.write(`${prefixed(message)}\n`);
  if (error instanceof UserError) stderr.write(error.details.map((detail) => `  ${escapeText(detail)}\n`).join(''));
  if (stack && error instanceof Error) stderr.write(`${stackOf(error)}\n`);
  return error instanceof UserError ? error.exitCode : 2;
}

/** As kubectl prints it, and what would have to be granted. */
function serverWords(error: ApiError): string {
  const hint = error.permission === undefined ? '' : `; ${formatPermission(error.permission, error.kubectl)}`;
  return `${formatServerError(error)}${hint}`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What JavaScript itself throws is nobody's fault but ours.
  return isMistakeOfOurs(error)
    ? `internal error: ${error.message}; please report it, with what it says with -v, at ${packageJson.homepage}/issues`
    : error.message;
}

function isMistakeOfOurs({ name }: Error): boolean {
  return ['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError'].includes(name);
}

// What the API server said already begins as kubectl begins it.
function prefixed(message: string): string {
  const line = escapeText(message.replace(/\s*\n\s*/g, ' ').trim());
  return line.startsWith('Error from server') ? line : `error: ${line}`;
}

function stackOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n').map(escapeText).join('\n');
  return error.cause instanceof Error ? `${lines}\nCaused by: ${stackOf(error.cause)}` : lines;
}
