import type { JsonObject, KubernetesObject } from '../api/kubernetes-object.ts';
import { WatchError } from './watch-error.ts';

/** One line of a watch. */
export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubernetesObject }
  /** Nothing happened up to `resourceVersion`; or, once, the streamed initial list is complete. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly endsInitialList: boolean }
  /** The server gives up; `status` is its `Status`. */
  | { readonly type: 'ERROR'; readonly status: JsonObject };

/**
 * @throws WatchError for what no API server writes.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export function parseWatchEvent(line: string): WatchEvent {
  const { type, object } = parsed(line);
  if (object === null || typeof object !== 'object') throw unparsable('it carries no object');
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED': {
      const { metadata, kind, apiVersion } = object;
      if (typeof kind !== 'string' || typeof apiVersion !== 'string') throw unparsable('its object has no kind');
      if (typeof metadata?.name !== 'string') throw unparsable('its object has no name');
      return { type, object };
    }
    case 'BOOKMARK': {
      const { resourceVersion, annotations } = object.metadata ?? {};
      if (typeof resourceVersion !== 'string') throw unparsable('a bookmark without a resourceVersion');
      return { type, resourceVersion, endsInitialList: annotations?.[initialEventsEnd] === 'true' };
    }
    case 'ERROR':
      return { type, status: object as unknown as JsonObject };
    default:
      throw unparsable(`its type is ${JSON.stringify(type)?.slice(0, 40)}`);
  }
}

const initialEventsEnd = 'k8s.io/initial-events-end';

type Parsed = { readonly type?: unknown; readonly object?: KubernetesObject | null };

function parsed(line: string): Parsed {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    // What the parser says quotes the line, which may hold anything.
    throw unparsable(`${line.length} characters that are no JSON`);
  }
  if (json === null || typeof json !== 'object') throw unparsable('it is no JSON object');
  return json;
}

function unparsable(why: string): WatchError {
  return new WatchError('unparsable', `a line of the watch is no event: ${why}`);
}
