import type { Catalog } from '../../shared/catalog/asset.ts';
import { catalogOf } from '../helpers/engine.ts';

/** As many ConfigMaps, each with a condition and a template of some size. */
export function syntheticCatalog(size: number): Catalog {
  const asset = (name: string) =>
    `format: 1
when: ['topology.totalNodeCount >= 0']
target: {apiVersion: v1, kind: ConfigMap, namespace: openshift-cnv, name: ${name}}
---
data:
  namespace: {{hyperConverged.namespace}}
  text: ${'x'.repeat(500)}
`;
  return catalogOf(Object.fromEntries(syntheticNames(size).map((name) => [`${name}.yaml.hbs`, asset(name)])));
}

export function syntheticNames(size: number): readonly string[] {
  return Array.from({ length: size }, (_, index) => `synthetic-${size}-${index}`);
}
