import test from 'ava';
import { concerns, deniesDryRun, mayLeaveOut, type Webhook, webhooksOf } from '../../../../plugin/doctor/webhook.ts';

const machineConfigs = {
  group: 'machineconfiguration.openshift.io',
  version: 'v1',
  kind: 'MachineConfig',
  plural: 'machineconfigs',
  namespaced: false,
};

/** A webhook as it comes from the API server, with what the test is about. */
function webhook(more: object = {}, rule: object = {}): Webhook {
  const rules = [
    {
      apiGroups: [machineConfigs.group],
      apiVersions: ['v1'],
      resources: ['machineconfigs'],
      operations: ['UPDATE'],
      ...rule,
    },
  ];
  const [found] = webhooksOf({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'x' },
    webhooks: [{ name: 'a.example.com', clientConfig: { url: 'https://x' }, sideEffects: 'None', rules, ...more }],
  });
  if (found === undefined) throw new Error('there is one');
  return found;
}

const asked = test.macro({
  exec: (t, rule: object, is: boolean) => {
    t.is(concerns(webhook({}, rule), machineConfigs), is);
  },
  title: (_, rule: object, is) => `a webhook on ${JSON.stringify(rule)} is ${is ? '' : 'not '}asked`,
});
test(asked, {}, true);
test(asked, { scope: '*' }, true);
test(asked, { scope: 'Cluster' }, true);
test(asked, { scope: 'Namespaced' }, false);
test(asked, { apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*'] }, true);
test(asked, { resources: ['*/*'] }, true);
test(asked, { operations: ['CREATE'] }, true);
test(asked, { apiGroups: ['apps'] }, false);
test(asked, { apiVersions: ['v1beta1'] }, false);
test(asked, { resources: ['machineconfigs/status'] }, false);
test(asked, { operations: ['DELETE', 'CONNECT'] }, false);

test('a dry-run is refused where a webhook has side effects, or does not say; such are left of older APIs', (t) => {
  const denies = (sideEffects: string | undefined) => deniesDryRun(webhook({ sideEffects }));
  t.deepEqual(['None', 'NoneOnDryRun', 'Some', 'Unknown', undefined].map(denies), [false, false, true, true, true]);
});

test('a webhook must be asked unless it says that it may fail', (t) => {
  t.is(webhook().failurePolicy, 'Fail');
  t.is(webhook({ failurePolicy: 'Ignore' }).failurePolicy, 'Ignore');
  t.is(webhook().service, undefined, 'one that is reached by URL has no service');
});

test('where a webhook selects by labels or conditions, it may leave out what is kept', (t) => {
  const selector = { matchLabels: { a: 'b' } };
  t.false(mayLeaveOut(webhook(), machineConfigs));
  t.false(mayLeaveOut(webhook({ objectSelector: {}, namespaceSelector: {}, matchConditions: [] }), machineConfigs));
  t.true(mayLeaveOut(webhook({ objectSelector: selector }), machineConfigs));
  t.true(mayLeaveOut(webhook({ matchConditions: [{ name: 'x', expression: 'false' }] }), machineConfigs));
});

test('by the labels of its namespace only what is in one, and namespaces', (t) => {
  const selecting = webhook({ namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } });
  t.false(mayLeaveOut(selecting, machineConfigs));
  t.true(mayLeaveOut(selecting, { ...machineConfigs, namespaced: true }));
  t.true(mayLeaveOut(selecting, { ...machineConfigs, group: '', kind: 'Namespace', plural: 'namespaces' }));
});
