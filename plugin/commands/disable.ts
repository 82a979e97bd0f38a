import { clusterAnnotation } from '../../shared/api/annotations.ts';
import { autopilotName, managedByLabel } from '../../shared/api/names.ts';
import type { Command } from '../command.ts';
import { catalogOption } from '../input/catalog.ts';
import { partingFromAsset } from '../output/left-behind.ts';
import { UserError } from '../user-error.ts';
import { changeAnnotations, existing, hyperConvergedRef } from '../writing/change-annotations.ts';
import { liveOf } from '../writing/effect-text.ts';
import { switchesOf } from '../writing/switches-of.ts';
import { writeOptions } from '../writing/write-options.ts';

export const disable: Command = {
  usage: 'disable FEATURE… [flags]',
  words: [{ of: 'switch', many: true }],
  description: `Takes opt-ins back: removes the annotation ${clusterAnnotation.enablePrefix}NAME from HyperConverged.
What the feature brought stays in the cluster, and isn't kept in sync any more: it is listed, with the commands that
delete it. Where others have a part in an object, and for a namespace, they only take our label off.`,
  examples: [
    { text: 'Opt out of a feature', words: 'disable pci-passthrough' },
    { text: 'What would stay behind?', words: 'disable pci-passthrough --dry-run=client' },
  ],
  connects: true,
  options: [...writeOptions, catalogOption],
  run: (args, environment) =>
    changeAnnotations(args, environment, async (seen) => {
      if (args.words.length === 0) throw new UserError('disable needs to know which feature; "features" lists them');
      const switches = [...new Set(args.words.flatMap((word) => switchesOf(word, seen.catalog)))];
      const target = hyperConvergedRef(seen);
      const live = await existing(seen, target, 'create it first');
      const now = live.metadata.annotations ?? {};
      // "false" is as good as nothing, and may be somebody's way to say no.
      const keys = switches
        .map((name) => `${clusterAnnotation.enablePrefix}${name}`)
        .filter((key) => now[key] !== 'false');
      return {
        changes: [{ target, live, annotations: Object.fromEntries(keys.map((key) => [key, null])) }],
        already: `${switches.join(', ')} ${switches.length === 1 ? "isn't" : "aren't"} enabled`,
        afterwards: ({ plan }) => {
          const left = plan.items.flatMap(({ decision, asset, target }) => {
            const object = decision === 'condition-unmet' ? liveOf(target, seen) : undefined;
            if (object?.metadata.labels?.[managedByLabel] !== autopilotName) return [];
            return [partingFromAsset(object, asset, seen)];
          });
          if (left.length === 0) return [];
          // What was there last goes first.
          left.reverse();
          const ours = left.flatMap((one) => (one.isOurs ? [`  ${one.command}`] : []));
          const shared = left.flatMap((one) => (one.isOurs ? [] : [`  ${one.why}:`, `    ${one.command}`]));
          return [
            'These stay as they are, and nothing keeps them in sync any more.',
            ...(ours.length === 0 ? [] : ['To delete them:', ...ours]),
            ...(shared.length === 0
              ? []
              : [
                  "Not to be deleted, as others may have a part in it. Take out what isn't needed, and then our label off:",
                  ...shared,
                ]),
          ];
        },
      };
    }),
};
