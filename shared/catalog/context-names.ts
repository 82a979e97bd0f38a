import type { HardwareFacts, HyperConvergedFacts, RenderContext, TopologyFacts } from './asset.ts';

/** What templates and conditions may name, so that a misspelt fact is a mistake of the catalog and not of a cluster. */
export const contextNames = {
  context: namesOf<keyof RenderContext>({
    hyperConverged: true,
    annotations: true,
    featureGates: true,
    hardware: true,
    topology: true,
    images: true,
    params: true,
    objects: true,
  }),
  hyperConverged: namesOf<keyof HyperConvergedFacts>({
    apiVersion: true,
    namespace: true,
    name: true,
    metadata: true,
    spec: true,
  }),
  hardware: namesOf<keyof HardwareFacts>({
    pciDevicesPresent: true,
    gpuPresent: true,
    vfioCapable: true,
    usbDevicesPresent: true,
    numaNodesPresent: true,
  }),
  topology: namesOf<keyof TopologyFacts>({
    isOpenShift: true,
    isHCP: true,
    isCompact: true,
    hasSchedulableMasters: true,
    controlPlaneTopology: true,
    cloudProvider: true,
    isAWS: true,
    isAzure: true,
    isGCP: true,
    isBareMetal: true,
    isVSphere: true,
    isOpenStack: true,
    masterCount: true,
    workerCount: true,
    totalNodeCount: true,
  }),
} as const;

/** A record, so that the compiler finds a name that is missing here. */
function namesOf<Name extends string>(names: Record<Name, true>): ReadonlySet<string> {
  return new Set(Object.keys(names));
}

/** What is declared in one asset file. */
export type Declared = { readonly params: ReadonlySet<string>; readonly reads: ReadonlySet<string> };

/**
 * Why a static path can't be right, or undefined. What is below the first two names is known only on a cluster.
 *
 * @param path for example `['topology', 'isAWS']`
 */
export function mistakeInPath(path: readonly string[], { params, reads }: Declared): string | undefined {
  const [root, name] = path;
  if (root === undefined) return "The whole context can't be used: name what is needed of it";
  if (!contextNames.context.has(root)) return `There is no ${root}; there are ${list(contextNames.context)}`;
  if (name === undefined) return undefined;
  switch (root) {
    case 'hyperConverged':
    case 'hardware':
    case 'topology':
      return contextNames[root].has(name)
        ? undefined
        : `There is no ${root}.${name}; ${root} has ${list(contextNames[root])}`;
    case 'params':
      return params.has(name) ? undefined : `params.${name} isn't among the asset's params${known(params)}`;
    case 'objects':
      return reads.has(name) ? undefined : `objects.${name} isn't among the asset's reads${known(reads)}`;
    default:
      return undefined;
  }
}

function known(names: ReadonlySet<string>): string {
  return names.size === 0 ? ', which has none' : ` (${list(names)})`;
}

function list(names: ReadonlySet<string>): string {
  return [...names].sort().join(', ');
}
