import fastJsonPatch, { type Operation } from 'fast-json-patch';
import type { Invalid, PatchOperation } from '../api/annotations.ts';
import { annotation, ownKeys } from '../api/annotations.ts';
import { formatPointer, maxDepth, parsePointer } from '../api/json-pointer.ts';
import type { Json, KubernetesObject } from '../api/kubernetes-object.ts';
import { nearestName } from '../api/nearest-name.ts';
import { groupOf } from '../api/object-ref.ts';
import { equalJson, isMap } from './json.ts';
import { podPrivileges } from './pod-privileges.ts';
import { isListIndex, valueAt } from './value-at.ts';

/** The patched object, or why the patch holds it. */
export type Patched =
  | { readonly result: 'patched'; readonly object: KubernetesObject }
  | ({ readonly result: 'invalid' } & Invalid);

/**
 * Applies a user's patch to the baseline in memory, all or nothing, and guards it by its effect, whatever operations
 * led there: identity, status, metadata besides labels and annotations, and keys of ours stay as they are; pod
 * templates gain no privileges; sensitive kinds take no patch at all.
 *
 * Pointers and operations are checked here because fast-json-patch isn't strict (3.1.1: it takes `/a/01`, throws bare
 * TypeErrors, and turns a removed root into null).
 */
export function applyUserPatch(baseline: KubernetesObject, operations: readonly PatchOperation[]): Patched {
  const invalid = (message: string): Patched => ({ result: 'invalid', annotation: annotation.patch, message });
  if (operations.length > 0 && takesNoPatch(baseline)) {
    return invalid(`${baseline.kind} is a sensitive kind and takes no patch; mode: unmanaged hands it over to you`);
  }
  let document: unknown = structuredClone(baseline);
  let bytes = bytesOf(baseline);
  for (const [index, operation] of operations.entries()) {
    // Measured before it is done, and by what it puts alone: copies can double the document each time.
    const put = valuePut(document, operation);
    bytes += put === undefined ? 0 : bytesOf(put);
    const step =
      bytes > maxResultBytes
        ? { problem: `the result is ${bytes} bytes long; at most ${maxResultBytes} are taken` }
        : parsePointer(operation.path).length + depthOf(put) > maxDepth
          ? { problem: `the result is nested deeper than ${maxDepth} levels` }
          : applyOperation(document, operation);
    if ('problem' in step)
      return invalid(`operation ${index + 1} (${operation.op} ${operation.path}): ${step.problem}`);
    document = step.document;
  }
  if (!isMap(document) || !isMap(document.metadata)) return invalid('it leaves no Kubernetes object');
  const object = document as KubernetesObject;
  const forbidden = forbiddenEffect(baseline, object);
  return forbidden === undefined ? { result: 'patched', object } : invalid(forbidden);
}

/** Kinds, by group, whose content must not be steered from an annotation. */
export function takesNoPatch({ apiVersion, kind }: Pick<KubernetesObject, 'apiVersion' | 'kind'>): boolean {
  return sensitiveKinds.get(groupOf(apiVersion))?.includes(kind) ?? false;
}

const sensitiveKinds: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    '': ['ServiceAccount'],
    'admissionregistration.k8s.io': [
      'MutatingAdmissionPolicy',
      'MutatingAdmissionPolicyBinding',
      'MutatingWebhookConfiguration',
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionPolicyBinding',
      'ValidatingWebhookConfiguration',
    ],
    'machineconfiguration.openshift.io': ['KubeletConfig', 'MachineConfig'],
    policy: ['PodSecurityPolicy'],
    'rbac.authorization.k8s.io': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
    'security.openshift.io': ['SecurityContextConstraints'],
  }),
);

type Applied = { readonly document: unknown } | { readonly problem: string };

function applyOperation(document: unknown, operation: PatchOperation): Applied {
  const { op, path, from } = operation;
  if (op === 'move' && from !== undefined && from !== path) {
    // By RFC 6902 a removal followed by an addition: indices in `path` count in what is left.
    const value = valueAt(document, parsePointer(from)) as Json;
    const left = applyOperation(document, { op: 'remove', path: from });
    return 'problem' in left ? left : applyOperation(left.document, { op: 'add', path, value });
  }
  const problem = problemOfTarget(document, operation);
  if (problem !== undefined) return { problem };
  try {
    // On our own clone, validated, with the library's ban on prototype names besides ours.
    const { newDocument } = fastJsonPatch.applyOperation(
      document,
      structuredClone(operation) as Operation,
      true,
      true,
      true,
    );
    return { document: newDocument };
  } catch (error) {
    return { problem: firstLine(error) };
  }
}

