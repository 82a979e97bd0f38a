import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { hyperConvergedApiVersions, hyperConvergedKind } from '../api/names.ts';
import { type Answers, stillOpen } from './answers.ts';
import type { Activation } from './plan-item.ts';
import { servedApiVersion } from './served-api.ts';
import type { ListQuestion, Snapshot } from './snapshot.ts';
import { isNamespaceName } from './targets.ts';

/** The one HyperConverged, or why there is nothing to go by. */
export type Found = { readonly hyperConverged: KubernetesObject } | { readonly activation: Activation };

/** What has to be known to find it; nothing where it isn't served. */
export function hyperConvergedQuestions({ apis, namespace }: Snapshot): readonly ListQuestion[] {
  const served = servedApiVersion(apis, { apiVersions: hyperConvergedApiVersions, kind: hyperConvergedKind });
  if (served === undefined) return [];
  // Files may hold it in any version; of a cluster only the best that is served is asked for.
  const versions = apis.known ? [served] : hyperConvergedApiVersions;
  return versions.map((apiVersion) => ({
    ask: 'list',
    apiVersion,
    kind: hyperConvergedKind,
    ...(namespace !== undefined && { namespace }),
  }));
}

export function findHyperConverged(snapshot: Snapshot, answers: Answers): Found {
  const questions = hyperConvergedQuestions(snapshot);
  if (questions.length === 0) {
    const why = 'HyperConverged is not installed: the API server does not serve hco.kubevirt.io';
    return { activation: { state: 'absent', why } };
  }
  const objects: KubernetesObject[] = [];
  for (const question of questions) {
    const { items, why, assumed } = answers.list(question);
    if (why !== undefined && !assumed) {
      return {
        activation: { state: 'unknown', why: why === stillOpen ? why : `HyperConverged can't be read: ${why}` },
      };
    }
    objects.push(...items);
  }
  // Files may hold the same one in both versions.
  const byName = new Map(objects.toReversed().map((object) => [nameOf(object), object]));
  const [first, ...more] = [...byName.values()].reverse();
  if (first === undefined) {
    const where = snapshot.namespace === undefined ? 'in any namespace' : `in the namespace ${snapshot.namespace}`;
    return { activation: { state: 'absent', why: `there is no HyperConverged ${where}` } };
  }
  const { namespace } = first.metadata;
  if (namespace !== undefined && !isNamespaceName(namespace)) {
    const why = `HyperConverged can't be used: ${JSON.stringify(namespace)} is no name of a namespace`;
    return { activation: { state: 'unknown', why } };
  }
  if (more.length === 0) return { hyperConverged: first };
  const names = [first, ...more].map(({ metadata: { namespace = '', name } }) => ({ namespace, name }));
  const why = `there are ${names.length} HyperConverged (${names.map(({ namespace, name }) => `${namespace}/${name}`).join(', ')}), and only one can steer a cluster`;
  return { activation: { state: 'ambiguous', why, found: names } };
}

function nameOf({ metadata: { namespace = '', name } }: KubernetesObject): string {
  return `${namespace}/${name}`;
}
