import test from 'ava';
import { assetNamed, bodyOf, catalog, unmetConditions } from '../_assets.ts';
import { conditions, rulesOf } from './_rules.ts';

const sets = catalog.assets.filter(({ target }) => target.kind === 'OperationRuleSet').map(({ name }) => name);

/** What an object may look like before anybody has written its status. */
const fresh = [
  {},
  { metadata: {}, spec: {} },
  { status: {} },
  { metadata: {}, spec: {}, status: { conditions: [], history: [] } },
];

/** A snapshot whose status says nothing yet is being made. */
const begunByStatus = ['ifo-volumesnapshot-rules'];

test('there are thirty-eight of them', (t) => {
  t.is(sets.length, 38);
});

for (const name of sets) {
  test(`${name} takes nothing to be in flight on a fresh object, and never fails`, (t) => {
    for (const { operation, holds } of rulesOf(name)) {
      for (const object of begunByStatus.includes(name) ? fresh.slice(0, 2) : fresh)
        t.false(holds(object), `${operation} on ${JSON.stringify(object)}`);
    }
  });

  test(`${name} never fails on conditions that it doesn't know`, (t) => {
    for (const { holds } of rulesOf(name)) t.is(holds(conditions({ Whatever: 'True' })), begunByStatus.includes(name));
  });

  test(`${name} says what it watches, names each operation once, and comes last`, (t) => {
    const { spec } = bodyOf(name);
    const { target, order, group, feature, gates } = assetNamed(name);
    t.is(name, `ifo-${target.name.render({ params: {} } as never)}`);
    t.is(target.namespace, undefined);
    t.deepEqual(
      { order, group, feature, gates },
      {
        order: 20,
        group: 'inflightoperations',
        feature: 'in-flight-operations',
        gates: [],
      },
    );
    t.deepEqual(Object.keys(spec.target), ['group', 'version', 'resource']);
    t.regex(spec.component, /^[a-z]+$/);
    const operations = spec.rules.map(({ operation }: { operation: string }) => operation);
    t.is(new Set(operations).size, operations.length);
  });

  test(`${name} takes the annotation`, (t) => {
    t.deepEqual(unmetConditions(name), ["enabled('in-flight-operations')"]);
    const annotations = { 'platform.kubevirt.io/enable-in-flight-operations': 'true' };
    t.deepEqual(unmetConditions(name, { annotations }), []);
  });
}
