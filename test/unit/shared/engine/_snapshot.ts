import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import type { Catalog } from '../../../../shared/catalog/asset.ts';
import { loadCatalog } from '../../../../shared/catalog/load-catalog.ts';
import { plan } from '../../../../shared/engine/plan.ts';
import type { Plan, PlanItem } from '../../../../shared/engine/plan-item.ts';
import {
  type ApiResource,
  type Question,
  questionKey,
  type ReadAnswer,
  type Snapshot,
  type Verdict,
} from '../../../../shared/engine/snapshot.ts';

export const key = (name: string) => `platform.kubevirt.io/${name}`;

/** Annotations of ours by their short names. */
export function ours(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).map(([name, value]) => [key(name), value]));
}

export function hyperConverged(annotations: Record<string, string> = { autopilot: 'true' }, spec: object = {}) {
  return {
    apiVersion: 'hco.kubevirt.io/v1',
    kind: 'HyperConverged',
    metadata: { name: 'kubevirt-hyperconverged', namespace: 'openshift-cnv', annotations: ours(annotations) },
    spec,
  } satisfies KubernetesObject;
}

const kinds: readonly (readonly [apiVersion: string, kind: string])[] = [
  ['v1', 'ConfigMap'],
  ['v1', 'Namespace'],
  ['v1', 'Node'],
  ['hco.kubevirt.io/v1', 'HyperConverged'],
  ['config.openshift.io/v1', 'Infrastructure'],
  ['config.openshift.io/v1', 'Scheduler'],
  ['machineconfiguration.openshift.io/v1', 'MachineConfig'],
];

export const served: readonly ApiResource[] = kinds.map(([apiVersion, kind]) => {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return { group, version, kind, plural: `${kind.toLowerCase()}s`, namespaced: kind === 'ConfigMap' };
});

/** A cluster that holds these objects, and nothing else; dry runs are answered by `dryRun`, or stay open. */
export function cluster(
  objects: readonly KubernetesObject[],
  more: Partial<Snapshot> & { answers?: Readonly<Record<string, ReadAnswer>> } = {},
): Snapshot {
  const { answers = {}, ...rest } = more;
  const reads = new Map<string, ReadAnswer>();
  const lists = new Map<string, KubernetesObject[]>();
  for (const object of objects) {
    const { apiVersion, kind, metadata } = object;
    const { name, namespace } = metadata;
    const ref = { apiVersion, kind, name, ...(namespace !== undefined && { namespace }) };
    reads.set(questionKey({ ask: 'get', ref }), { answer: 'object', object });
    const list = questionKey({ ask: 'list', apiVersion, kind });
    lists.set(list, [...(lists.get(list) ?? []), object]);
  }
  for (const [list, items] of lists) reads.set(list, { answer: 'list', items });
  for (const [question, answer] of Object.entries(answers)) reads.set(question, answer);
  return {
    apis: { known: true, resources: served },
    images: {},
    reads,
    verdicts: new Map(),
    otherwise: { answer: 'absent' },
    ...rest,
  };
}

export function catalogOf(files: Readonly<Record<string, string>>): Catalog {
  return loadCatalog(Object.entries(files).map(([path, text]) => ({ path, content: new TextEncoder().encode(text) })));
}

type Front = { when?: readonly string[]; name?: string; namespace?: string; more?: string };

/** The file of an asset that keeps a ConfigMap in the namespace `tests`. */
export function configMapAsset(
  name: string,
  body = 'data: {a: "1"}',
  { when, namespace = 'tests', more = '' }: Front = {},
): string {
  const conditions = when === undefined ? '' : `when: ${JSON.stringify(when)}\n`;
  return `format: 1\n${conditions}target: {apiVersion: v1, kind: ConfigMap, namespace: ${namespace}, name: ${name}}\n${more}\n---\n${body}`;
}

export const testsNamespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tests' } };

/** A ConfigMap as our applies leave it. */
export function liveConfigMap(name: string, data: object, metadata: object = {}): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: 'tests',
      uid: `uid-${name}`,
      resourceVersion: '7',
      labels: { [key('managed-by')]: 'virt-platform-autopilot' },
      managedFields: [
        {
          manager: 'virt-platform-autopilot',
          operation: 'Apply',
          apiVersion: 'v1',
          time: '2026-11-21T10:00:00Z',
          fieldsV1: {
            'f:data': Object.fromEntries(Object.keys(data).map((name) => [`f:${name}`, {}])),
            'f:metadata': { 'f:labels': { [`f:${key('managed-by')}`]: {} } },
          },
        },
      ],
      ...metadata,
    },
    data,
  };
}

/** Plans, answering each dry run, until nothing is open. */
export function planWith(
  catalog: Catalog,
  snapshot: Snapshot,
  dryRun: (question: Question & { ask: 'dry-run' }) => Verdict = ({ desired }) => ({
    verdict: 'accepted',
    object: desired,
  }),
): Plan {
  let known = snapshot;
  for (let round = 0; round < 10; round++) {
    const { plan: decided, questions } = plan(catalog, known);
    if (questions.length === 0) return decided;
    const verdicts = new Map(known.verdicts);
    for (const question of questions) {
      if (question.ask !== 'dry-run') throw new Error(`Nothing answers ${questionKey(question)}`);
      verdicts.set(questionKey(question), dryRun(question));
    }
    known = { ...known, verdicts };
  }
  throw new Error('The plan always asks for more');
}

export function itemOf({ items }: Plan, asset: string): PlanItem {
  const found = items.find((item) => item.asset === asset);
  if (found === undefined) throw new Error(`The plan has no ${asset}`);
  return found;
}

/** Makes whoever changes an input throw. */
export function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map) for (const inner of value.values()) frozen(inner);
  Object.freeze(value);
  for (const inner of Object.values(value)) frozen(inner);
  return value;
}
