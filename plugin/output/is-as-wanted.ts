// The controller calls everything in sync by the same rule, so it is shared.
export { isAsWanted } from '../../shared/engine/is-as-wanted.ts';
