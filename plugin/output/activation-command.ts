import { clusterAnnotation } from '../../shared/api/annotations.ts';
import { hyperConvergedKind } from '../../shared/api/names.ts';
import type { DecidedPlan } from '../input/observed.ts';
import { annotateCommand } from './annotate-command.ts';

/** How to switch the autopilot on, for the very cluster that was looked at. */
export function activationCommand(
  { apiVersion, namespace, name }: Pick<DecidedPlan['hyperConverged'], 'apiVersion' | 'namespace' | 'name'>,
  kubectl: string,
): string {
  const ref = { apiVersion, kind: hyperConvergedKind, namespace, name };
  return annotateCommand(ref, { [clusterAnnotation.autopilot]: 'true' }, kubectl);
}
