import test from 'ava';
import { assetNamed, type Body, bodyOf, contextOf, unmetConditions } from '../_assets.ts';

const prefix = 'platform.kubevirt.io/';
const logging = { [`${prefix}enable-logging`]: 'true' };
const audit = { [`${prefix}enable-audit-logging`]: 'true' };
const plain = bodyOf('logging-collector').spec;
const audited = bodyOf('logging-collector', { annotations: audit }).spec;

/** What a filter makes of a record: an alternative drops it when all of its tests hold. */
function drops(spec: Body, filter: string, field: string, value: string): boolean {
  const { drop } = spec.filters.find(({ name }: Body) => name === filter);
  return drop.some(({ test: tests }: Body) =>
    tests.every((each: Body) => {
      if (each.field !== field) return false;
      return each.matches === undefined
        ? !new RegExp(each.notMatches).test(value)
        : new RegExp(each.matches).test(value);
    }),
  );
}

test('logs go to the LokiStack, as the collector, over TLS', (t) => {
  t.deepEqual(plain.serviceAccount, { name: 'collector' });
  t.deepEqual(plain.outputs, [
    {
      name: 'default-lokistack',
      type: 'lokiStack',
      lokiStack: {
        target: { name: 'logging-loki', namespace: 'openshift-logging' },
        authentication: { token: { from: 'serviceAccount' } },
      },
      tls: { ca: { key: 'service-ca.crt', configMapName: 'openshift-service-ca.crt' } },
    },
  ]);
});

const infra = {
  name: 'infra-logs',
  inputRefs: ['infrastructure'],
  filterRefs: ['drop-debug-infra', 'drop-health-probes'],
  outputRefs: ['default-lokistack'],
};
const app = {
  name: 'app-logs',
  inputRefs: ['application'],
  filterRefs: ['drop-health-probes'],
  outputRefs: ['default-lokistack'],
};

test('infrastructure and applications are collected; audit logs only when asked for', (t) => {
  t.deepEqual(plain.pipelines, [infra, app]);
  t.deepEqual(audited.pipelines, [
    infra,
    app,
    {
      name: 'audit-logs',
      inputRefs: ['audit'],
      filterRefs: ['audit-drop-non-complete', 'audit-drop-system-users', 'audit-drop-noisy-verbs'],
      outputRefs: ['default-lokistack'],
    },
  ]);
});

test('there is every filter that a pipeline names, and no other', (t) => {
  for (const { filters, pipelines } of [plain, audited]) {
    const named = new Set(pipelines.flatMap(({ filterRefs }: Body) => filterRefs));
    t.deepEqual(
      filters.map(({ name }: Body) => name),
      [...named],
    );
    for (const { type } of filters) t.is(type, 'drop');
  }
});

test('debugging of the infrastructure is noise', (t) => {
  for (const level of ['debug', 'trace']) t.true(drops(plain, 'drop-debug-infra', '.level', level));
  for (const level of ['info', 'error', 'backtrace']) t.false(drops(plain, 'drop-debug-infra', '.level', level));
});

test('probes that are answered well are noise', (t) => {
  const dropped = (message: string) => drops(plain, 'drop-health-probes', '.message', message);
  for (const probe of ['healthz', 'readyz', 'livez']) {
    t.true(dropped(`10.0.0.1 - "GET /${probe} HTTP/1.1" 200 2 "-" "kube-probe"`));
    t.true(dropped(`"GET /${probe}?verbose HTTP/2.0" 200`));
    t.false(dropped(`"GET /${probe} HTTP/1.1" 500`));
  }
  t.false(dropped('"GET /healthzone HTTP/1.1" 200'));
  t.false(dropped('"POST /healthz HTTP/1.1" 200'));
});

test('an audit event is kept once, when its request is complete', (t) => {
  const dropped = (stage: string) => drops(audited, 'audit-drop-non-complete', '.stage', stage);
  t.false(dropped('ResponseComplete'));
  for (const stage of ['RequestReceived', 'ResponseStarted', 'Panic']) t.true(dropped(stage));
});

for (const [user, isDropped] of [
  ['system:serviceaccount:openshift-cnv:virt-operator', true],
  ['system:node:worker-0', true],
  ['system:apiserver', true],
  ['system:kube-controller-manager', true],
  ['system:openshift:controller', true],
  ['system:aggregator', true],
  ['system:anonymous', false],
  ['system:unauthenticated', false],
  ['system:admin', false],
  ['kubeadmin', false],
  ['jane-system:node:x', false],
] as const) {
  test(`audit events of ${user} are ${isDropped ? 'noise' : 'kept'}`, (t) => {
    t.is(drops(audited, 'audit-drop-system-users', '.user.username', user), isDropped);
  });
}

test('watching is noise; deleting, of whole collections too, is not', (t) => {
  const dropped = (verb: string) => drops(audited, 'audit-drop-noisy-verbs', '.verb', verb);
  for (const verb of ['watch', 'proxy']) t.true(dropped(verb));
  for (const verb of ['create', 'update', 'patch', 'delete', 'deletecollection', 'get']) t.false(dropped(verb));
});

for (const [name, binding, role] of [
  ['application', 'logging-collector-application', 'collect-application-logs'],
  ['infrastructure', 'logging-collector-infrastructure', 'collect-infrastructure-logs'],
  ['writer', 'logging-collector-logs-writer', 'logging-collector-logs-writer'],
  ['audit', 'logging-collector-audit', 'collect-audit-logs'],
] as const) {
  test(`the collector is bound to ${role}`, (t) => {
    const asset = assetNamed(`logging-collector-crb-${name}`);
    t.is(asset.target.name.render(contextOf(asset)), binding);
    t.deepEqual(bodyOf(asset.name), {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name: 'collector', namespace: 'openshift-logging' }],
    });
    t.is(asset.group, name === 'audit' ? 'audit-logging' : 'logging');
  });
}

test('the binding for audit logs takes logging as well, or it would be alone', (t) => {
  const unmet = (annotations: Record<string, string>) =>
    unmetConditions('logging-collector-crb-audit', { annotations });
  t.deepEqual(unmet(audit), ["enabled('logging')"]);
  t.deepEqual(unmet(logging), ["enabled('audit-logging')"]);
  t.deepEqual(unmet({ ...logging, ...audit }), []);
});

for (const name of [
  'logging-collector',
  'logging-collector-sa',
  'logging-collector-crb-application',
  'logging-collector-crb-infrastructure',
  'logging-collector-crb-writer',
  'logging-ui-plugin',
]) {
  test(`${name} takes the annotation alone`, (t) => {
    t.is(assetNamed(name).group, 'logging');
    t.deepEqual(unmetConditions(name), ["enabled('logging')"]);
    t.deepEqual(unmetConditions(name, { annotations: logging }), []);
  });
}

test("the collector's account is a name, and the console shows what is in the LokiStack", (t) => {
  const { target } = assetNamed('logging-collector-sa');
  const context = contextOf(assetNamed('logging-collector-sa'));
  t.deepEqual([target.namespace?.render(context), target.name.render(context)], ['openshift-logging', 'collector']);
  t.deepEqual(bodyOf('logging-collector-sa'), {});
  t.deepEqual(bodyOf('logging-ui-plugin'), {
    spec: { type: 'Logging', logging: { lokiStack: { name: 'logging-loki' } } },
  });
});
