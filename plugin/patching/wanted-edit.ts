import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { managerOf } from '../../shared/engine/field-managers.ts';
import { isMap } from '../../shared/engine/json.ts';
import { valueAt } from '../../shared/engine/value-at.ts';
import type { Arguments } from '../arguments.ts';
import { didYouMean } from '../did-you-mean.ts';
import type { Environment } from '../environment.ts';
import { readText } from '../input/read-bytes.ts';
import { UserError } from '../user-error.ts';
import { adoptLive } from './adopt-live.ts';
import { applyAssignments, applyRemovals } from './assignments.ts';
import type { Edited } from './compose-patch.ts';
import { schemaBelow } from './field-schema.ts';
import type { PatchAuthor } from './patch-author.ts';
import type { Way } from './way-of.ts';
import { applyWrittenPatch } from './written-patch.ts';

/** The text of `-p` or `--patch-file`, and where it is from. */
type Given = { readonly text: string; readonly source: string };

/** @throws UserError for a file that can't be read. */
export async function writtenPatch(args: Arguments, environment: Environment): Promise<Given> {
  const file = args.text('patch-file');
  if (file === undefined) return { text: args.text('patch') ?? '', source: '-p' };
  const text = await readText(file, environment, {
    option: '--patch-file',
    expected: 'a patch as JSON or YAML',
    ifTooLarge: 'a patch has at most 64 KiB',
    maxBytes: 1024 * 1024,
  });
  return { text, source: file === '-' ? 'standard input' : file };
}

/**
 * What somebody wants the object to be, beside what it is with the patch that is there.
 *
 * @throws UserError for what can't be understood, or doesn't fit.
 */
export async function wantedEdit(
  way: Way,
  author: PatchAuthor,
  args: Arguments,
  { text, source }: Given,
): Promise<Edited> {
  const { current, item, live } = author;
  switch (way) {
    case 'patch':
      return applyWrittenPatch(text, current.patched, { type: args.text('type'), source });
    case 'fields': {
      const schema = await author.schema();
      const object = applyAssignments(args.texts('set'), current.patched, (path) =>
        schema === undefined ? undefined : schemaBelow(schema, path),
      );
      return { object: applyRemovals(args.texts('remove'), object, (path) => whatIsNear(path, object, live)) };
    }
    case 'from-live': {
      const applied = await author.apply(current.patched);
      if (!applied.checked) throw new UserError(`what has drifted can't be told: ${applied.why}`);
      const ignored = item.overrides.flatMap((override) => (override.type === 'ignore' ? override.pointers : []));
      return { object: adoptLive(current.patched, applied.live, applied.applied, ignored) };
    }
    default:
      // The rules for a tool are the same with and without a patch.
      if (current.operations.length === 0 && !args.given('gitops'))
        throw new UserError(`${item.asset} has no patch: give one`);
      return { object: current.patched };
  }
}

/** What is known of a place where nothing is rendered. */
function whatIsNear(path: readonly string[], rendered: KubernetesObject, live: KubernetesObject): string {
  if (valueAt(live, path) !== undefined) {
    const manager = managerOf(path, live);
    return `: ${manager === null ? 'the live value is a default of the server' : `"${manager}" set the live value`}, and no patch can take away what isn't rendered`;
  }
  const around = valueAt(rendered, path.slice(0, -1));
  const hint = isMap(around) ? didYouMean(path.at(-1) ?? '', Object.keys(around)) : '';
  return hint === '' ? '' : `; ${hint}`;
}
