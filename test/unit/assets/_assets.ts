import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import type { Asset, RenderContext } from '../../../shared/catalog/asset.ts';
import { loadCatalog } from '../../../shared/catalog/load-catalog.ts';
import { readCatalogFiles } from '../../../shared/catalog/read-catalog-files.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** The catalog that is shipped. */
export const catalog = loadCatalog(await readCatalogFiles(path.join(root, 'assets')));

export function assetNamed(name: string): Asset {
  const asset = catalog.assets.find((candidate) => candidate.name === name);
  if (asset === undefined) throw new Error(`There is no asset ${name}.`);
  return asset;
}

export type Facts = {
  annotations?: Record<string, string>;
  hardware?: Partial<RenderContext['hardware']>;
  topology?: Partial<RenderContext['topology']>;
  featureGates?: readonly string[];
  images?: Record<string, string>;
  spec?: Record<string, unknown>;
  namespace?: string;
  objects?: Record<string, unknown>;
};

/** What an asset sees: no more than is given, and what it reads is absent otherwise. */
export function contextOf(asset: Asset, facts: Facts = {}): RenderContext {
  const { annotations = {}, namespace = 'openshift-cnv', spec = {} } = facts;
  const unread = Object.entries(asset.reads).map(([alias, { read }]) => [alias, read === 'list' ? [] : null]);
  return {
    hyperConverged: {
      apiVersion: 'hco.kubevirt.io/v1',
      namespace,
      name: 'kubevirt-hyperconverged',
      metadata: { name: 'kubevirt-hyperconverged', namespace, annotations },
      spec,
    },
    annotations,
    featureGates: Object.fromEntries((facts.featureGates ?? []).map((gate) => [gate, true])),
    hardware: {
      pciDevicesPresent: false,
      gpuPresent: false,
      vfioCapable: false,
      usbDevicesPresent: false,
      numaNodesPresent: false,
      ...facts.hardware,
    },
    topology: {
      isOpenShift: true,
      isHCP: false,
      isCompact: false,
      hasSchedulableMasters: false,
      controlPlaneTopology: 'HighlyAvailable',
      cloudProvider: 'BareMetal',
      isAWS: false,
      isAzure: false,
      isGCP: false,
      isBareMetal: true,
      isVSphere: false,
      isOpenStack: false,
      masterCount: 3,
      workerCount: 2,
      totalNodeCount: 5,
      ...facts.topology,
    },
    images: facts.images ?? {},
    params: asset.params,
    objects: { ...Object.fromEntries(unread), ...facts.objects },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
export type Body = any;

/** What the asset renders to, whatever its conditions say. */
export function bodyOf(name: string, facts?: Facts): Body {
  const asset = assetNamed(name);
  return asset.body.render(contextOf(asset, facts));
}

/** The conditions that don't hold, as they are written. */
export function unmetConditions(name: string, facts?: Facts): string[] {
  const asset = assetNamed(name);
  return asset.when
    .filter((condition) => {
      const result = condition.evaluate(contextOf(asset, facts));
      if (result.result === 'error') throw new Error(`${condition.expression}: ${result.message}`);
      return result.result === 'unmet';
    })
    .map(({ expression }) => expression);
}

/** A definition of test/crds, by its path there. */
export async function crd(file: string): Promise<Body> {
  return parse(await readFile(path.join(root, 'test/crds', file), 'utf8'));
}
