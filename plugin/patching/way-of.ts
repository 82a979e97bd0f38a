import type { Arguments } from '../arguments.ts';
import { UserError } from '../user-error.ts';
import { refuseNote } from '../writing/note-change.ts';

/** How somebody says what is to be patched, or that they only want to look, or take it all away. */
export type Way = 'patch' | 'fields' | 'edit' | 'from-live' | 'list' | 'clear' | 'keep';

/** @throws UserError where the options say nothing, or two things. */
export function wayOf(args: Arguments): Way {
  const ways = [
    ...(['patch', 'patch-file'] as const).filter((name) => args.given(name)).map((name) => ['patch', name] as const),
    ...(['set', 'remove'] as const).filter((name) => args.given(name)).map((name) => ['fields', name] as const),
    ...(['edit', 'from-live', 'list', 'clear'] as const)
      .filter((name) => args.isOn(name))
      .map((name) => [name, name] as const),
  ];
  const [first, ...others] = ways;
  const other = others.find(([way]) => way !== first?.[0] || way === 'patch');
  if (first !== undefined && other !== undefined) {
    throw new UserError(`--${first[1]} and --${other[1]} exclude each other`);
  }
  if (args.given('type') && first?.[0] !== 'patch')
    throw new UserError('--type says what -p or --patch-file is: give one');
  const way = first?.[0];
  if (way === 'list' || way === 'clear') {
    if (args.isOn('guard')) throw new UserError(`--${way} and --guard exclude each other`);
    refuseNote(args, way);
  }
  if (way !== undefined) return way;
  if (args.isOn('guard') || ['reason', 'until', 'gitops'].some((name) => args.given(name))) return 'keep';
  throw new UserError(
    'say what to patch: with --set PATH=VALUE, --remove POINTER, -p, --patch-file, --edit or --from-live; --list shows what is patched',
  );
}
