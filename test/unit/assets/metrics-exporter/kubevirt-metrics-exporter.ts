import test from 'ava';
import { RenderError } from '../../../../shared/catalog/render-error.ts';
import { assetNamed, type Body, bodyOf, catalog, contextOf, unmetConditions } from '../_assets.ts';

const exporter = 'kubevirt-metrics-exporter';
const images = { [exporter]: 'registry.example/kubevirt-metrics-exporter@sha256:0123' };
const enabled = { [`platform.kubevirt.io/enable-${exporter}`]: 'true' };
const group = catalog.assets.filter((asset) => asset.group === exporter);

function daemonSet(environment?: string): Body {
  const annotations = environment === undefined ? {} : { [`platform.kubevirt.io/${exporter}-env`]: environment };
  return bodyOf(exporter, { images, annotations });
}

function environmentOf(environment?: string): Record<string, string> {
  const [node, ...rest] = daemonSet(environment).spec.template.spec.containers[0].env;
  if (node.valueFrom.fieldRef.fieldPath !== 'spec.nodeName') throw new Error('The first is the name of the node.');
  return Object.fromEntries(rest.map(({ name, value }: Body) => [name, value]));
}

test('the namespace comes first, then who may do what, then what does it', (t) => {
  t.deepEqual(
    group.map(({ name, order }) => `${order} ${name.replace(exporter, '')}`),
    [
      '1 -namespace',
      '2 -clusterrole',
      '2 -clusterrolebinding',
      '2 -scc',
      '2 -scc-clusterrole',
      '2 -scc-clusterrolebinding',
      '2 -serviceaccount',
      '3 ',
      '3 -dashboard',
      '3 -datasource',
      '3 -podmonitor',
      '3 -prometheusrule',
    ],
  );
});

for (const { name } of group) {
  test(`${name} takes the annotation and an image`, (t) => {
    t.deepEqual(unmetConditions(name, { annotations: enabled, images }), []);
    t.deepEqual(unmetConditions(name, { images }), [`enabled('${exporter}')`]);
    t.deepEqual(unmetConditions(name, { annotations: enabled }), [`'${exporter}' in images`]);
  });
}

test('the namespace is watched by cluster monitoring', (t) => {
  t.deepEqual(bodyOf(`${exporter}-namespace`).metadata.labels, { 'openshift.io/cluster-monitoring': 'true' });
});

test('what is in a namespace is in that one', (t) => {
  for (const asset of group) {
    const namespace = asset.target.namespace?.render(contextOf(asset));
    if (namespace !== undefined) t.is(namespace, exporter, asset.name);
  }
});

test('the exporter may read pods, claims and single virtual machines, and nothing else', (t) => {
  t.deepEqual(bodyOf(`${exporter}-clusterrole`).rules, [
    { apiGroups: [''], resources: ['pods', 'persistentvolumeclaims'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: ['kubevirt.io'], resources: ['virtualmachineinstances'], verbs: ['get'] },
  ]);
  t.deepEqual(bodyOf(`${exporter}-scc-clusterrole`).rules, [
    {
      apiGroups: ['security.openshift.io'],
      resources: ['securitycontextconstraints'],
      resourceNames: [exporter],
      verbs: ['use'],
    },
  ]);
});

for (const suffix of ['', '-scc']) {
  test(`the role ${exporter}${suffix} is bound to the exporter's account`, (t) => {
    t.deepEqual(bodyOf(`${exporter}${suffix}-clusterrolebinding`), {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `${exporter}${suffix}` },
      subjects: [{ kind: 'ServiceAccount', name: exporter, namespace: exporter }],
    });
  });
}

test('what the security constraints allow is what the pods ask for', (t) => {
  const scc = bodyOf(`${exporter}-scc`);
  const { hostPID, containers, volumes } = daemonSet().spec.template.spec;
  const [{ securityContext }] = containers;
  t.deepEqual(scc.allowedCapabilities, ['SYS_PTRACE', 'DAC_OVERRIDE', 'BPF', 'PERFMON', 'SYS_RESOURCE']);
  t.deepEqual(securityContext, {
    allowPrivilegeEscalation: scc.allowPrivilegeEscalation,
    readOnlyRootFilesystem: scc.readOnlyRootFilesystem,
    runAsUser: 0,
    capabilities: { add: scc.allowedCapabilities, drop: scc.requiredDropCapabilities },
  });
  t.is(scc.allowHostPID, hostPID);
  for (const volume of volumes) t.truthy(volume.hostPath);
  t.like(scc, {
    allowPrivilegedContainer: false,
    allowHostDirVolumePlugin: true,
    allowHostIPC: false,
    allowHostNetwork: false,
    allowHostPorts: false,
    defaultAddCapabilities: [],
    runAsUser: { type: 'RunAsAny' },
    seLinuxContext: { type: 'MustRunAs' },
    fsGroup: { type: 'RunAsAny' },
    supplementalGroups: { type: 'RunAsAny' },
    volumes: ['configMap', 'downwardAPI', 'emptyDir', 'hostPath', 'projected', 'secret'],
  });
});

