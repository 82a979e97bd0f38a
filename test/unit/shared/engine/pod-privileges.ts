import test from 'ava';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { applyUserPatch } from '../../../../shared/engine/user-patch.ts';
import { frozen } from './_snapshot.ts';

const spec = {
  serviceAccountName: 'agent',
  hostNetwork: false,
  securityContext: { runAsUser: 1000 },
  volumes: [
    { name: 'host', hostPath: { path: '/var/lib/agent' } },
    { name: 'config', configMap: { name: 'agent' } },
  ],
  initContainers: [{ name: 'prepare', image: 'quay.io/team/prepare:1' }],
  containers: [
    {
      name: 'agent',
      image: 'quay.io/team/agent:1',
      args: ['--fast'],
      resources: { limits: { cpu: '1' } },
      securityContext: { allowPrivilegeEscalation: false },
      ports: [{ containerPort: 80 }],
      volumeMounts: [
        { name: 'host', mountPath: '/data', readOnly: true },
        { name: 'config', mountPath: '/etc/agent' },
      ],
    },
  ],
};
const template = { metadata: { labels: { app: 'agent' }, annotations: { note: 'x' } }, spec };
const base = (apiVersion: string, kind: string, body: object): KubernetesObject =>
  frozen({ apiVersion, kind, metadata: { name: 'agent', namespace: 'tests' }, ...body });

const workloads: Record<string, readonly [object: KubernetesObject, template: string]> = {
  DaemonSet: [base('apps/v1', 'DaemonSet', { spec: { template } }), '/spec/template'],
  CronJob: [
    base('batch/v1', 'CronJob', { spec: { jobTemplate: { spec: { template } } } }),
    '/spec/jobTemplate/spec/template',
  ],
  Pod: [base('v1', 'Pod', { spec }), ''],
  PodTemplate: [base('v1', 'PodTemplate', { template }), '/template'],
};

const gains: Record<string, readonly object[]> = {
  privileged: [{ op: 'add', path: '/spec/containers/0/securityContext/privileged', value: true }],
  'another security context': [{ op: 'replace', path: '/spec/securityContext', value: { runAsUser: 0 } }],
  'no security context': [{ op: 'remove', path: '/spec/containers/0/securityContext' }],
  'the network of the host': [{ op: 'replace', path: '/spec/hostNetwork', value: true }],
  'the processes of the host': [{ op: 'add', path: '/spec/hostPID', value: true }],
  'a port of the host': [{ op: 'add', path: '/spec/containers/0/ports/0/hostPort', value: 80 }],
  'a path of the host': [{ op: 'add', path: '/spec/volumes/-', value: { name: 'root', hostPath: { path: '/' } } }],
  'another path of the host': [{ op: 'replace', path: '/spec/volumes/0/hostPath/path', value: '/' }],
  'a path of the host for writing': [
    { op: 'replace', path: '/spec/containers/0/volumeMounts/0/readOnly', value: false },
  ],
  'another service account': [{ op: 'replace', path: '/spec/serviceAccountName', value: 'admin' }],
  'another registry': [{ op: 'replace', path: '/spec/containers/0/image', value: 'evil.example/team/agent:1' }],
  'no registry': [{ op: 'replace', path: '/spec/containers/0/image', value: 'agent' }],
  'another registry for what prepares': [{ op: 'replace', path: '/spec/initContainers/0/image', value: 'x.io/a' }],
  'one more container': [{ op: 'add', path: '/spec/containers/-', value: { name: 'more', image: 'quay.io/x' } }],
};
const templateGains: Record<string, readonly object[]> = {
  'another SCC': [{ op: 'add', path: '/metadata/annotations/openshift.io~1required-scc', value: 'privileged' }],
  'another AppArmor profile': [
    {
      op: 'add',
      path: '/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1agent',
      value: 'unconfined',
    },
  ],
};
const harmless: Record<string, readonly object[]> = {
  'other limits': [{ op: 'replace', path: '/spec/containers/0/resources/limits/cpu', value: '2' }],
  'another tag': [{ op: 'replace', path: '/spec/containers/0/image', value: 'quay.io/team/agent:2' }],
  'a toleration': [{ op: 'add', path: '/spec/tolerations', value: [{ operator: 'Exists' }] }],
  'an empty volume': [{ op: 'add', path: '/spec/volumes/-', value: { name: 'tmp', emptyDir: {} } }],
  'one argument more': [{ op: 'add', path: '/spec/containers/0/args/-', value: '-v' }],
};

function isRefused([object, prefix]: readonly [KubernetesObject, string], operations: readonly object[]): boolean {
  const placed = operations.map((operation) => ({ ...operation, path: `${prefix}${Object(operation).path}` }));
  const result = applyUserPatch(object, placed as never);
  return result.result === 'invalid' && /what a pod may do|steer other controllers/.test(result.message);
}

for (const [kind, workload] of Object.entries(workloads)) {
  for (const [title, operations] of Object.entries(gains)) {
    test(`a patch gives a ${kind} not ${title}`, (t) => t.true(isRefused(workload, operations)));
  }
  for (const [title, operations] of Object.entries(harmless)) {
    test(`a patch may give a ${kind} ${title}`, (t) => t.false(isRefused(workload, operations)));
  }
  if (kind === 'Pod') continue;
  for (const [title, operations] of Object.entries(templateGains)) {
    test(`a patch gives a ${kind} not ${title}`, (t) => t.true(isRefused(workload, operations)));
  }
}
