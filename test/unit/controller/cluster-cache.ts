import test from 'ava';
import { ClusterCache } from '../../../controller/cluster-cache.ts';
import type { KubernetesObject } from '../../../shared/api/kubernetes-object.ts';
import { questionKey } from '../../../shared/engine/snapshot.ts';
import type { Watch, WatchPhase } from '../../../shared/kube/watch.ts';

const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'settings' };
const question = { ask: 'get', ref } as const;
const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...ref, resourceVersion: '7' } } as KubernetesObject;

/** A cache that watches one object, by a watch whose phase a test sets. */
function watching({ kindWide = [] }: { kindWide?: string[] } = {}) {
  const items = new Map<string, KubernetesObject>();
  let phase: WatchPhase = 'connecting';
  let changed = () => {};
  const counts = { retried: 0, recovered: 0, changes: 0 };
  const cache = new ClusterCache({
    watch: (target, { onChange }) => {
      changed = onChange;
      return {
        target,
        items,
        get isSynced() {
          return phase === 'synced';
        },
        get state() {
          return { phase, lastHeardAtMs: 0, ...(phase === 'failing' && { why: 'a webhook is broken' }) };
        },
        retryNow: () => {
          counts.retried += 1;
        },
        stop: async () => {},
      } as unknown as Watch;
    },
    kindWide: new Set(kindWide),
    images: {},
    onChange: () => {
      counts.changes += 1;
    },
    onRecovered: () => {
      counts.recovered += 1;
    },
  });
  cache.watch([question], { isFinished: false });
  return {
    cache,
    items,
    counts,
    enter: (next: WatchPhase) => {
      phase = next;
      changed();
    },
    answer: () => cache.snapshot().reads.get(questionKey(question)),
  };
}

test('what fails and was never read is waited for, until it is given up; then nobody knows', (t) => {
  const { cache, enter, answer } = watching();
  t.false(cache.giveUpFailing(), 'it connects');
  enter('failing');
  t.is(answer(), undefined);
  t.true(cache.giveUpFailing());
  t.deepEqual(answer(), { answer: 'unknown', why: 'a webhook is broken' });
  t.false(cache.giveUpFailing(), 'once is enough');
});

test('what was given up counts as soon as it is read', (t) => {
  const { cache, enter, items, answer } = watching();
  enter('failing');
  cache.giveUpFailing();
  answer();
  items.set('default/settings', object);
  enter('synced');
  t.deepEqual(answer(), { answer: 'object', object });
});

test('what was read once is never given up: what was known last stands', (t) => {
  const { cache, enter, items, answer } = watching();
  items.set('default/settings', object);
  enter('synced');
  enter('failing');
  t.false(cache.giveUpFailing());
  t.deepEqual(answer(), { answer: 'object', object });
});

test('a watch that is back is told of once, and those that are out are tried', (t) => {
  const { cache, enter, counts } = watching();
  enter('failing');
  cache.retryFailing();
  t.is(counts.retried, 1);
  enter('synced');
  enter('synced');
  t.is(counts.recovered, 1);
  cache.retryFailing();
  t.is(counts.retried, 1);
});

test('what is asked anew of a kind that is watched already is news, though nothing changes', (t) => {
  const { cache, counts, enter } = watching({ kindWide: ['v1 ConfigMap'] });
  enter('synced');
  const before = counts.changes;
  const other = { ask: 'get', ref: { ...ref, name: 'other' } } as const;
  cache.watch([question, other], { isFinished: false });
  t.is(counts.changes, before + 1);
  t.deepEqual(cache.snapshot().reads.get(questionKey(other)), { answer: 'absent' });
  cache.watch([question, other], { isFinished: true });
  t.is(counts.changes, before + 1);
});
