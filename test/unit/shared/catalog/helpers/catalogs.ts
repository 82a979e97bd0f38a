import type { Asset, Catalog, RenderContext } from '../../../../../shared/catalog/asset.ts';
import { CatalogError } from '../../../../../shared/catalog/catalog-error.ts';
import { loadCatalog } from '../../../../../shared/catalog/load-catalog.ts';
import type { CatalogFile } from '../../../../../shared/catalog/read-catalog-files.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

export function catalogFiles(files: Files): CatalogFile[] {
  return Object.entries(files).map(([path, content]) => ({
    path,
    content: typeof content === 'string' ? new TextEncoder().encode(content) : content,
  }));
}

export function catalogOf(files: Files): Catalog {
  return loadCatalog(catalogFiles(files));
}

/** `file:line: message` of everything that is wrong with a catalog. */
export function mistakesIn(files: Files): string[] {
  try {
    catalogOf(files);
    return [];
  } catch (error) {
    if (error instanceof CatalogError) return error.message.split('\n');
    throw error;
  }
}

/** The front matter of a ConfigMap; more lines may be put in before the target. Its own lines are 1 to 6. */
export function front(...more: string[]): string {
  return [
    ...more,
    'format: 1',
    'target:',
    '  apiVersion: v1',
    '  kind: ConfigMap',
    '  namespace: ns',
    '  name: x',
  ].join('\n');
}

export function assetFile(body: string, ...more: string[]): string {
  return `${front(...more)}\n---\n${body}`;
}

/** One asset with this body, which reads all of `objects.it`. */
export function assetWith(body: string, files: Files = {}): Asset {
  const reads = body.includes('objects.it')
    ? ['reads:', '  it: {apiVersion: v1, kind: ConfigMap, namespace: a, name: b}']
    : [];
  const params = body.includes('params.role') ? ['params: {role: worker}'] : [];
  const { assets } = catalogOf({ 'area/it.yaml.hbs': assetFile(body, ...reads, ...params), ...files });
  return assets[0] as Asset;
}

export function render(body: string, more: Partial<RenderContext> = {}, files: Files = {}): unknown {
  return assetWith(body, files).body.render(context(more));
}

export function context(more: Partial<RenderContext> = {}): RenderContext {
  return {
    hyperConverged: {
      apiVersion: 'hco.kubevirt.io/v1',
      namespace: 'openshift-cnv',
      name: 'kubevirt-hyperconverged',
      metadata: { name: 'kubevirt-hyperconverged', namespace: 'openshift-cnv' },
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
      isOpenShift: true,
      isHCP: false,
      isCompact: false,
      hasSchedulableMasters: false,
      controlPlaneTopology: 'HighlyAvailable',
      cloudProvider: 'AWS',
      isAWS: true,
      isAzure: false,
      isGCP: false,
      isBareMetal: false,
      isVSphere: false,
      isOpenStack: false,
      masterCount: 3,
      workerCount: 2,
      totalNodeCount: 5,
    },
    images: {},
    params: { role: 'worker' },
    objects: {},
    ...more,
  };
}
