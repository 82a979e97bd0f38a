import type { KubernetesObject } from '../../../shared/api/kubernetes-object.ts';
import { isHyperConverged } from '../../../shared/api/names.ts';
import { formatObjectRef } from '../../../shared/api/object-ref.ts';
import { questionKey } from '../../../shared/engine/snapshot.ts';
import { isWanted } from '../../input/is-wanted.ts';
import { pluginCommand } from '../../output/plugin-command.ts';
import { check } from '../finding.ts';

export const gitops = check({
  about: 'GitOps tools',
  finds: {
    'gitops-tracked': {
      severity: 'warning',
      means:
        'a GitOps tool tracks an object that the autopilot keeps: both set it, and each puts back what the other did',
    },
  },
  run: ({ plan, snapshot, kubectl }) =>
    plan.items.flatMap((item) => {
      const { asset, target } = item;
      // HyperConverged is where people steer from Git, and left to them there; so is what we keep our hands off.
      if (isHyperConverged(target) || item.decision === 'unmanaged' || !isWanted(item)) return [];
      const live = snapshot.reads.get(questionKey({ ask: 'get', ref: target }));
      const tracker = live?.answer === 'object' ? trackerOf(live.object) : undefined;
      if (tracker === undefined) return [];
      return [
        {
          id: 'gitops-tracked' as const,
          what: `${asset}: ${tracker} tracks it, and the autopilot keeps it`,
          where: formatObjectRef(target),
          fix: pluginCommand(['unmanage', asset], kubectl),
          note: 'leaves it to the tool; or take it out of the repository',
        },
      ];
    }),
});

/** The tool that says on an object that it looks after it. */
function trackerOf({ metadata: { labels = {}, annotations = {} } }: KubernetesObject): string | undefined {
  const argo = annotations['argocd.argoproj.io/tracking-id'] ?? labels['argocd.argoproj.io/instance'];
  if (argo !== undefined) return `Argo CD (${argo.split(':', 1)[0]})`;
  for (const controller of ['kustomize', 'helm']) {
    const key = `${controller}.toolkit.fluxcd.io`;
    const name = labels[`${key}/name`];
    if (name !== undefined) return `Flux (${controller} ${labels[`${key}/namespace`] ?? ''}/${name})`;
  }
  return undefined;
}
