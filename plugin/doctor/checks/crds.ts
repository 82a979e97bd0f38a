import { check } from '../finding.ts';
import { smallestChangeOf } from '../smallest-change-of.ts';

export const crds = check({
  about: 'the CRDs of what is wanted',
  finds: {
    'crd-missing': {
      severity: 'warning',
      means: "a CRD that something wanted needs isn't there, or isn't served in a version that we know",
    },
  },
  run: (examined) => {
    const items = examined.plan.items.filter((item) => item.decision === 'missing-crd');
    const byCrds = Map.groupBy(items, ({ crds: names }) => names.join(', '));
    return [...byCrds].flatMap(([names, same]) => {
      const [first] = same;
      if (first === undefined) return [];
      const { what, command } = smallestChangeOf(first, examined);
      return [
        {
          id: 'crd-missing',
          what: `${same.map(({ asset }) => asset).join(', ')}: ${first.why}`,
          where: names,
          fix: command,
          note: what,
        },
      ];
    });
  },
});