test('it runs on every worker, whatever its taints, one pod replaced at a time', (t) => {
  const { selector, template, updateStrategy } = daemonSet().spec;
  t.deepEqual(selector.matchLabels, { app: exporter });
  t.deepEqual(template.metadata.labels, { app: exporter });
  t.deepEqual(updateStrategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } });
  t.like(template.spec, {
    serviceAccountName: exporter,
    nodeSelector: { 'node-role.kubernetes.io/worker': '' },
    tolerations: { 0: { operator: 'Exists' }, length: 1 },
    volumes: {
      0: { name: 'cri-socket', hostPath: { path: '/run/crio/crio.sock' } },
      1: { name: 'sys', hostPath: { path: '/sys', type: 'Directory' } },
      length: 2,
    },
  });
  const [container] = template.spec.containers;
  t.like(container, {
    name: 'exporter',
    image: images[exporter],
    ports: { 0: { name: 'metrics', containerPort: 8080, protocol: 'TCP' } },
    livenessProbe: { httpGet: { path: '/healthz', port: 'metrics' }, initialDelaySeconds: 10, periodSeconds: 30 },
    readinessProbe: { httpGet: { path: '/healthz', port: 'metrics' }, initialDelaySeconds: 5, periodSeconds: 10 },
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '200m', memory: '256Mi' } },
  });
  t.deepEqual(container.volumeMounts, [
    { name: 'cri-socket', mountPath: '/run/crio/crio.sock', readOnly: true },
    { name: 'sys', mountPath: '/sys', readOnly: true, mountPropagation: 'HostToContainer' },
  ]);
});

const defaults = {
  ENABLE_QMP: 'true',
  ENABLE_QGA: 'true',
  QGA_POLL_INTERVAL: '1m',
  ENABLE_EBPF: 'true',
  ENABLE_EBPF_BLOCK: 'true',
  ENABLE_EBPF_NFS: 'true',
  ENABLE_EBPF_NFS_KPROBE: 'false',
  ENABLE_KVM: 'true',
  KVM_POLL_INTERVAL: '30s',
  ENABLE_CGROUP: 'true',
  CGROUP_POLL_INTERVAL: '30s',
  QMP_POLL_INTERVAL: '1m',
  EBPF_SCAN_INTERVAL: '30',
  LOG_LEVEL: 'info',
};

test('its environment has defaults, in an order', (t) => {
  t.deepEqual(Object.entries(environmentOf()), Object.entries(defaults));
  t.deepEqual(environmentOf('{}'), defaults);
  t.deepEqual(environmentOf(''), defaults);
});

for (const [what, given, expected] of [
  ['a text', { LOG_LEVEL: 'debug' }, { LOG_LEVEL: 'debug' }],
  ['false', { ENABLE_QMP: false }, { ENABLE_QMP: 'false' }],
  ['true', { ENABLE_EBPF_NFS_KPROBE: true }, { ENABLE_EBPF_NFS_KPROBE: 'true' }],
  ['a number', { EBPF_SCAN_INTERVAL: 60 }, { EBPF_SCAN_INTERVAL: '60' }],
  ['zero', { EBPF_SCAN_INTERVAL: 0 }, { EBPF_SCAN_INTERVAL: '0' }],
  ['an empty text', { LOG_LEVEL: '' }, {}],
  ['a name that it has not', { PATH: '/tmp', NODE_NAME: 'x' }, {}],
] as const) {
  test(`an override by ${what} is text in the environment, or the default`, (t) => {
    t.deepEqual(environmentOf(JSON.stringify(given)), { ...defaults, ...expected });
  });
}

for (const text of ['{', 'ENABLE_QMP=false', '[]', '"x"', '{"LOG_LEVEL": {}}', '{"LOG_LEVEL": null}']) {
  test(`overrides ${text} hold the exporter and its alerts, and nothing else`, (t) => {
    t.throws(() => daemonSet(text), { instanceOf: RenderError });
    const annotations = { [`platform.kubevirt.io/${exporter}-env`]: text };
    for (const { name } of group) {
      if (name === exporter || name === `${exporter}-prometheusrule`) continue;
      t.notThrows(() => bodyOf(name, { images, annotations }), name);
    }
  });
}

test('its pods are scraped every 30 seconds as one job, and keep the labels of their metrics', (t) => {
  const { metadata, spec } = bodyOf(`${exporter}-podmonitor`);
  t.deepEqual(metadata.labels, { app: exporter });
  t.is(spec.jobLabel, 'app');
  t.deepEqual(spec.selector.matchLabels, { app: exporter });
  t.deepEqual(spec.podMetricsEndpoints, [{ port: 'metrics', path: '/metrics', interval: '30s', honorLabels: true }]);
});

test('its figures are read from Thanos, over TLS', (t) => {
  const asset = assetNamed(`${exporter}-datasource`);
  t.is(asset.target.name.render(contextOf(asset)), 'thanos-querier');
  t.deepEqual(bodyOf(asset.name).spec, {
    client: { tls: { enable: true, caCert: { type: 'file', certPath: '/ca/service-ca.crt' } } },
    config: {
      display: { name: 'Thanos Querier' },
      default: true,
      plugin: {
        kind: 'PrometheusDatasource',
        spec: {
          proxy: {
            kind: 'HTTPProxy',
            spec: {
              url: 'https://thanos-querier.openshift-monitoring.svc.cluster.local:9091',
              secret: 'thanos-querier-secret',
            },
          },
        },
      },
    },
  });
});
