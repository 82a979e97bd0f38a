import type { PlanItem } from '../../shared/engine/plan-item.ts';
import type { Arguments } from '../arguments.ts';
import { UserError } from '../user-error.ts';
import { namespaceOf } from './namespace-of.ts';
import { selectOne } from './select-items.ts';

/**
 * The one asset that the words name.
 *
 * @param options.tombstones - takes what is only there to be deleted too: that can be kept, but has no fields to steer.
 * @throws UserError where they name none, or more than one, or a tombstone that isn't taken.
 */
export function targetOf(
  items: readonly PlanItem[],
  words: readonly string[],
  args: Arguments,
  { tombstones = false }: { tombstones?: boolean } = {},
): PlanItem {
  if (words.length === 0)
    throw new UserError('say which object: the name of an asset, or KIND/NAME; "status -o wide" lists them');
  const namespace = namespaceOf(args);
  const item = selectOne(items, words, { namespace });
  if (item.type === 'asset' || tombstones) return item;
  throw new UserError(`${item.asset} is only there to be deleted, and has no fields to steer; "unmanage" keeps it`);
}
