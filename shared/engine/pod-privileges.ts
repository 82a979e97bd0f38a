import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { isMap } from './json.ts';

/**
 * What the pods of a workload may do beyond computing: whom they run as, what of the host they reach, where their
 * images come from. Two objects with equal privileges differ in nothing that an admission policy guards.
 */
export function podPrivileges(object: KubernetesObject): unknown {
  return podTemplatesOf(object).map(({ metadata, spec }) => {
    const fields = isMap(spec) ? spec : {};
    const hostPaths = listOf(fields.volumes).filter(({ hostPath }) => hostPath !== undefined);
    const names = new Set(hostPaths.map(({ name }) => name));
    return {
      ...pick(fields, podFields),
      annotations: isMap(metadata) && isMap(metadata.annotations) ? privilegeAnnotations(metadata.annotations) : {},
      hostPaths,
      containers: containerLists.flatMap((list) =>
        listOf(fields[list]).map((container) => containerPrivileges(container, names)),
      ),
    };
  });
}

/** Pods and their templates, at the places where built-in kinds keep them. */
function podTemplatesOf(object: KubernetesObject): readonly Fields[] {
  const { kind, spec, template } = object;
  if (kind === 'Pod') return [object];
  if (kind === 'PodTemplate') return isMap(template) ? [template] : [];
  if (!isMap(spec)) return [];
  const job = isMap(spec.jobTemplate) && isMap(spec.jobTemplate.spec) ? spec.jobTemplate.spec : spec;
  return isMap(job.template) ? [job.template] : [];
}

function containerPrivileges(container: Fields, hostPaths: ReadonlySet<unknown>): unknown {
  const { name, securityContext, image, ports, volumeMounts } = container;
  return {
    name,
    securityContext,
    registry: typeof image === 'string' ? image.slice(0, Math.max(0, image.indexOf('/'))) : image,
    hostPorts: listOf(ports).flatMap(({ hostPort }) => (hostPort === undefined ? [] : [hostPort])),
    hostMounts: listOf(volumeMounts).filter((mount) => hostPaths.has(mount.name)),
  };
}

/** Pins of security profiles: which SCC admits the pod, and which AppArmor and seccomp profiles it runs under. */
function privilegeAnnotations(annotations: Fields): Fields {
  const isOne = (name: string) => privilegePrefixes.some((prefix) => name.startsWith(prefix));
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => isOne(name)));
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}

function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}

type Fields = { readonly [key: string]: unknown };

const privilegePrefixes = [
  'container.apparmor.security.beta.kubernetes.io/',
  'openshift.io/',
  'seccomp.security.alpha.kubernetes.io/',
  'security.openshift.io/',
];
const containerLists = ['containers', 'initContainers', 'ephemeralContainers'];
const podFields = [
  'automountServiceAccountToken',
  'hostIPC',
  'hostNetwork',
  'hostPID',
  'hostUsers',
  'runtimeClassName',
  'securityContext',
  'serviceAccount',
  'serviceAccountName',
];
