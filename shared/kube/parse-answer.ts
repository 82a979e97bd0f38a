import type { Json, JsonObject } from '../api/kubernetes-object.ts';
import { ApiError, type ErrorAnswer } from './api-error.ts';
import { ConnectionError } from './connection-error.ts';
import type { HttpAnswer } from './transport.ts';

export type Asked = Pick<ErrorAnswer, 'doing' | 'server' | 'who' | 'kubectl'>;

/**
 * The JSON of an answer.
 *
 * @throws ApiError for what the server refuses; ConnectionError for what no Kubernetes API server writes.
 */
export function parseAnswer(answer: HttpAnswer, asked: Asked): JsonObject {
  const { status, text } = answer;
  const json = objectIn(text);
  if (status >= 200 && status < 300) {
    if (json !== undefined) return json;
    throw new ConnectionError(
      'unreadable-answer',
      `could not ${asked.doing}: ${asked.server} answered with ${described(answer)} instead of JSON; is there a proxy or a login page in between?`,
    );
  }
  const isStatus = json?.kind === 'Status';
  throw new ApiError({
    ...asked,
    code: status,
    reason: isStatus ? stringOf(json.reason) : reasonOf(status),
    serverMessage: (isStatus && stringOf(json.message)) || wordsOf(answer, asked.server),
    details: isStatus ? (objectOf(json.details) ?? {}) : {},
    ...(isStatus && { status: json }),
    ...retryAfter(answer, isStatus ? objectOf(json.details) : undefined),
  });
}

function objectIn(text: string): JsonObject | undefined {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function objectOf(value: Json | undefined): JsonObject | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

function stringOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function described({ headers, text }: HttpAnswer): string {
  if (text === '') return 'nothing';
  const isHtml = headers['content-type']?.includes('html') || text.trimStart().startsWith('<');
  return isHtml ? 'a web page' : (headers['content-type'] ?? 'something else');
}

function wordsOf(answer: HttpAnswer, server: string): string {
  const { status, headers, text } = answer;
  if (status >= 300 && status < 400) return `redirected to ${headers.location ?? 'nowhere'}, which is not followed`;
  // Go says "Client sent an HTTP request to an HTTPS server." without a type.
  const isPlain = /^text\/plain|^$/.test(headers['content-type'] ?? '') && !text.trimStart().startsWith('<');
  if (!isPlain) {
    return `${server} answered ${status} with ${described(answer)}, as no API server does; check its address, and whether there is a proxy in between`;
  }
  return text.trim().split('\n')[0]?.slice(0, 500) || `the server answered ${status}`;
}

function reasonOf(status: number): string {
  const reasons: Record<number, string> = {
    400: 'BadRequest',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    409: 'Conflict',
    429: 'TooManyRequests',
    500: 'InternalError',
    503: 'ServiceUnavailable',
    504: 'Timeout',
  };
  return reasons[status] ?? '';
}

function retryAfter({ headers }: HttpAnswer, details: JsonObject | undefined): { retryAfterMs?: number } {
  const seconds = headers['retry-after'] ?? details?.retryAfterSeconds;
  const number = Number(seconds);
  return seconds !== undefined && Number.isFinite(number) && number >= 0 ? { retryAfterMs: number * 1000 } : {};
}
