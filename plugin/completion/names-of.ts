import { describeFeatures } from '../../shared/catalog/describe-features.ts';
import { kubeconfigNames } from '../../shared/kube/kubeconfig.ts';
import type { Arguments } from '../arguments.ts';
import type { NameOf } from '../command.ts';
import type { Environment } from '../environment.ts';
import { factNames } from '../input/forced-facts.ts';
import { switchesOfAsset } from '../writing/switches-of.ts';
import { type Candidate, type Candidates, directive, fitting } from './candidate.ts';
import { type CatalogItems, catalogItems } from './catalog-items.ts';
import { namesOfKind, objectNames } from './object-names.ts';
import { hyperConvergedNamespaces, onCluster } from './on-cluster.ts';
import { pointersOf } from './pointers-of.ts';

/** The names of something, as far as they fit what is typed. Only what a cluster alone knows is asked of one. */
export async function namesOf(
  of: NameOf,
  typed: string,
  given: Arguments,
  environment: Environment,
): Promise<Candidates> {
  switch (of) {
    case 'item':
    case 'asset':
    case 'target': {
      const found = await catalogItems(given, environment);
      const items = of === 'item' ? found.items : found.items.filter(({ type }) => type === 'asset');
      return fitting([...objectNames(items, typed), ...(of === 'target' ? [] : groupNames(found))], typed);
    }
    case 'switch':
      return fitting(switchNames(await catalogItems(given, environment)), typed);
    case 'kind': {
      const { items } = await catalogItems(given, environment);
      return fitting(
        items.map(({ target }) => ({ text: target.kind })),
        typed,
      );
    }
    case 'name': {
      const { items } = await catalogItems(given, environment);
      return fitting(namesOfKind(given.text('kind') ?? '', items), typed);
    }
    case 'pointer':
      return await pointersOf(typed, given, environment);
    case 'fact':
      return withoutSpace(
        fitting(
          ['images.', ...factNames().map((name) => `${name}=`)].map((text) => ({ text })),
          typed,
        ),
      );
    case 'namespace': {
      const { items } = await catalogItems(given, environment);
      const known = items.flatMap(({ target: { namespace } }) => namespace ?? []);
      const live = (await onCluster(given, environment, hyperConvergedNamespaces)) ?? [];
      return fitting(
        [...live, ...known].map((text) => ({ text })),
        typed,
      );
    }
    case 'context':
    case 'cluster':
    case 'user': {
      const names = kubeconfigNames({ env: environment.variables, kubeconfig: given.text('kubeconfig') });
      return fitting(
        names[of].map((text) => ({ text })),
        typed,
      );
    }
    default:
      return fitting(
        of.map((text) => ({ text })),
        typed,
      );
  }
}

/** Features, and the groups that can be activated by name. */
function groupNames({ catalog, items }: CatalogItems): readonly Candidate[] {
  const groups = items.flatMap(({ group }) => group ?? []);
  return [
    ...groups.map((text) => ({ text, description: 'a group' })),
    ...catalog.features.map(({ name, title }) => ({ text: name, description: title })),
  ];
}

/** What `enable` takes: the features and opt-ins that there are, by their names. */
function switchNames({ catalog }: CatalogItems): readonly Candidate[] {
  const byName = new Map(catalog.assets.map((asset) => [asset.name, asset]));
  const features = describeFeatures(catalog).flatMap(({ name, title, assets }) => {
    const switches = assets.flatMap((asset) => {
      const found = byName.get(asset);
      return found === undefined ? [] : switchesOfAsset(found);
    });
    return switches.length === 0 ? [] : [name, ...switches].map((text) => ({ text, description: title }));
  });
  return features;
}

function withoutSpace(found: Candidates): Candidates {
  return { ...found, directive: found.directive + directive.noSpace };
}
