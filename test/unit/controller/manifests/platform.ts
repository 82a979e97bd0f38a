import test from 'ava';
import { catalogFor } from '../../../../controller/manifests/platform.ts';
import { permissionsOf } from '../../../../shared/permissions/permissions-of.ts';
import { builtInCatalog } from '../../../helpers/engine.ts';

const catalog = await builtInCatalog();
const openShift = catalogFor(catalog, 'openshift');
const kubernetes = catalogFor(catalog, 'kubernetes');
const namesOf = ({ assets }: typeof catalog) => assets.map(({ name }) => name);

test('what only another platform wants is left out', (t) => {
  t.true(namesOf(openShift).includes('mtv-operator'));
  t.false(namesOf(openShift).includes('mtv-operator-upstream'));
  t.true(namesOf(kubernetes).includes('mtv-operator-upstream'));
  t.false(namesOf(kubernetes).includes('mtv-operator'));
  t.false(namesOf(kubernetes).includes('swap-enable'));
});

test('what may be wanted on either stays: a condition that looks at more than the platform leaves out nothing', (t) => {
  for (const name of ['hco-golden-config', 'metrics-service', 'autopilot-dashboard', 'thp-tuning', 'nhc-far']) {
    t.true(namesOf(openShift).includes(name), name);
    t.true(namesOf(kubernetes).includes(name), name);
  }
  const both = new Set([...namesOf(openShift), ...namesOf(kubernetes)]);
  t.deepEqual(
    namesOf(catalog).filter((name) => !both.has(name)),
    [],
  );
});

test("so an overlay's permissions name no namespace that is another platform's", (t) => {
  const namespaces = (one: typeof catalog) =>
    new Set([...permissionsOf(one, 'ours')].flatMap(({ resource, name }) => (resource === 'namespaces' ? name : [])));
  t.deepEqual(
    [...namespaces(openShift)].filter((name) => ['operators', 'konveyor-forklift'].includes(name ?? '')),
    [],
  );
  t.deepEqual([...namespaces(kubernetes)].filter((name) => name?.startsWith('openshift-')).sort(), [
    'openshift-logging',
    'openshift-monitoring',
  ]);
});
