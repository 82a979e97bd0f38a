import { usualNamespaces } from '../api/names.ts';
import type { Asset, RenderContext } from './asset.ts';
import { buildAsset, shippedFilesOf } from './build-catalog.ts';
import type { CompiledAsset, CompiledCatalog } from './compiled-catalog.ts';
import { RenderError } from './render-error.ts';
import { inputsOf, type Prerendered } from './template.ts';

/**
 * Renders every body with what most clusters have in common, and keeps the result beside its template with all the values
 * that it was made of: where they are the same again, nothing is left to render. What comes out is the same with and
 * without it.
 */
export function prerender(catalog: CompiledCatalog): CompiledCatalog {
  const shippedFile = shippedFilesOf(catalog);
  const assets = catalog.assets.map((asset): CompiledAsset => {
    const built = buildAsset(asset, shippedFile);
    const prerendered = new Map<string, Prerendered>();
    for (const cluster of usualClusters) {
      const one = rendered(asset, built, { ...cluster, params: asset.params, objects: nothingRead(built) });
      if (one !== undefined) prerendered.set(JSON.stringify(one.inputs), one);
    }
    return { ...asset, body: { ...asset.body, prerendered: [...prerendered.values()] } };
  });
  return { ...catalog, assets };
}

function rendered({ body: template }: CompiledAsset, { body }: Asset, context: RenderContext): Prerendered | undefined {
  try {
    const value = body.render(context);
    return { inputs: inputsOf(template, context), ...(value !== undefined && { body: JSON.stringify(value) }) };
  } catch (error) {
    // One that needs what these clusters don't have.
    if (error instanceof RenderError) return undefined;
    throw error;
  }
}

function nothingRead({ reads }: Asset): RenderContext['objects'] {
  return Object.fromEntries(Object.entries(reads).map(([alias, { read }]) => [alias, read === 'list' ? [] : null]));
}

/** A HyperConverged without settings where each distribution has it. */
const usualClusters = [
  { namespace: usualNamespaces.openshift, isOpenShift: true },
  { namespace: usualNamespaces.kubernetes, isOpenShift: false },
].map(({ namespace, isOpenShift }) => ({
  hyperConverged: {
    apiVersion: 'hco.kubevirt.io/v1',
    namespace,
    name: 'kubevirt-hyperconverged',
    metadata: { name: 'kubevirt-hyperconverged', namespace, annotations: {} },
    spec: {},
  },
  annotations: {},
  featureGates: {},
  hardware: {
    pciDevicesPresent: false,
    gpuPresent: false,
    vfioCapable: false,
    usbDevicesPresent: false,
    numaNodesPresent: false,
  },
  topology: {
    isOpenShift,
    isHCP: false,
    isCompact: false,
    hasSchedulableMasters: false,
    controlPlaneTopology: isOpenShift ? 'HighlyAvailable' : '',
    cloudProvider: isOpenShift ? 'BareMetal' : '',
    isAWS: false,
    isAzure: false,
    isGCP: false,
    isBareMetal: isOpenShift,
    isVSphere: false,
    isOpenStack: false,
    masterCount: 3,
    workerCount: 3,
    totalNodeCount: 6,
  },
  images: {},
}));
