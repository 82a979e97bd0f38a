import { clusterAnnotation } from '../../shared/api/annotations.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import type { Command } from '../command.ts';
import { catalogOption } from '../input/catalog.ts';
import { UserError } from '../user-error.ts';
import { changeAnnotations, existing, hyperConvergedRef } from '../writing/change-annotations.ts';
import { switchesOf, switchesOfAsset } from '../writing/switches-of.ts';
import { writeOptions } from '../writing/write-options.ts';

export const enable: Command = {
  usage: 'enable FEATURE… [flags]',
  words: [{ of: 'switch', many: true }],
  description: `Opts in to features: sets the annotation ${clusterAnnotation.enablePrefix}NAME on HyperConverged.
Shows first what that would do, and asks. A feature whose other conditions aren't met stays off, and says which.`,
  examples: [
    { text: 'Opt in to a feature', words: 'enable pci-passthrough' },
    { text: 'What would that do?', words: 'enable pci-passthrough --dry-run=client' },
    { text: 'The change for a Git repository', words: 'enable pci-passthrough -o yaml' },
  ],
  connects: true,
  options: [...writeOptions, catalogOption],
  run: (args, environment) =>
    changeAnnotations(args, environment, async (seen) => {
      if (args.words.length === 0) throw new UserError('enable needs to know which feature; "features" lists them');
      const { catalog } = seen;
      const switches = [...new Set(args.words.flatMap((word) => switchesOf(word, catalog)))];
      const target = hyperConvergedRef(seen);
      const live = await existing(seen, target, 'create it first');
      const annotations = Object.fromEntries(
        switches.map((name) => [`${clusterAnnotation.enablePrefix}${name}`, 'true']),
      );
      const assets = catalog.assets.filter((asset) => switchesOfAsset(asset).some((name) => switches.includes(name)));
      const names = new Set(assets.map(({ name }) => name));
      return {
        changes: [{ target, live, annotations }],
        already: `${switches.join(', ')} ${switches.length === 1 ? 'is' : 'are'} enabled already`,
        afterwards: ({ plan }) => {
          if (plan.activation.state === 'inactive') {
            return [`Nothing happens yet, since the autopilot is inactive: ${plan.activation.why}`];
          }
          return plan.items
            .filter(({ asset, decision }) => names.has(asset) && staysOff.has(decision))
            .map(({ asset, why }) => `${asset} stays off: ${why}`);
        },
      };
    }),
};

const staysOff: ReadonlySet<PlanItem['decision']> = new Set(['condition-unmet', 'not-selected']);
