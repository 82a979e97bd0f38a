import { shellWord } from '../../output/shell-word.ts';
import { lackedBy } from '../access-review.ts';
import { check } from '../finding.ts';
import { describePermissions, neededPermissions } from '../needed-permissions.ts';

export const myPermissions = check({
  about: 'what you may do',
  finds: {
    'cannot-see': {
      severity: 'info',
      means: "you may not read all that status shows; what you can't see is unknown or unverified",
    },
    'cannot-steer': { severity: 'info', means: 'you may not write the annotations that steer' },
  },
  run: async ({ cluster, catalog, plan, namespace, user, adminKubectl }) => {
    if (namespace === undefined) return [];
    // Watching is the controller's; and what it does for itself isn't anybody else's.
    const needed = neededPermissions(catalog, plan.items, namespace).filter(
      ({ verb, as }) => !as.has('own') && (verb === 'get' || verb === 'list' || (verb === 'patch' && as.has('target'))),
    );
    const lacked = await lackedBy(cluster, needed);
    const reads = lacked.filter(({ verb }) => verb !== 'patch');
    const writes = lacked.filter(({ verb }) => verb === 'patch');
    const found = (id: 'cannot-see' | 'cannot-steer', role: string, permissions: typeof lacked) => ({
      id,
      what: `you may not ${describePermissions(permissions)}`,
      where: `User/${user}`,
      fix: `${adminKubectl} create clusterrolebinding ${shellWord(`${role}-${nameFrom(user)}`)} --clusterrole=${role} --user=${shellWord(user)}`,
      note: "for whoever administers the cluster; the role comes with the controller's manifests",
    });
    return [
      ...(reads.length === 0 ? [] : [found('cannot-see', 'virt-platform-viewer', reads)]),
      ...(writes.length === 0 ? [] : [found('cannot-steer', 'virt-platform-author', writes)]),
    ];
  },
});

/** What may be part of an object's name. */
function nameFrom(user: string): string {
  return (
    user
      .toLowerCase()
      .replaceAll(/[^a-z0-9.-]+/g, '-')
      .replaceAll(/^[-.]+|[-.]+$/g, '') || 'user'
  );
}
