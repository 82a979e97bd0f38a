import { annotation } from '../../shared/api/annotations.ts';
import type { PlanItem } from '../../shared/engine/plan-item.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import type { Environment } from '../environment.ts';
import { catalogOption } from '../input/catalog.ts';
import { liveTarget } from '../input/live-target.ts';
import { namesOf } from '../input/select-items.ts';
import { targetOf } from '../input/target-of.ts';
import { type ColourMode, painter } from '../output/colour.ts';
import { messagesTo } from '../output/messages.ts';
import { formatTable } from '../output/table.ts';
import { UserError } from '../user-error.ts';
import { changeAnnotations, existing } from '../writing/change-annotations.ts';
import { sameItem } from '../writing/effect-text.ts';
import { ignoredBy, ignoringToo, pointersOf } from '../writing/ignored-pointers.ts';
import { notInEffect } from '../writing/not-in-effect.ts';
import { noteChange, refuseNote, wantedNote, withoutNote } from '../writing/note-change.ts';
import { noteOptions, writeOptions } from '../writing/write-options.ts';

export const ignore: Command = {
  usage: 'ignore ASSET|KIND/NAME|KIND NAME POINTER… [flags]',
  words: [{ of: 'target' }, { of: 'pointer', many: true }],
  description: `Leaves fields of an object to whoever else sets them: adds JSON pointers to the annotation
${annotation.ignoreFields}. Says when a part can't be yielded: what lies in a list that is one value to the
server stays ours, at the value that it has.`,
  examples: [
    { text: 'Leave a field to others', words: 'ignore swap-enable /spec/config/ignition/version' },
    {
      text: 'Say why, and be reminded of it',
      words: `ignore swap-enable /spec/config/ignition/version --reason 'set by the installer' --until 30d`,
    },
    { text: 'What is ignored there?', words: 'ignore swap-enable --list' },
    { text: 'Keep it in sync again', words: 'ignore swap-enable /spec/config/ignition/version --remove' },
  ],
  connects: true,
  options: [
    { name: 'remove', type: 'switch', description: 'Takes these pointers away instead' },
    { name: 'list', type: 'switch', description: 'Only lists what is ignored' },
    ...noteOptions,
    ...writeOptions,
    catalogOption,
  ],
  run: async (args, environment) => {
    if (args.isOn('list')) {
      if (args.isOn('remove')) throw new UserError('--list and --remove exclude each other');
      refuseNote(args, 'list');
      if (args.given('output')) throw new UserError('--list prints a table only; "status -o json" has the same');
      return await list(args, environment);
    }
    if (args.isOn('remove')) refuseNote(args, 'remove');
    return await changeAnnotations(args, environment, async (seen) => {
      const note = wantedNote(args, environment.now());
      const [words, given] = split(args.words, seen.plan.items);
      const item = targetOf(seen.plan.items, words, args);
      if (given.length === 0)
        throw new UserError(`say which fields, as in ${item.asset} /spec/replicas; "diff" names those that differ`);
      const pointers = pointersOf(given.join(','));
      const live = await existing(seen, item.target, 'what is created can be given it afterwards');
      const now = ignoredBy(live, seen.kubectl);
      if (args.isOn('remove')) {
        const unknown = pointers.filter((pointer) => !now.includes(pointer));
        if (unknown.length > 0) {
          throw new UserError(
            `${item.asset} doesn't ignore ${unknown.join(', ')}: ${now.length === 0 ? 'nothing is ignored there' : `it ignores ${now.join(', ')}`}`,
          );
        }
      }
      const next = args.isOn('remove')
        ? now.filter((pointer) => !pointers.includes(pointer))
        : ignoringToo(live, pointers, { onto: item.desired ?? item.baseline ?? live, kubectl: seen.kubectl });
      const key = annotation.ignoreFields;
      const annotations = {
        ...(next.length !== now.length && { [key]: next.length === 0 ? null : next.join(',') }),
        ...(next.length === 0 ? withoutNote(key) : noteChange(key, live, note)),
      };
      return {
        changes: [{ target: item.target, live, annotations }],
        already: `${item.asset} ignores ${pointers.join(', ')}`,
        afterwards: (after) => {
          const then = sameItem(item, after);
          const waits = then === undefined || next.length === 0 ? undefined : notInEffect(then, 'the list');
          const news = (then?.notes ?? []).filter((note) => !item.notes.includes(note));
          return waits === undefined ? news : [waits, ...news];
        },
      };
    });
  },
};

async function list(args: Arguments, environment: Environment): Promise<number> {
  const { stdout, stderr, variables } = environment;
  const messages = messagesTo(stderr);
  const { item, live, kubectl } = await liveTarget(args, environment, {
    messages,
    wordsOf: (items) => {
      const [words, [given]] = split(args.words, items);
      if (given === undefined) return words;
      throw new UserError(`--list takes no pointers (${given}): it lists all that are ignored`);
    },
  });
  const pointers = live === undefined ? [] : ignoredBy(live, kubectl);
  if (pointers.length === 0) {
    messages.note('nothing is ignored there');
    return 0;
  }
  const columns = [
    { header: 'POINTER', cell: (pointer: string) => pointer },
    { header: 'STATE', cell: (pointer: string) => stateOf(pointer, item) },
  ];
  const paint = painter((args.text('color') ?? 'auto') as ColourMode, stdout, variables);
  stdout.write(formatTable(pointers, columns, { paint }));
  if (item.desired === undefined) messages.note(`${item.asset} is ${item.decision}: ${item.why}`);
  return 0;
}

function stateOf(pointer: string, { overrides, desired, decision }: PlanItem): string {
  const ignore = overrides.find((override) => override.type === 'ignore');
  if (ignore === undefined || desired === undefined) return `without effect: ${decision}`;
  const { yielded, kept } = ignore;
  const covers = (inner: string) => inner === pointer || inner.startsWith(`${pointer}/`);
  const isYielded = yielded.some(covers);
  if (kept.some(covers)) return isYielded ? 'in part yielded' : "can't be yielded: kept at the live value";
  return isYielded ? 'yielded' : 'nothing of ours is there';
}

/** The target's words, and the pointers after them. */
function split(words: readonly string[], items: readonly PlanItem[]): readonly [readonly string[], readonly string[]] {
  const [first = '', second] = words;
  const isAlone =
    first.includes('/') || namesOf(items).includes(first) || second === undefined || second.startsWith('/');
  return isAlone ? [words.slice(0, 1), words.slice(1)] : [words.slice(0, 2), words.slice(2)];
}
