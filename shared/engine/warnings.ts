import { clusterAnnotation, type Invalid, isInvalid, unknownKeys } from '../api/annotations.ts';
import { describeRule, type ExclusionRule, excludes } from '../api/exclusions.ts';
import type { KubernetesObject } from '../api/kubernetes-object.ts';
import { keyPrefix, managedByLabel } from '../api/names.ts';
import { nearestName } from '../api/nearest-name.ts';
import type { Catalog } from '../catalog/asset.ts';
import type { Activation, PlanItem } from './plan-item.ts';
import { selectableNames } from './selection.ts';

/** Names in `autopilot` that mean nothing. */
export function activationWarnings(activation: Activation, catalog: Catalog): readonly string[] {
  if (activation.state !== 'selected') return [];
  const known = selectableNames(catalog);
  const shown = activation.unknownNames.slice(0, mostNames);
  const more = activation.unknownNames.length - shown.length;
  const warnings = shown.map((name) => {
    const hint = hintAt(name, known);
    return `${clusterAnnotation.autopilot} names ${JSON.stringify(name)}, which is no asset and no group${hint}`;
  });
  return more > 0 ? [...warnings, `${clusterAnnotation.autopilot} has ${more} more names that mean nothing`] : warnings;
}

function hintAt(name: string, known: ReadonlySet<string>): string {
  if (/^(true|yes|on|all|\*)$/i.test(name)) return '; "true" activates everything';
  const several = name.split(/[\s;|]+/).filter((part) => part !== '');
  if (several.length > 1 && several.every((part) => known.has(part)))
    return `; names are separated by commas: ${several.join(',')}`;
  const nearest = nearestName(name, known);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

/** Whoever writes thousands of them gets no thousands of lines. */
const mostNames = 20;

/** Keys of ours on HyperConverged that nothing reads: a newer version may, so they are only pointed out. */
export function keyWarnings(hyperConverged: KubernetesObject, catalog: Catalog): readonly string[] {
  const read = annotationsReadBy(catalog);
  const { autopilot, disabledResources, openshift } = clusterAnnotation;
  // The last two are what HyperConverged's own asset marks it with.
  const annotations = [autopilot, disabledResources, openshift, ...read, managedByLabel, `${keyPrefix}version`];
  const unknown = unknownKeys(hyperConverged, { annotations }).map(({ message }) => `${message} (on HyperConverged)`);
  const switches = [
    clusterAnnotation.openshift,
    ...[...read].filter((key) => key.startsWith(clusterAnnotation.enablePrefix)),
  ];
  const values = switches.flatMap((key) => {
    const value = hyperConverged.metadata.annotations?.[key];
    if (value === undefined || value === 'true' || value === 'false') return [];
    return [`${key} on HyperConverged is ${JSON.stringify(value)}; only "true" and "false" mean something`];
  });
  return [...unknown, ...values];
}

/** The annotations that any asset's conditions or templates look at. */
function annotationsReadBy({ assets }: Catalog): ReadonlySet<string> {
  const uses = assets.flatMap(({ when, body }) => [...when.flatMap((condition) => condition.uses), ...body.uses]);
  return new Set(
    uses.flatMap((use) => {
      const [, call, name = ''] = /^(enabled|annotation)\('(.*)'\)$/.exec(use) ?? [];
      if (call === 'enabled') return [`${clusterAnnotation.enablePrefix}${name}`];
      if (call === 'annotation') return [`${keyPrefix}${name}`];
      return use.startsWith('annotations.') ? [use.slice('annotations.'.length)] : [];
    }),
  );
}

/** Exclusions that can't be read, or match nothing; notes beside them that can't be. */
export function exclusionWarnings(
  exclusions: readonly ExclusionRule[] | Invalid,
  items: readonly PlanItem[],
): readonly string[] {
  if (isInvalid(exclusions))
    return [`${exclusions.annotation} on HyperConverged: ${exclusions.message}; nothing is changed until it is fixed`];
  const kinds = new Set(items.map(({ target }) => target.kind));
  const misnoted = exclusions.flatMap((rule) =>
    (rule.note?.mistakes ?? []).map(
      ({ message }) =>
        `${clusterAnnotation.disabledResources}: the rule ${describeRule(rule)} counts, but its ${message}`,
    ),
  );
  const idle = exclusions
    .filter((rule) => !items.some(({ target }) => excludes(rule, target)))
    .map((rule) => {
      const nearest = kinds.has(rule.kind) ? undefined : nearestName(rule.kind, kinds);
      const hint = nearest === undefined ? '' : `; did you mean the kind ${nearest}?`;
      return `${clusterAnnotation.disabledResources}: the rule ${describeRule(rule)} matches nothing in the catalog${hint}`;
    });
  return [...misnoted, ...idle];
}
