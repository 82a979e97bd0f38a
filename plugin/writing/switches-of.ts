import { clusterAnnotation } from '../../shared/api/annotations.ts';
import type { Asset, Catalog } from '../../shared/catalog/asset.ts';
import { conditionWords } from '../../shared/catalog/describe-features.ts';
import { didYouMean } from '../did-you-mean.ts';
import { UserError } from '../user-error.ts';

/**
 * The names of the opt-ins (`enable-NAME`) that a word stands for: such a name, or a feature or asset that has some.
 *
 * @throws UserError for a word that stands for none, with what switches it instead, or the nearest names.
 */
export function switchesOf(word: string, { features, assets }: Catalog): readonly string[] {
  const all = new Set(assets.flatMap(switchesOfAsset));
  const name = word.startsWith(clusterAnnotation.enablePrefix)
    ? word.slice(clusterAnnotation.enablePrefix.length)
    : word;
  if (all.has(name)) return [name];
  const meant = assets.filter((asset) => asset.name === word || asset.features.includes(word));
  const found = [...new Set(meant.flatMap(switchesOfAsset))];
  if (found.length > 0) return found;
  if (meant.length > 0) {
    const gates = meant.flatMap(conditionsOf).filter((condition) => condition.startsWith('featureGate:'));
    throw new UserError(
      gates.length > 0
        ? `"${word}" follows the feature gate ${[...new Set(gates)].map((gate) => gate.slice('featureGate:'.length)).join(', ')} of HyperConverged, and has no opt-in of its own: set it there`
        : `"${word}" has no opt-in: it is there wherever the autopilot is active and the cluster fits; "exclude" leaves an object out`,
    );
  }
  const names = [...all, ...features.map((feature) => feature.name), ...assets.map((asset) => asset.name)];
  throw new UserError(`there is no feature "${word}": ${didYouMean(word, names) || '"features" lists them'}`);
}

/** The opt-ins that an asset needs. */
export function switchesOfAsset(asset: Asset): readonly string[] {
  const { enablePrefix } = clusterAnnotation;
  return conditionsOf(asset)
    .filter((condition) => condition.startsWith(enablePrefix) && condition.endsWith('=true'))
    .map((condition) => condition.slice(enablePrefix.length, -'=true'.length));
}

function conditionsOf({ when }: Asset): readonly string[] {
  return when.flatMap(({ expression }) => conditionWords(expression));
}
