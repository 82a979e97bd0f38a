import { hyperConvergedKind } from '../../../shared/api/names.ts';
import { formatObjectRef } from '../../../shared/api/object-ref.ts';
import { shellWord } from '../../output/shell-word.ts';
import { check } from '../finding.ts';
import { type Grant, grantsOf, type Subject } from '../grants-of.ts';

export const whoSteers = check({
  about: 'who may change HyperConverged',
  finds: {
    'anybody-steers': {
      severity: 'warning',
      means: 'everybody, or every pod, may change HyperConverged, and with it what runs on every node',
    },
    'others-steer': {
      severity: 'info',
      means: 'some who do not administer the cluster may change HyperConverged, and with it what runs on every node',
    },
  },
  run: async ({ cluster, plan: { hyperConverged }, adminKubectl }) => {
    if (hyperConverged === undefined) return [];
    const { apiVersion, namespace, name } = hyperConverged;
    const grants = await grantsOf(cluster, { apiVersion, resource: 'hyperconvergeds', namespace, name });
    const trusted = new Set(grants.filter(isOfEverything).map(({ subject }) => formatObjectRef(subject)));
    const anybody = grants.filter(({ subject }) => isAnybody(subject));
    const others = grants.filter(
      ({ subject }) =>
        !isAnybody(subject) && !isOfThePlatform(subject, namespace) && !trusted.has(formatObjectRef(subject)),
    );
    return [
      ...anybody.map(({ subject, binding }) => ({
        id: 'anybody-steers' as const,
        what: `${formatObjectRef(subject)} may change HyperConverged, which steers what runs on every node`,
        where: formatObjectRef(binding),
        fix: `${adminKubectl} edit ${bindingWords([binding])}`,
        note: 'take that subject out, or HyperConverged out of its role; give it as you would give cluster-admin',
      })),
      ...(others.length === 0
        ? []
        : [
            {
              id: 'others-steer' as const,
              what: `as they may change HyperConverged, these steer what runs on every node: ${[
                ...new Set(others.map(({ subject }) => formatObjectRef(subject))),
              ].join(', ')}`,
              where: formatObjectRef({ kind: hyperConvergedKind, namespace, name }),
              fix: `${adminKubectl} describe ${bindingWords(others.map(({ binding }) => binding))}`,
              note: 'give that as you would give cluster-admin',
            },
          ]),
    ];
  },
});

/** Whoever administers the cluster needs no HyperConverged to steer it. */
function isOfEverything({ binding, rules }: Grant): boolean {
  return (
    binding.kind === 'ClusterRoleBinding' &&
    rules.some(({ apiGroups, resources, verbs }) => [apiGroups, resources, verbs].every((list) => list.includes('*')))
  );
}

/** In these is whoever asks, or every pod, which whoever may run one can be. */
function isAnybody({ kind, name }: Subject): boolean {
  return kind === 'Group' ? anybody.has(name) : kind === 'User' && name === 'system:anonymous';
}

const anybody = new Set([
  'system:authenticated',
  'system:authenticated:oauth',
  'system:unauthenticated',
  'system:serviceaccounts',
]);

/** Parts of Kubernetes and OpenShift, and what runs beside HyperConverged: its operator, and the controller. */
function isOfThePlatform({ name, namespace }: Subject, ofHyperConverged: string): boolean {
  const ofAccounts = namespace ?? /^system:serviceaccounts:(.+)/.exec(name)?.[1];
  if (ofAccounts === undefined) return name.startsWith('system:');
  return ofAccounts === ofHyperConverged || ofAccounts === 'kube-system' || ofAccounts.startsWith('openshift-');
}

/** Several for `kubectl describe`: those of a namespace are all in that of HyperConverged. */
function bindingWords(bindings: readonly Grant['binding'][]): string {
  const words = [...new Set(bindings.map(({ kind, name }) => shellWord(`${kind.toLowerCase()}/${name}`)))];
  const namespace = bindings.find((one) => one.namespace !== undefined)?.namespace;
  return [...words, ...(namespace === undefined ? [] : ['-n', namespace])].join(' ');
}
