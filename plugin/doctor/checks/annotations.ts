import { formatObjectRef } from '../../../shared/api/object-ref.ts';
import { annotateCommand } from '../../output/annotate-command.ts';
import { check } from '../finding.ts';

export const annotations = check({
  about: 'the annotations on what is kept',
  finds: {
    'override-invalid': {
      severity: 'error',
      means: "an annotation can't be understood, so its object is held as it is",
    },
    'note-invalid': { severity: 'warning', means: "a reason or a date beside an override can't be used" },
  },
  run: ({ plan, kubectl }) =>
    plan.items.flatMap(({ asset, target, decision, overrides }) =>
      overrides.flatMap((override) => {
        if (override.type !== 'invalid') return [];
        const isHeld = decision === 'override-invalid';
        return [
          {
            id: isHeld ? ('override-invalid' as const) : ('note-invalid' as const),
            what: `${asset}: ${override.message}`,
            where: formatObjectRef(target),
            fix: annotateCommand(target, override.right ?? { [override.annotation]: null }, kubectl),
            note: override.right === undefined ? 'or write it right' : 'as it seems to be meant',
          },
        ];
      }),
    ),
});
