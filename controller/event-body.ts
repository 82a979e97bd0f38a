import { escapeText } from '../shared/api/escape.ts';
import type { JsonObject } from '../shared/api/kubernetes-object.ts';
import { keyPrefix } from '../shared/api/names.ts';
import { formatObjectRef, type ObjectRef } from '../shared/api/object-ref.ts';
import type { EventDraft } from './event-words.ts';

/** HyperConverged, as events name it; by the uid `kubectl describe` finds them. */
export type EventSubject = ObjectRef & { readonly namespace: string; readonly uid?: string };

/** Who reports, on every event of ours. */
export const reportingController = `virt-${keyPrefix}autopilot`;

/**
 * An event as events.k8s.io/v1 takes it.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
 */
export function eventBody(
  { type, reason, action, note, related }: EventDraft,
  regarding: EventSubject,
  { name, micros, reportingInstance }: { name: string; micros: number; reportingInstance: string },
): JsonObject {
  return {
    apiVersion: eventCollection.apiVersion,
    kind: eventCollection.kind,
    metadata: { name, namespace: regarding.namespace },
    eventTime: microTime(micros),
    reportingController,
    reportingInstance: cutToBytes(reportingInstance, 128),
    type,
    reason,
    action,
    note: cutToBytes(escapeText(note), 1024),
    regarding: { ...regarding },
    ...(related !== undefined && { related: { ...related } }),
  };
}

/** What makes two events the same, but for their time and note: such become a series. */
export function seriesKey({ type, reason, action, related }: EventDraft, regarding: EventSubject): string {
  const about = related === undefined ? '' : `${related.apiVersion} ${formatObjectRef(related)}`;
  return [type, reason, action, formatObjectRef(regarding), regarding.uid ?? '', about].join('\n');
}

/** MicroTime, as the API wants it, of microseconds since 1970. */
export function microTime(micros: number): string {
  const rest = String(micros % 1000).padStart(3, '0');
  return new Date(Math.floor(micros / 1000)).toISOString().replace(/Z$/, `${rest}Z`);
}

export const eventCollection = { apiVersion: 'events.k8s.io/v1', kind: 'Event' } as const;

/** At most so many bytes of UTF-8, never half a character. */
function cutToBytes(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  const ellipsis = '…';
  let bytes = Buffer.byteLength(ellipsis);
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > most) break;
    kept += character;
  }
  return `${kept}${ellipsis}`;
}
