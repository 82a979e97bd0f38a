import test from 'ava';
import { partingFrom } from '../../../../plugin/output/left-behind.ts';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';

const ours = {
  manager: 'virt-platform-autopilot',
  operation: 'Apply',
  fieldsV1: { 'f:data': { 'f:config.yaml': {} }, 'f:metadata': { 'f:labels': {} } },
};
const configMap = (...managedFields: object[]): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace: 'monitoring', managedFields },
});
const deletes = {
  isOurs: true,
  command: 'kubectl --context=prod delete configmap/settings -n monitoring',
};
const takesLabelOff = 'label configmap/settings -n monitoring platform.kubevirt.io/managed-by-';
const kubectl = 'kubectl --context=prod';

test('what is ours alone is deleted', (t) => {
  t.deepEqual(partingFrom(configMap(ours), { kubectl }), deletes);
});

const isStillOurs = test.macro((t, entry: object) => {
  t.deepEqual(partingFrom(configMap(ours, entry), { kubectl }), deletes);
});
test('so is what a person steered by annotations', isStillOurs, {
  manager: 'kubectl-virt-platform',
  operation: 'Update',
  fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:platform.kubevirt.io/mode': {} } } },
});
test('so is what its operator holds with a finalizer', isStillOurs, {
  manager: 'operator',
  operation: 'Update',
  fieldsV1: { 'f:metadata': { 'f:finalizers': {} } },
});
test('so is what its operator writes the status of', isStillOurs, {
  manager: 'operator',
  operation: 'Update',
  subresource: 'status',
  fieldsV1: { 'f:status': {} },
});
test('a status without a subresource is the operator’s own, too', isStillOurs, {
  manager: 'operator',
  operation: 'Update',
  fieldsV1: { 'f:status': {}, 'f:metadata': {} },
});

test('of what others set fields of, only our label is taken off: deleting it would take theirs', (t) => {
  const admin = { manager: 'kubectl-create', operation: 'Update', fieldsV1: { 'f:data': {} } };
  t.deepEqual(partingFrom(configMap(ours, admin, { ...admin, manager: 'vim' }), { kubectl }), {
    isOurs: false,
    command: `${kubectl} ${takesLabelOff}`,
    why: 'kubectl-create and vim set something of it, too',
  });
});

test('what was there before, and went into ours, isn’t deleted either', (t) => {
  t.deepEqual(partingFrom(configMap(ours), { kubectl, holdsWhatWasThere: true }), {
    isOurs: false,
    command: `${kubectl} ${takesLabelOff}`,
    why: 'what was set in it before is in it still',
  });
});

test('a namespace holds what others made, and is never deleted', (t) => {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a', managedFields: [ours] } };
  t.deepEqual(partingFrom(namespace, { kubectl }), {
    isOurs: false,
    command: `${kubectl} label namespace/a platform.kubevirt.io/managed-by-`,
    why: 'a Namespace may hold what others made',
  });
});
