import { annotation } from '../../shared/api/annotations.ts';
import type { Command } from '../command.ts';
import { catalogOption } from '../input/catalog.ts';
import { targetOf } from '../input/target-of.ts';
import { changeAnnotations, existing } from '../writing/change-annotations.ts';
import { sameItem } from '../writing/effect-text.ts';
import { withoutNote } from '../writing/note-change.ts';
import { writeOptions } from '../writing/write-options.ts';

export const manage: Command = {
  usage: 'manage ASSET|KIND/NAME|KIND NAME [flags]',
  words: [{ of: 'target' }],
  description: `Gives an object back to the autopilot after "unmanage": removes the annotation ${annotation.mode} from it.
What was changed meanwhile goes back to the baseline: it is shown first.`,
  examples: [
    { text: 'The autopilot shall look after it again', words: 'manage swap-enable' },
    { text: 'What would be lost?', words: 'manage swap-enable --dry-run=client' },
  ],
  connects: true,
  options: [...writeOptions, catalogOption],
  run: (args, environment) =>
    changeAnnotations(args, environment, async (seen) => {
      const item = targetOf(seen.plan.items, args.words, args, { tombstones: true });
      const live = await existing(seen, item.target, 'it is created by itself where it is wanted');
      return {
        changes: [
          { target: item.target, live, annotations: { [annotation.mode]: null, ...withoutNote(annotation.mode) } },
        ],
        already: `${item.asset} has no ${annotation.mode} (it is decided: ${item.decision})`,
        afterwards: (after) => {
          const next = sameItem(item, after);
          return next !== undefined && ['unmanaged', 'paused', 'excluded'].includes(next.decision)
            ? [`It still isn't kept in sync: ${next.why}`]
            : [];
        },
      };
    }),
};
