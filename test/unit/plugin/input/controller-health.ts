import test from 'ava';
import {
  type ControllerHealth,
  controllerHealth,
  controllerTroubles,
} from '../../../../plugin/input/controller-health.ts';

const now = new Date('2026-01-01T12:00:00Z');
const health = (spec: Record<string, unknown> = {}, annotations: Record<string, string> = {}) =>
  controllerHealth({
    answer: 'object',
    object: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: 'x',
        annotations: Object.fromEntries(
          Object.entries(annotations).map(([key, value]) => [`platform.kubevirt.io/${key}`, value]),
        ),
      },
      spec: { holderIdentity: 'pod-1', renewTime: '2026-01-01T11:59:50.000000Z', leaseDurationSeconds: 15, ...spec },
    },
  });

const controllerWarnings = (...args: [ControllerHealth, number, Date]) =>
  controllerTroubles(...args).map(({ message }) => message);

test('a controller that renews its Lease and has planned with what HyperConverged says needs no warning', (t) => {
  const fine = health({}, { 'last-pass': '2026-01-01T11:56:00Z', 'planned-generation': '3' });
  t.deepEqual(controllerWarnings(fine, 3, now), []);
  t.deepEqual(controllerWarnings(health(), 3, now), []);
  t.deepEqual(controllerWarnings({ state: 'not-found' }, 3, now), []);
});

test('one that has not renewed its Lease for twice its duration is silent', (t) => {
  t.deepEqual(controllerWarnings(health({ renewTime: '2026-01-01T11:55:00Z' }), 3, now), [
    'the controller (pod-1) has been silent for 5m: nothing is kept in sync; look at its pod',
  ]);
  t.deepEqual(controllerWarnings(health({ renewTime: '2026-01-01T11:57:00Z', leaseDurationSeconds: 137 }), 3, now), []);
});

test('a Lease that nobody holds is warned of', (t) => {
  t.regex(controllerWarnings(health({ holderIdentity: '' }), 3, now)[0] ?? '', /^no controller leads/);
});

test('one whose last pass is long ago, or that planned with an older HyperConverged, is behind', (t) => {
  const behind = health({}, { 'last-pass': '2026-01-01T11:00:00Z', 'planned-generation': '2' });
  const [late, older] = controllerWarnings(behind, 3, now);
  t.regex(late ?? '', /last pass was 60m ago/);
  t.regex(older ?? '', /is behind: it planned with generation 2 of HyperConverged, which is at 3/);
});

test('images come from its Lease; what is no JSON says nothing', (t) => {
  t.like(health({}, { images: '{"a":"registry/a:1","b":2}' }), { images: { a: 'registry/a:1' } });
  t.like(health({}, { images: '{' }), { images: {} });
  t.like(health({}, { 'planned-generation': 'x' }), { plannedGeneration: null });
});
