import test from 'ava';
import { formatObjectRef, groupOf, versionOf } from '../../../../shared/api/object-ref.ts';

test('an apiVersion is a group and a version; the core group has no name', (t) => {
  t.deepEqual([groupOf('apps/v1'), versionOf('apps/v1')], ['apps', 'v1']);
  t.deepEqual([groupOf('v1'), versionOf('v1')], ['', 'v1']);
});

test('objects are named as kubectl takes them, with their namespace where they have one', (t) => {
  t.is(formatObjectRef({ kind: 'Node', name: 'a' }), 'Node/a');
  t.is(formatObjectRef({ kind: 'ConfigMap', namespace: 'b', name: 'a' }), 'ConfigMap/b/a');
});
