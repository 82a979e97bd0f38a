import type { PlanItem } from '../../shared/engine/plan-item.ts';
import type { Arguments } from '../arguments.ts';
import { UserError } from '../user-error.ts';
import { namespaceOf } from './namespace-of.ts';
import { selectOne } from './select-items.ts';

/**
 * The one asset that the words name.
 *
 * @throws UserError where they name none, more than one, or something that is only to be deleted.
 */
export function targetOf(items: readonly PlanItem[], words: readonly string[], args: Arguments): PlanItem {
  if (words.length === 0)
    throw new UserError('say which object: the name of an asset, or KIND/NAME; "status" lists them');
  const namespace = namespaceOf(args);
  const item = selectOne(items, words, { namespace });
  if (item.type === 'asset') return item;
  throw new UserError(`${item.asset} is only there to be deleted: no annotation steers it`);
}
