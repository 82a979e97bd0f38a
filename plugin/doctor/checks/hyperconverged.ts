import { hyperConvergedKind } from '../../../shared/api/names.ts';
import { formatObjectRef } from '../../../shared/api/object-ref.ts';
import { activationCommand } from '../../output/activation-command.ts';
import { check } from '../finding.ts';
import { notCheckedBecause } from '../not-checked.ts';

export const hyperConverged = check({
  about: 'HyperConverged',
  finds: {
    'hyperconverged-missing': { severity: 'error', means: 'there is no HyperConverged, from which everything follows' },
    'hyperconverged-ambiguous': { severity: 'error', means: 'there is more than one HyperConverged' },
    inactive: { severity: 'info', means: 'the autopilot is not activated, so nothing is kept' },
    'hyperconverged-warning': {
      severity: 'warning',
      means: "an annotation on HyperConverged is unknown, names what isn't there, or matches nothing",
    },
  },
  run: ({ plan: { activation, hyperConverged: live, warnings, items }, kubectl }) => {
    const anywhere = `${kubectl} get hyperconverged -A`;
    switch (activation.state) {
      case 'absent':
        return [
          {
            id: 'hyperconverged-missing',
            what: activation.why,
            where: 'the cluster',
            fix: anywhere,
            note: 'install the HyperConverged Cluster Operator and create one',
          },
        ];
      case 'ambiguous': {
        const [, ...others] = activation.found;
        return [
          {
            id: 'hyperconverged-ambiguous',
            what: activation.why,
            where: others.map((one) => formatObjectRef({ kind: hyperConvergedKind, ...one })).join(', '),
            fix: anywhere,
            note: "delete those that aren't meant",
          },
        ];
      }
      case 'unknown':
        return [notCheckedBecause('everything that follows from HyperConverged', activation.why, kubectl)];
      default: {
        if (live === undefined) return [];
        const where = formatObjectRef({ ...live, kind: hyperConvergedKind });
        // What holds everything is an error, and found as one.
        const holds = items.find(({ decision }) => decision === 'exclusions-invalid');
        const warned = warnings
          .filter((what) => holds === undefined || !what.startsWith(holds.why))
          .map((what) => ({
            id: 'hyperconverged-warning' as const,
            what,
            where,
            fix: `${kubectl} edit hyperconverged ${live.name} -n ${live.namespace}`,
          }));
        if (activation.state !== 'inactive') return warned;
        const fix = activationCommand(live, kubectl);
        const note = 'then everything is kept; names of assets in the place of true begin with a part';
        return [{ id: 'inactive', what: `the autopilot is inactive: ${activation.why}`, where, fix, note }, ...warned];
      }
    }
  },
});
