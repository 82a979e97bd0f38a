import { annotation } from '../../shared/api/annotations.ts';
import { autopilotName } from '../../shared/api/names.ts';
import type { Override, PlanItem } from '../../shared/engine/plan-item.ts';
import type { Command } from '../command.ts';
import { catalogOption } from '../input/catalog.ts';
import { targetOf } from '../input/target-of.ts';
import { annotateCommand } from '../output/annotate-command.ts';
import { formatAge } from '../output/format-age.ts';
import { UserError } from '../user-error.ts';
import type { AnnotationChange } from '../writing/annotation-change.ts';
import { changeAnnotations } from '../writing/change-annotations.ts';
import { writeOptions } from '../writing/write-options.ts';

export const unpause: Command = {
  usage: 'unpause ASSET|KIND/NAME|KIND NAME|--all [flags]',
  words: [{ of: 'target' }],
  description: `Resumes what was paused because somebody kept changing it back: removes ${annotation.reconcilePaused}.
Shows first who fought over which fields and since when, and what would end the fight: as long as the other side goes on,
it will be paused again.`,
  examples: [
    { text: 'Resume one object', words: 'unpause swap-enable' },
    { text: 'Everything that is paused', words: 'unpause --all' },
    { text: 'Who fought over what?', words: 'unpause --all --dry-run=client' },
  ],
  connects: true,
  options: [{ name: 'all', type: 'switch', description: 'Everything that is paused' }, ...writeOptions, catalogOption],
  run: (args, environment) =>
    changeAnnotations(args, environment, async ({ plan, live, kubectl }) => {
      if (args.isOn('all') === args.words.length > 0) {
        throw new UserError(
          args.isOn('all')
            ? '--all and a name exclude each other'
            : 'unpause needs a name, or --all; "status" lists what is paused',
        );
      }
      const paused = plan.items.filter((item) => pauseOf(item) !== undefined);
      const items = args.isOn('all') ? paused : [targetOf(plan.items, args.words, args)];
      const changes: AnnotationChange[] = [];
      for (const { target } of items) {
        const object = await live(target);
        if (object === undefined) continue;
        const annotations = { [annotation.reconcilePaused]: null, [annotation.pausedBy]: null };
        changes.push({ target, live: object, annotations });
      }
      return {
        changes,
        already: args.isOn('all') ? 'nothing is paused' : `${items.map(({ asset }) => asset).join()} isn't paused`,
        about: items.flatMap((item) => fight(item, { kubectl, now: environment.now() })),
      };
    }),
};

function pauseOf({ overrides }: PlanItem): (Override & { readonly type: 'paused' }) | undefined {
  return overrides.find((override) => override.type === 'paused');
}

/** Who fought over what, since when, and what would end it. */
function fight(item: PlanItem, { kubectl, now }: { kubectl: string; now: Date }): readonly string[] {
  const pause = pauseOf(item);
  if (pause === undefined) return [];
  const { pausedBy: { since, fields = [], manager } = {}, setBy } = pause;
  const time = since === undefined ? Number.NaN : Date.parse(since);
  const when = Number.isNaN(time) ? '' : ` since ${since} (${formatAge(new Date(time), now)} ago)`;
  const who =
    manager === undefined && fields.length === 0
      ? 'nothing says against whom'
      : `${manager ?? 'somebody'} kept changing ${fields.length === 0 ? 'it' : fields.join(', ')}`;
  return [
    `${item.asset} is paused${when}: ${who}`,
    ...(setBy === autopilotName || setBy === undefined
      ? []
      : [`  ${setBy ?? 'somebody unknown'} set the pause, not the controller`]),
    ...(fields.length === 0
      ? []
      : [
          `  to leave ${fields.length === 1 ? 'that field' : 'those fields'} to the other side, which ends the fight:`,
          `  ${annotateCommand(item.target, { [annotation.ignoreFields]: fields.join(',') }, kubectl)}`,
        ]),
    '',
  ];
}
