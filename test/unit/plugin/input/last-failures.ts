import test from 'ava';
import { failureKey, failuresIn } from '../../../../plugin/input/last-failures.ts';

const event = (note: string, more: object) => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name: note },
  reason: 'ApplyFailed',
  note,
  related: { kind: 'ConfigMap', namespace: 'ns', name: 'a' },
  ...more,
});
const about = failureKey({ kind: 'ConfigMap', namespace: 'ns', name: 'a' });

test('of each object the last failure counts, a series by when it was seen last', (t) => {
  const failures = failuresIn([
    event('first', {
      eventTime: '2026-01-01T10:00:00.000000Z',
      series: { lastObservedTime: '2026-01-01T12:00:00.000000Z' },
    }),
    event('second', { eventTime: '2026-01-01T11:00:00.000000Z' }),
    event('other', { eventTime: '2026-01-01T13:00:00Z', related: { kind: 'ConfigMap', namespace: 'ns', name: 'b' } }),
    event('fine', { eventTime: '2026-01-01T14:00:00Z', reason: 'AssetApplied' }),
  ]);
  t.deepEqual(failures.get(about), { note: 'first', time: '2026-01-01T12:00:00.000000Z' });
  t.is(failures.size, 2);
});

test('what is no such event says nothing', (t) => {
  t.is(failuresIn([event('', { note: 5 }), event('x', { eventTime: null })]).size, 0);
});
