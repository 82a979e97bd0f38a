import test from 'ava';
import { admissionPolicy } from '../../../../controller/manifests/admission-policy.ts';
import type { Catalog } from '../../../../shared/catalog/asset.ts';
import { catalogWith, clusterScoped, inOurs } from './_catalogs.ts';

/** The identities in one of the policy's lists. */
function listed(name: 'kept' | 'retired', catalog: Catalog): string[] {
  const [policy] = admissionPolicy(catalog, { namespace: 'ours' });
  const { variables } = policy.spec as unknown as { variables: { name: string; expression: string }[] };
  const { expression = '' } = variables.find((variable) => variable.name === name) ?? {};
  return [...expression.matchAll(/'([^']*)'/g)].map(([, identity = '']) => identity);
}

const lease = 'coordination.k8s.io/leases/ours/virt-platform-autopilot';

test('what is kept may be written, in its namespace, and the Lease', (t) => {
  const catalog = catalogWith({
    a: {},
    b: { target: inOurs },
    c: { target: clusterScoped('a.b', 'Thing', 'x-{{params.role}}'), params: { role: 'worker' } },
  });
  t.deepEqual(listed('kept', catalog), ['/configmaps/ours/b', '/configmaps/theirs/a', 'a.b/things//x-worker', lease]);
});

test('what is only read may not be written', (t) => {
  const reads = { it: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'theirs', name: 'read' } };
  t.deepEqual(listed('kept', catalogWith({ a: { reads } })), ['/configmaps/theirs/a', lease]);
});

test('a Namespace is listed as the API server tells it when it is made, and when it is changed', (t) => {
  const catalog = catalogWith({ a: { target: { kind: 'Namespace', namespace: undefined, name: 'made' } } });
  t.deepEqual(listed('kept', catalog), ['/namespaces//made', '/namespaces/made/made', lease]);
});

test('only tombstones may be deleted', (t) => {
  const tombstone = (namespace: string) =>
    `{apiVersion: v1, kind: ConfigMap, metadata: {name: old, namespace: ${namespace}, labels: {platform.kubevirt.io/managed-by: virt-platform-autopilot}}}`;
  const files = { 'tombstones/a.yaml': tombstone('theirs'), 'tombstones/b.yaml': tombstone('ours') };
  const catalog = catalogWith({ a: {} }, files);
  t.deepEqual(listed('retired', catalog), ['/configmaps/ours/old', '/configmaps/theirs/old']);
  t.deepEqual(listed('kept', catalog), ['/configmaps/theirs/a', lease]);
});

test('it is about our ServiceAccount alone, and about everything that this writes', (t) => {
  const [policy, binding] = admissionPolicy(catalogWith({}), { namespace: 'ours' });
  t.like(policy.spec, {
    failurePolicy: 'Fail',
    matchConditions: [
      { expression: "request.userInfo.username == 'system:serviceaccount:ours:virt-platform-autopilot'" },
    ],
    matchConstraints: {
      resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }],
    },
  });
  t.like(binding.spec, { policyName: 'virt-platform-autopilot', validationActions: ['Deny'] });
});
