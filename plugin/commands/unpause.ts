import { annotation } from '../../shared/api/annotations.ts';
import { PointerError } from '../../shared/api/json-pointer.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import type { Command } from '../command.ts';
import { catalogOption } from '../input/catalog.ts';
import { targetOf } from '../input/target-of.ts';
import { UserError } from '../user-error.ts';
import type { AnnotationChange } from '../writing/annotation-change.ts';
import { changeAnnotations } from '../writing/change-annotations.ts';
import { sameItem } from '../writing/effect-text.ts';
import { fightLines, pauseOf, peaceLines } from '../writing/fight-text.ts';
import { ignoringToo } from '../writing/ignored-pointers.ts';
import { noteChange, wantedNote } from '../writing/note-change.ts';
import { noteOptions, writeOptions } from '../writing/write-options.ts';

export const unpause: Command = {
  usage: 'unpause ASSET|KIND/NAME|KIND NAME|--all [flags]',
  words: [{ of: 'target' }],
  description: `Resumes what was paused because somebody kept changing it back: removes ${annotation.reconcilePaused}.
Shows who fought over which fields, between which values and since when, and the commands that end the fight: as long as
the other side goes on, it will be paused again. With --ignore it ends the fight at once.`,
  examples: [
    { text: 'Resume one object', words: 'unpause swap-enable' },
    { text: 'Everything that is paused', words: 'unpause --all' },
    { text: 'Who fought over what?', words: 'unpause --all --dry-run=client' },
    { text: 'Resume, and leave the fields to the other side', words: 'unpause swap-enable --ignore' },
  ],
  connects: true,
  options: [
    { name: 'all', type: 'switch', description: 'Everything that is paused' },
    {
      name: 'ignore',
      type: 'switch',
      description: 'Leaves the fields to the other side in the same write; --reason and --until are about that',
    },
    ...noteOptions,
    ...writeOptions,
    catalogOption,
  ],
  run: (args, environment) =>
    changeAnnotations(args, environment, async ({ plan, live, kubectl }) => {
      if (args.isOn('all') === args.words.length > 0) {
        throw new UserError(
          args.isOn('all')
            ? '--all and a name exclude each other'
            : 'unpause needs a name, or --all; "status" lists what is paused',
        );
      }
      const note = wantedNote(args, environment.now());
      if (Object.keys(note).length > 0 && !args.isOn('ignore')) {
        throw new UserError('--reason and --until say why fields are ignored: they need --ignore');
      }
      const paused = plan.items.filter((item) => pauseOf(item) !== undefined);
      const items = args.isOn('all') ? paused : [targetOf(plan.items, args.words, args, { tombstones: true })];
      const changes: AnnotationChange[] = [];
      for (const item of items) {
        const object = await live(item.target);
        if (object === undefined) continue;
        const resumed = { [annotation.reconcilePaused]: null, [annotation.pausedBy]: null };
        const ignored =
          args.isOn('ignore') && pauseOf(item) !== undefined ? yieldedTo(item, object, kubectl) : undefined;
        const annotations = {
          ...resumed,
          ...(ignored !== undefined && {
            [annotation.ignoreFields]: ignored,
            ...noteChange(annotation.ignoreFields, object, note),
          }),
        };
        changes.push({ target: item.target, live: object, annotations });
      }
      const fought = items.filter((item) => pauseOf(item) !== undefined);
      return {
        changes,
        already: args.isOn('all') ? 'nothing is paused' : `${items.map(({ asset }) => asset).join()} isn't paused`,
        about: fought.flatMap((item) => [...fightLines(item, environment.now()), '']),
        afterwards: (after) =>
          args.isOn('ignore') ? [] : fought.flatMap((item) => peaceLines(item, sameItem(item, after), kubectl)),
      };
    }),
};

/** What the object ignores then. @throws UserError where nothing says over which fields the fight was. */
function yieldedTo(item: PlanItem, object: KubernetesObject, kubectl: string): string {
  const fields = pauseOf(item)?.pausedBy?.fields ?? [];
  if (fields.length === 0) {
    throw new UserError(
      `nothing says over which fields of ${item.asset} the fight was: resume it, and leave fields to others with "ignore"`,
    );
  }
  try {
    return ignoringToo(object, fields, { onto: item.baseline ?? object, kubectl }).join(',');
  } catch (error) {
    if (!(error instanceof UserError || error instanceof PointerError)) throw error;
    // The fields stand in an annotation, which anybody may have written.
    throw new UserError(
      `${item.asset} can't be left to the other side: ${error.message}; resume it without --ignore, or "unmanage" it`,
      { cause: error },
    );
  }
}
