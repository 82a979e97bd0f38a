import test from 'ava';
import { eventBody, seriesKey } from '../../../controller/event-body.ts';
import type { EventDraft } from '../../../controller/event-words.ts';

const hyperConverged = { apiVersion: 'hco.kubevirt.io/v1', kind: 'HyperConverged', namespace: 'kubevirt', name: 'hco' };
const draft: EventDraft = { type: 'Warning', reason: 'ApplyFailed', action: 'Apply', note: 'it failed' };
const made = { name: 'hco.1', micros: Date.UTC(2026, 0, 2) * 1000 + 7, reportingInstance: 'pod-1' };

test('an event is on HyperConverged, about the object, by the autopilot', (t) => {
  const related = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'x', name: 'a', uid: '1' };
  t.deepEqual(eventBody({ ...draft, related }, hyperConverged, made), {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'hco.1', namespace: 'kubevirt' },
    eventTime: '2026-01-02T00:00:00.000007Z',
    reportingController: 'virt-platform.kubevirt.io/autopilot',
    reportingInstance: 'pod-1',
    type: 'Warning',
    reason: 'ApplyFailed',
    action: 'Apply',
    note: 'it failed',
    regarding: hyperConverged,
    related,
  });
});

test('a note is at most 1 kB, whole characters, and none that a terminal acts upon', (t) => {
  const note = (text: string) => String(eventBody({ ...draft, note: text }, hyperConverged, made).note);
  t.is(note('a\u001b[31mb\nc\u202e'), 'a\\u001b[31mb\\nc\\u202e');
  const long = note('ä€😀'.repeat(500));
  t.true(Buffer.byteLength(long) <= 1024);
  t.true(Buffer.byteLength(long) > 1015);
  t.regex(long, /^(ä|€|😀)+…$/u);
});

test('the same object, reason and action are a series, whatever the note says', (t) => {
  const key = (more: Partial<EventDraft>) => seriesKey({ ...draft, ...more }, hyperConverged);
  const related = (name: string) => ({ related: { apiVersion: 'v1', kind: 'ConfigMap', name } });
  t.is(key({ note: 'other' }), key({}));
  t.not(key(related('a')), key(related('b')));
  t.not(key({ action: 'Read' }), key({}));
});
