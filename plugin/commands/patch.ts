import { annotation } from '../../shared/api/annotations.ts';
import { equalJson } from '../../shared/engine/json.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import type { Environment } from '../environment.ts';
import { catalogOption } from '../input/catalog.ts';
import { liveTarget } from '../input/live-target.ts';
import { targetOf } from '../input/target-of.ts';
import { type ColourMode, painter } from '../output/colour.ts';
import { messagesTo } from '../output/messages.ts';
import { editManifest } from '../patching/edit-manifest.ts';
import type { EditedFile } from '../patching/edit-session.ts';
import { ignoredNotes, laterLines } from '../patching/effect-notes.ts';
import { listPatch } from '../patching/list-patch.ts';
import { type AuthoredPatch, PatchAuthor } from '../patching/patch-author.ts';
import { wantedEdit, writtenPatch } from '../patching/wanted-edit.ts';
import { wayOf } from '../patching/way-of.ts';
import { changeAnnotations, existing, type Seen, type Wish } from '../writing/change-annotations.ts';
import { sameItem } from '../writing/effect-text.ts';
import { noteChange, wantedNote, withoutNote } from '../writing/note-change.ts';
import { noteOptions, writeOptions } from '../writing/write-options.ts';

export const patch: Command = {
  usage: 'patch ASSET|KIND/NAME|KIND NAME [flags]',
  words: [{ of: 'target' }],
  description: `Deviates from the baseline in the fields of an object that you say: writes the annotation ${annotation.patch},
always as the smallest RFC 6902 patch against the object as it is rendered, with what the patch that is there already does.
Checked first: limits, what no patch may change, the schema of the kind, and the result by the API server.`,
  examples: [
    { text: 'Another value', words: 'patch descheduler-loadaware --set spec.deschedulingIntervalSeconds=300' },
    { text: 'In the editor', words: 'patch KubeDescheduler/cluster --edit' },
    {
      text: 'As a merge patch, held should the baseline change there',
      words: `patch descheduler-loadaware -p '{"spec":{"deschedulingIntervalSeconds":300}}' --guard`,
    },
    { text: 'Keep it as it is now', words: 'patch descheduler-loadaware --from-live' },
    { text: 'What is patched there?', words: 'patch descheduler-loadaware --list' },
    { text: 'Back to the baseline', words: 'patch descheduler-loadaware --clear' },
  ],
  connects: true,
  options: [
    {
      name: 'patch',
      short: 'p',
      type: 'text',
      placeholder: 'PATCH',
      description: 'A patch as JSON or YAML: operations of RFC 6902, or a merge patch (RFC 7386)',
    },
    { name: 'patch-file', type: 'text', placeholder: 'FILE|-', description: 'The same from a file, or standard input' },
    {
      name: 'type',
      type: 'text',
      placeholder: 'json|merge',
      of: ['json', 'merge'],
      description: 'What -p or the file is; by its form where it is left out',
    },
    {
      name: 'set',
      type: 'texts',
      placeholder: 'PATH=VALUE',
      description: 'Sets a field, as in spec.list[0].x=5; may be given several times',
    },
    {
      name: 'remove',
      type: 'texts',
      placeholder: 'POINTER',
      of: 'pointer',
      description: 'Takes a field away, as in /spec/x; may be given several times, and beside --set',
    },
    {
      name: 'edit',
      type: 'switch',
      description: 'Opens the object in $KUBE_EDITOR or $EDITOR; what you change is the patch',
    },
    {
      name: 'from-live',
      type: 'switch',
      description: 'Makes the present drift the patch, so that the object stays as it is',
    },
    {
      name: 'guard',
      type: 'switch',
      description: 'Adds tests of what is rendered there now: should the baseline change there, the object is held',
    },
    { name: 'list', type: 'switch', description: 'Only lists what is patched' },
    { name: 'clear', type: 'switch', description: 'Takes the patch away' },
    ...noteOptions,
    ...writeOptions,
    catalogOption,
  ],
  run: async (args, environment) => {
    const way = wayOf(args);
    // What is wrong with it is said before anybody edits.
    wantedNote(args, environment.now());
    switch (way) {
      case 'list':
        return await list(args, environment);
      case 'clear':
        return await changeAnnotations(args, environment, (seen) => cleared(seen, args));
      case 'edit':
        return await edited(args, environment);
      default: {
        const given = await writtenPatch(args, environment);
        // Who reads the patch from standard input can't be asked there.
        const asked = args.text('patch-file') === '-' ? { ...environment, isStdinTerminal: false } : environment;
        return await changeAnnotations(args, asked, async (seen) => {
          const author = await PatchAuthor.of(seen, targetOf(seen.plan.items, args.words, args), environment.signal);
          const wanted = await wantedEdit(way, author, args, given);
          return wishOf(author, await author.author(wanted, { guard: args.isOn('guard') }), args, environment);
        });
      }
    }
  },
};

