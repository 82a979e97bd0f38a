import { formatObjectRef } from '../../../shared/api/object-ref.ts';
import type { Override } from '../../../shared/engine/plan-item.ts';
import { pluginCommand } from '../../output/plugin-command.ts';
import { excludeWords } from '../../output/rule-words.ts';
import { check } from '../finding.ts';

export const expiredOverrides = check({
  about: 'the dates of overrides',
  finds: {
    'override-expired': {
      severity: 'warning',
      means: 'an override is still in effect after the date that stands beside it',
    },
  },
  run: ({ plan, kubectl }) =>
    plan.items.flatMap(({ asset, target, overrides }) =>
      overrides.flatMap((override) => {
        if (!('expired' in override) || override.expired !== true) return [];
        const { type, until = '', reason } = override;
        return [
          {
            id: 'override-expired' as const,
            what: `${asset}: ${type} was meant until ${until}${reason === undefined ? '' : ` (${reason})`}`,
            where: formatObjectRef(target),
            fix: pluginCommand(withoutIt(asset, override), kubectl),
            note: 'shows what would change, and asks; or give it a later date',
          },
        ];
      }),
    ),
});

/** The command of ours that takes an override away. */
function withoutIt(asset: string, override: Override): readonly string[] {
  switch (override.type) {
    case 'patch':
      return ['patch', asset, '--clear'];
    case 'ignore':
      return ['ignore', asset, ...override.pointers, '--remove'];
    case 'unmanaged':
      return ['manage', asset];
    case 'excluded':
      return ['exclude', ...excludeWords(override.rule), '--remove'];
    case 'paused':
    case 'invalid':
      return ['explain', asset];
    default:
      return override satisfies never;
  }
}
