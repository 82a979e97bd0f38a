import type { ExclusionRule } from '../../shared/api/exclusions.ts';

/** The words by which `exclude` is told of a rule. */
export function excludeWords({ kind, name, namespace }: ExclusionRule): readonly string[] {
  return ['--kind', kind, '--name', name, ...(namespace === undefined ? [] : ['--namespace', namespace])];
}
