import { clusterAnnotation } from '../api/annotations.ts';
import { keyPrefix } from '../api/names.ts';
import type { Asset, Catalog, Feature } from './asset.ts';
import { compareCodeUnits } from './json.ts';

/** A feature as people see it: what features.yaml says, and what follows from its assets. */
export type DescribedFeature = Omit<Feature, 'maturity'> & {
  /** What features.yaml says; without it `ga` if every asset is always installed, else `dp`. */
  readonly maturity: 'ga' | 'tp' | 'dp';
  /** `opt-in` if any of its assets is. */
  readonly install: Asset['install'];
  /** What switches it on, in {@link activationOf}'s words; null where nothing needs to. */
  readonly optIn: string | null;
  /** Names of its assets, in the catalog's order. */
  readonly assets: readonly string[];
};

/** The features of a catalog, the most mature first and then by title: for tables, and for machines. */
export function describeFeatures({ features, assets }: Catalog): readonly DescribedFeature[] {
  return features
    .map((feature): DescribedFeature => {
      const own = assets.filter(({ features: names }) => names.includes(feature.name));
      const isOptIn = own.some(({ install }) => install === 'opt-in');
      return {
        ...feature,
        maturity: feature.maturity ?? (isOptIn ? 'dp' : 'ga'),
        install: isOptIn ? 'opt-in' : 'always',
        optIn: activationOf(own),
        assets: own.map(({ name }) => name),
      };
    })
    .sort(
      (a, b) => maturities.indexOf(a.maturity) - maturities.indexOf(b.maturity) || compareCodeUnits(a.title, b.title),
    );
}

const maturities = ['ga', 'tp', 'dp'];

/**
 * What somebody has to set: the distinct conditions of assets in the order in which they are first met, without those
 * that the cluster itself answers (topology, hardware, images, what exists).
 */
export function activationOf(assets: readonly Asset[]): string | null {
  const conditions = assets
    .flatMap(({ when }) => when.map(({ expression }) => conditionWords(expression)))
    .filter((words) => !words.every((word) => answeredByCluster.test(word)));
  // Where either of two switches is enough, the other one is the other feature's.
  const required = new Set(conditions.flatMap((words) => (words.length === 1 ? words : [])));
  const said = conditions.filter((words) => words.length === 1 || !words.some((word) => required.has(word)));
  return [...new Set(said.map((words) => words.join(' or ')))].join(', ') || null;
}

const answeredByCluster = /^(topology|hardware|image|exists):/;

/**
 * A condition in short, as its alternatives: `KEY=VALUE` of an annotation, `featureGate:NAME`, `hcoUnconfigured:PATH`,
 * `hardware:FACT`, `image:NAME`, `topology:FACT`, `exists:READ`. One that is put in another way stays the expression
 * that it is.
 */
export function conditionWords(expression: string): readonly string[] {
  const alternatives = expression.split(' || ').map((part) => part.trim());
  const words = alternatives.map(wordsOf);
  return words.every((word) => word !== undefined) ? words : [expression];
}

function wordsOf(expression: string): string | undefined {
  for (const [pattern, words] of forms) {
    const found = pattern.exec(expression);
    if (found !== null) return words(...(found.slice(1) as [string, string, string]));
  }
  return undefined;
}

const forms: readonly (readonly [RegExp, (name: string, value: string, more: string) => string])[] = [
  [/^enabled\('([\w-]+)'\)$/, (name) => `${clusterAnnotation.enablePrefix}${name}=true`],
  [/^!enabled\('([\w-]+)'\)$/, (name) => `${clusterAnnotation.enablePrefix}${name}!=true`],
  [/^annotation\('([\w-]+)'\) == '([^']*)'$/, (name, value) => `${keyPrefix}${name}=${value}`],
  [/^'(\w+)' in featureGates$/, (name) => `featureGate:${name}`],
  [/^!configured\('([\w.]+)'\)$/, (path) => `hcoUnconfigured:${path}`],
  [
    /^setting\('([\w.]+)'\) ([!=]=) (true|false|\d+)$/,
    (path, operator, value) => `hco:${path}${operator === '!=' ? '!=' : '='}${value}`,
  ],
  [/^'([\w-]+)' in images$/, (name) => `image:${name}`],
  [/^hardware\.(\w+)$/, (name) => `hardware:${name}`],
  [/^objects\.(\w+) != null$/, (name) => `exists:${name}`],
  [/^topology\.(\w+)$/, (name) => `topology:${name}`],
  [/^!topology\.(\w+)$/, (name) => `topology:${name}=false`],
  [/^topology\.(\w+) == '?([\w-]+)'?$/, (name, value) => `topology:${name}=${value}`],
];
