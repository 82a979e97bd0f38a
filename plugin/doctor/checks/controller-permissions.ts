import { autopilotName } from '../../../shared/api/names.ts';
import { lackedBy } from '../access-review.ts';
import { check } from '../finding.ts';
import { manifestsCommand, manifestsNote } from '../manifests-command.ts';
import { describePermissions, neededPermissions } from '../needed-permissions.ts';

export const controllerPermissions = check({
  about: "the controller's permissions",
  finds: {
    'controller-permission-missing': {
      severity: 'error',
      means: 'the controller may not do what something wanted, or its own work, needs',
    },
  },
  run: async ({ cluster, catalog, plan, controller, namespace, adminKubectl }) => {
    // Where it was never installed, that is what is to be said.
    if (namespace === undefined || controller.state === 'not-found') return [];
    const user = `system:serviceaccount:${namespace}:${autopilotName}`;
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
    const needed = neededPermissions(catalog, plan.items, namespace);
    const lacked = await lackedBy(cluster, needed, { user, groups });
    const byWhom = Map.groupBy(lacked, ({ of }) => of.join(', '));
    return [...byWhom].map(([of, permissions]) => ({
      id: 'controller-permission-missing',
      what: `the controller may not do what it takes for ${of}: ${describePermissions(permissions)}`,
      where: `ServiceAccount/${namespace}/${autopilotName}`,
      fix: manifestsCommand(namespace, adminKubectl),
      note: `${manifestsNote}; another catalog needs permissions generated from it`,
    }));
  },
});
