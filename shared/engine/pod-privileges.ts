import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { isMap } from './json.ts';

/**
 * What the pods of a workload may do beyond computing: whom they run as, what of the host they reach, where their
 * images come from. Two objects with equal privileges differ in nothing that an admission policy guards.
 */
export function podPrivileges(object: KubernetesObject): unknown {
  return podSpecsOf(object).map((spec) => ({
    ...pick(spec, podFields),
    hostPaths: listOf(spec.volumes).map((volume) => volume.hostPath),
    containers: containerLists.flatMap((list) => listOf(spec[list]).map(containerPrivileges)),
  }));
}

/** Pod specs at the places where built-in kinds keep them. */
function podSpecsOf({ kind, spec }: KubernetesObject): readonly Fields[] {
  if (!isMap(spec)) return [];
  if (kind === 'Pod') return [spec];
  const job = isMap(spec.jobTemplate) && isMap(spec.jobTemplate.spec) ? spec.jobTemplate.spec : spec;
  const template = job.template;
  return isMap(template) && isMap(template.spec) ? [template.spec] : [];
}

function containerPrivileges(container: Fields): unknown {
  const { name, securityContext, image } = container;
  return {
    name,
    securityContext,
    registry: typeof image === 'string' ? image.slice(0, Math.max(0, image.indexOf('/'))) : image,
  };
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}

function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}

type Fields = { readonly [key: string]: unknown };

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