function wishOf(author: PatchAuthor, authored: AuthoredPatch, args: Arguments, { now }: Environment): Wish {
  const { item, live, current } = author;
  const { value, isSame, notes, operations } = authored;
  const key = annotation.patch;
  const note = wantedNote(args, now());
  const isBaseline = value === null;
  const wasThere = live.metadata.annotations?.[key] !== undefined;
  const annotations = {
    ...(!isSame && { [key]: value }),
    ...(isBaseline ? (wasThere ? withoutNote(key) : {}) : noteChange(key, live, note)),
  };
  const isLiveAlready = equalJson(authored.patched, current.patched);
  return {
    changes: [{ target: item.target, live, annotations }],
    already:
      args.isOn('from-live') && isLiveAlready
        ? `${item.asset} hasn't drifted`
        : isBaseline
          ? `${item.asset} is rendered so already`
          : `the patch of ${item.asset} says so already`,
    about: [
      ...notes,
      ...(isBaseline && wasThere ? [`${item.asset} is the rendered state again: its patch goes away`] : []),
      ...ignoredNotes(item, operations),
    ],
    afterwards: (after) => {
      const then = sameItem(item, after);
      return then === undefined || isBaseline ? [] : laterLines(then, authored, now());
    },
  };
}

async function cleared(seen: Seen, args: Arguments): Promise<Wish> {
  const { asset, target } = targetOf(seen.plan.items, args.words, args);
  const live = await existing(seen, target, 'there is nothing to clear');
  return {
    changes: [{ target, live, annotations: { [annotation.patch]: null, ...withoutNote(annotation.patch) } }],
    already: `${asset} has no patch`,
  };
}

async function list(args: Arguments, environment: Environment): Promise<number> {
  const { stdout, stderr, variables } = environment;
  const messages = messagesTo(stderr);
  const { item, live } = await liveTarget(args, environment, { messages });
  const paint = painter((args.text('color') ?? 'auto') as ColourMode, stdout, variables);
  const text = live && listPatch(live, item.baseline, { format: args.text('output'), paint });
  if (text === undefined) messages.note(`${item.asset} has no patch`);
  else stdout.write(text);
  return 0;
}

/** A person gave up an edit: that is no error. */
class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

async function edited(args: Arguments, environment: Environment): Promise<number> {
  let file: EditedFile | undefined;
  try {
    const code = await changeAnnotations(args, environment, async (seen) => {
      const author = await PatchAuthor.of(seen, targetOf(seen.plan.items, args.words, args), environment.signal);
      const edit = await editManifest(author, environment, { guard: args.isOn('guard') });
      if (edit.end === 'cancelled') throw new Cancelled(edit.why);
      file = edit.file;
      return wishOf(author, edit.result, args, environment);
    });
    file?.discard();
    return code;
  } catch (error) {
    if (error instanceof Cancelled) {
      environment.stderr.write(`${error.message}\n`);
      return 0;
    }
    if (file !== undefined) messagesTo(environment.stderr).note(`a copy of your changes is in ${file.path}`);
    throw error;
  }
}