/** Resolves the pointers against the document as RFC 6901 and 6902 demand. */
function problemOfTarget(document: unknown, { op, path, from }: PatchOperation): string | undefined {
  if (from !== undefined) {
    const problem = problemOfExisting(document, parsePointer(from));
    if (problem !== undefined) return problem;
  }
  const names = parsePointer(path);
  const mustExist = op === 'remove' || op === 'replace' || op === 'test';
  if (mustExist || names.length === 0) {
    const problem = problemOfExisting(document, names);
    const couldBeAdded = op === 'replace' && problem !== undefined && isMap(valueAt(document, names.slice(0, -1)));
    return couldBeAdded ? `${problem}; "add" sets what isn't there` : problem;
  }

  const last = names.at(-1) ?? '';
  const container = names.slice(0, -1);
  const problem = problemOfExisting(document, container);
  if (problem !== undefined) return problem;
  const parent = valueAt(document, container);
  if (Array.isArray(parent)) {
    if (last === '-' || (isListIndex(last) && Number(last) <= parent.length)) return undefined;
    return `${formatPointer(names)} isn't a place in a list of ${parent.length}`;
  }
  return isMap(parent) ? undefined : `${formatPointer(container)} is neither a map nor a list`;
}

function problemOfExisting(document: unknown, names: readonly string[]): string | undefined {
  for (let length = 1; length <= names.length; length++) {
    if (valueAt(document, names.slice(0, length)) === undefined) {
      return `there is nothing at ${formatPointer(names.slice(0, length))}${nearby(document, names, length - 1)}`;
    }
  }
  return undefined;
}

/** What is there instead: the nearest name in the map, or how long the list is. */
function nearby(document: unknown, names: readonly string[], depth: number): string {
  const around = valueAt(document, names.slice(0, depth));
  if (Array.isArray(around)) return `, a list of ${around.length}`;
  const nearest = nearestName(names[depth] ?? '', isMap(around) ? Object.keys(around) : []);
  return nearest === undefined
    ? ''
    : `; did you mean ${formatPointer([...names.slice(0, depth), nearest, ...names.slice(depth + 1)])}?`;
}

/** What an operation puts somewhere, or undefined. */
function valuePut(document: unknown, { op, from, value }: PatchOperation): unknown {
  if (op === 'copy' || op === 'move') return from === undefined ? undefined : valueAt(document, parsePointer(from));
  return op === 'add' || op === 'replace' ? value : undefined;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Stops counting just beyond the limit. */
function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > maxDepth) return depth;
  return Object.values(value).reduce<number>((deepest, inner) => Math.max(deepest, depthOf(inner, depth + 1)), depth);
}

function forbiddenEffect(before: KubernetesObject, after: KubernetesObject): string | undefined {
  for (const field of ['apiVersion', 'kind'] as const) {
    if (!equalJson(before[field], after[field])) return `it changes /${field}, which is the object's identity`;
  }
  if (!equalJson(before.status, after.status)) return 'it changes /status, which only the owning controller reports';
  const { labels, annotations, ...metadata } = before.metadata;
  const { labels: newLabels, annotations: newAnnotations, ...newMetadata } = after.metadata;
  for (const field of new Set([...Object.keys(metadata), ...Object.keys(newMetadata)])) {
    if (!equalJson(Object(metadata)[field], Object(newMetadata)[field])) {
      return `it changes /metadata/${field}; of metadata only labels and annotations can be patched`;
    }
  }
  return (
    forbiddenKeys('labels', labels, newLabels) ??
    forbiddenKeys('annotations', annotations, newAnnotations) ??
    (equalJson(podPrivileges(before), podPrivileges(after))
      ? undefined
      : 'it changes what a pod may do on its node (host access, security context, service account or image registry)')
  );
}

function forbiddenKeys(where: 'labels' | 'annotations', before: unknown, after: unknown): string | undefined {
  if (after !== undefined && !isMap(after)) return `it leaves /metadata/${where} no map`;
  const old = isMap(before) ? before : {};
  const next = isMap(after) ? after : {};
  for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
    if (old[key] === next[key]) continue;
    if (Object.hasOwn(next, key) && typeof next[key] !== 'string')
      return `${formatPointer(['metadata', where, key])} must be a text`;
    if (ownKeys({ [key]: '' }).length > 0)
      return `it changes ${formatPointer(['metadata', where, key])}, a key of ours`;
    const prefix = controlPrefixes.find((prefix) => key.startsWith(prefix));
    if (prefix !== undefined) {
      return `it changes ${formatPointer(['metadata', where, key])}; keys beginning with ${prefix} steer other controllers`;
    }
  }
  return undefined;
}

/** Labels and annotations by which other controllers are steered: a patch must not reach them through us. */
const controlPrefixes = [
  'argocd.argoproj.io/',
  'config.openshift.io/',
  'helm.toolkit.fluxcd.io/',
  'kustomize.toolkit.fluxcd.io/',
  'meta.helm.sh/',
  'openshift.io/',
  'pod-security.kubernetes.io/',
  'security.openshift.io/',
  'service.alpha.openshift.io/',
  'service.beta.openshift.io/',
];

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}

const maxResultBytes = 1024 * 1024;
