import { annotation } from '../../shared/api/annotations.ts';
import type { Command } from '../command.ts';
import { catalogOption } from '../input/catalog.ts';
import { targetOf } from '../input/target-of.ts';
import { changeAnnotations, existing } from '../writing/change-annotations.ts';
import { noteChange, wantedNote } from '../writing/note-change.ts';
import { noteOptions, writeOptions } from '../writing/write-options.ts';

export const unmanage: Command = {
  usage: 'unmanage ASSET|KIND/NAME|KIND NAME [flags]',
  words: [{ of: 'target' }],
  description: `Has the autopilot keep its hands off an object: sets the annotation ${annotation.mode}=unmanaged on it.
The object stays as it is, and "manage" gives it back. For single fields there is "ignore".`,
  examples: [
    { text: 'I look after this one myself', words: 'unmanage swap-enable' },
    {
      text: 'Say why, and be reminded of it',
      words: `unmanage swap-enable --reason 'tests a new kernel' --until 30d`,
    },
    { text: 'The change for a Git repository', words: 'unmanage MachineConfig/90-worker-swap-online -o yaml' },
  ],
  connects: true,
  options: [...noteOptions, ...writeOptions, catalogOption],
  run: (args, environment) =>
    changeAnnotations(args, environment, async (seen) => {
      const note = wantedNote(args, environment.now());
      const { asset, target, type } = targetOf(seen.plan.items, args.words, args, { tombstones: true });
      const live = await existing(
        seen,
        target,
        type === 'asset' ? `"exclude ${asset}" keeps it from being created` : 'there is nothing left to keep',
      );
      return {
        changes: [
          { target, live, annotations: { [annotation.mode]: 'unmanaged', ...noteChange(annotation.mode, live, note) } },
        ],
        already: `${asset} is unmanaged`,
      };
    }),
};
