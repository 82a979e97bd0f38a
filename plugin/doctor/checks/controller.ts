import { autopilotName } from '../../../shared/api/names.ts';
import { formatObjectRef } from '../../../shared/api/object-ref.ts';
import { type ControllerTrouble, controllerTroubles } from '../../input/controller-health.ts';
import { leaseRef } from '../../input/read-lease.ts';
import { check, type Found } from '../finding.ts';
import { manifestsCommand, manifestsNote } from '../manifests-command.ts';
import { notCheckedBecause } from '../not-checked.ts';

export const controller = check({
  about: 'the controller',
  finds: {
    'controller-missing': {
      severity: 'error',
      means: 'the autopilot is active, and there is no controller that keeps anything',
    },
    'controller-no-leader': { severity: 'error', means: 'no controller leads' },
    'controller-silent': { severity: 'error', means: 'the controller that leads has not been heard of for too long' },
    'controller-late': { severity: 'warning', means: "the controller's last pass is too long ago" },
    'controller-behind': {
      severity: 'warning',
      means: 'the controller has not planned with HyperConverged as it is now',
    },
  },
  run: async ({ cluster, controller: health, plan, namespace, now, kubectl, adminKubectl }) => {
    if (namespace === undefined) return [];
    const where = formatObjectRef(leaseRef(namespace));
    const pods = `-n ${namespace} -l app=${autopilotName}`;
    switch (health.state) {
      case 'unknown':
        return [notCheckedBecause('the controller', health.why, kubectl)];
      case 'not-found': {
        if (plan.activation.state === 'inactive') return [];
        const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: autopilotName };
        const isInstalled = (await cluster.get(deployment)).answer === 'object';
        return [
          isInstalled
            ? {
                id: 'controller-missing',
                what: 'the controller is installed, and was never at work: nothing is kept in sync',
                where: formatObjectRef(deployment),
                fix: `${kubectl} get pods ${pods}`,
              }
            : {
                id: 'controller-missing',
                what: 'no controller was ever here: nothing is kept in sync',
                where,
                fix: manifestsCommand(namespace, adminKubectl),
                note: manifestsNote,
              },
        ];
      }
      case 'found':
        return controllerTroubles(health, plan.hyperConverged?.generation, now).map(({ trouble, message }) => ({
          id: ids[trouble],
          what: message,
          where,
          fix:
            trouble === 'no-leader' || trouble === 'silent'
              ? `${kubectl} get pods ${pods}`
              : `${kubectl} logs ${pods} --tail=50`,
        }));
      default:
        return health satisfies never;
    }
  },
});

const ids = {
  'no-leader': 'controller-no-leader',
  silent: 'controller-silent',
  late: 'controller-late',
  behind: 'controller-behind',
} as const satisfies Record<ControllerTrouble['trouble'], Found<string>['id']>;
