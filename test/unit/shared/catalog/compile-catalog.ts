import path from 'node:path';
import test from 'ava';
import type { Asset, Catalog } from '../../../../shared/catalog/asset.ts';
import { buildCatalog } from '../../../../shared/catalog/build-catalog.ts';
import { compileCatalog } from '../../../../shared/catalog/compile-catalog.ts';
import { loadCatalog } from '../../../../shared/catalog/load-catalog.ts';
import { prerender } from '../../../../shared/catalog/prerender.ts';
import { readCatalogFiles } from '../../../../shared/catalog/read-catalog-files.ts';
import { plan } from '../../../../shared/engine/plan.ts';
import { snapshotFromObjects } from '../../../../shared/engine/snapshot-from-objects.ts';
import { contextOf, type Facts } from '../../assets/_assets.ts';
import { definitions, goldenClusters } from '../../assets/_golden-clusters.ts';

const files = await readCatalogFiles(path.resolve(import.meta.dirname, '../../../../assets'));
const loaded = loadCatalog(files);
const compiled = prerender(compileCatalog(files));
/** As a package has it. */
const carried = buildCatalog(JSON.parse(JSON.stringify(compiled)));

test('a compiled catalog is plain JSON', (t) => {
  t.deepEqual(JSON.parse(JSON.stringify(compiled)), compiled);
});

test('a compiled catalog says of its assets what the loaded one says', (t) => {
  const said = ({ assets, ...rest }: Catalog) => ({ ...rest, assets: assets.map(saidOf) });
  t.deepEqual(said(carried), said(loaded));
  t.true(carried.assets.length > 50);
});

for (const [name, { objects }] of Object.entries(goldenClusters)) {
  test(`${name} gets the same decisions and manifests, byte by byte, from a compiled catalog`, (t) => {
    const images = { 'kubevirt-metrics-exporter': 'registry.example/kubevirt-metrics-exporter:v1' };
    const [ours, theirs] = [carried, loaded].map((catalog) =>
      JSON.stringify(plan(catalog, snapshotFromObjects([...definitions, ...objects], { images })), undefined, 1),
    );
    t.is(ours, theirs);
  });
}

test('every asset renders to the same bytes, or fails with the same message, whatever its conditions say', (t) => {
  const situations: Facts[] = [
    {},
    { topology: { isOpenShift: false, isHCP: true, workerCount: 0 }, namespace: 'elsewhere' },
    { hardware: { pciDevicesPresent: true, gpuPresent: true }, images: { 'kubevirt-metrics-exporter': 'r.example/x' } },
  ];
  for (const [index, asset] of loaded.assets.entries()) {
    for (const facts of situations) {
      t.is(rendered(carried.assets[index], facts), rendered(asset, facts), asset.name);
    }
  }
});

function saidOf({ when, readyWhen, target, reads, body, ...plain }: Asset) {
  return {
    ...plain,
    when: when.map(({ expression, uses }) => ({ expression, uses })),
    readyWhen: readyWhen?.expression,
    target: { ...target, name: target.name.uses, namespace: target.namespace?.uses },
    reads: Object.entries(reads).map(([alias, { namespace, ...read }]) => [
      alias,
      { ...read, namespace: namespace?.uses, name: 'name' in read ? read.name.uses : undefined },
    ]),
    body: body.uses,
  };
}

function rendered(asset: Asset | undefined, facts: Facts): string {
  if (asset === undefined) return 'There is no such asset.';
  const context = contextOf(asset, facts);
  try {
    const { name, namespace } = asset.target;
    return JSON.stringify([name.render(context), namespace?.render(context), asset.body.render(context)]);
  } catch (error) {
    return String(error);
  }
}
